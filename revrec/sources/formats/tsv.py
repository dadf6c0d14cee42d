"""TSV: CSV with tabs between the fields, whatever other delimiters the header contains."""

from revrec.sources.formats import csv
from revrec.sources.mapping import ColumnMapping
from revrec.sources.stream import SourceStream
from revrec.sources.table import Table

SUFFIXES = (".tsv", ".tab")


def read(source: SourceStream, mapping: ColumnMapping) -> Table:
    """Return the rows below the header line. A row's number is the line of the file where it starts."""
    return csv.read(source, mapping, delimiter="\t")
