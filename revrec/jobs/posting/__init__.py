"""Take journal entries to Intacct, each exactly once."""
