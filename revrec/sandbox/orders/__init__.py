"""Order entry and accounts receivable: documents, their conversion, and what an invoice posts."""
