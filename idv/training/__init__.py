"""Makes the project's own models; needs the extra `train`; nothing imports it."""
