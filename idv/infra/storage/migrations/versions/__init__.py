"""One file a step of the schema, oldest first by number."""
