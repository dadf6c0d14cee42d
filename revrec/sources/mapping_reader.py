"""Read column mappings from the configuration. A table is checked as a whole, so one message lists all mistakes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from revrec.core.charge_line import DIMENSIONS
from revrec.core.errors import BadConfiguration
from revrec.core.keys import KeyProblem, SectionName, read_tables, suggestion
from revrec.sources.amounts import NumberStyle
from revrec.sources.control import read_totals
from revrec.sources.fields import CHARGE_COLUMNS, EVENT_ADDRESS, EVENT_COLUMNS
from revrec.sources.formats import times_in
from revrec.sources.lookup import ALIAS, FieldLookup, MappingTable
from revrec.sources.mapping import (
    COMPUTE,
    CONTROL,
    DOCUMENT_TOTAL,
    NUMBERED,
    SUM_OF,
    SUM_TOTAL,
    TOTAL,
    TOTAL_REASONS,
    UNDECIDED,
    ColumnMapping,
)
from revrec.sources.mapping_keys import ROWS, mapping_keys
from revrec.sources.problems import InvalidValue

_KEPT = (
    *("rows", "columns", "defaults", "dimensions", "ignore", "positions", "only", "header_row", "record"),
    *("short_rows", "amount_is", "date_format", "timezone", "on_changed", "delimiter", "encoding", "format", "sheet"),
    *("lines", "headings", "fill_down", "rounding", "skip", "from_document"),
)
"""Keys whose values the mapping has as they were read."""

_COMPUTED_TOTAL = (COMPUTE, DOCUMENT_TOTAL)


def read_mapping(name: str, config: Mapping[str, Any], home: Path = Path()) -> ColumnMapping:
    """Return the mapping that the table ``[mapping.<name>]`` describes; its lookup tables are in ``home`` or below it.

    Raises:
        BadConfiguration: a key is unknown or has a wrong value; the message lists every such key.
    """
    return _MappingReader(name, config, home).mapping()


def _undecided(config: Mapping[str, Any]) -> Iterator[str]:
    """Yield the keys of a draft that its user has not decided yet."""
    tables = {key: config[key] for key in ("columns", "signs") if isinstance(config.get(key), Mapping)}
    entries = {**config, **{f"{key}.{name}": value for key, table in tables.items() for name, value in table.items()}}
    return (key for key, value in entries.items() if value == UNDECIDED)


class _MappingReader:
    """A mapping's table being checked. Collects every mistake, so that one message can list them all."""

    def __init__(self, name: str, config: Mapping[str, Any], home: Path) -> None:
        self.name = name
        self.home = home
        self.wrong = [
            f'[mapping.{name}] {key} = "?": is not decided yet; replace the "?" (the draft says why)'
            for key in _undecided(config)
        ]
        self._stop_if_wrong()
        problems: list[KeyProblem] = []
        place = (SectionName(f"mapping.{name}"),)
        events = config.get(ROWS.name) == "events"
        self.native = (*EVENT_COLUMNS, *EVENT_ADDRESS) if events else CHARGE_COLUMNS
        self.config, refused = read_tables(config, mapping_keys(self.native), place, problems)
        self.wrong = [problem.message for problem in problems]
        # Without the kind of rows the fields are unknown, so that checking their names would report correct ones.
        if ROWS.name in refused:
            self._stop_if_wrong()
        named = config.get("dimensions")
        self.dimensions = tuple(named) if isinstance(named, Mapping) else ()

    def mapping(self) -> ColumnMapping:
        """Return the mapping, checked."""
        self._check_names()
        self._stop_if_wrong()
        self._check_charges_only()
        style = self._style()
        self._check_total(style)
        self._check_positions()
        self._check_documents()
        aliases, lookups = self._aliases(), self._lookups()
        self._stop_if_wrong()
        constants = {key: value for key, value in self.config.items() if key in self.native}
        is_numbered = constants.get("line") == NUMBERED and self.config["rows"] == "charges"
        if is_numbered:
            del constants["line"]
        kept = {key: self.config[key] for key in _KEPT if key in self.config}
        kept["times_in"] = self.config.get("times_in") or times_in(self.config.get("format", ""))
        control = self.config.get(CONTROL, {})
        totals = {"totals": control.get(TOTAL, ()), "document_total": control.get(DOCUMENT_TOTAL, "")}
        totals |= {"sum_column": control.get(SUM_OF, ""), "sum_total": control.get(SUM_TOTAL, "")}
        formulas = dict(self.config.get(COMPUTE, {}))
        return ColumnMapping(
            self.name,
            constants=constants,
            style=style,
            aliases=aliases,
            lookups=lookups,
            numbered=is_numbered,
            total_formulas=formulas.pop(DOCUMENT_TOTAL, ()),
            formulas=formulas,
            exclusive_end="service_end_is" in self.config,
            total_rows={key: control[key] for key in TOTAL_REASONS if key in control},
            **totals,
            **kept,
        )

    def _add(self, problem: str) -> None:
        self.wrong.append(f"[mapping.{self.name}] {problem}")

    def _stop_if_wrong(self) -> None:
        if self.wrong:
            raise BadConfiguration("\n".join(self.wrong))

    def _check_names(self) -> None:
        for table in ("columns", "defaults", "aliases", "lookups", COMPUTE):
            for name in self.config.get(table, {}):
                if name not in self.native and name not in self.dimensions and (table, name) != _COMPUTED_TOTAL:
                    hint = suggestion(name, self.native)
                    self._add(f"{table}.{name}: there is no such field; {hint}fields are {', '.join(self.native)}")
        for name in self.config.get("columns", {}):
            if name in self.config:
                self._add(f"{name} is both a constant and in columns: keep one")
        for name in self.config.get(COMPUTE, {}):
            if name in self.config:
                self._add(f"{name} is both a constant and in compute: keep one")
        for name in self.dimensions:
            if name in self.native and name not in DIMENSIONS:
                self._add(f"dimensions.{name}: is a field, not a dimension; map it in columns")
            elif not name.isidentifier():
                self._add(f"dimensions.{name}: write the name with letters, digits and _ only")

    def _check_charges_only(self) -> None:
        if self.config["rows"] == "charges":
            return
        for key in ("amount_is", "rounding", "from_document", "service_end_is"):
            if key in self.config:
                self._add(f"{key}: applies to charges only")
        if DOCUMENT_TOTAL in self.config.get(COMPUTE, {}):
            self._add(f"{COMPUTE}.{DOCUMENT_TOTAL}: applies to charges only")
        for key in self.config.get(CONTROL, {}):
            self._add(f"control.{key}: applies to charges only")

    def _check_total(self, style: NumberStyle) -> None:
        try:
            read_totals(self.config.get(CONTROL, {}).get(TOTAL, ()), style)
        except InvalidValue as refused:
            self._add(f"control.total: {refused.reason}; {refused.fix}")

    def _style(self) -> NumberStyle:
        decimal = self.config.get("decimal", ".")
        thousands = self.config.get("thousands", "," if decimal == "." else ".")
        if thousands == decimal:
            self._add(f'thousands = "{thousands}": is also the decimal sign; write another one, or "" for no sign')
        declared = "decimal" in self.config or "thousands" in self.config
        return NumberStyle(decimal, thousands, declared, self.config.get("signs", {}))

    def _check_positions(self) -> None:
        chosen = self.config.get("format", "fixed")
        if self.config.get("positions") and chosen != "fixed":
            self._add(f'positions: apply to format = "fixed" only, not to "{chosen}"')

    def _check_documents(self) -> None:
        """Check the keys that are about documents with lines, or that exclude each other."""
        control, compute = self.config.get(CONTROL, {}), self.config.get(COMPUTE, {})
        stated = DOCUMENT_TOTAL in control or DOCUMENT_TOTAL in compute
        if self.config.get("lines") and not stated and "*" not in self.config.get("ignore", ()):
            self._add(
                "lines: without the total of each document, a value that nothing reads could be lost; set "
                f'{CONTROL}.{DOCUMENT_TOTAL} or {COMPUTE}.{DOCUMENT_TOTAL}, or write ignore = ["*"]'
            )
        if (SUM_OF in control) is not (SUM_TOTAL in control):
            self._add(f"{CONTROL}: {SUM_OF} and {SUM_TOTAL} need each other")
        if DOCUMENT_TOTAL in control and DOCUMENT_TOTAL in compute:
            self._add(f"{DOCUMENT_TOTAL} is both in {CONTROL} and in {COMPUTE}: keep one")
        if self.config.get("line") == NUMBERED and "document" in compute:
            self._add('line = "#": numbers rows by the column of their document, and compute.document replaces it')

    def _aliases(self) -> dict[str, MappingTable]:
        found: dict[str, MappingTable] = {}
        for name, file in self.config.get("aliases", {}).items():
            self._load(f"aliases.{name}", file, ALIAS, name, found)
        return found

    def _lookups(self) -> dict[str, FieldLookup]:
        found: dict[str, FieldLookup] = {}
        for name, lookup in self.config.get("lookups", {}).items():
            table: dict[str, MappingTable] = {}
            by = lookup["by"]
            if by not in (*self.native, *self.dimensions) or by == name:
                self._add(f'lookups.{name}.by = "{by}": write the name of another field')
            else:
                self._load(f"lookups.{name}", lookup["table"], by, name, table)
            if table:
                found[name] = FieldLookup(by, table[name])
        return found

    def _load(self, key: str, file: str, by: str, name: str, found: dict[str, MappingTable]) -> None:
        try:
            found[name] = MappingTable.load(self.home, file, by, name)
        except BadConfiguration as error:
            self._add(f"{key}: {error}")
