"""Load, test, compare and look up rules."""
