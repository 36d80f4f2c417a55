"""The life of a verification: run checks, decide by a pure policy, store the step. No I/O of its own."""
