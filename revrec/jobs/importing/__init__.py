"""Import charge lines and events: files, rows, fetched documents, quarantine."""
