"""Text on its way out, to a terminal, a file, a mail or a log: characters that could forge or hide text are shown."""

import re

_ACTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]"
)
"""Controls of C0 (but tab and line feed), DEL and C1; marks that change the direction of writing; line and paragraph
separators; halves of surrogate pairs, as file names that are not UTF-8 have them, which no stream could encode."""


def harmless(text: str) -> str:
    """Return the text with each such character as its escape, ``\\u001b``, which JSON reads back as the character."""
    # No such character is printable, and almost every text is: the pattern alone takes four times as long.
    return text if text.isprintable() else _ACTIVE.sub(_escape, text)


def one_line(text: str) -> str:
    """Return the text as :func:`harmless` does, with tabs and line feeds as their escapes too."""
    return text if text.isprintable() else harmless(text).replace("\n", "\\n").replace("\t", "\\t")


def _escape(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
