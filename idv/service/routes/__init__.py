"""The public routes: one file a resource; each route says what it needs, does and answers."""
