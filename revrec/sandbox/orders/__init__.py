"""Order entry and receivables: documents, their conversion, and what an invoice posts."""
