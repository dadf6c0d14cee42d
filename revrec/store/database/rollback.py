"""Doing everything for real and keeping none of it: dry runs are the same code as runs."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection

from revrec.store.database.engine import Database


class _Discard(Exception):
    """Ends the transaction."""


@contextmanager
def discarded(database: Database) -> Iterator[Connection]:
    """A write transaction that is always rolled back."""
    try:
        with database.write() as connection:
            yield connection
            raise _Discard
    except _Discard:
        return
