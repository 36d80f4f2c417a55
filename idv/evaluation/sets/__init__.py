"""Eval sets on disk: frozen manifests and items by digest, media found by digest, importers, generators."""
