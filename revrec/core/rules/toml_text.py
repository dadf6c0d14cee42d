"""Find places in the text of a TOML file: its blocks, and the value at a path."""

import re
from typing import Any, NamedTuple

from revrec.core.keys import KeyPath

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:\\.|[^"\\\n])*"' r"|'[^'\n]*'" r"|#[^\n]*|[\[\]{}]|\n",
    re.DOTALL,
)
_HEADER = re.compile(r"[ \t]*\[[^\n]*")
_SENTINEL = "the-value-to-find"


class TomlBlock(NamedTuple):
    """A block that begins with a header: the header without blanks, its first line (from 1) and its exact text."""

    header: str
    line: int
    text: str


def blocks(text: str, name: str) -> list[TomlBlock]:
    """Return the ``[[name]]`` blocks of a valid TOML text, each with the ``[name.x]`` tables that belong to it.

    A block's text goes from its header to its last line that is neither blank nor a comment.
    """
    headers = _headers(text)
    own = re.compile(rf"\[+\s*[\"']?{re.escape(name)}[\"']?\s*[.\]]")
    found = []
    for number, (start, header) in enumerate(headers):
        if re.sub(r"[\s\"']", "", header.split("#")[0]) != f"[[{name}]]":
            continue
        later = (at for at, next_one in headers[number + 1 :] if _begins_another(next_one, own))
        end = next(later, len(text))
        found.append(TomlBlock(f"[[{name}]]", text.count("\n", 0, start) + 1, _trimmed(text[start:end])))
    return found


def _begins_another(header: str, own: re.Pattern[str]) -> bool:
    belongs = own.match(header)
    return not belongs or belongs[0].endswith("]")


def _headers(text: str) -> list[tuple[int, str]]:
    """Yield (offset, header) of every table header: a bracket that begins a line outside of strings and arrays."""
    found, position, depth = [], 0, 0
    while position < len(text):
        if depth == 0 and (header := _HEADER.match(text, position)):
            found.append((position, header[0].strip()))
            position = header.end()
        position, depth = _line_end(text, position, depth)
    return found


def _line_end(text: str, position: int, depth: int) -> tuple[int, int]:
    """Return the start of the next line outside of strings, and the number of open brackets there."""
    for token in _TOKEN.finditer(text, position):
        if token[0] == "\n":
            return token.end(), depth
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)
    return len(text), depth


def _trimmed(text: str) -> str:
    lines = text.splitlines(keepends=True)
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return "".join(lines).rstrip("\r\n")


def locate(text: str, path: KeyPath, fallback: int = 1, *, key: bool = False) -> tuple[int, int]:
    """Return line and column (from 1) of the value at ``path``, or of its key, in a valid TOML text.

    A table is found by its first value, then its header above. What cannot be found is at line ``fallback``.
    """
    # Imported here: only faulty files pay for it.
    import tomlkit

    try:
        document = tomlkit.parse(text)
        table = _replaced(document, path)
        dumped = tomlkit.dumps(document)
    except Exception:
        # Not finding the place must not hide the problem itself.
        return fallback, 1
    before, found, _after = dumped.partition(_SENTINEL)
    if not found:
        return fallback, 1
    line = before.count("\n") + 1
    lines = text.split("\n")
    if table:
        return next(((at, 1) for at in range(line, 0, -1) if lines[at - 1].lstrip().startswith("[")), (line, 1))
    column = len(before) - (before.rfind("\n") + 1)
    if key:
        named = re.match(r"\s*", lines[line - 1])
        return line, (named.end() if named and "{" not in before.rpartition("\n")[2] else column - 1) + 1
    return line, max(column, 1)


def _replaced(document: Any, path: KeyPath) -> bool:
    """Put the sentinel at ``path``; for a table at its first value, and then return True."""
    parent, last = document, path[-1]
    for step in path[:-1]:
        parent = parent[step]
    table = False
    while _is_table(parent[last]):
        table = True
        parent = parent[last]
        last = 0 if isinstance(parent, list) else next(iter(parent))
    parent[last] = _SENTINEL
    return table


def _is_table(value: Any) -> bool:
    from tomlkit.items import AoT, InlineTable, Table

    return isinstance(value, Table | AoT) and not isinstance(value, InlineTable)
