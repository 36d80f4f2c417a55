"""The port `KeyStore` over a database; issuing, rotating and revoking leave audit entries."""

import datetime as dt
import os
from collections.abc import Sequence

import sqlalchemy as sa

from idv.domain.errors import Conflict, NotFound, RequestError, Unauthenticated
from idv.domain.ports import Clock
from idv.domain.stores import ApiKey, Scope
from idv.infra.storage.audit import SqlAuditLog
from idv.infra.storage.database import Database
from idv.infra.storage.keyring import Entropy
from idv.infra.storage.secrets import hashed, key_id_of, matches, new_secret
from idv.infra.storage.tables import api_keys

_LONGEST_TENANT = 200


class SqlKeyStore:
    """API keys over a database."""

    def __init__(
        self, database: Database, *, audit: SqlAuditLog, clock: Clock, entropy: Entropy = os.urandom
    ) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._entropy = entropy

    def issue(
        self, tenant: str, scopes: frozenset[Scope], *, expires_at: dt.datetime | None
    ) -> tuple[ApiKey, str]:
        """Make a key. Raises RequestError without a usable tenant name or scope."""
        check_issuable(tenant, scopes)
        secret = new_secret(self._entropy)
        key = ApiKey(secret.key_id, tenant, scopes, created_at=self._clock.now(), expires_at=expires_at)
        with self._database.writing() as connection:
            _insert(connection, key, secret.text)
            self._audit.append_in(connection, "key.issued", audit_body(key))
        return key, secret.text

    def authenticate(self, secret: str) -> ApiKey:
        """The live key behind a secret. Raises Unauthenticated."""
        key_id = key_id_of(secret)
        with self._database.reading() as connection:
            row = None if key_id is None else _row(connection, key_id)
        if not matches(secret, None if row is None else row.secret_sha256) or row is None:
            raise Unauthenticated("key_invalid", "The API key is not known.")
        key = _key(row)
        require_live(key, self._clock.now())
        return key

    def rotate(self, key_id: str, *, grace_s: float) -> tuple[ApiKey, str]:
        """A successor with the same tenant, scopes and length of life.

        Raises NotFound, or Conflict `key_not_live` for a key that already ended.
        """
        secret = new_secret(self._entropy)
        with self._database.writing() as connection:
            old = _key(_require(connection, key_id))
            new = successor(old, secret.key_id, now=self._clock.now())
            ends = end_of_grace(old, grace_s=grace_s, now=self._clock.now())
            connection.execute(api_keys.update().where(api_keys.c.id == key_id).values(expires_at=ends))
            _insert(connection, new, secret.text)
            self._audit.append_in(connection, "key.rotated", {**audit_body(new), "predecessor": key_id})
        return new, secret.text

    def revoke(self, key_id: str) -> None:
        """End a key now; ending it again changes nothing. Raises NotFound."""
        with self._database.writing() as connection:
            key = _key(_require(connection, key_id))
            if key.revoked_at is not None:
                return
            now = self._clock.now()
            connection.execute(api_keys.update().where(api_keys.c.id == key_id).values(revoked_at=now))
            self._audit.append_in(connection, "key.revoked", audit_body(key))

    def list(self, tenant: str | None = None) -> Sequence[ApiKey]:
        """All keys, or one tenant's, oldest first."""
        statement = sa.select(api_keys).order_by(api_keys.c.created_at, api_keys.c.id)
        if tenant is not None:
            statement = statement.where(api_keys.c.tenant == tenant)
        with self._database.reading() as connection:
            return [_key(row) for row in connection.execute(statement)]


def check_issuable(tenant: str, scopes: frozenset[Scope]) -> None:
    """Raises RequestError when a key for this tenant and these scopes would make no sense."""
    if not tenant.strip() or len(tenant) > _LONGEST_TENANT or not tenant.isprintable():
        raise RequestError("tenant_invalid", "A tenant needs a printable name.", field="tenant")
    if not scopes:
        raise RequestError("scopes_empty", "A key needs at least one scope.", field="scopes")


def require_live(key: ApiKey, now: dt.datetime) -> None:
    """Raises Unauthenticated for a key that was revoked or has expired; its holder may know which."""
    if key.revoked_at is not None and key.revoked_at <= now:
        raise Unauthenticated("key_revoked", "The API key was revoked.")
    if key.expires_at is not None and key.expires_at <= now:
        raise Unauthenticated("key_expired", "The API key has expired.")


def successor(old: ApiKey, key_id: str, *, now: dt.datetime) -> ApiKey:
    """The key that follows a live one. Raises Conflict `key_not_live`."""
    try:
        require_live(old, now)
    except Unauthenticated:
        raise Conflict("key_not_live", "A key that has ended cannot be rotated.") from None
    expires_at = None if old.expires_at is None else now + (old.expires_at - old.created_at)
    return ApiKey(key_id, old.tenant, old.scopes, created_at=now, expires_at=expires_at)


def end_of_grace(old: ApiKey, *, grace_s: float, now: dt.datetime) -> dt.datetime:
    """When a rotated key ends: after the grace, never later than it would have anyway."""
    ends = now + dt.timedelta(seconds=grace_s)
    return ends if old.expires_at is None else min(ends, old.expires_at)


def audit_body(key: ApiKey) -> dict[str, str]:
    """What the audit log keeps of a key: all of it is public."""
    return {
        "key": key.id,
        "tenant": key.tenant,
        "scopes": ",".join(sorted(scope.value for scope in key.scopes)),
        "expires_at": "" if key.expires_at is None else key.expires_at.isoformat(),
    }


def _insert(connection: sa.Connection, key: ApiKey, secret: str) -> None:
    connection.execute(
        api_keys.insert().values(
            id=key.id,
            tenant=key.tenant,
            secret_sha256=hashed(secret),
            scopes=sorted(scope.value for scope in key.scopes),
            created_at=key.created_at,
            expires_at=key.expires_at,
        )
    )


def _row(connection: sa.Connection, key_id: str) -> sa.Row[tuple[object, ...]] | None:
    return connection.execute(sa.select(api_keys).where(api_keys.c.id == key_id)).first()


def _require(connection: sa.Connection, key_id: str) -> sa.Row[tuple[object, ...]]:
    statement = sa.select(api_keys).where(api_keys.c.id == key_id).with_for_update()
    row = connection.execute(statement).first()
    if row is None:
        raise NotFound("key_not_found", "There is no such key.")
    return row


def _key(row: sa.Row[tuple[object, ...]]) -> ApiKey:
    return ApiKey(
        id=row.id,
        tenant=row.tenant,
        scopes=frozenset(Scope(scope) for scope in row.scopes),
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
