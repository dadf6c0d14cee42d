"""The number of charge lines that jobs read and write at a time."""

PAGE = 2_000
"""Charge lines that are read and written together."""
