"""What is kept for tests: designs that nothing is trained on or tuned with."""

HELD_OUT_DESIGNS = frozenset({"xel_residence_permit", "xfi_passport"})
"""Identifiers of the document types no network, calibration or threshold ever saw."""
