"""The JSON Schema of rule files for editors, made from the tables of keys that check them."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from revrec.core.calendar import Offset
from revrec.core.keys import ConfigKey
from revrec.core.methods import methods
from revrec.core.rules.declaration import FILE_KEYS, recognize_keys

LISTS = ("rule", "repair", "allocation", "table", "variable", "cost")
"""Keys that hold a list of tables."""


def schema() -> dict[str, Any]:
    """Return a draft 2020-12 JSON Schema. Put ``#:schema rules.schema.json`` at the top of a file so editors use it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "revrec rule file",
        **_table(FILE_KEYS),
    }


def _table(keys: Iterable[ConfigKey]) -> dict[str, Any]:
    keys = tuple(keys)
    others = next((_key(key) for key in keys if key.name == "*"), False)
    table: dict[str, Any] = {
        "type": "object",
        "properties": {key.name: _key(key) for key in keys if key.name != "*"},
        "additionalProperties": others,
    }
    required = [key.name for key in keys if key.required]
    return {**table, "required": required} if required else table


def _key(key: ConfigKey) -> dict[str, Any]:
    if key.name in LISTS and key.table:
        return {"type": "array", "description": key.doc, "items": _table(key.table)}
    if key.name == "recognize":
        return {"description": key.doc, "oneOf": [_recognize(name) for name in methods()]}
    if key.kind is None:
        return {"description": key.doc, **_table(key.table)}
    default = {} if key.default is None else {"default": _plain(key.default)}
    return {**key.kind.schema, "description": key.doc, **default}


def _recognize(method: str) -> dict[str, Any]:
    table = _table(recognize_keys(method))
    meaning = (methods()[method].__doc__ or "").split("\n\n")[0]
    table["properties"]["method"] = {"const": method, "description": " ".join(meaning.split())}
    return {"title": method, **table}


def _plain(value: Any) -> Any:
    if isinstance(value, Offset):
        return value.text
    return value.isoformat() if isinstance(value, date) else value
