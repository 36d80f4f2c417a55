"""Was a live person before the camera, or a print or a screen (passive PAD from one frame)."""
