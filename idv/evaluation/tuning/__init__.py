"""Chooses where a check's score is cut, and writes that down as an operating point with its pedigree."""
