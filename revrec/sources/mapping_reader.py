"""Read column mappings from the configuration. A table is checked as a whole, so one message lists all mistakes."""

import codecs
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from revrec.core.charge_line import DIMENSIONS
from revrec.core.errors import BadConfiguration
from revrec.core.keys import suggestion
from revrec.core.money import UnknownCurrency, minor_digits
from revrec.sources import formats
from revrec.sources.amounts import NumberStyle, number_reader
from revrec.sources.dates import compile_format
from revrec.sources.fields import CHARGE_COLUMNS, EVENT_ADDRESS, EVENT_COLUMNS
from revrec.sources.lookup import ALIAS, FieldLookup, MappingTable
from revrec.sources.mapping import (
    DOCUMENT_TOTAL,
    MINOR_UNITS,
    NUMBERED,
    TOTAL,
    UNIT_PRICE,
    ColumnMapping,
    ColumnPosition,
    RowType,
)
from revrec.sources.problems import InvalidValue

WIDEST_LINE = 32_768
"""Most characters of a fixed-width line."""

_KEPT_TEXTS = ("date_format", "delimiter", "encoding", "format", "record", "sheet", "short_rows", "amount_is")
_TEXT_OPTIONS = ("rows", "decimal", "thousands", "header_row", *_KEPT_TEXTS)
_KEPT_TABLES = ("columns", "defaults", "dimensions", "control")
_TABLE_OPTIONS = ("columns", "defaults", "dimensions", "signs", "positions", "aliases", "control")
_OPTIONS = (*_TEXT_OPTIONS, *_TABLE_OPTIONS, "only", "lookups", "ignore")
_POSITION = re.compile(
    r"(?P<first>\d{1,5})(?:\s*-\s*(?P<last>\d{1,5}))?(?:,\s*(?P<decimals>[0-4]) decimals?)?", re.ASCII
)
_EXAMPLES = {
    "only": 'only = { status = ["D1", "X*"] }',
    "lookups": 'lookups.terms = { table = "customers.csv", by = "customer" }',
}


def read_mapping(name: str, config: Mapping[str, Any], home: Path = Path()) -> ColumnMapping:
    """Return the mapping that the table ``[mapping.<name>]`` describes; its lookup tables are in ``home`` or below it.

    Raises:
        BadConfiguration: a key is unknown or has a wrong value; the message lists every such key.
    """
    return _MappingReader(name, config, home).mapping()


