"""The HTTP service: routes, wire types, limits and the one mapping of errors to status codes."""
