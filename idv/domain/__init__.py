"""Frozen values, ports and the exception tree; imports the standard library and NumPy only."""
