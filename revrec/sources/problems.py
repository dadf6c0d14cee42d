"""What is wrong with a value, a row or a whole file, told with its place and its mend."""

from typing import NamedTuple

from revrec.core.errors import BadInput

SHOWN_LENGTH = 60
"""Characters of a raw value that a message shows."""


class RowProblem(NamedTuple):
    """One thing wrong with one value of a row.

    ``field`` is the charge line's own name for it (``amount``), or the column's if no field stands behind it.
    ``value`` is the raw value, escaped and shortened. ``mend`` tells what to write instead.
    """

    field: str
    value: str
    reason: str
    fix: str

    def __str__(self) -> str:
        """``amount "12.345": USD has 2 decimals; write it as 12.34 or 12.35``."""
        shown = f' "{self.value}"' if self.value else ""
        return f"{self.field}{shown}: {self.reason}; {self.fix}"

    def as_dict(self) -> dict[str, str]:
        """Return the problem for JSON. ``mend`` is the former name of ``fix`` and is kept for one release."""
        return {**self._asdict(), "mend": self.fix}


class RejectedValue(ValueError):
    """A value that cannot be used: reason and mend, without the place, which its caller knows."""

    def __init__(self, reason: str, fix: str) -> None:
        super().__init__(reason, fix)
        self.reason = reason
        self.fix = fix


class SourceError(BadInput):
    """A whole file that cannot be used as it stands; ``file``, ``place`` and ``mend`` are kept apart for reports."""

    def __init__(self, file: str, place: str, reason: str, fix: str) -> None:
        where = f"{file}: {place}" if place else file
        super().__init__(f"{where}: {reason}; {fix}")
        self.file = file
        self.place = place
        self.reason = reason
        self.fix = fix


def shorten(value: str) -> str:
    """The value as a message may show it: one line, printable, at most :data:`SHOWN_LENGTH` characters."""
    cut = value if len(value) <= SHOWN_LENGTH else value[: SHOWN_LENGTH - 3] + "..."
    if cut.isprintable():
        return cut
    escaped = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut)
    return escaped if len(escaped) <= SHOWN_LENGTH else escaped[: SHOWN_LENGTH - 3] + "..."
