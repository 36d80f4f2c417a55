"""Everything that remembers, over SQLAlchemy: rows, encrypted vault, audit chain, keys, outbox."""
