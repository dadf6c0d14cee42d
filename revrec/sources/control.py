"""Control totals: what a file, a document or a person states, compared with the rows that were read."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from revrec.core.charge_line import ChargeLine
from revrec.core.money import decimal_string
from revrec.sources.amounts import NumberStyle, ParsedNumber, currency_beside, number_reader
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import InvalidValue, shorten
from revrec.sources.rows import BadRow, ChargeRowResult, GoodRow, RowMoney
from revrec.sources.stream import SourceStream
from revrec.sources.values import currency_code

ANY_CURRENCY = ""
"""The currency of a total that names none: it belongs to the only currency of the file."""

_FIX = "check whether rows are missing, doubled or changed, or correct the total"
_NAME_EACH = 'state a total for each currency, such as --expect "100.00 USD" --expect "20.00 EUR"'


def read_totals(texts: Sequence[str], style: NumberStyle) -> dict[str, Decimal]:
    """Return the totals of a file by currency, from texts such as ``1207975.07`` or ``100.00 USD``.

    An amount is written as in the file, or with a decimal point.

    Raises:
        InvalidValue: a text is not an amount, two have the same currency, or one of several has none.
    """
    found: dict[str, Decimal] = {}
    for text in texts:
        try:
            number = _read_amount(text, style)
            currency = currency_code(currency_beside(number, style))
        except InvalidValue as refused:
            raise InvalidValue(f'"{shorten(text)}" {refused.reason}', refused.fix) from None
        if number.beside and not currency:
            raise InvalidValue(f'"{shorten(text)}" names no currency', "write its code, such as USD")
        if currency in found:
            raise InvalidValue(f'"{shorten(text)}" is the second total in {currency or "one currency"}', _NAME_EACH)
        found[currency] = number.decimal
    if len(found) > 1 and ANY_CURRENCY in found:
        raise InvalidValue(f"{found[ANY_CURRENCY]} has no currency, and another total has one", _NAME_EACH)
    return found


def _read_amount(text: str, style: NumberStyle) -> ParsedNumber:
    try:
        return number_reader(style)(text)
    except InvalidValue:
        # A person copies the total from a report, which need not write amounts as the file does.
        return number_reader(NumberStyle())(text)


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
            totals.add_bad(row.money)
        yield row
    totals.check()


class _ControlTotals:
    """Sums of the rows of a file and of its documents, and the totals that they must have.

    The total of a file includes bad rows whose amount can be read: they are missing in the books, not in the file.
    """

    def __init__(self, source: SourceStream, mapping: ColumnMapping, header: Sequence[str]) -> None:
        self._source = source
        self._read = number_reader(mapping.style)
        self._totals = read_totals(mapping.totals, mapping.style)
        self._column = mapping.document_total
        self._place = list(header).index(self._column) if self._column else -1
        self._sums: Counter[str] = Counter()
        self._without_amount = 0
        self._documents: dict[str, Decimal] = {}
        self._stated: dict[str, Decimal] = {}

    def add(self, row: GoodRow[ChargeLine]) -> None:
        """Add a charge line."""
        line = row.line
        self._sums[line.currency] += line.amount
        if self._column:
            document = f"{line.source}/{line.document}"
            amount = Decimal(decimal_string(line.amount, line.currency))
            self._documents[document] = self._documents.get(document, Decimal(0)) + amount
            self._state(document, row.raw[self._place], row.row_number)

    def add_bad(self, money: RowMoney | None) -> None:
        """Add a row that cannot be used."""
        if money:
            self._sums[money.currency] += money.amount
        else:
            self._without_amount += 1

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
        sums = {currency: decimal_string(amount, currency) for currency, amount in self._sums.items()}
        if self._totals:
            self._check_file(sums)
        for document, found in self._documents.items():
            if document not in self._stated:
                reason = f"{self._column} is empty in each row of {shorten(document)}"
                raise self._source.error("", reason, "state the total of each document")
            self._compare(shorten(document), self._stated[document], str(found))

    def _check_file(self, sums: Mapping[str, str]) -> None:
        if ANY_CURRENCY in self._totals:
            if len(sums) > 1:
                found = " and ".join(f"{amount} {currency}" for currency, amount in sorted(sums.items()))
                raise self._source.error("", f"has {found}, and its total names no currency", _NAME_EACH)
            self._compare("the file", self._totals[ANY_CURRENCY], next(iter(sums.values()), "0"))
            return
        for currency in sorted({*sums, *self._totals}):
            if currency not in self._totals:
                raise self._source.error("", f"has {sums[currency]} {currency}, and no total in {currency}", _NAME_EACH)
            self._compare(f"the file in {currency}", self._totals[currency], sums.get(currency, "0"))

    def _compare(self, what: str, stated: Decimal, found: str) -> None:
        if stated != Decimal(found):
            bad = f"; rows without an amount that can be read: {self._without_amount:,}" if self._without_amount else ""
            raise self._source.error("", f"the total of {what} is {stated}, its rows add up to {found}{bad}", _FIX)
