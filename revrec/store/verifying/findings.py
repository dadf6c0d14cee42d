"""The findings of ``revrec verify``."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError, SQLAlchemyError


class VerifyFinding(NamedTuple):
    """Something that is wrong: the check, the table and key, the problem, and what it means."""

    check: str
    table: str
    key: str
    problem: str
    meaning: str


def findings_of(check: str, work: Callable[[], Iterable[VerifyFinding]]) -> Iterator[VerifyFinding]:
    """Yield the findings of a check. If the database cannot be read, that is reported as a finding."""
    try:
        yield from work()
    except (SQLAlchemyError, UnicodeError, ValueError, TypeError, KeyError, OverflowError) as error:
        said = str(error.orig) if isinstance(error, DBAPIError) else f"{type(error).__name__}: {error}"
        yield VerifyFinding(
            check, "database", "", f"cannot be checked: {said}", "the file is damaged: restore a backup"
        )


def damage_finding(error: Exception) -> VerifyFinding | None:
    """Return the finding for an error on opening the database; None if the error is not about a damaged file."""
    said = str(error.__cause__.orig) if isinstance(error.__cause__, DBAPIError) else ""
    if isinstance(error, UnicodeDecodeError):
        said = f"a text of the file cannot be decoded: {error}"
    known = ("malformed", "not a database", "corrupt", "decode", "I/O", "no such", "syntax")
    if not any(word in said for word in known):
        return None
    return VerifyFinding("integrity", "database", "", said, "the file is damaged: restore a backup")
