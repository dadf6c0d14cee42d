"""EDI: segments, the columns that a mapping can name, and the X12 and EDIFACT documents that revrec reads."""
