"""Is the document before the camera a genuine one, or a forged, recaptured or composed one."""
