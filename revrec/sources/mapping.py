"""Column mappings: how the columns, constants, dates and numbers of a source become the fields of a charge line.

A mapping is a table of the configuration, checked as a whole before any file is opened::

    [mapping.shopify]
    source = "shop"                                  # a constant: every row's value of that field
    columns = { document = "Order No", amount = "Total" }
    defaults = { currency = "USD", line = "1" }      # if the cell is empty or the column is missing
    dimensions = { channel = "Sales channel" }       # your own dimensions
    ignore = ["Notes", "Internal *"]
    date_format = "%d/%m/%Y"
    decimal = ","

A field without a column, constant or default is read from the column with the same name. See: revrec docs formats
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from revrec.core.charge_line import DIMENSIONS
from revrec.sources.amounts import NumberStyle
from revrec.sources.fields import (
    CHARGE_COLUMNS,
    CHARGE_FIELDS,
    EVENT_ADDRESS_FIELDS,
    EVENT_COLUMNS,
    EVENT_FIELDS,
    FieldSpec,
)
from revrec.sources.formula import Formula, column_named
from revrec.sources.lookup import FieldLookup, MappingTable

RowType = Literal["charges", "events"]

CONTROL = "control"
"""Key of the table of totals to compare with what was read."""

TOTAL = "total"
"""Key of ``control``: the totals of a file."""

DOCUMENT_TOTAL = "document_total"
"""Key of ``control``: the column that states the total of the row's document."""

SUM_OF, SUM_TOTAL = "sum_of", "sum_total"
"""Keys of ``control``: a column of amounts, and the column that states the sum of all of them."""

TOTAL_ROW, GROUP_TOTAL_ROW = "total_row", "group_total_row"
"""Keys of ``control``: the conditions of rows with the total of all rows above them, or of those since the last one."""

TOTAL_REASONS = {TOTAL_ROW: "it is the total", GROUP_TOTAL_ROW: "it is the total of a group"}
"""Why total rows are left out."""

EXCLUSIVE = "exclusive"
"""Value of ``service_end_is``: the column has the first day after the service."""

COMPUTE = "compute"
"""Key of the table of formulas, by field."""

UNIT_PRICE = "unit_price"
"""Value of ``amount_is``: the column has the price of one unit."""

MINOR_UNITS = "minor_units"
"""Value of ``amount_is``: the column has cents, or the currency's other minor units."""

LINE_SCOPE = "line."
"""Start of the columns of a document's lines: ``line.quantity``."""

LIST_COLUMN, NUMBER_COLUMN, VALUE_COLUMN = "#list", "#number", "#value"
"""Columns of a line besides its values: the list that it is in, its number in that list (from 1), and its own text if
it is a single value."""

RECORD_COLUMN, DOCUMENT_COLUMN = "#record", "#document"
"""Columns of a document with lines: the name under which it is, and its number in the file (from 1)."""

CUMULATIVE = "cumulative"
ROUNDINGS = ("half_up", "half_even", CUMULATIVE)
"""Values of ``rounding``. ``cumulative`` rounds the running sum of a document."""

ROUNDED_COLUMN = "#rounded"
"""Column that is added to a file for the rounded amount, if it depends on the rows before."""

EVENT, REFUSE = "event", "refuse"
"""Values of ``on_changed``: what happens to a document that arrives again with other figures."""

NUMBERED = "#"
"""Constant of ``line``: the rows of each document are numbered in their order."""


UNDECIDED = "?"
"""Value in a drafted mapping that the user must replace. No mapping with it can be used."""


class ColumnPosition(NamedTuple):
    """Position of a column in a fixed-width line, counted from 1, both ends included; ``decimals`` are implied ones."""

    first: int
    last: int
    decimals: int = 0


