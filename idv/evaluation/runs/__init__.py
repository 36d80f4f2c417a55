"""Runs: a candidate over an eval set, journalled and resumable, kept as a score table and its record."""
