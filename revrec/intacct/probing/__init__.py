"""Questions to a company's own gateway about behavior that Intacct does not document, asked with temporary drafts."""
