"""Turns published networks into ONNX, deterministically: the same source always gives the same bytes."""
