"""Logs and metrics; the one place that redacts. Everything may import its logger, it imports nothing."""
