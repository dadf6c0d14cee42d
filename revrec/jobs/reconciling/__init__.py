"""``revrec reconcile``: compare entries and account balances with Intacct's."""
