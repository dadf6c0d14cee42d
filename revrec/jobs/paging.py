"""How many charge lines jobs read and write at a time."""

PAGE = 2_000
"""Charge lines that are read and written together."""
