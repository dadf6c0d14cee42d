"""Draft a column mapping for an unfamiliar CSV or XLSX file, with the evidence for each choice."""
