"""Decides whether a person, a document and a capture session are genuine."""

__version__ = "0.1.0"
