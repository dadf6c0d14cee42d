"""Journal entries and invoices on their way to Intacct: states, attempts, workers, recovery."""