class _MappingReader:
    """A mapping's table being checked. Collects every mistake, so that one message can list them all."""

    def __init__(self, name: str, config: Mapping[str, Any], home: Path) -> None:
        self.name = name
        self.config = dict(config)
        self.home = home
        self.wrong: list[str] = []

    def mapping(self) -> ColumnMapping:
        rows = self._rows()
        native = CHARGE_COLUMNS if rows == "charges" else (*EVENT_COLUMNS, *EVENT_ADDRESS)
        self._check_types(native)
        if self.wrong:
            raise self._error()
        self._check_names(native)
        self._check_date_format()
        self._check_encoding()
        self._check_format()
        self._check_only()
        self._check_table_rows()
        if "amount_is" in self.config:
            self._check_amount_is()
        style = self._style()
        self._check_control(style)
        positions = self._positions()
        aliases, lookups = self._aliases(), self._lookups(native)
        if self.wrong:
            raise self._error()
        text = {key: self.config[key] for key in _KEPT_TEXTS if key in self.config}
        if text.get("delimiter") == "tab":
            text["delimiter"] = "\t"
        tables = {key: self.config[key] for key in _KEPT_TABLES if key in self.config}
        constants = {key: value for key, value in self.config.items() if key in native}
        is_numbered = constants.get("line") == NUMBERED and rows == "charges"
        if is_numbered:
            del constants["line"]
        only = {column: _patterns(value) for column, value in self.config.get("only", {}).items()}
        return ColumnMapping(
            self.name, rows, constants=constants, ignore=tuple(self.config.get("ignore", ())), style=style,
            positions=positions, only=only, aliases=aliases, lookups=lookups, numbered=is_numbered,
            header_row=int(self.config.get("header_row", "0")), **tables, **text,
        )  # fmt: skip

    def _error(self) -> BadConfiguration:
        return BadConfiguration("; ".join(f"[mapping.{self.name}] {wrong}" for wrong in self.wrong))

    def _rows(self) -> RowType:
        rows = self.config.get("rows", "charges")
        if rows not in ("charges", "events"):
            self.wrong.append(f'rows = {rows!r}: write "charges" or "events"')
        return "events" if rows == "events" else "charges"

    def _check_types(self, native: tuple[str, ...]) -> None:
        for key, value in self.config.items():
            if key in _TABLE_OPTIONS:
                self._check_table(key, value)
            elif key in ("only", "lookups"):
                if not isinstance(value, Mapping):
                    self.wrong.append(f"{key}: write a table, such as {_EXAMPLES[key]}")
            elif key == "ignore":
                if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
                    self.wrong.append('ignore: write a list of column names, such as ["Notes"]')
            elif key not in _TEXT_OPTIONS and key not in native:
                hint = suggestion(key, (*_OPTIONS, *native))
                self.wrong.append(f"{key}: is neither an option nor a field; {hint}options are {', '.join(_OPTIONS)}")
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
        for table in ("columns", "defaults", "aliases", "lookups"):
            for name in self.config.get(table, {}):
                if name not in native and name not in own:
                    hint = suggestion(name, native)
                    self.wrong.append(f"{table}.{name}: there is no such field; {hint}fields are {', '.join(native)}")
        for name in self.config.get("columns", {}):
            if name in self.config:
                self.wrong.append(f"{name} is both a constant and in columns: keep one")
        for name in own:
            if name in native and name not in DIMENSIONS:
                self.wrong.append(f"dimensions.{name}: is a field, not a dimension; map it in columns")
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
            self.wrong.append(
                f'encoding = "{encoding}": is not a known encoding; use one such as "utf-8", "cp1252" or "utf-16"'
            )

    def _check_format(self) -> None:
        chosen = self.config.get("format", "")
        if chosen and chosen not in formats.format_names():
            self.wrong.append(
                f'format = "{chosen}": is not a known format; formats are {", ".join(formats.format_names())}'
            )
        delimiter = self.config.get("delimiter", ",")
        if delimiter != "tab" and (len(delimiter) != 1 or delimiter in '"\r\n '):
            self.wrong.append(f'delimiter = {delimiter!r}: write one character, such as ";", or "tab"')

    def _check_table_rows(self) -> None:
        row = self.config.get("header_row", "1")
        if not re.fullmatch("[1-9][0-9]{0,4}", row):
            self.wrong.append(f'header_row = "{row}": write the number of the row with the column names, such as "4"')
        if self.config.get("short_rows", "fill") != "fill":
            self.wrong.append(f'short_rows = "{self.config["short_rows"]}": write "fill", or leave it out')

    def _check_amount_is(self) -> None:
        chosen = self.config.get("amount_is", UNIT_PRICE)
        if chosen not in (UNIT_PRICE, MINOR_UNITS) or self.config.get("rows") == "events":
            self.wrong.append(f'amount_is = "{chosen}": write "{UNIT_PRICE}" or "{MINOR_UNITS}", for charges only')

    def _check_control(self, style: NumberStyle) -> None:
        for key, value in self.config.get("control", {}).items():
            if key not in (TOTAL, DOCUMENT_TOTAL):
                hint = suggestion(key, (TOTAL, DOCUMENT_TOTAL))
                self.wrong.append(f"control.{key}: is not a control; {hint}controls are {TOTAL} and {DOCUMENT_TOTAL}")
            elif self.config.get("rows") == "events":
                self.wrong.append(f"control.{key}: applies to charges only")
            elif key == TOTAL:
                try:
                    number_reader(style)(value)
                except InvalidValue as refused:
                    self.wrong.append(f'control.total = "{value}": {refused.reason}; {refused.fix}')

    def _check_only(self) -> None:
        for column, value in self.config.get("only", {}).items():
            if not _patterns(value):
                self.wrong.append(
                    f"only.{column} = {value!r}: write a text or a list of texts, such as {_EXAMPLES['only']}"
                )

    def _style(self) -> NumberStyle:
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
        return NumberStyle(decimal, thousands, "thousands" in self.config or "decimal" in self.config, signs)

    def _positions(self) -> dict[str, ColumnPosition]:
        found: dict[str, ColumnPosition] = {}
        for column, text in self.config.get("positions", {}).items():
            match = _POSITION.fullmatch(text.strip())
            if match and 1 <= int(match["first"]) <= int(match["last"] or match["first"]) <= WIDEST_LINE:
                first, last = int(match["first"]), int(match["last"] or match["first"])
                found[column] = ColumnPosition(first, last, int(match["decimals"] or 0))
            else:
                example = 'such as "11-20", or "21-32, 2 decimals" if the decimal sign is implied'
                self.wrong.append(f'positions.{column} = "{text}": write its first and last character, {example}')
        if found and self.config.get("format", "fixed") != "fixed":
            self.wrong.append(f'positions: apply to format = "fixed" only, not to "{self.config["format"]}"')
        return found

    def _aliases(self) -> dict[str, MappingTable]:
        found: dict[str, MappingTable] = {}
        for name, file in self.config.get("aliases", {}).items():
            self._load(f"aliases.{name}", file, ALIAS, name, found)
        return found

    def _lookups(self, native: tuple[str, ...]) -> dict[str, FieldLookup]:
        found: dict[str, FieldLookup] = {}
        own = (*native, *self.config.get("dimensions", {}))
        for name, config in self.config.get("lookups", {}).items():
            table: dict[str, MappingTable] = {}
            if not isinstance(config, Mapping) or {"table", "by"} != set(config):
                self.wrong.append(f"lookups.{name}: write {_EXAMPLES['lookups']}")
            elif config["by"] not in own or config["by"] == name:
                self.wrong.append(f"lookups.{name}.by = {config['by']!r}: write the name of another field")
            else:
                self._load(f"lookups.{name}", config["table"], config["by"], name, table)
            if table:
                found[name] = FieldLookup(config["by"], table[name])
        return found

    def _load(self, key: str, file: Any, by: str, name: str, found: dict[str, MappingTable]) -> None:
        try:
            found[name] = MappingTable.load(self.home, str(file), by, name)
        except BadConfiguration as error:
            self.wrong.append(f"{key}: {error}")


def _patterns(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list | tuple) or not all(isinstance(one, str) for one in values):
        return ()
    return tuple(values)
