"""Mappings shipped with revrec: one TOML file each in ``mappings/``, usable by name or as the base of your own."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from revrec.core.errors import BadConfiguration

DEEPEST = 5
"""Most mappings that may build on one another."""


def names() -> tuple[str, ...]:
    """Return the names of the shipped mappings."""
    folder = files("revrec.sources").joinpath("mappings")
    return tuple(
        sorted(
            file.name.removesuffix(".toml")
            for file in (folder.iterdir() if folder.is_dir() else ())
            if file.name.endswith(".toml")
        )
    )


def shipped(name: str) -> dict[str, Any]:
    """Return the table of a shipped mapping."""
    file = files("revrec.sources").joinpath("mappings", f"{name}.toml")
    return tomllib.loads(file.read_text(encoding="utf-8"))


def resolved(name: str, configured: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the table of a mapping, configured or shipped, merged over the one that its ``base`` names.

    Raises:
        BadConfiguration: there is no mapping of that name, it is not a table, or its bases form a loop.
    """
    found: dict[str, Any] = {}
    base: Any = name
    for depth in range(DEEPEST):
        table = _table(base, configured, where, over=name if depth else "")
        found = merged(table, found)
        found.pop("base", None)
        # A configured mapping may build on the shipped one of the same name, so it must not find itself again.
        configured = {key: value for key, value in configured.items() if key != base}
        base = table.get("base")
        if base is None:
            return found
    raise BadConfiguration(f"[mapping.{name}] base: more than {DEEPEST} mappings build on one another")


def _table(name: Any, configured: Mapping[str, Any], where: str, over: str) -> Mapping[str, Any]:
    table = configured.get(name) if isinstance(name, str) else None
    if isinstance(table, dict):
        return table
    if name in names():
        return shipped(name)
    known = ", ".join([*sorted(configured), *(one for one in names() if one not in configured)]) or "none"
    if over:
        raise BadConfiguration(f"[mapping.{over}] base = {name!r}: no such mapping (known: {known})")
    raise BadConfiguration(f"{where}: no mapping named {name!r} (known: {known}); add a [mapping.{name}] table")


def merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two tables. Nested tables are merged at every depth; any other value of ``over`` replaces the one below."""
    joined = dict(under)
    for key, value in over.items():
        before = joined.get(key)
        joined[key] = merged(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return joined
