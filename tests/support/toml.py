"""Write TOML for tests that need thousands of documents; tomlkit, which keeps comments, takes ten times as long."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any


def dumps(document: Mapping[str, Any]) -> str:
    """Return a document as TOML: a header for each table, also of an array of tables, everything else in line."""
    return "\n".join(_lines(document, ""))


def _lines(table: Mapping[str, Any], path: str) -> Iterator[str]:
    below = {key: value for key, value in table.items() if isinstance(value, dict) or _is_array_of_tables(value)}
    yield from (f"{_name(key)} = {_in_line(value)}" for key, value in table.items() if key not in below)
    for key, value in below.items():
        header = f"{path}{_name(key)}"
        for one in value if isinstance(value, list) else [value]:
            yield f"[[{header}]]" if isinstance(value, list) else f"[{header}]"
            yield from _lines(one, f"{header}.")


def _is_array_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _name(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else json.dumps(key)


def _in_line(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_name(key)} = {_in_line(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_in_line, value)) + "]"
    return value.isoformat() if isinstance(value, date | time) else json.dumps(value)
