"""Whether a document could be read and agrees with itself."""
