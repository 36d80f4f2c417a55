"""Draws fictitious documents, their captures and presentations of faces; NumPy and OpenCV only."""
