"""The tables. Personal data stands only in columns named `sealed…`; references are keyed hashes."""

import datetime as dt

import sqlalchemy as sa
from sqlalchemy.types import TypeDecorator

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


class Instant(TypeDecorator[dt.datetime]):
    """A point in time as whole microseconds since 1970 UTC: exact, sortable, the same in every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> int | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Refuses a naive time: it would silently mean the zone of the machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time needs a time zone")
        return (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> dt.datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """Timezone-aware UTC."""
        return None if value is None else _EPOCH + value * _MICROSECOND


metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

identity = sa.Table(
    "identity",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("value", sa.String(64), nullable=False),
)
"""Which key ring this database belongs to: a wrong ring is refused at start, not at the first decryption.

And under `KEK`, which of its key-encryption keys new data keys are wrapped with, in every process alike.
"""

KEK = "kek"

subjects = sa.Table(
    "subjects",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("tenant", sa.String(200), nullable=False),
    sa.Column("applicant_hash", sa.String(64), nullable=True),
    sa.Column("kek_id", sa.String(40), nullable=False),
    sa.Column("wrapped_key", sa.LargeBinary, nullable=False),
    sa.Column("sealed_ref", sa.LargeBinary, nullable=True),
    sa.UniqueConstraint("tenant", "applicant_hash"),
)
"""One data key a subject: an applicant of a tenant, or a single verification that names no applicant."""

verifications = sa.Table(
    "verifications",
    metadata,
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("tenant", sa.String(200), nullable=False),
    sa.Column("subject_id", sa.ForeignKey("subjects.id"), nullable=False, index=True),
    sa.Column("status", sa.String(40), nullable=False),
    sa.Column("decision", sa.String(40), nullable=True),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Index(None, "tenant", "created_at", "id"),
)

results = sa.Table(
    "results",
    metadata,
    sa.Column("verification_id", sa.ForeignKey("verifications.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("body", sa.JSON, nullable=False),
)

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("verification_id", sa.ForeignKey("verifications.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("sealed_note", sa.LargeBinary, nullable=True),
)
"""A reviewer's note is free text about a person, so it is sealed; the rest are codes."""

labels = sa.Table(
    "labels",
    metadata,
    sa.Column("verification_id", sa.ForeignKey("verifications.id"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("truth", sa.String(40), nullable=False),
    sa.Column("source", sa.String(40), nullable=False),
    sa.Column("known_at", Instant, nullable=False),
    sa.Column("recorded_at", Instant, nullable=False),
    sa.Column("sealed_by", sa.LargeBinary, nullable=False),
)
"""What a verification turned out to be; who said so names a person, so it is sealed."""

monitors = sa.Table(
    "monitors",
    metadata,
    sa.Column("name", sa.String(200), primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
)
"""What sequential tests remember between two looks at live traffic: numbers only."""

private_data = sa.Table(
    "private_data",
    metadata,
    sa.Column("verification_id", sa.ForeignKey("verifications.id"), primary_key=True),
    sa.Column("kind", sa.String(80), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("stored_at", Instant, nullable=False),
)

claims = sa.Table(
    "claims",
    metadata,
    sa.Column("key_hash", sa.String(64), primary_key=True),
    sa.Column("fingerprint_hash", sa.String(64), nullable=False),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("instance", sa.String(200), nullable=False),
    sa.Column("lease_until", Instant, nullable=False),
    sa.Column("created_at", Instant, nullable=False, index=True),
    sa.Column("verification_id", sa.ForeignKey("verifications.id"), nullable=True, index=True),
    sa.Column("status", sa.Integer, nullable=True),
    sa.Column("sealed_reply", sa.LargeBinary, nullable=True),
)
"""Idempotency keys: in flight while `sealed_reply` is null, answered afterwards."""

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", sa.String(200), primary_key=True),
    sa.Column("tenant", sa.String(200), nullable=False),
    sa.Column("verification_id", sa.ForeignKey("verifications.id"), nullable=True, index=True),
    sa.Column("type", sa.String(80), nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    sa.Column("created_at", Instant, nullable=False, index=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", Instant, nullable=True, index=True),
    sa.Column("delivered_at", Instant, nullable=True),
    sa.Column("last_failure", sa.String(80), nullable=True),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(200), nullable=False, index=True),
    sa.Column("secret_sha256", sa.String(64), nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=True),
    sa.Column("revoked_at", Instant, nullable=True),
)

audit_entries = sa.Table(
    "audit_entries",
    metadata,
    sa.Column("sequence", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("action", sa.String(80), nullable=False),
    sa.Column("about", sa.String(64), nullable=True, index=True),
    sa.Column("body", sa.JSON, nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
)
"""`about` repeats the entry's keyed hash of a verification, so that it can be looked up."""

audit_head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
)
"""A single row: the end of the chain, locked by whoever appends."""
