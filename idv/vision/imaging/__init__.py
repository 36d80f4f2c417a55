"""Header inspection, bounded decoding, geometry, and the measures of face and document quality."""
