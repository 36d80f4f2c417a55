"""Scores checks on lists of items: knows Check, ports and metrics, nothing else."""
