"""Shops' documents: orders, invoices, refunds and deliveries as JSON, taken apart into charges and events."""
