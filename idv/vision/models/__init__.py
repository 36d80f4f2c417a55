"""One file a network: preprocessing, the inference port, a typed result; nothing else belongs here."""
