"""Create invoices in Intacct for source documents that ask for them."""
