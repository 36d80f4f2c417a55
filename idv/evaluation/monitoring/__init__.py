"""Live traffic held against what was measured: shadow points, labels from life, drift."""
