"""Which mappings a file is read by: the configuration's, those that ship with revrec, or the native ones."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from revrec.core.errors import BadConfiguration
from revrec.sources import NATIVE_CHARGES, NATIVE_EVENTS, ColumnMapping, formats
from revrec.sources.fields import CHARGE_COLUMNS
from revrec.sources.mapping_reader import read_mapping
from revrec.sources.shipped import merged, resolved

if TYPE_CHECKING:
    from revrec.jobs.context import Context

CLEANING = ("aliases", "lookups")
"""What ``[cleaning]`` may say for all mappings."""


def mapping_of(context: "Context", name: str | None, events: bool) -> ColumnMapping:
    """The one mapping by which charges, or events, are read.

    Raises:
        BadConfiguration: there is no such mapping, it is wrong, or it reads the other kind of rows alone.
    """
    wanted = "events" if events else "charges"
    for found in mappings_of(context, name, events):
        if found.rows == wanted:
            return found
    raise BadConfiguration(f"mapping {name} reads events, not charges")


def mappings_of(context: "Context", name: str | None, events: bool = False) -> list[ColumnMapping]:
    """The mappings of a name, charges before events; without a name the native one.

    ``events`` true asks for events alone.

    Raises:
        BadConfiguration: there is no such mapping, it is wrong, or it reads the other kind of rows.
    """
    with context.settings.named():
        if not name:
            return [_native(context, NATIVE_EVENTS if events else NATIVE_CHARGES)]
        config = resolved(name, context.settings.free.get("mapping", {}), str(context.settings.file or "revrec.toml"))
        found = [_made(context, name, part) for part in parts(name, config)]
    if events:
        found = [one for one in found if one.rows == "events"]
        if not found:
            raise BadConfiguration(f"mapping {name} reads charges: import its files without --events")
    return found


def in_format(mappings: list[ColumnMapping], name: str | None) -> list[ColumnMapping]:
    """The mappings for files of this format, where they name none themselves.

    Raises:
        BadConfiguration: there is no such format.
    """
    if not name:
        return mappings
    if name not in formats.format_names():
        raise BadConfiguration(f"format {name!r}: expected one of {', '.join(formats.format_names())}")
    return [mapping if mapping.format else replace(mapping, format=name) for mapping in mappings]


def parts(name: str, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A mapping's table as one table for each kind of rows it reads.

    ``[mapping.NAME.charges]`` and ``[mapping.NAME.events]`` add to what stands in ``[mapping.NAME]``.

    Raises:
        BadConfiguration: such a part is no table, or says itself which rows it reads.
    """
    common = {key: value for key, value in config.items() if key not in ("charges", "events")}
    found = []
    for rows in ("charges", "events"):
        part = config.get(rows)
        if part is None:
            continue
        if not isinstance(part, Mapping) or "rows" in {**common, **part}:
            raise BadConfiguration(
                f"[mapping.{name}.{rows}] must be a table, and leave out rows, which it tells itself"
            )
        found.append({**merged(common, part), "rows": rows})
    return found or [dict(config)]


def _made(context: "Context", name: str, config: Mapping[str, Any]) -> ColumnMapping:
    return read_mapping(name, _cleaned(context, config), context.settings.home)


def _native(context: "Context", native: ColumnMapping) -> ColumnMapping:
    cleaned = _cleaned(context, {"rows": native.rows})
    return read_mapping(native.name, cleaned, context.settings.home) if len(cleaned) > 1 else native


def _cleaned(context: "Context", config: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping's table with what ``[cleaning]`` says for all; where both name a field, the mapping's own counts.

    It counts for the fields and dimensions that the mapping has. Events carry none of them.
    """
    cleaning = context.settings.free.get("cleaning", {})
    mappings = context.settings.free.get("mapping", {}).values()
    known = {*CHARGE_COLUMNS, *(name for one in mappings for name in _dimensions(one))}
    for key, table in cleaning.items():
        if key not in CLEANING or not isinstance(table, Mapping):
            raise BadConfiguration(f"[cleaning] {key}: must be a table of that name (known: {', '.join(CLEANING)})")
        strange = next((name for name in table if name not in known), None)
        if strange:
            raise BadConfiguration(f"[cleaning] {key}.{strange}: neither a field nor a dimension of any mapping")
    if config.get("rows") == "events" or not cleaning:
        return dict(config)
    own = {*CHARGE_COLUMNS, *_dimensions(config)}
    kept = {key: {name: one for name, one in table.items() if name in own} for key, table in cleaning.items()}
    return merged({key: table for key, table in kept.items() if table}, config)


def _dimensions(config: Any) -> list[str]:
    """The dimensions of a mapping's own, in itself and in its part for charges."""
    tables = [config, config.get("charges")] if isinstance(config, Mapping) else []
    found = [table.get("dimensions") for table in tables if isinstance(table, Mapping)]
    return [str(name) for dimensions in found if isinstance(dimensions, Mapping) for name in dimensions]
