"""Forged documents by type, each made in two unrelated ways, so that training and test share no forger."""
