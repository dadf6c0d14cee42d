"""Queries behind previews, reports and traces."""
