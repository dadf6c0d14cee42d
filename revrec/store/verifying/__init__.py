"""Checking that a database is what its audit trail says, and that its figures agree with each other."""
