"""Write many rows at the speed of the driver, read them as a stream, and number them."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Column, Connection, Dialect, Executable, Select, Table, func, insert, select
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from sqlalchemy.sql.dml import ReturningUpdate

Fact = TypeVar("Fact")
MOST_VARIABLES, MOST_VARIABLES_BEFORE = 32_766, 999
"""The most values of one statement that SQLite accepts from version 3.32 on, and before it."""

MOST_ROWS = 250
"""The most rows of one statement: more would hardly be faster."""

SECOND_READER = "revrec_second_reader"
"""The execution option that has the second reader of :meth:`revrec.store.database.engine.Database.read_twice`."""


FACTS = "revrec_facts"
"""The execution option that has the facts of :func:`fact_of_view`."""


def insert_rows(connection: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert ``rows``, tuples in the order of ``columns``, without a dict for each row; by COPY on PostgreSQL."""
    if len(rows) == 1 and connection.dialect.name == "postgresql":
        one = _insert_text(table, tuple(columns), connection.dialect)
        connection.exec_driver_sql(one, dict(zip(columns, rows[0], strict=True)))
    elif rows:
        _insert(connection, table, tuple(columns), rows, len(rows))


def insert_columns(
    connection: Connection, table: Table, columns: Sequence[str], values: Sequence[Sequence[Any]]
) -> None:
    """Insert rows whose ``values`` are ordered by column: the same as :func:`insert_rows`."""
    _insert(connection, table, tuple(columns), zip(*values, strict=True), len(values[0]))


def insert_row(connection: Connection, table: Table, values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Insert one row and return it, in the order of the table's columns; a column that is not in ``values`` is null."""
    row = tuple(map(values.get, table.columns.keys()))
    insert_rows(connection, table, table.columns.keys(), [row])
    return row


def stream_rows(connection: Connection, query: Executable, rows: int = 2_000) -> Any:
    """Return the rows of a query as a stream, ``rows`` at a time, so that neither server nor client has them all."""
    return connection.execute(query, execution_options={"yield_per": rows})


def sort_on_disk(connection: Connection) -> None:
    """Let SQLite sort in temporary files from now on: in memory, the rows of a report could be hundreds of MB."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA temp_store = FILE")


def fact_of_view(connection: Connection, key: Hashable, find: Callable[[], Fact]) -> Fact:
    """Return a fact about the books that several reports need: ``find`` is called once for each view.

    Without a view of :meth:`revrec.store.database.engine.Database.read_twice`, rows may change, and nothing is kept.
    """
    facts: dict[Hashable, Any] = connection.get_execution_options().get(FACTS, {})
    if key not in facts:
        facts[key] = find()
    found: Fact = facts[key]
    return found


def rows_of(connection: Connection, statement: "Select[Any] | ReturningUpdate[Any]", **values: Any) -> list[Any]:
    """Return the rows of a statement, directly from the driver.

    ``values`` are its parameters and, if it is an UPDATE, the columns to set. For statements of each change, which are
    built once: SQLAlchemy's own work for an execution takes several times as long as the database needs for them.
    """
    text, places, literals = _statement_text(statement, tuple(values), connection.dialect)
    parameters = {**literals, **values}
    cursor: Any = connection.connection.cursor()
    with _driver_errors(connection, text):
        cursor.execute(text, [parameters[name] for name in places] if places else parameters)
        rows: list[Any] = cursor.fetchall()
    return rows


def first_row(connection: Connection, statement: "Select[Any] | ReturningUpdate[Any]", **values: Any) -> Any:
    """Return the first row of a statement, as :func:`rows_of` does; None without one."""
    return next(iter(rows_of(connection, statement, **values)), None)


def execute_text(connection: Connection, text: str) -> None:
    """Execute a command of the database, such as BEGIN, directly by the driver."""
    with _driver_errors(connection, text):
        connection.connection.cursor().execute(text)


@lru_cache(maxsize=256)
def _statement_text(
    statement: "Select[Any] | ReturningUpdate[Any]", names: tuple[str, ...], dialect: Dialect
) -> tuple[str, Sequence[str], Mapping[str, Any]]:
    """Return a statement for the driver: its text, its parameters in order if they have no names, and its literals."""
    compiled: Any = statement.compile(dialect=dialect, column_keys=names)
    return str(compiled), compiled.positiontup or (), compiled.params


@contextmanager
def _driver_errors(connection: Connection, statement: str) -> Iterator[None]:
    """Raise the driver's errors within the block as SQLAlchemy's."""
    driver: Any = connection.dialect.dbapi
    try:
        yield
    except driver.Error as error:
        raise DBAPIError.instance(statement, None, error, driver.Error) from error


def next_number(connection: Connection, column: "Column[int]") -> int:
    """Return the number after the highest one.

    Only under the write lock: two writers would get the same number. A database sequence would leave a gap after each
    rollback, and ``revrec verify`` could not distinguish that gap from a row that someone removed.
    """
    (last,) = first_row(connection, _last_number(column))
    return int(last) + 1


@lru_cache(maxsize=64)
def _last_number(column: "Column[int]") -> Select[Any]:
    return select(func.coalesce(func.max(column), 0))


def _insert(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]], count: int
) -> None:
    """Insert ``count`` rows through the driver, whose errors are raised as SQLAlchemy's."""
    insert_all = _copy if connection.dialect.name == "postgresql" else _insert_many
    with _driver_errors(connection, _insert_text(table, columns, connection.dialect)):
        insert_all(connection, table, columns, rows, count)


def _insert_many(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]], count: int
) -> None:
    """Insert many rows by each statement: SQLite prepares to undo every statement that a trigger may refuse."""
    driver: Any = connection.dialect.dbapi
    most = MOST_VARIABLES if driver.sqlite_version_info >= (3, 32) else MOST_VARIABLES_BEFORE
    at_once = min(most // len(columns), MOST_ROWS)
    one = _insert_text(table, columns, connection.dialect)
    cursor: Any = connection.connection.cursor()
    rest = iter(rows)
    if count >= at_once:
        many = one + f", {one[one.rindex('(') :]}" * (at_once - 1)
        for _turn in range(count // at_once):
            cursor.execute(many, list(chain.from_iterable(islice(rest, at_once))))
    cursor.executemany(one, rest)


@lru_cache(maxsize=64)
def _insert_text(table: Table, columns: tuple[str, ...], dialect: Dialect) -> str:
    return str(insert(table).compile(dialect=dialect, column_keys=list(columns)))


def _copy(
    connection: Connection, table: Table, columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]], _count: int
) -> None:
    cursor: Any = connection.connection.cursor()
    with cursor, cursor.copy(_copy_statement(table, columns, connection.dialect)) as copy:
        for row in rows:
            copy.write_row(row)


@lru_cache(maxsize=64)
def _copy_statement(table: Table, columns: tuple[str, ...], dialect: Dialect) -> str:
    quote = dialect.identifier_preparer.quote
    return f"COPY {quote(table.name)} ({', '.join(map(quote, columns))}) FROM STDIN"
