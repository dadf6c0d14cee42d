"""Declared configuration keys: one table of keys checks a file and feeds its JSON Schema and its manual.

This is the checker for every configuration: rule files, mappings, settings, invoice settings and transports. Declare
each key as a :class:`ConfigKey` with a :class:`ValueKind`, then read a parsed table with
:func:`read_table`. A kind that is missing is a function that returns the value or raises
:class:`RejectedValue`; a typing mistake is answered by :func:`did_you_mean`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, NamedTuple

from revrec.core.calendar import parse_offset


class RejectedValue(ValueError):
    """A value that its kind does not accept. The message says why.

    ``column`` is the place in a text value, ``item`` the position in a list, both from 0.
    """

    def __init__(self, why: str = "", column: int | None = None, item: int | None = None) -> None:
        super().__init__(why)
        self.column = column
        self.item = item


class ValueKind(NamedTuple):
    """A kind of value: a description of what is ``wanted``, a function to ``read`` it, and its JSON Schema.

    ``read`` returns the value for the program and raises RejectedValue for anything else. ``choices`` are the words
    that a message suggests.
    """

    wanted: str
    read: Callable[[Any], Any]
    schema: Mapping[str, Any]
    choices: tuple[str, ...] = ()


class ConfigKey(NamedTuple):
    """One key of a table. ``doc`` describes it to users; ``table`` has the keys of a sub-table instead of a kind."""

    name: str
    kind: ValueKind | None
    doc: str
    default: Any = None
    required: bool = False
    table: "tuple[ConfigKey, ...]" = ()


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known name that ``word`` most resembles, ignoring case; empty if none is close."""
    by_fold = {name.casefold().replace(" ", "_"): name for name in known}
    close = get_close_matches(word.casefold().replace(" ", "_")[:100], list(by_fold), n=1, cutoff=0.6)
    return by_fold[close[0]] if close else ""


