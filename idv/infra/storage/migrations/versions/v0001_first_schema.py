"""The first schema.

Generated with Alembic's autogenerate from `idv.infra.storage.tables`, then cut into functions.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables."""
    _create_instance_tables()
    _create_verification_tables()
    _create_decision_table()
    _create_traffic_tables()


def downgrade() -> None:
    """Drop all tables."""
    op.drop_table("results")
    op.drop_table("private_data")
    op.drop_index("ix_events_verification_id", table_name="events")
    op.drop_index("ix_events_next_attempt_at", table_name="events")
    op.drop_index("ix_events_created_at", table_name="events")
    op.drop_table("events")
    op.drop_table("decisions")
    op.drop_index("ix_claims_verification_id", table_name="claims")
    op.drop_index("ix_claims_created_at", table_name="claims")
    op.drop_table("claims")
    op.drop_index("ix_verifications_tenant_created_at_id", table_name="verifications")
    op.drop_index("ix_verifications_subject_id", table_name="verifications")
    op.drop_table("verifications")
    op.drop_table("subjects")
    op.drop_table("identity")
    op.drop_table("audit_head")
    op.drop_index("ix_audit_entries_about", table_name="audit_entries")
    op.drop_table("audit_entries")
    op.drop_index("ix_api_keys_tenant", table_name="api_keys")
    op.drop_table("api_keys")


def _create_instance_tables() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("secret_sha256", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_api_keys"),
    )
    op.create_index("ix_api_keys_tenant", "api_keys", ["tenant"], unique=False)
    op.create_table(
        "audit_entries",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("action", sa.String(length=80), nullable=False),
        sa.Column("about", sa.String(length=64), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_about", "audit_entries", ["about"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    op.create_table(
        "identity",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_identity"),
    )


def _create_verification_tables() -> None:
    op.create_table(
        "subjects",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("applicant_hash", sa.String(length=64), nullable=True),
        sa.Column("kek_id", sa.String(length=40), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_ref", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_subjects"),
        sa.UniqueConstraint("tenant", "applicant_hash", name="uq_subjects_tenant_applicant_hash"),
    )
    op.create_table(
        "verifications",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("subject_id", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=40), nullable=False),
        sa.Column("decision", sa.String(length=40), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["subject_id"], ["subjects.id"], name="fk_verifications_subject_id"),
        sa.PrimaryKeyConstraint("id", name="pk_verifications"),
    )
    op.create_index("ix_verifications_subject_id", "verifications", ["subject_id"], unique=False)
    op.create_index(
        "ix_verifications_tenant_created_at_id", "verifications", ["tenant", "created_at", "id"], unique=False
    )
    op.create_table(
        "private_data",
        sa.Column("verification_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["verification_id"], ["verifications.id"], name="fk_private_data_verification_id"
        ),
        sa.PrimaryKeyConstraint("verification_id", "kind", name="pk_private_data"),
    )
    op.create_table(
        "results",
        sa.Column("verification_id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["verification_id"], ["verifications.id"], name="fk_results_verification_id"),
        sa.PrimaryKeyConstraint("verification_id", "position", name="pk_results"),
    )


def _create_decision_table() -> None:
    op.create_table(
        "decisions",
        sa.Column("verification_id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("sealed_note", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["verification_id"], ["verifications.id"], name="fk_decisions_verification_id"
        ),
        sa.PrimaryKeyConstraint("verification_id", "position", name="pk_decisions"),
    )


def _create_traffic_tables() -> None:
    op.create_table(
        "claims",
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("fingerprint_hash", sa.String(length=64), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("instance", sa.String(length=200), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("verification_id", sa.String(length=200), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("sealed_reply", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["verification_id"], ["verifications.id"], name="fk_claims_verification_id"),
        sa.PrimaryKeyConstraint("key_hash", name="pk_claims"),
    )
    op.create_index("ix_claims_created_at", "claims", ["created_at"], unique=False)
    op.create_index("ix_claims_verification_id", "claims", ["verification_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("tenant", sa.String(length=200), nullable=False),
        sa.Column("verification_id", sa.String(length=200), nullable=False),
        sa.Column("type", sa.String(length=80), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=True),
        sa.Column("delivered_at", sa.BigInteger(), nullable=True),
        sa.Column("last_failure", sa.String(length=80), nullable=True),
        sa.ForeignKeyConstraint(["verification_id"], ["verifications.id"], name="fk_events_verification_id"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
    )
    op.create_index("ix_events_created_at", "events", ["created_at"], unique=False)
    op.create_index("ix_events_next_attempt_at", "events", ["next_attempt_at"], unique=False)
    op.create_index("ix_events_verification_id", "events", ["verification_id"], unique=False)
