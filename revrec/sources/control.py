"""Control totals: what a file, a document or a person states, compared with the rows that were read."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby

from revrec.core.charge_line import ChargeLine
from revrec.core.money import decimal_string, minor_digits
from revrec.sources.amounts import NumberStyle, ParsedNumber, currency_beside, number_reader
from revrec.sources.layout import Layout
from revrec.sources.mapping import (
    COMPUTE,
    DOCUMENT_COLUMN,
    DOCUMENT_TOTAL,
    MINOR_UNITS,
    TOTAL_REASONS,
    TOTAL_ROW,
    ColumnMapping,
)
from revrec.sources.problems import InvalidValue, RowProblem, shorten
from revrec.sources.rows import BadRow, ChargeRowResult, GoodRow, PassedOver, ReadableValues, RowMoney
from revrec.sources.stream import SourceStream
from revrec.sources.table import Record, Table
from revrec.sources.values import currency_code

ANY_CURRENCY = ""
"""The currency of a total that names none: it belongs to the only currency of the file."""

_FIX = "check whether rows are missing, doubled or changed, or correct the total"
_FIX_DOCUMENT = "fetch the document again with all its lines, discounts and taxes, or correct the formula of its total"
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
    rows: Iterator[ChargeRowResult], source: SourceStream, mapping: ColumnMapping, layout: Layout
) -> Iterator[ChargeRowResult]:
    """Yield the rows, and compare their totals: of each document with lines at once, the others at the end.

    Raises:
        SourceError: a total differs; it shows both figures. Nothing of the file may be kept.
    """
    stated = StatedTotals(mapping, layout).of if mapping.states_total else None
    if stated and mapping.lines:
        rows, stated = _documents(rows, layout, stated), None
    totals = _ControlTotals(source, mapping, stated)
    for row in rows:
        if isinstance(row, GoodRow):
            totals.add(row)
        elif isinstance(row, BadRow):
            totals.add_bad(row.money)
        elif row.reason in TOTAL_REASONS.values():
            totals.check_row(row)
        yield row
    totals.check()


def summed(table: Table, source: SourceStream, mapping: ColumnMapping) -> Iterator[Record]:
    """Yield the records, and compare the sum of a column over all of them with the total that one of them states.

    Raises:
        SourceError: they differ, no row states the total, or a figure is not a number.
    """
    place, total_place = (list(table.header).index(name) for name in (mapping.sum_column, mapping.sum_total))
    read, found, stated = number_reader(mapping.style), Decimal(0), set[Decimal]()
    for number, row in table.records:
        if isinstance(row, list):
            try:
                found += read(row[place]).decimal if row[place].strip() else 0
                stated |= {read(row[total_place]).decimal} if row[total_place].strip() else set()
            except InvalidValue as refused:
                raise source.error(table.place(number), refused.reason, refused.fix) from None
        yield number, row
    if stated != {found}:
        figures = " and ".join(sorted(map(str, stated))) or "nothing"
        reason = f'"{mapping.sum_total}" states {figures}, "{mapping.sum_column}" adds up to {found} in all rows'
        raise source.error("", reason, _FIX)


class StatedTotals:
    """The totals that a row states of its document: in a column, or by formulas over the row."""

    def __init__(self, mapping: ColumnMapping, layout: Layout) -> None:
        self._read = number_reader(mapping.style)
        self._formulas = [(one, layout.formula_places(one)) for one in mapping.total_formulas]
        self._column = layout.place_of(mapping.document_total) if mapping.document_total else 0
        self._is_minor = mapping.amount_is == MINOR_UNITS
        self._complete = layout.complete
        self.name = mapping.document_total or DOCUMENT_TOTAL

    def of(self, row: Sequence[str], currency: str) -> list[Decimal | None]:
        """Return the totals of the row's document, each None if its column or the result of its formula is empty.

        Raises:
            InvalidValue: one is not a number, or cannot be computed.
        """
        found = self._computed(self._complete(list(row))) if self._formulas else [self._in_column(row[self._column])]
        scale = minor_digits(currency) if self._is_minor else 0
        return [None if one is None else one.scaleb(-scale) for one in found]

    def _computed(self, values: Sequence[str]) -> list[Decimal | None]:
        found: list[Decimal | None] = []
        for formula, places in self._formulas:
            computed = formula.value({name: values[place] for name, place in places.items()}, self._read).result
            exact = self._read(computed).decimal if isinstance(computed, str) and computed else computed
            found.append(None if exact == "" else Decimal(exact))
        return found

    def _in_column(self, text: str) -> Decimal | None:
        if not text.strip():
            return None
        try:
            return self._read(text).decimal
        except InvalidValue as refused:
            raise InvalidValue(f'{self.name} "{shorten(text)}" {refused.reason}', refused.fix) from None


Stated = Callable[[Sequence[str], str], Sequence[Decimal | None]]
"""Returns the totals of the document of a row in this currency, each None if the row does not state it."""


def _documents(rows: Iterator[ChargeRowResult], layout: Layout, stated: Stated) -> Iterator[ChargeRowResult]:
    """Yield the rows of each document, or instead one bad row if they do not add up to the total that it states.

    A document that states none is not compared.
    """
    place = layout.place_of(DOCUMENT_COLUMN)
    number = ""

    def document(row: ChargeRowResult) -> str:
        # A record that is skipped or damaged has no columns, and belongs to the document before it.
        nonlocal number
        raw = row.raw if isinstance(row, GoodRow | BadRow) else ()
        number = raw[place] if len(raw) > place else number
        return number

    for _number, group in groupby(rows, document):
        yield from _checked(list(group), stated)


def _checked(rows: list[ChargeRowResult], stated: Stated) -> Iterator[ChargeRowResult]:
    problem = _contradiction(rows, stated)
    if problem is None:
        yield from rows
        return
    yield from (row for row in rows if isinstance(row, PassedOver))
    charged = [row for row in rows if isinstance(row, GoodRow)]
    money = Counter[str]()
    for row in charged:
        money[row.line.currency] += row.line.amount
    first = charged[0]
    readable = ReadableValues.of(first.line._asdict())._replace(line="", item="", amount=money[first.line.currency])
    raw = ["\n".join(" | ".join(row.raw) for row in charged)]
    yield BadRow(first.row_number, [problem], f"document {first.line.document}", raw, readable)


def _contradiction(rows: list[ChargeRowResult], stated: Stated) -> RowProblem | None:
    """Return the problem of a document whose charge lines do not add up to its total; None if they do.

    A document with a bad row is refused for that row.
    """
    charged = [row for row in rows if isinstance(row, GoodRow)]
    if not charged or any(isinstance(row, BadRow) for row in rows):
        return None
    lines = [row.line for row in charged]
    currency = lines[0].currency
    if any(line.currency != currency for line in lines):
        return RowProblem("currency", "", "differs between the lines of the document", "correct the document")
    found = decimal_string(sum(line.amount for line in lines), currency)
    try:
        totals = stated(charged[0].raw, currency)
    except InvalidValue as refused:
        return RowProblem(DOCUMENT_TOTAL, "", refused.reason, refused.fix)
    total = next((one for one in totals if one is not None and one != Decimal(found)), None)
    if total is None:
        return None
    reason = f"is {total:f}, the charge lines add up to {found}"
    return RowProblem(DOCUMENT_TOTAL, f"{total:f}", reason, _FIX_DOCUMENT)


class _ControlTotals:
    """Sums of the rows of a file and of its documents, and the totals that they must have.

    The total of a file includes bad rows whose amount can be read: they are missing in the books, not in the file.
    """

    def __init__(self, source: SourceStream, mapping: ColumnMapping, stated: Stated | None) -> None:
        self._source = source
        self._totals = read_totals(mapping.totals, mapping.style)
        self._column = mapping.document_total or f"{COMPUTE}.{DOCUMENT_TOTAL}"
        self._of_row = stated
        self._sums: Counter[str] = Counter()
        self._group: Counter[str] = Counter()
        """The sums since the last total of a group."""
        self._without_amount = 0
        self._documents: dict[str, Decimal] = {}
        self._stated: dict[str, dict[int, Decimal]] = {}
        """The totals of each document, by their place among the formulas."""

    def add(self, row: GoodRow[ChargeLine]) -> None:
        """Add a charge line."""
        line = row.line
        self._sums[line.currency] += line.amount
        self._group[line.currency] += line.amount
        if self._of_row:
            document = f"{line.source}/{line.document}"
            amount = Decimal(decimal_string(line.amount, line.currency))
            self._documents[document] = self._documents.get(document, Decimal(0)) + amount
            self._state(document, row)

    def add_bad(self, money: RowMoney | None) -> None:
        """Add a row that cannot be used."""
        if money:
            self._sums[money.currency] += money.amount
            self._group[money.currency] += money.amount
        else:
            self._without_amount += 1

    def check_row(self, row: PassedOver) -> None:
        """Compare the total that a row states with the rows above it, or with those since the last total of a group."""
        sums = self._sums if row.reason == TOTAL_REASONS[TOTAL_ROW] else self._group
        if not row.money:
            raise self._source.error(row.place, f"{row.reason}, and its amount cannot be read", _FIX)
        for stated in row.money:
            found = decimal_string(sums[stated.currency], stated.currency)
            what = f"the rows above {row.place}" if sums is self._sums else f"the group above {row.place}"
            self._compare(what, Decimal(decimal_string(stated.amount, stated.currency)), found)
        self._group.clear()

    def _state(self, document: str, row: GoodRow[ChargeLine]) -> None:
        """Note the total of a document: rows after its first one may leave it empty, but not contradict it."""
        number = row.row_number
        try:
            totals = self._of_row(row.raw, row.line.currency) if self._of_row else ()
        except InvalidValue as refused:
            raise self._source.error(f"row {number}", refused.reason, refused.fix) from None
        before = self._stated.setdefault(document, {})
        for at, stated in enumerate(totals):
            if stated is not None and before.setdefault(at, stated) != stated:
                reason = f"the total of {shorten(document)} is {stated} here and {before[at]} before"
                raise self._source.error(f"row {number}", reason, "state the same total in each row of a document")

    def check(self) -> None:
        """Compare the sums with the totals."""
        sums = {currency: decimal_string(amount, currency) for currency, amount in self._sums.items()}
        if self._totals:
            self._check_file(sums)
        for document, found in self._documents.items():
            if not self._stated.get(document):
                reason = f"{self._column} is empty in each row of {shorten(document)}"
                raise self._source.error("", reason, "state the total of each document")
            for stated in self._stated[document].values():
                self._compare(shorten(document), stated, str(found))

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
