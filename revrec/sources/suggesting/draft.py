"""Write a mapping for a file: each choice with its reason, and each doubt where a person sees it."""

import json
import re
import tomllib
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from glob import escape
from itertools import islice
from typing import NamedTuple, cast

from revrec.core.charge_line import ChargeLine
from revrec.core.harmless import one_line
from revrec.core.money import decimal_string
from revrec.sources.amounts import NumberStyle, number_reader
from revrec.sources.formats import format_name
from revrec.sources.mapping import LINE_SCOPE, NUMBER_COLUMN, NUMBERED, UNDECIDED, UNIT_PRICE, ColumnMapping
from revrec.sources.mapping_reader import read_mapping
from revrec.sources.problems import InvalidValue, SourceError, shorten
from revrec.sources.read import read_charges
from revrec.sources.rows import BadRow, ChargeRowResult, GoodRow
from revrec.sources.suggesting.columns import KINDS, REQUIRED, UNIT_PRICES, ColumnChoice, choose_columns, plain
from revrec.sources.suggesting.grid import Grid, GridRow, Opener, is_total, read_grid
from revrec.sources.suggesting.tree import FORMATS as TREES
from revrec.sources.suggesting.tree import read_tree
from revrec.sources.suggesting.values import (
    counted,
    currency_evidence,
    date_evidence,
    is_number,
    number_evidence,
    zone_evidence,
)
from revrec.sources.values import is_currency

DATES = ("post_date", "rev_rec_date", "service_start", "service_end")
FIRST = ("document", "line", "customer", "item", "post_date", "amount", "currency")
"""The fields that a draft shows first, in this order."""

_CREDIT = re.compile(r"(?i)\b(credit|refund|return|cancel|storno|gutschrift|reversal)")
_NEGATIVE = re.compile("^[^0-9]*[-(\u2212]|-$")
_MOST_SHOWN = 3
_WIDTH = 38


class DraftLine(NamedTuple):
    """One line of the draft: a key, its value as TOML, and the reason. ``doubt`` marks what a person should look at."""

    key: str
    value: str
    why: str = ""
    doubt: bool = False

    def __str__(self) -> str:
        """Return the line of TOML."""
        said = f"{self.key} = {self.value}"
        mark = "DECIDE: " if self.undecided else "DOUBT: " if self.doubt else ""
        return f"{said:<{_WIDTH}}  # {mark}{one_line(self.why)}" if self.why else said

    @property
    def undecided(self) -> bool:
        """Return True if the user must replace the value before the mapping can be used."""
        return self.value == _text(UNDECIDED) or f"= {_text(UNDECIDED)}" in self.value


