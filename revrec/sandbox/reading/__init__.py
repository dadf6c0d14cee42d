"""Reads: the objects that can be queried, their fields, filters and pages."""
