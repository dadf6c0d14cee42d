"""The parts of ``revrec reconcile``: what differs entry by entry, and what the accounts' balances are made of."""
