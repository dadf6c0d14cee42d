"""Control totals: what a file, a document or a person states, compared with the charge lines that were read."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from revrec.core.charge_line import ChargeLine
from revrec.core.money import decimal_string
from revrec.sources.amounts import number_reader
from revrec.sources.mapping import DOCUMENT_TOTAL, TOTAL, ColumnMapping
from revrec.sources.problems import InvalidValue, shorten
from revrec.sources.rows import BadRow, ChargeRowResult, GoodRow
from revrec.sources.stream import SourceStream

_FIX = "check whether rows are missing, doubled or changed, or correct the total"


def controlled(
    rows: Iterator[ChargeRowResult], source: SourceStream, mapping: ColumnMapping, header: Sequence[str]
) -> Iterator[ChargeRowResult]:
    """Yield the rows, and compare their totals at the end.

    Raises:
        SourceError: a total differs; it shows both figures. Nothing of the file may be kept.
    """
    totals = _ControlTotals(source, mapping, header)
    for row in rows:
        if isinstance(row, GoodRow):
            totals.add(row)
        elif isinstance(row, BadRow):
            totals.bad_rows += 1
        yield row
    totals.check()


class _ControlTotals:
    """Sums of the charge lines of a file and of its documents, and the totals that they must have."""

    def __init__(self, source: SourceStream, mapping: ColumnMapping, header: Sequence[str]) -> None:
        self.bad_rows = 0
        self._source = source
        self._read = number_reader(mapping.style)
        self._total = mapping.control.get(TOTAL, "")
        self._column = mapping.control.get(DOCUMENT_TOTAL, "")
        self._place = list(header).index(self._column) if self._column else -1
        self._sums: dict[str, Decimal] = {}
        self._documents: dict[str, Decimal] = {}
        self._stated: dict[str, Decimal] = {}

    def add(self, row: GoodRow[ChargeLine]) -> None:
        """Add a charge line."""
        line = row.line
        amount = Decimal(decimal_string(line.amount, line.currency))
        self._sums[line.currency] = self._sums.get(line.currency, Decimal(0)) + amount
        if self._column:
            document = f"{line.source}/{line.document}"
            self._documents[document] = self._documents.get(document, Decimal(0)) + amount
            self._state(document, row.raw[self._place], row.row_number)

    def _state(self, document: str, text: str, number: int) -> None:
        """Note the total of a document: rows after its first one may leave it empty, but not contradict it."""
        if not text.strip():
            return
        try:
            stated = self._read(text).decimal
        except InvalidValue as refused:
            reason = f'{self._column} "{shorten(text)}" {refused.reason}'
            raise self._source.error(f"row {number}", reason, refused.fix) from None
        if self._stated.setdefault(document, stated) != stated:
            reason = f"the total of {shorten(document)} is {stated} here and {self._stated[document]} before"
            raise self._source.error(f"row {number}", reason, "state the same total in each row of a document")

    def check(self) -> None:
        """Compare the sums with the totals."""
        if self._total:
            if len(self._sums) > 1:
                reason = f"has amounts in {' and '.join(sorted(self._sums))}, and a control total is in one currency"
                raise self._source.error("", reason, "use document_total, or one file for each currency")
            self._compare("the file", self._read(self._total).decimal, sum(self._sums.values(), Decimal(0)))
        for document, found in self._documents.items():
            if document not in self._stated:
                reason = f"{self._column} is empty in each row of {shorten(document)}"
                raise self._source.error("", reason, "state the total of each document")
            self._compare(shorten(document), self._stated[document], found)

    def _compare(self, what: str, stated: Decimal, found: Decimal) -> None:
        if stated != found:
            bad = f"; rows that cannot be used and are not in it: {self.bad_rows:,}" if self.bad_rows else ""
            raise self._source.error("", f"the total of {what} is {stated}, its rows add up to {found}{bad}", _FIX)
