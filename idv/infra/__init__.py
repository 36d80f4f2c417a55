"""Everything outside the process, each behind a port of `idv.domain`."""
