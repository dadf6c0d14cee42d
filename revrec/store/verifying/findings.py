"""What a check finds."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError, SQLAlchemyError


class VerifyFinding(NamedTuple):
    """One thing that is not as it should be: which check, where (table and key), what is wrong and what it means."""

    check: str
    table: str
    key: str
    problem: str
    meaning: str


def findings_of(check: str, work: Callable[[], Iterable[VerifyFinding]]) -> Iterator[VerifyFinding]:
    """The findings of a check; one that the database cannot even be read for is a finding itself."""
    try:
        yield from work()
    except (SQLAlchemyError, UnicodeError, ValueError, TypeError, KeyError, OverflowError) as error:
        said = str(error.orig) if isinstance(error, DBAPIError) else f"{type(error).__name__}: {error}"
        yield VerifyFinding(
            check, "database", "", f"cannot be checked: {said}", "the file is damaged: restore a backup"
        )


def damage_finding(error: Exception) -> VerifyFinding | None:
    """The finding that a refusal to open the database stands for, if it was the file's damage that refused."""
    said = str(error.__cause__.orig) if isinstance(error.__cause__, DBAPIError) else ""
    if isinstance(error, UnicodeDecodeError):
        said = f"a text of the file cannot be decoded: {error}"
    known = ("malformed", "not a database", "corrupt", "decode", "I/O", "no such", "syntax")
    if not any(word in said for word in known):
        return None
    return VerifyFinding("integrity", "database", "", said, "the file is damaged: restore a backup")
