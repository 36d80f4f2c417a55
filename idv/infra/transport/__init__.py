"""Outbound HTTP: address rules, signatures, back-off, the webhook sender and its dispatcher."""
