"""The record of cleaning: what was changed in a row on its way in, kept beside the charge line or event it became."""

from collections.abc import Sequence

from sqlalchemy import Connection, select

from revrec.store.database.bulk import insert_rows, next_number
from revrec.store.digests import Digest, of_rows
from revrec.store.tables import cleaning

_COLUMNS = tuple(column.name for column in cleaning.columns)


def add(connection: Connection, import_id: int, rows: Sequence[tuple[int, str]]) -> Digest:
    """Keep the steps of rows: (row number, steps as JSON)."""
    first = next_number(connection, cleaning.c.id)
    whole = [(id, import_id, *row) for id, row in enumerate(rows, first)]
    insert_rows(connection, cleaning, _COLUMNS, whole)
    return of_rows(cleaning, whole)


def steps(connection: Connection, import_id: int, row: int) -> str | None:
    """The steps of one row as JSON; None if nothing was changed in it."""
    query = select(cleaning.c.steps).where(cleaning.c.import_id == import_id, cleaning.c.row == row)
    return connection.execute(query.order_by(cleaning.c.id.desc()).limit(1)).scalar()
