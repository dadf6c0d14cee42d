"""EDI: segments, what a mapping may name of them, and the documents of X12 and EDIFACT that revrec knows."""
