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

import codecs
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

from revrec.core.charge_line import DIMENSIONS
from revrec.core.errors import BadConfiguration
from revrec.core.money import UnknownCurrency, minor_digits
from revrec.sources.amounts import Dialect
from revrec.sources.dates import compile_format
from revrec.sources.fields import CHARGE_COLUMNS, CHARGE_FIELDS, EVENT_COLUMNS, EVENT_FIELDS, Field
from revrec.sources.problems import did_you_mean

Rows = Literal["charges", "events"]

_TEXT_OPTIONS = ("rows", "date_format", "decimal", "thousands", "delimiter", "encoding", "format", "record")
_TABLE_OPTIONS = ("columns", "defaults", "dimensions", "signs")
_OPTIONS = (*_TEXT_OPTIONS, *_TABLE_OPTIONS, "ignore")


@dataclass(frozen=True)
class ColumnMapping:
    """How one kind of source is read; made by :meth:`from_config`, or :data:`NATIVE_CHARGES` as it is.

    ``columns`` (field to column), ``constants`` and ``defaults`` (field to text) and ``dimensions`` (dimension to
    column) say where values come from; ``ignore`` holds names or patterns of columns to leave out. ``format``,
    ``delimiter``, ``encoding`` and ``record`` (path to the records of JSON and XML) are empty where the file itself
    tells.
    """

    name: str = "native"
    rows: Rows = "charges"
    columns: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)
    dimensions: Mapping[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    date_format: str | None = None
    dialect: Dialect = field(default_factory=Dialect)
    delimiter: str = ""
    encoding: str = ""
    format: str = ""
    record: str = ""

    @classmethod
    def from_config(cls, name: str, config: Mapping[str, Any]) -> "ColumnMapping":
        """The mapping of ``[mapping.<name>]``. Raises BadConfiguration that names every key that is wrong."""
        return _Validation(name, config).result()

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields of its rows, dimensions apart."""
        return CHARGE_FIELDS if self.rows == "charges" else EVENT_FIELDS

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
        names = dict.fromkeys((*native, *self.all_dimensions))
        return tuple(dict.fromkeys(column for name in names if (column := self.column_of(name)) is not None))

    def ignores(self, column: str) -> bool:
        """Whether a column is left out on purpose."""
        return any(fnmatchcase(column, pattern) for pattern in self.ignore)

    def needs_currency(self) -> bool:
        """False where the amount's own sign or code may tell the currency."""
        return not self.dialect.signs


class _Validation:
    """Collects what is wrong with a mapping's table, so that all of it is told at once."""

    def __init__(self, name: str, config: Mapping[str, Any]) -> None:
        self.name = name
        self.config = dict(config)
        self.wrong: list[str] = []

    def result(self) -> ColumnMapping:
        rows = self._rows()
        native = CHARGE_COLUMNS if rows == "charges" else EVENT_COLUMNS
        self._check_types(native)
        if self.wrong:
            raise self._error()
        self._check_names(native)
        self._check_date_format()
        self._check_encoding()
        self._check_format()
        dialect = self._dialect()
        if self.wrong:
            raise self._error()
        text = {
            key: self.config[key]
            for key in ("date_format", "delimiter", "encoding", "format", "record")
            if key in self.config
        }
        if text.get("delimiter") == "tab":
            text["delimiter"] = "\t"
        tables = {key: self.config[key] for key in ("columns", "defaults", "dimensions") if key in self.config}
        constants = {key: value for key, value in self.config.items() if key in native}
        ignore = tuple(self.config.get("ignore", ()))
        return ColumnMapping(self.name, rows, constants=constants, ignore=ignore, dialect=dialect, **tables, **text)

    def _error(self) -> BadConfiguration:
        return BadConfiguration("; ".join(f"[mapping.{self.name}] {wrong}" for wrong in self.wrong))

    def _rows(self) -> Rows:
        rows = self.config.get("rows", "charges")
        if rows not in ("charges", "events"):
            self.wrong.append(f'rows = {rows!r}: write "charges" or "events"')
        return "events" if rows == "events" else "charges"

    def _check_types(self, native: tuple[str, ...]) -> None:
        for key, value in self.config.items():
            if key in _TABLE_OPTIONS:
                self._check_table(key, value)
            elif key == "ignore":
                if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
                    self.wrong.append('ignore: write a list of column names, such as ["Notes"]')
            elif key not in _TEXT_OPTIONS and key not in native:
                hint = did_you_mean(key, (*_OPTIONS, *native))
                self.wrong.append(f"{key}: neither an option nor a field; {hint}options are {', '.join(_OPTIONS)}")
            elif not isinstance(value, str):
                self.wrong.append(f'{key} = {value!r}: write it as text, such as "{value}"')

    def _check_table(self, key: str, value: Any) -> None:
        if not isinstance(value, Mapping):
            self.wrong.append(f'{key}: write a table, such as {key} = {{ amount = "Total" }}')
            return
        self.wrong += [
            f'{key}.{name} = {item!r}: write it as text, such as "{item}"'
            for name, item in value.items()
            if not isinstance(item, str)
        ]

    def _check_names(self, native: tuple[str, ...]) -> None:
        own = tuple(self.config.get("dimensions", {}))
        for table in ("columns", "defaults"):
            for name in self.config.get(table, {}):
                if name not in native and name not in own:
                    hint = did_you_mean(name, native)
                    self.wrong.append(f"{table}.{name}: no such field; {hint}fields are {', '.join(native)}")
        for name in self.config.get("columns", {}):
            if name in self.config:
                self.wrong.append(f"{name} is both a constant and in columns: keep one")
        for name in own:
            if name in native and name not in DIMENSIONS:
                self.wrong.append(f"dimensions.{name}: is a field; map it in columns")
            elif not name.isidentifier():
                self.wrong.append(f"dimensions.{name}: write the name with letters, digits and _ only")

    def _check_date_format(self) -> None:
        try:
            compile_format(self.config.get("date_format", "%Y-%m-%d"))
        except ValueError as err:
            self.wrong.append(f'date_format = "{self.config["date_format"]}": {err}')

    def _check_encoding(self) -> None:
        encoding = self.config.get("encoding", "utf-8")
        try:
            "a".encode(encoding)
            codecs.getincrementaldecoder(encoding)
        except (LookupError, ValueError):
            self.wrong.append(f'encoding = "{encoding}": not known; such as "utf-8", "cp1252", "utf-16"')

    def _check_format(self) -> None:
        from revrec.sources.formats import names

        chosen = self.config.get("format", "")
        if chosen and chosen not in names():
            self.wrong.append(f'format = "{chosen}": not known; formats are {", ".join(names())}')
        delimiter = self.config.get("delimiter", ",")
        if delimiter != "tab" and (len(delimiter) != 1 or delimiter in '"\r\n '):
            self.wrong.append(f'delimiter = {delimiter!r}: write one character, such as ";", or "tab"')

    def _dialect(self) -> Dialect:
        decimal = self.config.get("decimal", ".")
        if decimal not in (".", ","):
            self.wrong.append(f'decimal = "{decimal}": write "." or ","')
        thousands = self.config.get("thousands", "," if decimal == "." else ".")
        if thousands not in ("", ",", ".", " ", "'", "\u2019") or thousands == decimal:
            self.wrong.append(f'thousands = "{thousands}": write ",", ".", " ", "\'" or "", and not the decimal sign')
        signs = dict(self.config.get("signs", {}))
        for sign, currency in signs.items():
            try:
                minor_digits(currency)
            except UnknownCurrency as err:
                self.wrong.append(f'signs."{sign}": {err}')
        return Dialect(decimal, thousands, "thousands" in self.config or "decimal" in self.config, signs)


NATIVE_CHARGES = ColumnMapping()
"""The native charges file: columns of :data:`revrec.sources.fields.CHARGE_COLUMNS`, at least the first eight."""

NATIVE_EVENTS = ColumnMapping(rows="events")
"""The native events file."""
