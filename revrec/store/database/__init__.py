"""Open, migrate, back up and restore the database, SQLite or PostgreSQL."""

BUSY_SECONDS = 15
"""Seconds that a statement waits for a lock before it fails as busy, on both databases."""
