"""Read the charge lines in two halves, in two processes and on two cores, where a report adds up all of them.

SQLite computes a query on one core, and two threads of a process wait for each other's locks. A second process
computes the other half of the lines instead (:mod:`revrec.store.reader_process`), if it sees the same moment of the
books. :meth:`revrec.store.database.engine.Database.read_twice` provides it.
"""

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select, func, select
from sqlalchemy.exc import OperationalError

from revrec.sandbox.child import start_python
from revrec.store.bulk import SECOND_READER, stream_rows
from revrec.store.number_lists import numbers_in
from revrec.store.tables import charge_line

FEWEST_LINES = 50_000
"""The fewest charge lines that are read in halves: with fewer, the second process saves hardly any time."""
SAMPLE = 200
"""The most charge lines of the sample whose median key is the limit between the halves."""
PROGRAM = Path(__file__).with_name("reader_process.py")
ISOLATED = ("-I", "-S")
"""The process needs the standard library alone, and starts faster so."""
PRAGMAS = ("cache_size = -65536", "temp_store = FILE")

Query = Select[Any] | CompoundSelect[Any]
Half = Sequence[ColumnElement[bool]]
"""The conditions of the charge lines of one half; without conditions, all of them."""


class SecondReader:
    """A process that reads the same moment of an SQLite database; it starts with the first statement.

    ``is_current`` checks that no one has committed since the moment began. If someone has, the process sees other rows,
    and does not answer. It ends with the block.
    """

    def __init__(self, path: Path, is_current: Callable[[], bool]) -> None:
        self._path = path
        self._is_current = is_current
        self._process: subprocess.Popen[str] | None = None
        self._sees_the_moment = False
        self._is_asked = False
        self._is_lost = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.end()

    def end(self) -> None:
        """End the process. It has nothing to save."""
        self._is_lost = True
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def ask(self, statement: str, parameters: Sequence[Any]) -> None:
        """Let the process begin to compute a statement."""
        if self._is_asked:
            self.end()  # The rows of a statement that no one has read must not be the answer to this one.
        self._is_asked = True
        try:
            if not self._is_lost and self._process is None:
                self._process = _started(self._path)
            if self._process is not None and self._process.stdin is not None:
                self._process.stdin.write(json.dumps([statement, parameters]) + "\n")
                self._process.stdin.flush()
        except OSError:
            self.end()

    def rows(self) -> Iterator[Any] | None:
        """Return the rows of the statement, the first ones of which are computed already; None if it has no answer."""
        if not self._sees_the_moment and not (self._read() is True and self._is_current()):
            self.end()
        self._sees_the_moment = True
        first = self._read()
        if isinstance(first, list):
            return self._from(first)
        self.end()
        return None

    def _from(self, some: Any) -> Iterator[Any]:
        # An error can come after rows: then its text is not a list, and nothing more follows.
        while isinstance(some, list) and some:
            yield from some
            some = self._read()
        if some != []:
            reason = some or "something stopped it, such as too little memory"
            failed = f"the second process that reads the database failed: {reason}"
            raise OperationalError("the second reader", None, ValueError(failed))
        self._is_asked = False

    def _read(self) -> Any:
        """Return the next line of the process; None if it has ended."""
        if self._process is None or self._process.stdout is None:
            return None
        line = self._process.stdout.readline()
        return json.loads(line) if line.endswith("\n") else None


def _started(path: Path) -> "subprocess.Popen[str]":
    words = [*ISOLATED, str(PROGRAM), str(path), *PRAGMAS]
    pipe = subprocess.PIPE
    return start_python(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, encoding="utf-8")


def stream_halves(
    connection: Connection,
    query_of: Callable[[Half], Query],
    key: ColumnElement[Any] = charge_line.c.no,
) -> Iterator[Any]:
    """Yield the rows of a query of all charge lines: of those with a low ``key``, and then of the others.

    ``query_of`` returns the query of a half; the caller adds up the sums of both (:func:`added_up`). ``key`` is SQL of
    columns of a charge line, and never null: lines that the query nets have the same key.
    """
    for half in halves(connection, query_of, key):
        yield from half


def halves(
    connection: Connection,
    query_of: Callable[[Half], Query],
    key: ColumnElement[Any] = charge_line.c.no,
) -> Iterator[Iterable[Any]]:
    """Yield the rows of each half of :func:`stream_halves`, or of all lines at once."""
    middle = _middle(connection, key) if _has_second(connection) else None
    if middle is None:
        yield stream_rows(connection, query_of([]))
    else:
        yield from both(connection, query_of([key < middle]), query_of([key >= middle]))


def both(connection: Connection, one: Query, other: Query) -> Iterator[Iterable[Any]]:
    """Yield the rows of two queries, which two processes compute at the same time if there are many charge lines."""
    second: SecondReader | None = connection.get_execution_options().get(SECOND_READER)
    if second is None or not _has_second(connection):
        yield from (stream_rows(connection, query) for query in (one, other))
        return
    second.ask(*_compiled(connection, other))
    yield _begun(connection, one)
    rows = second.rows()
    yield stream_rows(connection, other) if rows is None else rows


def _has_second(connection: Connection) -> bool:
    """Check whether a second process reads too: there may be none, or too few charge lines for it."""
    if SECOND_READER not in connection.get_execution_options():
        return False
    return (connection.execute(select(func.max(charge_line.c.no))).scalar() or 0) >= FEWEST_LINES


def _compiled(connection: Connection, query: Query) -> tuple[str, list[Any]]:
    """Return a statement as the driver gets it, with its parameters."""
    compiled: Any = query.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    return str(compiled), [compiled.params[name] for name in compiled.positiontup]


def _middle(connection: Connection, key: ColumnElement[Any]) -> Any:
    """Return the median key of some charge lines; None if there are no lines."""
    last = connection.execute(select(func.max(charge_line.c.no))).scalar() or 0
    sample = range(1, last + 1, max(1, last // SAMPLE))
    keys = sorted(connection.execute(select(key).where(charge_line.c.no.in_(numbers_in(sample)))).scalars())
    return keys[len(keys) // 2] if keys else None


def _begun(connection: Connection, query: Query) -> Iterator[Any]:
    """Return the rows of a query, the first one of which is computed already."""
    rows = iter(stream_rows(connection, query))
    return chain([one for one in [next(rows, None)] if one is not None], rows)


def added_up(rows: Iterable[Sequence[Any]], keys: int) -> Iterator[tuple[Any, ...]]:
    """Yield the sums of the rows that have the same keys: the first columns, of which there are ``keys``."""
    found: dict[tuple[Any, ...], list[int]] = {}
    for row in rows:
        key, amounts = tuple(row[:keys]), row[keys:]
        found[key] = [one + more for one, more in zip(found.get(key, [0] * len(amounts)), amounts, strict=True)]
    for key, sums in found.items():
        yield (*key, *sums)
