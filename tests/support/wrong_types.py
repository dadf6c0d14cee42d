"""Values of wrong types, put at any place of a parsed document."""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, time
from typing import Any

WRONG: tuple[object, ...] = (
    [],
    ["x"],
    {"a": {"b": []}},
    10**30,
    -1.5,
    True,
    datetime(1979, 5, 27, 7, 32, tzinfo=UTC),
    time(7, 32),
    "word",
)
"""Values of which a key accepts at most some."""

NESTED = [[{"a": [datetime(1979, 5, 27, 7, 32, tzinfo=UTC)]}]]
"""A value that no key accepts."""


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value, of tables and lists as well as of what they contain."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        yield (*path, step)
        yield from paths(one, (*path, step))


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return the document with another value at a path."""
    changed = copy.deepcopy(document)
    parent = changed
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = value
    return changed
