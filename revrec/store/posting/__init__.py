"""Journal entries and invoices in the store: posting states, attempts, workers, recovery."""