def did_you_mean(word: object, known: Iterable[str]) -> str:
    """Return ``; did you mean "item"?``, to end a message, or nothing if no known name is close."""
    close = nearest(str(word), known)
    return f'; did you mean "{close}"?' if close else ""


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean "item"? ``, to begin the advice of a message, or nothing if no known name is close."""
    close = nearest(word, known)
    return f'did you mean "{close}"? ' if close else ""


def as_toml(value: Any) -> str:
    """Return a value as a message shows it: as TOML writes it, and at most 60 characters long."""
    if isinstance(value, str):
        return '"' + (value if len(value) <= 60 else value[:57] + "...") + '"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, date):
        return value.isoformat()
    shown = str(value)
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _any_text(value: Any) -> str:
    if not isinstance(value, str):
        raise RejectedValue(f'write it in quotes: "{value}"' if type(value) in (int, float) else "")
    return value


def _text(value: Any, longest: int = 1000) -> str:
    line = _any_text(value)
    if not line.strip() or len(line) > longest or not line.isprintable():
        raise RejectedValue()
    return line


def text(wanted: str = "a text in quotes", longest: int = 1000) -> ValueKind:
    """Return the kind of a line of text that is not empty."""
    schema = {"type": "string", "minLength": 1, "maxLength": longest}
    return ValueKind(wanted, lambda value: _text(value, longest), schema)


ANY_TEXT = ValueKind("a text in quotes", _any_text, {"type": "string"})


def choice(*words: str, former: Mapping[str, str] = MappingProxyType({})) -> ValueKind:
    """Return the kind of one of a few words; ``former`` names are still accepted and read as their new ones."""

    def read(value: Any) -> str:
        word = former.get(value, value) if isinstance(value, str) else value
        if word not in words:
            raise RejectedValue()
        return str(word)

    return ValueKind(f"one of {', '.join(words)}", read, {"type": "string", "enum": list(words)}, words)


def whole_number(least: int, most: int) -> ValueKind:
    """Return the kind of a whole number between two bounds, both included."""

    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise RejectedValue()
        return value

    wanted = f"a whole number from {least} to {most}"
    return ValueKind(wanted, read, {"type": "integer", "minimum": least, "maximum": most})


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise RejectedValue()
    return value


YES_OR_NO = ValueKind("true or false", _yes_or_no, {"type": "boolean"})


def _date(value: Any) -> date:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise RejectedValue("write it as 2024-03-28, without quotes and without a time")
    return value


DATE = ValueKind("a date", _date, {"type": "string", "format": "date"})


def _offset(value: Any) -> Any:
    try:
        return parse_offset(value)
    except (ValueError, AttributeError) as error:
        raise RejectedValue() from error


OFFSET = ValueKind(
    'an offset of at most a hundred years such as "7 days", "2 business days", "1 month", "-3 weeks" or "1 year"',
    _offset,
    {"type": "string", "pattern": r"^\s*[+-]?\s*\d{1,6}\s+([Bb]usiness\s+day|[Dd]ay|[Ww]eek|[Mm]onth|[Yy]ear)s?\s*$"},
)


def forbidden(why: str) -> ValueKind:
    """Return the kind of a key that must not be set, for a reason."""

    def read(_value: Any) -> Any:
        raise RejectedValue()

    return ValueKind(f"nothing here, because {why}", read, {"not": {}})


class SectionName(str):
    """The first step of a path in a section that the user names, such as ``mapping.bank``: messages show its header."""

    __slots__ = ()


KeyPath = tuple[str | int, ...]
"""The place of a value in a document: the keys and list positions that lead to it."""


class KeyProblem(NamedTuple):
    """A problem at a path of the document; ``at`` points to its value, its key or a column of its text."""

    path: KeyPath
    message: str
    on_key: bool = False
    column: int | None = None


def read_table(
    table: Any, keys: Sequence[ConfigKey], path: KeyPath, complaints: list[KeyProblem]
) -> tuple[dict[str, Any], set[str]]:
    """Return the values of a table with defaults filled in, and the names of the keys whose values were rejected."""
    if not isinstance(table, Mapping):
        complaints.append(KeyProblem(path, f"{_dotted(path)} must be a table {_header(path)}"))
        return {}, {key.name for key in keys}
    known = {key.name: key for key in keys}
    values: dict[str, Any] = {key.name: key.default for key in keys if key.default is not None}
    refused = set()
    for name, value in table.items():
        key = known.get(name) or known.get("*")
        if key is None:
            complaints.append(KeyProblem((*path, name), _unknown(name, path, tuple(known)), on_key=True))
        elif key.kind is not None:
            found = read_value(value, key.kind, (*path, name), complaints)
            if found is None:
                refused.add(name)
            else:
                values[name] = found
        else:
            values[name] = value
    for key in keys:
        if key.required and key.name not in table:
            wanted = f"{key.name}: {key.kind.wanted}" if key.kind else f"a table {_header((*path, key.name))}"
            complaints.append(KeyProblem(path, f"{_header(path)} needs {wanted}"))
    return values, refused


def read_tables(
    table: Any, keys: Sequence[ConfigKey], path: KeyPath, complaints: list[KeyProblem]
) -> tuple[dict[str, Any], set[str]]:
    """Return the same as :func:`read_table`, with the sub-tables that keys declare read as well."""
    values, refused = read_table(table, keys, path, complaints)
    known = {key.name: key for key in keys}
    for name in values:
        key = known.get(name) or known["*"]
        if key.kind is None and key.table:
            values[name], _ = read_tables(values[name], key.table, (*path, name), complaints)
    return values, refused


def read_value(value: Any, kind: ValueKind, path: KeyPath, complaints: list[KeyProblem]) -> Any:
    """Return the value as its kind reads it; None if a problem was added."""
    try:
        return kind.read(value)
    except RejectedValue as refused:
        fix = str(refused) or did_you_mean(value, kind.choices).removeprefix("; ")
        wanted = f"expected {kind.wanted}" + (f"; {fix}" if fix else "")
        where = path if refused.item is None else (*path, refused.item)
        shown = value if refused.item is None else value[refused.item]
        message = f"{_dotted(path)} = {as_toml(shown)}: {wanted}"
        complaints.append(KeyProblem(where, message, column=refused.column))
        return None


def _unknown(name: str, path: KeyPath, known: tuple[str, ...]) -> str:
    place = f"in {_header(path)}" if path else "at the top of the file"
    return f'unknown key "{name}" {place}{did_you_mean(name, known)} (known: {", ".join(known)})'


def _header(path: KeyPath) -> str:
    """Return ``[[rule]]`` or ``[rule.when]``."""
    names = ".".join(step for step in path if isinstance(step, str))
    return f"[[{names}]]" if path and isinstance(path[-1], int) else f"[{names}]"


def _dotted(path: KeyPath) -> str:
    """Return ``when.item``, without the block, which is known from the place; or ``[source.shop] port``."""
    if path and isinstance(path[0], SectionName):
        return f"[{path[0]}] {_dotted(path[1:])}".rstrip()
    names = [step for step in path if isinstance(step, str)]
    return ".".join(names[1:] if len(names) > 1 and isinstance(path[1], int) else names)
