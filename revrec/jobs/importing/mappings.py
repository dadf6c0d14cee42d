"""Find the mappings for a file: from the configuration, shipped with revrec, or the native ones."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from revrec.core.errors import BadConfiguration, BadInput
from revrec.core.keys import ConfigKey, KeyProblem, SectionName, read_tables
from revrec.sources import NATIVE_CHARGES, NATIVE_EVENTS, ColumnMapping, formats
from revrec.sources.control import read_totals
from revrec.sources.fields import CHARGE_COLUMNS
from revrec.sources.mapping_keys import PARTS, cleaning_keys
from revrec.sources.mapping_reader import read_mapping
from revrec.sources.problems import InvalidValue
from revrec.sources.shipped import merged, overridden, resolved

if TYPE_CHECKING:
    from revrec.jobs.context import Context

SOURCE_KEYS = ("timezone", "on_changed")
"""Keys that a source and a mapping have; the source has precedence."""


def mapping_of(context: "Context", name: str | None, events: bool) -> ColumnMapping:
    """Return the one mapping that reads charges, or events.

    Raises:
        BadConfiguration: The mapping does not exist, has errors, or reads only the other kind of rows.
    """
    wanted = "events" if events else "charges"
    for found in mappings_of(context, name, events):
        if found.rows == wanted:
            return found
    raise BadConfiguration(f"mapping {name} reads events, not charges")


def mappings_of(context: "Context", name: str | None, events: bool = False) -> list[ColumnMapping]:
    """Return the mappings of a name, charges before events; without a name, the native one.

    With ``events``, return only mappings of events.

    Raises:
        BadConfiguration: The mapping does not exist, has errors, or reads the other kind of rows.
    """
    with context.settings.named():
        if not name:
            return [_native(context, NATIVE_EVENTS if events else NATIVE_CHARGES)]
        config = resolved(name, context.settings.free.get("mapping", {}), str(context.settings.file or "revrec.toml"))
        found = [_read_part(context, name, part) for part in parts(name, config)]
    if events:
        found = [one for one in found if one.rows == "events"]
        if not found:
            raise BadConfiguration(f"mapping {name} reads charges: import its files without --events")
    return found


def in_format(mappings: list[ColumnMapping], name: str | None) -> list[ColumnMapping]:
    """Return the mappings, with this format for those that name none.

    Raises:
        BadConfiguration: The format does not exist.
    """
    if not name:
        return mappings
    if name not in formats.format_names():
        raise BadConfiguration(f"format {name!r}: expected one of {', '.join(formats.format_names())}")
    zone = formats.times_in(name)
    return [one if one.format else replace(one, format=name, times_in=one.times_in or zone) for one in mappings]


def of_source(mappings: list[ColumnMapping], settings: Mapping[str, Any]) -> list[ColumnMapping]:
    """Return the mappings as a source reads its documents: its format, and the keys that it replaces."""
    own = {key: settings[key] for key in SOURCE_KEYS if settings.get(key)}
    found = [replace(mapping, **own) for mapping in in_format(mappings, settings["format"])]
    return [_with_cutover(mapping, settings["cutover"]) for mapping in found] if settings.get("cutover") else found


def _with_cutover(mapping: ColumnMapping, cutover: date) -> ColumnMapping:
    """Return a mapping whose charges have this cutover if a row or the mapping has none."""
    if mapping.rows != "charges" or "cutover" in {*mapping.constants, *mapping.defaults}:
        return mapping
    written = f"{cutover:{mapping.date_format}}" if mapping.date_format else cutover.isoformat()
    return replace(mapping, defaults={**mapping.defaults, "cutover": written})


def with_totals(mappings: list[ColumnMapping], totals: Sequence[str]) -> list[ColumnMapping]:
    """Return the mappings; mappings of charges get these control totals of a file, one for each currency.

    Raises:
        BadInput: A total is not an amount, or no mapping reads charges.
    """
    if not totals:
        return mappings
    if not any(mapping.rows == "charges" for mapping in mappings):
        raise BadInput("--expect: applies to charge lines, and these files contain only events")
    for mapping in mappings:
        try:
            read_totals(totals, mapping.style)
        except InvalidValue as refused:
            raise BadInput(f"--expect {refused.reason}; {refused.fix}") from None
    return [replace(mapping, totals=tuple(totals)) if mapping.rows == "charges" else mapping for mapping in mappings]


def parts(name: str, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a mapping's table as one table for each kind of rows it reads.

    ``[mapping.NAME.charges]`` and ``[mapping.NAME.events]`` extend ``[mapping.NAME]``.

    Raises:
        BadConfiguration: A part is not a table, or has the key ``rows``.
    """
    named = [rows for rows in ("charges", "events") if rows in config]
    if not named:
        return [dict(config)]
    _check(config, PARTS, SectionName(f"mapping.{name}"))
    common = {key: value for key, value in config.items() if key not in named}
    return [{**overridden(common, config[rows]), "rows": rows} for rows in named]


def _check(table: Any, keys: Sequence[ConfigKey], place: SectionName) -> None:
    """Check a table and its sub-tables. Raises BadConfiguration with every mistake."""
    problems: list[KeyProblem] = []
    read_tables(table, keys, (place,), problems)
    if problems:
        raise BadConfiguration("\n".join(one.message for one in problems))


def _read_part(context: "Context", name: str, config: Mapping[str, Any]) -> ColumnMapping:
    return read_mapping(name, _cleaned(context, config), context.settings.home)


def _native(context: "Context", native: ColumnMapping) -> ColumnMapping:
    cleaned = _cleaned(context, {"rows": native.rows})
    return read_mapping(native.name, cleaned, context.settings.home) if len(cleaned) > 1 else native


def _cleaned(context: "Context", config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the mapping's table with the common ``[cleaning]`` added; for a field in both, the mapping's own wins.

    Only the fields and dimensions of the mapping are cleaned. Events have none of them.
    """
    cleaning = context.settings.free.get("cleaning", {})
    mappings = context.settings.free.get("mapping", {}).values()
    known = dict.fromkeys([*CHARGE_COLUMNS, *(name for one in mappings for name in _dimensions(one))])
    _check(cleaning, cleaning_keys(known), SectionName("cleaning"))
    if config.get("rows") == "events" or not cleaning:
        return dict(config)
    own = {*CHARGE_COLUMNS, *_dimensions(config)}
    kept = {key: {name: one for name, one in table.items() if name in own} for key, table in cleaning.items()}
    return merged({key: table for key, table in kept.items() if table}, config)


def _dimensions(config: Any) -> list[str]:
    """Return the dimensions that a mapping itself defines, including its part for charges."""
    tables = [config, config.get("charges")] if isinstance(config, Mapping) else []
    found = [table.get("dimensions") for table in tables if isinstance(table, Mapping)]
    return [str(name) for dimensions in found if isinstance(dimensions, Mapping) for name in dimensions]
