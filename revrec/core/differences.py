"""Compare two versions of a charge line: the figures that differ, as text."""

from collections.abc import Mapping
from typing import Any

from revrec.core.charge_line import ChargeLine
from revrec.core.money import decimal_string


def differences(old: ChargeLine, new: ChargeLine) -> list[tuple[str, str, str]]:
    """Return ``(field, old, new)`` as text for each figure that differs; dimensions under their own names.

    Quantities compare by value (1 equals 1.0), dimensions in any order, and an empty dimension equals a missing one.
    """
    if old == new:
        return []
    found = [
        (name, _shown(name, old), _shown(name, new))
        for name in ChargeLine._fields
        if name != "dimensions" and getattr(old, name) != getattr(new, name)
    ]
    before, after = _set(old.dimensions), _set(new.dimensions)
    changed = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    return found + [(name, before.get(name, ""), after.get(name, "")) for name in changed]


def _set(dimensions: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in dimensions.items() if value}


def _shown(name: str, line: ChargeLine) -> str:
    value: Any = getattr(line, name)
    if name in ("amount", "recognized_before"):
        return decimal_string(value, line.currency)
    return "" if value is None else str(value)
