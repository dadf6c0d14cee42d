"""Open, migrate, back up and restore the database, SQLite or PostgreSQL."""
