"""Problems of a value, a row or a whole file, each with its place and its fix."""

from typing import NamedTuple

from revrec.core.errors import BadInput
from revrec.core.harmless import one_line

SHOWN_LENGTH = 60
"""Most characters of a raw value in a message."""


class RowProblem(NamedTuple):
    """One problem of one value of a row.

    ``field`` is the charge line's name for it (``amount``), or the column's name if it has no field. ``value`` is the
    raw value, escaped and shortened. ``fix`` says what to write instead. ``element`` is the place of the value in a
    document, such as ``BIG02``, if its format has names for places.
    """

    field: str
    value: str
    reason: str
    fix: str
    element: str = ""

    def __str__(self) -> str:
        """Return text such as ``amount "12.345": has 3 decimals, USD has 2; write it as 12.34 or 12.35``."""
        place = f" ({self.element})" if self.element else ""
        shown = f' "{self.value}"' if self.value else ""
        return f"{self.field}{place}{shown}: {self.reason}; {self.fix}"

    def as_dict(self) -> dict[str, str]:
        """Return the problem for JSON, without an empty element."""
        return {name: value for name, value in self._asdict().items() if value or name != "element"}


class InvalidValue(ValueError):
    """A value that cannot be used: the reason and the fix, without the place, which the caller knows."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason, fix)
        self.reason = reason
        self.fix = fix


class SourceError(BadInput):
    """A file that cannot be used as a whole. ``file``, ``place``, ``reason`` and ``fix`` are separate for reports."""

    def __init__(self, file: str, place: str, reason: str, fix: str) -> None:
        # A line break in a file's name could forge a line of the report.
        where = one_line(f"{file}: {place}" if place else file)
        super().__init__(f"{where}: {reason}; {fix}")
        self.file = file
        self.place = place
        self.reason = reason
        self.fix = fix


def shorten(value: str) -> str:
    """Return the value for a message: one line, printable, at most :data:`SHOWN_LENGTH` characters.

    Files are hostile input: a terminal would execute escape sequences, and a line break could forge a message.
    """
    cut = value if len(value) <= SHOWN_LENGTH else value[: SHOWN_LENGTH - 3] + "..."
    if cut.isprintable():
        return cut
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)
    return escaped if len(escaped) <= SHOWN_LENGTH else escaped[: SHOWN_LENGTH - 3] + "..."
