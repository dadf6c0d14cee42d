"""Find the position of each field in a row, once per file, so that rows are read by position."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from revrec.core.keys import nearest
from revrec.sources.amounts import number_reader
from revrec.sources.fill import (
    AliasFiller,
    AmountFiller,
    BookedValues,
    DefaultFiller,
    DocumentFiller,
    Filler,
    FixFiller,
    FormulaFiller,
    LookupFiller,
    RoundingFiller,
)
from revrec.sources.formula import Formula, column_named
from revrec.sources.keyed import unknown_column
from revrec.sources.mapping import CUMULATIVE, ROUNDED_COLUMN, UNIT_PRICE, ColumnMapping
from revrec.sources.problems import shorten
from revrec.sources.stream import SourceStream
from revrec.sources.table import Table

MOST_COLUMNS = 1000
"""Most columns that a header may have."""


class Layout:
    """Positions of fields and dimensions in a row that :meth:`complete` has filled in.

    Constants and an empty text follow the row's own values, so that every field has a position. ``fillers`` change a
    row in this order: fixes by people, defaults of fields without a lookup, aliases, lookups, other lines of the
    document, the other defaults, formulas, scale or quantity of the amount, rounding. ``booked`` finds values of
    documents in the books.
    """

    def __init__(
        self,
        mapping: ColumnMapping,
        header: Sequence[str],
        fixes: Mapping[str, str] | None = None,
        booked: BookedValues | None = None,
    ) -> None:
        self.has_formulas = bool(mapping.formulas)
        self.rounding: RoundingFiller | None = None
        self._booked = booked
        self._tail = [""]
        self._copies: list[tuple[int, int]] = []
        self.positions: dict[str, int] = {}
        self.columns: dict[str, str] = {}
        self._places = places = {column: place for place, column in enumerate(header)}
        filled = {*mapping.defaults, *mapping.aliases, *mapping.lookups, *(fixes or {})}
        filled |= {*mapping.formulas, *mapping.from_document}
        filled |= {"amount"} if mapping.amount_is or mapping.rounding else set()
        self._shared = Counter(mapping.column_of(name) for name in _all_names(mapping))
        self._shared.update(mapping.formula_columns)
        self._empty = len(header)
        for name in _all_names(mapping):
            self.positions[name] = self._place(name, mapping, places, len(header), name in filled)
        self.fillers = list(self._fillers(mapping, fixes or {}))

    def _place(self, name: str, mapping: ColumnMapping, places: dict[str, int], width: int, is_filled: bool) -> int:
        column = mapping.column_of(name)
        if column in places:
            self.columns[name] = column
            if not is_filled or self._shared[column] == 1:
                return places[column]
            # Fields and formulas may share a column. Filling in one must not change the other, so it gets a copy.
            self._tail.append("")
            self._copies.append((width + len(self._tail) - 1, places[column]))
            return self._copies[-1][0]
        constant = mapping.constants.get(name, "")
        if not constant and not is_filled:
            return width
        self._tail.append(constant)
        return width + len(self._tail) - 1

    def _fillers(self, mapping: ColumnMapping, fixes: Mapping[str, str]) -> Iterator[Filler]:
        at = self.positions
        yield from (FixFiller(name, at[name], text) for name, text in fixes.items())
        for last in (False, True):
            for name, text in mapping.defaults.items():
                if text and name in at and (name in mapping.lookups or name in mapping.from_document) is last:
                    yield DefaultFiller(name, at[name], text)
            if not last:
                yield from (AliasFiller(name, at[name], table) for name, table in mapping.aliases.items() if name in at)
                for name, (by, table) in mapping.lookups.items():
                    if name in at and by in at:
                        yield LookupFiller(name, at[name], at[by], table)
                for name in mapping.from_document:
                    yield DocumentFiller(name, at[name], (at["source"], at["document"]), self._booked)
        yield from self._computing(mapping, fixes)

    def _computing(self, mapping: ColumnMapping, fixes: Mapping[str, str]) -> Iterator[Filler]:
        """Yield the fillers of numbers. A fix replaces the result of a formula, since a person wrote the value."""
        at, read, point = self.positions, number_reader(mapping.style), mapping.style.decimal
        for name, formula in mapping.formulas.items():
            if name in at and name not in fixes:
                yield FormulaFiller(name, at[name], formula, self.formula_places(formula), read, point)
        if mapping.amount_is:
            is_unit_price = mapping.amount_is == UNIT_PRICE
            factor = at["quantity" if is_unit_price else "currency"]
            yield AmountFiller(at["amount"], factor, is_unit_price, read, point)
        if mapping.rounding:
            signs = mapping.style.signs
            rounded = self._places.get(ROUNDED_COLUMN) if mapping.rounding == CUMULATIVE else None
            self.rounding = RoundingFiller(at["amount"], at["currency"], signs, mapping.rounding, read, point, rounded)
            yield self.rounding

    def formula_places(self, formula: Formula) -> dict[str, int]:
        """Return the positions of what a formula reads: fields, or else columns."""
        at, places = self.positions, self._places
        return {name: at.get(name, places.get(column_named(name), self._empty)) for name in formula.names}

    def place_of(self, column: str) -> int:
        """Return the position of a column in a row."""
        return self._places[column]

    @property
    def only_adds_constants(self) -> bool:
        """True if a completed row is the row itself with the same texts after it."""
        return not (self.fillers or self._copies)

    def constant(self, position: int, width: int, count: int) -> Sequence[str]:
        """Return the text at a position behind a row of ``width`` values, for ``count`` rows."""
        return [self._tail[position - width]] * count

    def spread(self, row: Sequence[str]) -> list[str]:
        """Return the row with the constants after it, before anything is filled in."""
        values = [*row, *self._tail]
        for place, column in self._copies:
            values[place] = values[column]
        return values

    def prepare(self, rows: Sequence[Sequence[str]]) -> None:
        """Prepare to fill in many rows, which saves a query of the books for each of them."""
        for filler in self.fillers:
            if isinstance(filler, DocumentFiller):
                filler.prepare(map(self.spread, rows))

    def complete(self, row: list[str]) -> list[str]:
        """Return the row with the constants after it, filled in by every filler."""
        return self.fill_row(row)[0]

    def fill_row(self, row: list[str]) -> tuple[list[str], bool]:
        """Return what :meth:`complete` returns, and True if any filler changed a value."""
        values = self.spread(row)
        changed = False
        for filler in self.fillers:
            changed |= filler.fill(values) is not None
        return values, changed


def check_header(source: SourceStream, mapping: ColumnMapping, table: Table) -> None:
    """Check a table's header.

    Raises:
        SourceError: columns are missing, unknown, unnamed or duplicated; the message lists all of them.
    """
    header = list(table.header)
    if not table.strict:
        return
    if len(header) > MOST_COLUMNS:
        raise source.error("the header", f"has {len(header):,} columns", "check the delimiter")
    misspelt = _misspelt(header, mapping)
    rest = [name for name in header if name not in misspelt.values()]
    wrong = [*_twice(header, mapping), *_missing(header, mapping, misspelt), *_unknown(rest, header, mapping)]
    if wrong:
        reasons, fixes = zip(*wrong, strict=True)
        raise source.error("the header", ", ".join(reasons), "; ".join(dict.fromkeys(fixes)))


HeaderProblem = tuple[str, str]


def _twice(header: list[str], mapping: ColumnMapping) -> list[HeaderProblem]:
    """Return the duplicated columns, except those that nothing reads."""
    wanted = mapping.wanted_columns()
    names = Counter(name for name in header if name and (name in wanted or not mapping.ignores(name)))
    return [
        (
            f'column "{shorten(name)}" appears {count} times',
            "keep one of them" + ("" if name in wanted else ", or list it in ignore"),
        )
        for name, count in names.items()
        if count > 1
    ]


def _absent(header: list[str], mapping: ColumnMapping) -> dict[str, str]:
    """Return the fields whose column is missing, with that column: required ones, and all that the mapping names."""
    must = {field.name for field in mapping.fields if field.required} - {
        *mapping.defaults,
        *mapping.lookups,
        *mapping.from_document,
    }
    if not mapping.needs_currency():
        must.discard("currency")
    must |= {*mapping.columns, *mapping.dimensions}
    must -= {name for name in mapping.formulas if not mapping.has_column(name)}
    columns = {name: mapping.column_of(name) for name in _all_names(mapping) if name in must}
    columns |= {column: column for column in mapping.other_columns}
    return {name: column for name, column in columns.items() if column is not None and column not in header}


def _all_names(mapping: ColumnMapping) -> tuple[str, ...]:
    return (*(field.name for field in mapping.fields), *mapping.all_dimensions)


def _misspelt(header: list[str], mapping: ColumnMapping) -> dict[str, str]:
    """Return missing columns, each with the unknown column of the header that it probably is."""
    known = mapping.wanted_columns()
    unknown = [name for name in header if name and name not in known and not mapping.ignores(name)]
    absent = _absent(header, mapping).values()
    return {column: near for column in absent if (near := nearest(column, unknown))}


def _missing(header: list[str], mapping: ColumnMapping, misspelt: dict[str, str]) -> list[HeaderProblem]:
    wrong = []
    for name, column in _absent(header, mapping).items():
        what = f'column "{column}" is missing' + (f" (for {name})" if column != name else "")
        fix = (
            'add what is missing, or map it in columns, or give it as a constant such as line = "1" in the mapping, '
            "which `revrec import --suggest` drafts"
        )
        if column in misspelt:
            near = misspelt[column]
            what += f', but there is "{shorten(near)}"'
            fix = f'rename that to "{column}", or set columns.{name} = "{shorten(near)}" in the mapping'
        wrong.append((what, fix))
    return wrong


def _unknown(names: list[str], header: list[str], mapping: ColumnMapping) -> list[HeaderProblem]:
    known = mapping.wanted_columns()
    wrong = [] if mapping.ignores("") else _nameless(header)
    for name in names:
        if name and name not in known and not mapping.ignores(name):
            wrong.append((f'column "{shorten(name)}" is not known', unknown_column(name, known).fix))
    return wrong


def _nameless(header: list[str]) -> list[HeaderProblem]:
    places = [place for place, name in enumerate(header, start=1) if not name]
    if not places:
        return []
    if len(places) == 1:
        return [(f"column {places[0]} has no name", "name it, or remove it")]
    return [(f"{len(places)} columns have no name, the first is column {places[0]}", "name them, or remove them")]
