"""Alembic migrations; run by `idv.infra.storage.migrate`."""
