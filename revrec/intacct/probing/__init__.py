"""Asking a company's own gateway what its documentation does not say, with drafts that are deleted afterwards."""
