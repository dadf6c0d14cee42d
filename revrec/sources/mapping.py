"""Column mappings: how a source's own columns, constants, dates and numbers become a charge line's fields.

A mapping is a table of the configuration, validated as a whole before any file is opened::

    [mapping.shopify]
    source = "shop"                                  # a constant: every row's value of that field
    columns = { document = "Order No", amount = "Total" }
    defaults = { currency = "USD", line = "1" }      # where the cell is empty or the column is missing
    dimensions = { channel = "Sales channel" }       # dimensions of one's own
    ignore = ["Notes", "Internal *"]
    date_format = "%d/%m/%Y"
    decimal = ","

A field that no column, constant or default names is looked for under its own name. See docs/formats.md.
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
from revrec.sources.lookup import FieldLookup, MappingTable

RowType = Literal["charges", "events"]


class ColumnPosition(NamedTuple):
    """Where a column of a fixed-width line stands, counted from 1, both ends inclusive; ``decimals`` are implied."""

    first: int
    last: int
    decimals: int = 0


@dataclass(frozen=True)
class ColumnMapping:
    """How one kind of source is read. Made by ``mapping_reader.read_mapping``; :data:`NATIVE_CHARGES` is ready-made.

    ``columns`` (field to column), ``constants`` and ``defaults`` (field to text) and ``dimensions`` (dimension to
    column) say where values come from, ``aliases`` and ``lookups`` (by field) which tables mend them; ``ignore``
    holds names or patterns of columns to leave out, ``only`` (column to patterns) which records count. ``format``,
    ``delimiter``, ``encoding``, ``record`` (path to the records of JSON and XML) and ``sheet`` are empty where the
    file itself tells; ``positions`` are the columns of fixed-width lines.
    """

    name: str = "native"
    rows: RowType = "charges"
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    dimensions: Mapping[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    date_format: str | None = None
    style: NumberStyle = field(default_factory=NumberStyle)
    delimiter: str = ""
    encoding: str = ""
    format: str = ""
    record: str = ""
    sheet: str = ""
    positions: Mapping[str, ColumnPosition] = field(default_factory=dict)
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    aliases: Mapping[str, MappingTable] = field(default_factory=dict)
    lookups: Mapping[str, FieldLookup] = field(default_factory=dict)

    @property
    def by_document(self) -> bool:
        """Whether its events say which charges they are about by source and document, instead of a charge id."""
        named = {*self.columns, *self.constants, *self.defaults}
        return self.rows == "events" and not named.isdisjoint(("document", "line")) and "charge" not in named

    @property
    def fields(self) -> tuple[FieldSpec, ...]:
        """The fields of its rows, dimensions apart."""
        if self.rows == "charges":
            return CHARGE_FIELDS
        return (*EVENT_ADDRESS_FIELDS, *EVENT_FIELDS[1:]) if self.by_document else EVENT_FIELDS

    @property
    def tables(self) -> dict[str, str]:
        """The lookup tables it uses: file and SHA-256."""
        used = (*self.aliases.values(), *(lookup.table for lookup in self.lookups.values()))
        return {table.file: table.sha256 for table in used}

    @property
    def all_dimensions(self) -> tuple[str, ...]:
        """Names of the dimensions that may turn up; none for events."""
        if self.rows == "events":
            return ()
        return (*DIMENSIONS, *(name for name in self.dimensions if name not in DIMENSIONS))

    def column_of(self, name: str) -> str | None:
        """The column where a field or dimension is looked for; None if a constant stands for it."""
        if name in self.constants:
            return None
        return self.columns.get(name) or self.dimensions.get(name) or name

    def wanted_columns(self) -> tuple[str, ...]:
        """Every column that a file may have, in the native order."""
        native = CHARGE_COLUMNS if self.rows == "charges" else EVENT_COLUMNS
        if self.by_document:
            native = (*(one.name for one in EVENT_ADDRESS_FIELDS), *EVENT_COLUMNS[1:])
        names = dict.fromkeys((*native, *self.all_dimensions))
        wanted = [column for name in names if (column := self.column_of(name)) is not None]
        return tuple(dict.fromkeys((*wanted, *self.only)))

    def named_columns(self) -> tuple[str, ...]:
        """The columns that it names itself."""
        return (*self.columns.values(), *self.dimensions.values(), *self.only)

    def ignores(self, column: str) -> bool:
        """Whether a column is left out on purpose."""
        return any(fnmatchcase(column, pattern) for pattern in self.ignore)

    def needs_currency(self) -> bool:
        """False where the amount's own sign or code may tell the currency."""
        return not self.style.signs


NATIVE_CHARGES = ColumnMapping()
"""The native charges file: columns of :data:`revrec.sources.fields.CHARGE_COLUMNS`, at least the first eight."""

NATIVE_EVENTS = ColumnMapping(rows="events")
"""The native events file."""
