"""Mappings shipped with revrec: one TOML file each in ``mappings/``, usable by name or as the base of your own."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from itertools import takewhile
from typing import Any

from revrec.core.errors import BadConfiguration
from revrec.core.keys import suggestion

DEEPEST = 5
"""Most mappings that may build on one another."""

REMOVE = "remove"
"""Key of a mapping that lists keys of its base to leave out."""

_FIELD_TABLES = ("columns", "compute")


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
    return tomllib.loads(text(name))


def text(name: str) -> str:
    """Return the text of a shipped mapping."""
    return files("revrec.sources").joinpath("mappings", f"{name}.toml").read_text(encoding="utf-8")


def description(name: str) -> str:
    """Return what a shipped mapping reads: the first sentence of the comment at its top."""
    comment = takewhile(lambda line: line.startswith("#"), text(name).splitlines())
    joined = " ".join(line.removeprefix("#").strip() for line in comment)
    return re.split(r"[.;] |\.$", joined, maxsplit=1)[0]


def resolved(name: str, configured: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return the table of a mapping, configured or shipped, merged over the one that its ``base`` names.

    Raises:
        BadConfiguration: there is no mapping of that name, it is not a table, its bases form a loop, or it removes a
            key that its base does not have.
    """
    tables = list(_tables(name, configured, where))
    found: dict[str, Any] = {}
    for table in reversed(tables):
        for key in _removed(name, table):
            _remove(name, found, key)
        found = overridden(found, {key: value for key, value in table.items() if key not in ("base", REMOVE)})
    return found


def _tables(name: str, configured: Mapping[str, Any], where: str) -> Iterator[Mapping[str, Any]]:
    """Yield the table of a mapping, then the one that it builds on, and so on."""
    base: Any = name
    for depth in range(DEEPEST):
        table = _table(base, configured, where, over=name if depth else "")
        yield table
        # A configured mapping may build on the shipped one of the same name, so it must not find itself again.
        configured = {key: value for key, value in configured.items() if key != base}
        base = table.get("base")
        if base is None:
            return
    raise BadConfiguration(f"[mapping.{name}] base: more than {DEEPEST} mappings build on one another")


def _removed(name: str, table: Mapping[str, Any]) -> list[str]:
    keys = table.get(REMOVE, [])
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise BadConfiguration(
            f'[mapping.{name}] {REMOVE}: expected a list of keys, such as ["line", "defaults.currency"]'
        )
    return keys


def _remove(name: str, table: dict[str, Any], key: str) -> None:
    """Remove a key such as ``defaults.currency`` from the table of a base."""
    *above, last = key.split(".", 1)
    if above and isinstance(table.get(above[0]), dict):
        table[above[0]] = table = dict(table[above[0]])
    elif above:
        last = above[0]
    if last not in table:
        hint = f"; {suggestion(last, table)}".rstrip("; ")
        raise BadConfiguration(f'[mapping.{name}] {REMOVE} "{key}": its base has no such key{hint}')
    del table[last]


def overridden(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Merge a mapping over its base. A field that both define by different keys is the one of the mapping alone."""
    tables = [table for table in (over.get("columns"), over.get("compute")) if isinstance(table, Mapping)]
    fields = {*over, *(name for table in tables for name in table)}
    kept: dict[str, Any] = {}
    for key, value in under.items():
        if key in _FIELD_TABLES and isinstance(value, Mapping):
            kept[key] = {name: one for name, one in value.items() if name not in fields}
        elif key in ("charges", "events") and isinstance(value, Mapping) and isinstance(over.get(key), Mapping):
            kept[key] = overridden(value, over[key])
        elif key not in fields or key in over:
            kept[key] = value
    return merged(kept, over)


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
