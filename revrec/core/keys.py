"""Declared configuration keys: one table of keys checks a file and feeds its JSON Schema and its manual.

This is the checker for every configuration: rule files, mappings, settings, invoice settings and transports. Declare
each key as a :class:`ConfigKey` with a :class:`ValueKind`, then read a parsed table with
:func:`revrec.core.rules.tables.read_table`. A kind that is missing is a function that returns the value or raises
:class:`RejectedValue`; a typing mistake is answered by :func:`did_you_mean`.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from difflib import get_close_matches
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


def _text(value: Any, longest: int = 1000) -> str:
    if not isinstance(value, str):
        raise RejectedValue(f'write it in quotes: "{value}"' if type(value) in (int, float) else "")
    if not value.strip() or len(value) > longest or not value.isprintable():
        raise RejectedValue()
    return value


def text(wanted: str = "a text in quotes", longest: int = 1000) -> ValueKind:
    """Return the kind of a line of text that is not empty."""
    schema = {"type": "string", "minLength": 1, "maxLength": longest}
    return ValueKind(wanted, lambda value: _text(value, longest), schema)


def _any_text(value: Any) -> str:
    if not isinstance(value, str):
        raise RejectedValue()
    return value


ANY_TEXT = ValueKind("a text in quotes", _any_text, {"type": "string"})


def choice(*words: str) -> ValueKind:
    """Return the kind of one of a few words."""

    def read(value: Any) -> str:
        if value not in words:
            raise RejectedValue()
        return str(value)

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
