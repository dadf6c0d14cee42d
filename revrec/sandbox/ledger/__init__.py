"""Journal entries: validation, balancing, and the general ledger."""
