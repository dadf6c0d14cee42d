"""What the tests share: books, servers, databases, texts. Import it as ``from support.books import Books``."""