@dataclass(frozen=True)
class ColumnMapping:
    """The way to read one kind of source, from ``mapping_reader.read_mapping``; :data:`NATIVE_CHARGES` is ready-made.

    ``columns`` (field to column), ``constants`` and ``defaults`` (field to text) and ``dimensions`` (dimension to
    column) name where values come from; ``aliases`` and ``lookups`` (by field) are the tables that translate or supply
    them. ``ignore`` holds names or patterns of columns to skip, and ``only`` (column to patterns) selects records.
    ``totals`` are the totals of a file, one for each currency; ``document_total`` is the column with the total of the
    row's document. ``numbered`` is True if the file has no line numbers.
    ``header_row`` has the first and the last row of the header, None for the first row of the file that is not blank;
    ``short_rows`` is ``fill`` if rows may end early; ``headings`` are columns whose value is in a row above its rows.
    ``formulas`` compute fields and ``total_formulas`` totals of the document; ``skip`` has conditions by reason.
    ``lines`` are the paths of the lists whose items are the rows of a JSON or XML document. ``from_document`` are
    fields that other charge lines of the same document supply. ``rounding`` is one of :data:`ROUNDINGS`, or empty.
    ``timezone`` is the time zone in which the day of a time is found, empty if times have their days as written, and
    ``times_in`` is the zone of times without a mark, empty if it is the same.
    ``fill_down`` are columns whose value holds until the next one. ``sum_column`` and ``sum_total`` are the column of
    amounts and the column with the total of all rows, those that are left out included.
    ``total_rows`` has the conditions of total rows by their key: :data:`TOTAL_ROW` or :data:`GROUP_TOTAL_ROW`.
    ``exclusive_end`` is True if the column of ``service_end`` has the first day after the service.
    ``on_changed`` is :data:`EVENT` if a charge line that arrives again with other figures is recorded as a change, and
    :data:`REFUSE` if it is refused.
    ``amount_is`` is :data:`UNIT_PRICE` or :data:`MINOR_UNITS`, or empty for amounts of the whole line.
    ``format``, ``delimiter``, ``encoding``, ``record`` (paths to the records of JSON and XML) and ``sheet`` are empty
    if the file itself determines them. ``positions`` are the columns of fixed-width lines.
    """

    name: str = "native"
    rows: RowType = "charges"
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    totals: tuple[str, ...] = ()
    document_total: str = ""
    numbered: bool = False
    header_row: tuple[int, int] | None = None
    headings: tuple[str, ...] = ()
    fill_down: tuple[str, ...] = ()
    sum_column: str = ""
    sum_total: str = ""
    total_rows: Mapping[str, Formula] = field(default_factory=dict)
    exclusive_end: bool = False
    short_rows: str = ""
    amount_is: str = ""
    defaults: Mapping[str, str] = field(default_factory=dict)
    dimensions: Mapping[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    date_format: str | None = None
    timezone: str = ""
    times_in: str = ""
    on_changed: str = REFUSE
    style: NumberStyle = field(default_factory=NumberStyle)
    delimiter: str = ""
    encoding: str = ""
    format: str = ""
    record: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    formulas: Mapping[str, Formula] = field(default_factory=dict)
    total_formulas: tuple[Formula, ...] = ()
    skip: Mapping[str, Formula] = field(default_factory=dict)
    rounding: str = ""
    from_document: tuple[str, ...] = ()
    sheet: str = ""
    positions: Mapping[str, ColumnPosition] = field(default_factory=dict)
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: Mapping[str, MappingTable] = field(default_factory=dict)
    lookups: Mapping[str, FieldLookup] = field(default_factory=dict)

    @property
    def by_document(self) -> bool:
        """True if its events name their charges by source and document instead of by a charge id."""
        named = {*self.columns, *self.constants, *self.defaults}
        return self.rows == "events" and not named.isdisjoint(("document", "line")) and "charge" not in named

    @property
    def fields(self) -> tuple[FieldSpec, ...]:
        """The fields of its rows, without dimensions."""
        if self.rows == "charges":
            return CHARGE_FIELDS
        return (*EVENT_ADDRESS_FIELDS, *EVENT_FIELDS[1:]) if self.by_document else EVENT_FIELDS

    @property
    def tables(self) -> dict[str, str]:
        """The lookup tables that it uses: SHA-256 by file name."""
        used = (*self.aliases.values(), *(lookup.table for lookup in self.lookups.values()))
        return {table.file: table.sha256 for table in used}

    @property
    def all_dimensions(self) -> tuple[str, ...]:
        """The names of all dimensions that a row may have; none for events."""
        if self.rows == "events":
            return ()
        return (*DIMENSIONS, *(name for name in self.dimensions if name not in DIMENSIONS))

    def column_of(self, name: str) -> str | None:
        """Return the column of a field or dimension; None if it is a constant."""
        if name in self.constants:
            return None
        return self.columns.get(name) or self.dimensions.get(name) or name

    def wanted_columns(self) -> tuple[str, ...]:
        """Return every column that a file may have, in the native order."""
        native = CHARGE_COLUMNS if self.rows == "charges" else EVENT_COLUMNS
        if self.by_document:
            native = (*(one.name for one in EVENT_ADDRESS_FIELDS), *EVENT_COLUMNS[1:])
        names = dict.fromkeys((*native, *self.all_dimensions))
        wanted = [column for name in names if self.has_column(name) and (column := self.column_of(name)) is not None]
        return tuple(dict.fromkeys((*wanted, *self.other_columns)))

    def has_column(self, name: str) -> bool:
        """Return False if a formula computes the field without reading it."""
        formula = self.formulas.get(name)
        return formula is None or name in self.columns or name in self.dimensions or name in formula.names

    def named_columns(self) -> tuple[str, ...]:
        """Return the columns that the mapping names."""
        return (*self.columns.values(), *self.dimensions.values(), *self.other_columns)

    @property
    def other_columns(self) -> tuple[str, ...]:
        """The columns that are not a field's: of ``only``, totals, headings and formulas."""
        return (*self.only, *self.control_columns, *self.headings, *self.fill_down, *self.formula_columns)

    @property
    def formula_columns(self) -> tuple[str, ...]:
        """The columns that formulas read: their names that are not fields."""
        fields = {*(one.name for one in self.fields), *self.all_dimensions}
        used = (*self.formulas.values(), *self.skip.values(), *self.total_rows.values(), *self.total_formulas)
        return tuple(dict.fromkeys(column_named(name) for one in used for name in one.names if name not in fields))

    @property
    def is_controlled(self) -> bool:
        """True if totals are compared with the rows."""
        return bool(self.totals or self.states_total or self.total_rows)

    @property
    def states_total(self) -> bool:
        """True if each document states its total."""
        return bool(self.document_total or self.total_formulas)

    @property
    def control_columns(self) -> tuple[str, ...]:
        """The columns of the file's own totals."""
        return tuple(column for column in (self.document_total, self.sum_column, self.sum_total) if column)

    def is_about_documents(self, condition: Formula) -> bool:
        """Return True if a condition reads only values of the head of a document with lines.

        A line that is left out for its own values, such as a zero amount, says nothing about the other lines.
        """
        fields = {*(one.name for one in self.fields), *self.all_dimensions}
        columns = [column_named(name) for name in condition.names]
        of_lines = (LINE_SCOPE, "#", *(f"{path}." for path in self.lines))
        is_of_head = fields.isdisjoint(condition.names) and not any(one.startswith(of_lines) for one in columns)
        return bool(self.lines) and is_of_head

    def ignores(self, column: str) -> bool:
        """Return True if a column is skipped on purpose."""
        return any(fnmatchcase(column, pattern) for pattern in self.ignore)

    def needs_currency(self) -> bool:
        """Return False if the currency may come from the sign or code in the amount."""
        return not self.style.signs


NATIVE_CHARGES = ColumnMapping()
"""The native charges file: columns of :data:`revrec.sources.fields.CHARGE_COLUMNS`, at least the first eight."""

NATIVE_EVENTS = ColumnMapping(rows="events")
"""The native events file."""
