"""Read JSON or XML of an unknown structure as a grid: find its records, their lines, and a column for each value."""

from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import Any, NamedTuple

from revrec.sources.formats import xml
from revrec.sources.json_text import JsonText
from revrec.sources.layout import MOST_COLUMNS
from revrec.sources.mapping import LINE_SCOPE
from revrec.sources.nested import scalar_text
from revrec.sources.stream import SourceStream
from revrec.sources.suggesting.grid import MOST_ROWS, Grid, GridRow, Opener

FORMATS = ("json", "jsonl", "xml")

DEEPEST = 4
"""Levels below a document or the file in which records, lines and values are looked for."""

LARGEST = 16 * 1024 * 1024
"""Bytes of an XML file that are examined, since its whole tree is held in memory."""

_TRIED = 100
"""Documents by which the structure is chosen."""

_MOST = 200
"""Structures that are compared: a hostile file has millions of lists."""

_LINE_NAMES = ("line", "item", "position", "entry", "row", "lineitem")
"""The ends of the names of an element that is a line although it occurs only once."""


class Structure(NamedTuple):
    """A possible structure: the path of the records, with the records there, and the path of their lines if any."""

    record: tuple[str, ...]
    documents: Sequence[Any]
    lines: tuple[str, ...] = ()


def read_tree(opened: Opener, format: str, score: Callable[[Grid], float]) -> Grid:
    """Read up to :data:`~revrec.sources.suggesting.grid.MOST_ROWS` rows of the structure with the best score.

    Raises:
        SourceError: the file cannot be read, or has no records.
    """
    with opened() as stream:
        root = xml.whole(stream, LARGEST) if format == "xml" else _json_root(stream)
        possible = islice(_structures(root, format == "xml"), _MOST)
        tried = [(score(_grid(one, format, _TRIED)), one) for one in possible]
        best = max(tried, key=lambda one: (one[0], -len(one[1].lines), -len(one[1].record)), default=None)
        if best is None or best[0] < 0:
            raise stream.error("", "has no records with names and values", "check whether this is the right file")
    return _grid(best[1], format)


class _Enough(Exception):
    """The signal that enough of a file was read."""


def _json_root(stream: SourceStream) -> Any:
    """Return the values of a JSON file, as far as they are examined."""
    text = JsonText(stream, "")
    values: list[Any] = []
    with suppress(_Enough):
        while text.peek() and len(values) <= MOST_ROWS:
            _read_into(values.append, text, 1)
    return values[0] if len(values) == 1 else values


def _read_into(put: Callable[[Any], None], text: JsonText, depth: int) -> None:
    """Put the next value into what it belongs to; a list or an object before its items, so that it may end early."""
    if text.peek() == "[" and depth <= DEEPEST:
        items: list[Any] = []
        put(items)
        for _here in text.steps("[", "]"):
            if len(items) > MOST_ROWS:
                raise _Enough
            _read_into(items.append, text, depth + 1)
    elif text.peek() == "{" and depth <= DEEPEST:
        found: dict[str, Any] = {}
        put(found)
        for name in text.items("{", "}"):
            text.expect(":")
            _read_into(partial(found.__setitem__, str(name)), text, depth + 1)
    else:
        put(text.value())


def _structures(root: Any, is_xml: bool) -> Iterator[Structure]:
    """Yield every pair of records and lines that the values could be."""
    documents = [one for one in root if isinstance(one, Mapping)] if isinstance(root, list) else []
    if documents:
        yield from _with_lines(Structure((), documents), is_xml)
    elif isinstance(root, Mapping):
        if not is_xml:
            yield from _with_lines(Structure((), [root]), is_xml)
        for path, value in _below(root):
            records = value if isinstance(value, list) else [value] if is_xml else []
            if records and all(isinstance(one, Mapping) for one in records):
                yield from _with_lines(Structure(path, records), is_xml)


def _with_lines(found: Structure, is_xml: bool) -> Iterator[Structure]:
    yield found
    below = (one for document in found.documents[:_TRIED] for one in _below(document))
    for path in dict.fromkeys(path for path, value in below if _are_lines(path, value, is_xml)):
        yield found._replace(lines=path)


def _are_lines(path: tuple[str, ...], value: Any, is_xml: bool) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(one, Mapping) for one in value)
    return is_xml and path[-1].lower().endswith(_LINE_NAMES)


def _below(value: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield the lists and objects below an object, with their paths, but nothing inside a list."""
    for name, inner in value.items():
        path = (*above, name)
        if isinstance(inner, list | Mapping) and not name.startswith("@"):
            yield path, inner
        if isinstance(inner, Mapping) and len(path) < DEEPEST:
            yield from _below(inner, path)


def _grid(structure: Structure, format: str, most: int = MOST_ROWS) -> Grid:
    """Return the rows of a structure: a column for each value of the record, and of its line."""
    rows: list[dict[str, str]] = []
    documents = structure.documents[:most]
    # In XML, a list of one item looks like an object.
    lists = {path for one in documents for path, value in _below(one) if isinstance(value, list)}
    for document in documents:
        head = dict(_values(document, "", lists - {structure.lines}))
        head = {name: text for name, text in head.items() if not _is_within(name, structure.lines)}
        lines = _at(document, structure.lines) if structure.lines else [{}]
        rows += [{**head, **dict(_values(line, LINE_SCOPE, set()))} for line in lines]
        if len(rows) > MOST_ROWS:
            break
    header = list(dict.fromkeys(name for row in rows for name in row))[:MOST_COLUMNS]
    found = Grid(format, header=header, record="/".join(structure.record), lines=".".join(structure.lines))
    found.rows = [GridRow(at, [row.get(name, "") for name in header]) for at, row in enumerate(rows[:MOST_ROWS], 1)]
    if len(rows) > MOST_ROWS:
        found.doubts.append(f"only the first {MOST_ROWS:,} rows were examined")
    return found


def _is_within(name: str, path: tuple[str, ...]) -> bool:
    return bool(path) and (f"{name}.").startswith(f"{'.'.join(path)}.")


def _at(document: Any, path: tuple[str, ...]) -> list[Any]:
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    found = document if isinstance(document, list) else [] if document is None else [document]
    return [one for one in found if isinstance(one, Mapping)]


def _values(
    value: Mapping[str, Any], prefix: str, lists: Set[tuple[str, ...]], above: tuple[str, ...] = ()
) -> Iterator[tuple[str, str]]:
    """Yield the values of an object by their paths; a list has none, but its name, since a mapping must ignore it."""
    for name, inner in value.items():
        path = (*above, name)
        shown = prefix + ".".join(path)
        if isinstance(inner, list) or path in lists:
            yield shown, ""
        elif (text := scalar_text(inner)) is not None:
            if name:
                yield shown, text
        elif len(path) < DEEPEST:
            yield from _values(inner, prefix, lists, path)