@dataclass
class Draft:
    """A drafted mapping. ``options`` and ``columns`` are its lines; ``doubts`` and ``remarks`` are about the file.

    ``rows`` is the number of rows of data, ``readable`` the number that the draft reads as charge lines; it is None if
    something must be decided first.
    """

    name: str
    file: str
    rows: int = 0
    readable: int | None = None
    options: list[DraftLine] = field(default_factory=list)
    columns: list[DraftLine] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def undecided(self) -> list[str]:
        """Return the keys that the user must decide."""
        return [line.key for line in (*self.options, *self.columns) if line.undecided]

    @property
    def doubtful(self) -> list[str]:
        """Return every doubt: of the file, and of a single line with its key."""
        lines = [f"{line.key}: {line.why}" for line in (*self.options, *self.columns) if line.doubt or line.undecided]
        return [*self.doubts, *lines]

    def toml(self) -> str:
        """Return the draft as TOML."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield f"# Drafted from {one_line(shorten(self.file))}: {counted(self.rows, 'row')} of data."
        if self.undecided:
            keys = ", ".join(self.undecided)
            yield f'# To decide: {keys}. Nothing can be imported with it until each "?" is replaced.'
        yield from (f"# {one_line(remark)}" for remark in self.remarks)
        yield from (f"# DOUBT: {one_line(doubt)}" for doubt in self.doubts)
        yield f"[mapping.{self.name}]"
        yield from map(str, self.options)
        yield ""
        yield f"[mapping.{self.name}.columns]"
        yield from map(str, self.columns)


def suggest(opened: Opener, name: str, mapping: ColumnMapping) -> Draft:
    """Return the draft of a mapping for a file. ``mapping`` has the format, if the file's name does not determine it.

    Raises:
        SourceError: the file cannot be read, or no draft can be made for its format.
    """
    with opened() as stream:
        form = format_name(stream, mapping)
    grid = read_tree(opened, form, _score) if form in TREES else read_grid(opened, mapping)
    with opened() as stream:
        draft = _Drafting(grid, name, stream.name).draft
    if mapping.format:
        draft.options.insert(0, DraftLine("format", _text(mapping.format)))
    if not draft.undecided:
        _try_out(opened, draft, grid)
    return draft


def _score(grid: Grid) -> float:
    """Return how many of the fields that each row needs have a column."""
    if not (grid.rows and grid.header):
        return -1.0
    chosen = choose_columns(grid)
    return sum(1.0 if chosen[name].sure else 0.5 for name in REQUIRED if name in chosen)


class _Drafting:
    """The making of one draft."""

    def __init__(self, grid: Grid, name: str, file: str) -> None:
        self._grid = grid
        self._chosen = choose_columns(grid)
        self._headings = self._find_headings()
        self.draft = Draft(name, file, len(grid.rows), doubts=list(grid.doubts))
        self._add_identity()
        self._add_shape()
        self._add_extras()
        self._add_dates()
        self._add_columns()
        self._add_numbers()
        self._add_currency()
        self._check_signs()
        self._doubt_minor_units()
        self._add_rest()

    def _texts(self, name: str) -> list[str]:
        choice = self._chosen.get(name)
        return self._grid.column(self._grid.place_of(choice.column)) if choice else []

    def _option(self, key: str, value: str, why: str = "", doubt: bool = False) -> None:
        self.draft.options.append(DraftLine(key, _text(value), why, doubt))

    def _column(self, key: str, value: str, why: str = "", doubt: bool = False) -> None:
        self.draft.columns.append(DraftLine(key, _text(value), why, doubt))

    def _add_identity(self) -> None:
        if "source" not in self._chosen:
            self._option(
                "source", self.draft.name, "the system that the file is from, part of every charge id for good"
            )
        doubled = self._has_doubled_lines()
        if doubled:
            del self._chosen["line"]
        if "line" in self._chosen:
            return
        why = "line numbers repeat within a document" if doubled else "no column numbers the lines"
        if self._grid.lines:
            self._column("line", NUMBER_COLUMN, f"{why}, so each has its place in the document", doubled)
        else:
            self._option("line", NUMBERED, f"{why}, so the rows of each document are numbered", doubled)

    def _has_doubled_lines(self) -> bool:
        """Return True if a document has a line number twice, which would be the same charge line."""
        choices = [self._chosen[name] for name in ("source", "document", "line") if name in self._chosen]
        if "line" not in self._chosen:
            return False
        places = [self._grid.place_of(one.column) for one in choices]
        keys = [tuple(row.cells[place].strip() for place in places) for row in self._grid.rows]
        return len(set(keys)) < len(keys)

    def _add_shape(self) -> None:
        grid = self._grid
        if grid.format == "csv" or grid.delimiter == UNDECIDED:
            why = "more than one sign splits the rows evenly" if grid.delimiter == UNDECIDED else ""
            self._option("delimiter", "tab" if grid.delimiter == "\t" else grid.delimiter, why)
        if grid.record:
            self._option("record", grid.record, "where the records are")
        if grid.lines:
            self._option("lines", grid.lines, "each of these items of a record is a charge line")
        if grid.encoding:
            self._option("encoding", grid.encoding, "the file is not UTF-8", True)
        if grid.sheet:
            self._option("sheet", grid.sheet)
        if grid.header_row:
            self._option("header_row", str(grid.header_row), "the row with the column names")
        if grid.short and grid.format != "xlsx":
            self._option("short_rows", "fill", "rows end early; missing values are read as empty", True)

    def _find_headings(self) -> tuple[int, list[GridRow]] | None:
        """Return the place of the column whose values are headings above the rows, with the heading rows.

        A report by customer names each customer in such a row: a single text, in a column that all rows leave empty.
        """
        grid, found = self._grid, dict[int, list[GridRow]]()
        for row in grid.extras if "customer" not in self._chosen else ():
            places = [place for place, cell in enumerate(row.cells) if cell.strip()]
            is_above = bool(grid.rows) and row.number < grid.rows[-1].number
            if len(places) == 1 and is_above and not grid.column(places[0]) and not is_total(row.texts[0]):
                found.setdefault(places[0], []).append(row)
        return next(iter(found.items())) if len(found) == 1 else None

    def _heading_name(self, place: int) -> str:
        return self._grid.header[place] or f"#{place + 1}"

    def _add_extras(self) -> None:
        """Leave out total rows and notes by a column that only they leave empty."""
        grid = self._grid
        headings = self._headings[1] if self._headings else []
        if self._headings:
            name, shown = _text(self._heading_name(self._headings[0])), shorten(headings[0].texts[0])
            why = f"{counted(len(headings), 'heading')} above the rows, such as row {headings[0].number}: {shown}"
            self.draft.options.append(DraftLine("headings", f"[{name}]", why, True))
        extras = [row for row in grid.extras if row not in headings]
        if not extras:
            return
        shown = "; ".join(f"row {row.number}: {shorten(' '.join(row.texts))}" for row in extras[:_MOST_SHOWN])
        count = f"{counted(len(extras), 'row')} with totals or notes ({shown})"
        apart = [
            column
            for name in REQUIRED
            if name in self._chosen and name != "amount"
            for column in (self._chosen[name].column,)
            if self._is_empty_in_extras_only(grid.place_of(column))
        ]
        if apart:
            only = f"{{ {_text(apart[0])} = {_text('?*')} }}"
            self.draft.options.append(DraftLine("only", only, f"leaves out {count}", True))
        else:
            self.draft.doubts.append(f"no column is empty in the {count} and filled in all others: delete them")

    def _is_empty_in_extras_only(self, place: int) -> bool:
        filled = all(row.cells[place].strip() for row in self._grid.rows)
        return filled and not any(row.cells[place].strip() for row in self._grid.extras)

    def _add_dates(self) -> None:
        columns = [name for name in DATES if name in self._chosen]
        texts = [text for name in columns for text in self._texts(name)]
        found = date_evidence(texts)
        if found.format:
            choices = f"; write {' or '.join(map(_text, found.choices))}" if found.choices else ""
            self._option("date_format", found.format, found.why + choices, bool(found.unread))
        if found.format != UNDECIDED and (why := zone_evidence(texts, found.format)):
            self._option("timezone", UNDECIDED, f'{why}; write its IANA name such as "America/New_York", or "UTC"')

    def _add_numbers(self) -> None:
        amounts = self._texts("amount")
        currencies = {text.upper() for text in self._texts("currency")} or currency_evidence(amounts).possible
        found = number_evidence(amounts, filter(is_currency, currencies))
        if not amounts:
            return
        if found.signs is None:
            self._option("decimal", UNDECIDED, f'{found.why}; write "." or ","')
        elif found.signs != (".", ","):
            decimal, thousands = found.signs
            self._option("decimal", decimal, found.why)
            if (decimal, thousands) != (",", "."):
                self._option("thousands", thousands)

    def _add_currency(self) -> None:
        if "currency" in self._chosen:
            return
        found = currency_evidence(self._texts("amount"))
        codes = set(found.meanings.values())
        if not codes or "" in found.beside:
            why = "no column names the currency" + (", and not every amount has one" if codes else "")
            self._option("currency", UNDECIDED, f"{why}; write a code such as USD")
        elif len(codes) == 1 and UNDECIDED not in codes:
            self._option("currency", codes.pop(), f"every amount has {', '.join(map(shorten, found.meanings))}")
        else:
            pairs = ", ".join(f"{_text(sign)} = {_text(code)}" for sign, code in found.meanings.items())
            self.draft.options.append(DraftLine("signs", f"{{ {pairs} }}", "the currency of each sign, such as USD"))

    def _add_columns(self) -> None:
        for name in dict.fromkeys((*FIRST, *self._chosen)):
            choice = self._chosen.get(name)
            if choice is not None:
                self._add_choice(choice)
            elif name == "customer" and self._headings:
                self._column(name, self._heading_name(self._headings[0]), "from the headings", True)
            elif name in REQUIRED and name != "currency" and not (name == "amount" and self._uses_unit_price()):
                self._column(name, UNDECIDED, self._which())

    def _add_choice(self, choice: ColumnChoice) -> None:
        if choice.sure:
            said = "; ".join(self._doubts_of(choice))
            self._column(choice.field, choice.column, said, bool(said))
        else:
            either = " or ".join(_text(shorten(one)) for one in (choice.column, *choice.rivals))
            self._column(choice.field, UNDECIDED, f"write {either}")

    def _doubts_of(self, choice: ColumnChoice) -> Iterator[str]:
        """Yield what a person should know about the choice of a column."""
        texts = self._texts(choice.field)
        if choice.by_content:
            yield "found by its values, not by its name"
        if choice.rivals:
            yield f"could also be {', '.join(_text(shorten(one)) for one in choice.rivals[:_MOST_SHOWN])}"
        if choice.field in REQUIRED and len(texts) < len(self._grid.rows):
            yield f"empty in {counted(len(self._grid.rows) - len(texts), 'row')}; rows without it are refused"
        wrong = [text for text in texts if not is_number(text)] if choice.field in ("amount", "quantity") else []
        if wrong:
            yield f'{counted(len(wrong), "value")} without a number, such as "{shorten(wrong[0])}"'

    def _which(self) -> str:
        names = ", ".join(_text(shorten(column)) for column in self._free())
        return f"no column has a name for it; write one of {names}" if names else "no column is left for it"

    def _free(self) -> list[str]:
        used = {choice.column for choice in self._chosen.values()}
        return [column for column in self._grid.header if column and column not in used]

    def _uses_unit_price(self) -> bool:
        """Use a column of unit prices if there are quantities and no column of amounts."""
        prices = [column for column in self._free() if plain(column) in UNIT_PRICES]
        if "quantity" not in self._chosen or len(prices) != 1:
            return False
        self._option("amount_is", UNIT_PRICE, "no column has the amount of the line: price times quantity", True)
        self._column("amount", prices[0])
        self._chosen["amount"] = ColumnChoice("amount", prices[0])
        return True

    def _check_signs(self) -> None:
        """Make the user decide if rows that are credits by their kind have amounts above zero."""
        amount, amounts = self._chosen.get("amount"), self._texts("amount")
        if amount is None or not amounts:
            return
        if all(map(_NEGATIVE.search, amounts)):
            self.draft.doubts.append("every amount is below zero: check the sign; revrec reads a charge as above zero")
        place = self._grid.place_of(amount.column)
        for column in filter(lambda name: plain(name) in KINDS, self._grid.header):
            kind = self._grid.place_of(column)
            credits = [row for row in self._grid.rows if _CREDIT.search(row.cells[kind])]
            above = [row for row in credits if row.cells[place].strip() and not _NEGATIVE.search(row.cells[place])]
            if above:
                what = f'{shorten(column)} is "{shorten(above[0].cells[kind].strip())}" and the amount is above zero'
                fix = f"export credits as negative amounts, then write {_text(shorten(amount.column))}"
                self._undecide(
                    "amount", f"in {counted(len(above), 'row')}, such as row {above[0].number}, {what}; {fix}"
                )

    def _undecide(self, key: str, why: str) -> None:
        self.draft.columns = [
            line._replace(value=_text(UNDECIDED), why=why) if line.key == key else line for line in self.draft.columns
        ]

    def _add_rest(self) -> None:
        """List the columns that nothing reads, so that none is dropped without a word."""
        if self._grid.lines:
            self._add_document_total()
            return
        used = {choice.column for choice in self._chosen.values() if choice.sure}
        if self._headings:
            used.add(self._grid.header[self._headings[0]])
        rest = list(dict.fromkeys(column for column in self._grid.header if column not in used))
        if rest:
            listed = ", ".join(_text(escape(column)) for column in rest)
            self.draft.options.append(DraftLine("ignore", f"[{listed}]", "columns that nothing reads"))

    def _doubt_minor_units(self) -> None:
        """Doubt whole amounts: an API that sends cents sends no decimals."""
        amounts = self._texts("amount")
        if self._grid.lines and amounts and all(text.lstrip("-").isdecimal() for text in amounts):
            self.draft.doubts.append('every amount is a whole number: if they are cents, add amount_is = "minor_units"')

    def _add_document_total(self) -> None:
        """Compare the lines with the total of their document, if one of its values is always what they add up to."""
        amount, document = self._chosen.get("amount"), self._chosen.get("document")
        sums = self._sums(amount.column, document.column) if amount and document else {}
        found = next((name for name in self._grid.header if sums and self._is_total(name, sums)), None)
        if found is None:
            why = "no value is the total of the lines: nothing shows if a line is missing"
            self.draft.options.append(DraftLine("ignore", '["*"]', why, True))
        else:
            why = f"the lines of {counted(len(sums), 'document')} add up to it"
            self.draft.options.append(DraftLine("control", f"{{ document_total = {_text(found)} }}", why))

    def _sums(self, amount: str, document: str) -> dict[str, tuple[Decimal, list[str]]]:
        """Return what the lines of each document add up to, with the cells of its last row."""
        found: dict[str, tuple[Decimal, list[str]]] = {}
        at, key, read = self._grid.place_of(amount), self._grid.place_of(document), number_reader(NumberStyle())
        for row in self._grid.rows:
            with suppress(InvalidValue):
                exact = read(row.cells[at]).decimal
                found[row.cells[key]] = found.get(row.cells[key], (Decimal(0), []))[0] + exact, row.cells
        return found

    def _is_total(self, name: str, sums: dict[str, tuple[Decimal, list[str]]]) -> bool:
        if name.startswith(LINE_SCOPE):
            return False
        at, read = self._grid.place_of(name), number_reader(NumberStyle())
        with suppress(InvalidValue):
            return all(read(cells[at]).decimal == total for total, cells in sums.values())
        return False


def _try_out(opened: Opener, draft: Draft, grid: Grid) -> None:
    """Read the file with the draft, and add what it reads and what it cannot."""
    mapping = read_mapping(draft.name, tomllib.loads(draft.toml())["mapping"][draft.name])
    good: list[ChargeLine] = []
    bad: list[BadRow] = []
    try:
        rows = cast("Generator[ChargeRowResult]", read_charges(opened(), mapping))
        with closing(rows):
            for row in islice(rows, len(grid.rows) + len(grid.extras)):
                if isinstance(row, GoodRow):
                    good.append(row.line)
                elif isinstance(row, BadRow):
                    bad.append(row)
    except SourceError as error:
        draft.doubts.append(f"the file cannot be read with this draft: {error}")
        return
    draft.readable = len(good)
    totals: Counter[str] = Counter()
    for line in good:
        totals[line.currency] += line.amount
    sums = ", ".join(f"{Decimal(decimal_string(minor, code)):,} {code}" for code, minor in sorted(totals.items()))
    draft.remarks.append(f"This draft reads {counted(len(good), 'charge line')}: {sums or 'nothing'}.")
    if bad:
        draft.doubts.append(
            f"{counted(len(bad), 'row')} cannot be read; the first: {bad[0].place}: {bad[0].problems[0]}"
        )
    if len(totals) == 1:
        _compare_total(draft, grid, mapping.style, *next(iter(totals.items())))


def _compare_total(draft: Draft, grid: Grid, style: NumberStyle, code: str, minor: int) -> None:
    """Compare the last total row that states one figure with what was read."""
    figures = [(row, [text for text in row.texts[1:] if is_number(text)]) for row in reversed(grid.extras)]
    last = next(((row, texts[0]) for row, texts in figures if len(texts) == 1), None)
    if last is None:
        return
    row, text = last
    found = decimal_string(minor, code)
    with suppress(InvalidValue):
        if number_reader(style)(text).decimal == Decimal(found):
            draft.remarks.append(f"Row {row.number} states the same total. Check each file with: --expect {found}")
        else:
            draft.doubts.append(f"row {row.number} states {shorten(text)}, and the rows add up to {found}")


def _text(text: str) -> str:
    """Return the text as a TOML string, which escapes like JSON, and DEL besides."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
