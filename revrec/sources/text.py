"""Clean text values: trim them, normalize Unicode to NFC, remove invisible characters, and enforce limits."""

import unicodedata
from collections.abc import Callable, Iterator

from revrec.sources.problems import InvalidValue

FIELD_LIMIT = 64 * 1024
"""Most characters of a free text."""

ID_LIMIT = 255
"""Most characters of an id, code or name (document, customer, item, a dimension's id)."""


_JOINERS = frozenset("\u200c\u200d")
"""Invisible characters that carry meaning between visible ones: in several scripts, and in emoji."""


def _visible(text: str) -> str:
    """Remove format characters (zero-width spaces, byte order marks, text direction).

    With one of them inside, two customer ids look the same and are different customers.
    """
    return "".join(c for c in text if unicodedata.category(c) != "Cf").strip()


def _legible(text: str) -> str:
    """Remove format characters except those that join letters or emoji."""
    kept = (c for c in text if unicodedata.category(c) != "Cf" or c in _JOINERS or c >= "\U000e0000")
    return "".join(kept).strip()


def _one_blank(text: str) -> str:
    """Replace every kind of space with the plain one: a no-break space looks the same and makes another code."""
    return "".join(" " if unicodedata.category(c) == "Zs" else c for c in text)


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


Stage = tuple[str, Callable[[str], str]]
TEXT_STAGES: tuple[Stage, ...] = (
    ("trimmed", str.strip),
    ("invisible characters removed", _legible),
    ("Unicode NFC", _nfc),
)
ID_STAGES: tuple[Stage, ...] = (
    ("trimmed", str.strip),
    ("invisible characters removed", _visible),
    ("blanks", _one_blank),
    ("Unicode NFC", _nfc),
)


def stages(text: str, through: tuple[Stage, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield what cleaning changes in a text, step by step: (step, before, after)."""
    for name, stage in through:
        after = stage(text)
        if after != text:
            yield name, text, after
        text = after


def clean(text: str, through: tuple[Stage, ...] = TEXT_STAGES) -> str:
    """Return the text trimmed and in NFC.

    Raises:
        InvalidValue: it is too long or has a control character. Line breaks and tabs inside the text are allowed.
    """
    if len(text) > FIELD_LIMIT:
        raise InvalidValue(f"is {len(text):,} characters long, the limit is {FIELD_LIMIT:,}", "shorten it")
    text = text.strip()
    if text.isascii() and text.isprintable():
        return text
    for place, character in enumerate(text, start=1):
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\r\t":
            raise InvalidValue(f"control character U+{ord(character):04X} at character {place}", "remove it")
    for _name, stage in through[1:]:
        text = stage(text)
    return text


def clean_id(text: str) -> str:
    """Return a clean id, code or name, which may be empty.

    Raises:
        InvalidValue: it is longer than :data:`ID_LIMIT` or has a line break, a tab or a control character.
    """
    text = clean(text, ID_STAGES)
    if len(text) > ID_LIMIT:
        raise InvalidValue(f"is {len(text):,} characters long, the limit is {ID_LIMIT}", "shorten it")
    if not text.isprintable() and any(c in text for c in "\n\r\t\u2028\u2029"):
        raise InvalidValue("has a line break or a tab inside", "write it on one line, with spaces")
    return text


def clean_id_part(text: str) -> str:
    """Return a clean source or line of a charge's id.

    Raises:
        InvalidValue: :func:`clean_id` rejects it, or it has a ``/``, which separates the parts of the id.
    """
    text = clean_id(text)
    if "/" in text:
        raise InvalidValue('has a "/", which separates source, document and line in a charge id', 'write "-" instead')
    return text
