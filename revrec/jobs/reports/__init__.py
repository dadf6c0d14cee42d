"""Answer questions about the books without changing them."""
