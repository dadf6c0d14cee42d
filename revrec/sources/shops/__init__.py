"""Shop documents: orders, invoices, refunds and deliveries in JSON, read into charges and events."""
