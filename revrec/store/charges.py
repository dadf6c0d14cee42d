"""Charge lines and the files they came from."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, insert, select

from revrec.core.calendar import iso
from revrec.core.charge_line import ChargeLine
from revrec.store.audit import canonical
from revrec.store.database.bulk import insert_rows, next_number
from revrec.store.digests import RowDigest, digest_rows
from revrec.store.tables import charge_line, cleaning, import_file, quarantine

_COLUMNS = tuple(column.name for column in charge_line.columns)
_LINE_COLUMNS = [charge_line.c[name] for name in _COLUMNS[2:17]]


class KnownCharge(NamedTuple):
    """What the store knows of a charge by its id: enough to tell "the same again" from a conflict."""

    no: int
    fingerprint: str
    import_id: int
    row: int


class SourceFile(NamedTuple):
    """A file as it was when read: where, its SHA-256 and its size in bytes."""

    uri: str
    sha256: str
    size: int


def next_charge_number(connection: Connection) -> int:
    """The number of the next charge line; safe under the write lock."""
    return next_number(connection, charge_line.c.no)


def next_import_id(connection: Connection) -> int:
    """The number of the next import; safe under the write lock."""
    return next_number(connection, import_file.c.id)


def add_import(
    connection: Connection, import_id: int, kind: str, source: SourceFile, mapping: str, at: str, actor: str, audit: int
) -> RowDigest:
    """Keep where charges or events came from: file, hash, size, mapping, time and user."""
    values = [import_id, kind, source.uri, source.sha256, source.size, mapping, at, actor, audit]
    connection.execute(insert(import_file).values(values))
    return digest_rows(import_file, [values])


def known_charges(connection: Connection, ids: Sequence[str]) -> dict[str, KnownCharge]:
    """Those of ``ids`` that the store has."""
    found = connection.execute(
        select(
            charge_line.c.id, charge_line.c.no, charge_line.c.fingerprint, charge_line.c.import_id, charge_line.c.row
        ).where(charge_line.c.id.in_(ids))
    )
    return {row[0]: KnownCharge(*row[1:]) for row in found}


def document_lines(connection: Connection, patterns: Iterable[str]) -> dict[str, list[tuple[str, int]]]:
    """The charge lines of whole documents, by patterns such as ``shop/INV-1042/*``: id and number, in order."""
    wanted = {(source, rest.rpartition("/")[0]) for source, _, rest in (one.partition("/") for one in patterns)}
    found: dict[str, list[tuple[str, int]]] = {}
    query = (
        select(charge_line.c.source, charge_line.c.document, charge_line.c.id, charge_line.c.no)
        .where(charge_line.c.document.in_(sorted({document for _source, document in wanted})))
        .order_by(charge_line.c.no)
    )
    for source, document, id, no in connection.execute(query):
        if (source, document) in wanted:
            found.setdefault(f"{source}/{document}/*", []).append((id, no))
    return found


_dimension_texts: dict[tuple[tuple[str, str], ...], str] = {}


def dimensions_text(dimensions: Mapping[str, str]) -> str:
    """The one text of a set of dimensions. Few sets occur in a file, so texts are kept."""
    key = tuple(dimensions.items())
    text = _dimension_texts.get(key)
    if text is None:
        if len(_dimension_texts) > 10_000:
            _dimension_texts.clear()
        text = _dimension_texts[key] = canonical(dict(dimensions))
    return text


@lru_cache(maxsize=10_000)
def dimensions_of(text: str) -> Mapping[str, str]:
    """The dimensions of such a text; shared by all that have the same, so never to be changed."""
    found: dict[str, str] = json.loads(text)
    return found


def _iso(day: date | None) -> str | None:
    return iso(day) if day else None


def charge_row(no: int, line: ChargeLine, fingerprint: str, import_id: int, row: int) -> tuple[Any, ...]:
    """A charge line as a row of its table."""
    return (
        no,
        f"{line.source}/{line.document}/{line.line}",
        line.source,
        line.document,
        line.line,
        line.customer,
        line.item,
        iso(line.post_date),
        line.amount,
        line.currency,
        _iso(line.rev_rec_date),
        line.description,
        None if line.quantity is None else str(line.quantity),
        _iso(line.service_start),
        _iso(line.service_end),
        line.entity,
        dimensions_text(line.dimensions),
        fingerprint,
        import_id,
        row,
    )


def add_charges(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> RowDigest:
    """Insert rows made by :func:`charge_row`, in order of number."""
    insert_rows(connection, charge_line, _COLUMNS, rows)
    return digest_rows(charge_line, rows)


def quarantined_rows(connection: Connection, kind: str, sha256: str) -> set[int]:
    """The rows that earlier imports of the same content set aside."""
    query = (
        select(quarantine.c.row)
        .join(import_file, import_file.c.id == quarantine.c.import_id)
        .where(import_file.c.sha256 == sha256, import_file.c.kind == kind)
    )
    return set(connection.execute(query).scalars())


def add_quarantined(connection: Connection, import_id: int, rows: Sequence[tuple[int, str, str]]) -> RowDigest:
    """Set rows aside: (row number, problems as JSON, the raw row as JSON)."""
    first = next_number(connection, quarantine.c.id)
    whole = [(id, import_id, *row) for id, row in enumerate(rows, first)]
    insert_rows(connection, quarantine, ("id", "import_id", "row", "problems", "raw"), whole)
    return digest_rows(quarantine, whole)


def add_cleaning(connection: Connection, import_id: int, rows: Sequence[tuple[int, str]]) -> RowDigest:
    """Store what cleaning changed in rows: (row number, steps as JSON)."""
    first = next_number(connection, cleaning.c.id)
    whole = [(id, import_id, *row) for id, row in enumerate(rows, first)]
    insert_rows(connection, cleaning, ("id", "import_id", "row", "steps"), whole)
    return digest_rows(cleaning, whole)


def cleaning_steps(connection: Connection, import_id: int, row: int) -> str | None:
    """Return the cleaning steps of one row as JSON; None if nothing in it was changed."""
    query = select(cleaning.c.steps).where(cleaning.c.import_id == import_id, cleaning.c.row == row)
    return connection.execute(query.order_by(cleaning.c.id.desc()).limit(1)).scalar()


def read_charge(connection: Connection, no: int) -> ChargeLine:
    """One charge line by its number."""
    return charge_from_row(connection.execute(select(*_LINE_COLUMNS).where(charge_line.c.no == no)).one())


def all_numbers(connection: Connection) -> list[int]:
    """The numbers of all charge lines, in order."""
    return list(connection.execute(select(charge_line.c.no).order_by(charge_line.c.no)).scalars())


def find_charge(connection: Connection, charge: str) -> int | None:
    """The number of the charge with this id, if the store has it."""
    return connection.execute(select(charge_line.c.no).where(charge_line.c.id == charge)).scalar()


def read_charges(connection: Connection, numbers: Sequence[int]) -> Iterator[tuple[int, ChargeLine]]:
    """The charge lines with these numbers, in order of number."""
    found = connection.execute(
        select(charge_line.c.no, *_LINE_COLUMNS).where(charge_line.c.no.in_(numbers)).order_by(charge_line.c.no)
    )
    for no, *values in found:
        yield no, charge_from_row(values)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def charge_from_row(values: Sequence[Any] | Row[Any]) -> ChargeLine:
    """A charge line from its columns, ``source`` to ``dimensions`` in the order of the table."""
    (source, document, line, customer, item, post_date, amount, currency) = values[:8]
    (rev_rec_date, description, quantity, service_start, service_end, entity, dimensions) = values[8:15]
    return ChargeLine(
        source,
        document,
        line,
        customer,
        item,
        date.fromisoformat(post_date),
        amount,
        currency,
        _day(rev_rec_date),
        description,
        None if quantity is None else Decimal(quantity),
        _day(service_start),
        _day(service_end),
        entity,
        dimensions_of(dimensions),
    )
