"""Text values: trimmed, in Unicode NFC, without control characters, within limits."""

import unicodedata

from revrec.sources.problems import Refused

FIELD_LIMIT = 64 * 1024
"""Characters of a free text; longer ones are refused."""

ID_LIMIT = 255
"""Characters of an id, code or name (document, customer, item, a dimension's id); longer ones are refused."""


def clean(text: str) -> str:
    """The text trimmed and in NFC. Raises Refused for control characters (line breaks and tabs may stay inside)."""
    if len(text) > FIELD_LIMIT:
        raise Refused(f"is {len(text):,} characters long, the limit is {FIELD_LIMIT:,}", "shorten it")
    text = text.strip()
    if text.isascii() and text.isprintable():
        return text
    for place, character in enumerate(text, start=1):
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\r\t":
            raise Refused(f"control character U+{ord(character):04X} at character {place}", "remove it")
    return unicodedata.normalize("NFC", text)


def clean_id(text: str) -> str:
    """An id, code or name: clean, on one line, at most :data:`ID_LIMIT` characters; may be empty."""
    text = clean(text)
    if len(text) > ID_LIMIT:
        raise Refused(f"is {len(text):,} characters long, the limit is {ID_LIMIT}", "shorten it")
    if not text.isprintable() and any(c in text for c in "\n\r\t\u2028\u2029"):
        raise Refused("has a line break or a tab inside", "write it on one line, with blanks")
    return text


def clean_id_part(text: str) -> str:
    """The source or line part of a charge's id: as :func:`clean_id`, and without the ``/`` that joins the parts."""
    text = clean_id(text)
    if "/" in text:
        raise Refused('has a "/", which separates source, document and line in a charge id', 'write "-" instead')
    return text
