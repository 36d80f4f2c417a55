"""Labels from life, the state of sequential tests, and events that belong to no verification."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make two tables; let an event stand alone."""
    op.create_table(
        "labels",
        sa.Column("verification_id", sa.String(length=200), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("truth", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=40), nullable=False),
        sa.Column("known_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("sealed_by", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["verification_id"], ["verifications.id"], name="fk_labels_verification_id"),
        sa.PrimaryKeyConstraint("verification_id", "position", name="pk_labels"),
    )
    op.create_table(
        "monitors",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_monitors"),
    )
    # SQLite cannot alter a column: Alembic copies the table there.
    with op.batch_alter_table("events") as events:
        events.alter_column("verification_id", existing_type=sa.String(length=200), nullable=True)


def downgrade() -> None:
    """Drop what was added; alerts go."""
    op.execute("DELETE FROM events WHERE verification_id IS NULL")
    with op.batch_alter_table("events") as events:
        events.alter_column("verification_id", existing_type=sa.String(length=200), nullable=False)
    op.drop_table("monitors")
    op.drop_table("labels")
