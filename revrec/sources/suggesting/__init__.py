"""Draft a column mapping for an unfamiliar CSV, XLSX, JSON or XML file, with the evidence for each choice."""
