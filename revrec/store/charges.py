"""Charge lines, the files they came from, what cleaning changed in them, and the rows that were set aside."""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, FromClause, bindparam, case, exists, func, insert, null, select

from revrec.core.batching import batched
from revrec.core.calendar import day_of, iso
from revrec.core.charge_columns import ChargeColumns
from revrec.core.charge_line import LOSS_MARK, ChargeLine
from revrec.core.rules.costs import COST_MARK, is_cost
from revrec.store.audit import AuditStamp, canonical
from revrec.store.bulk import insert_columns, insert_rows, next_number, rows_of
from revrec.store.digests import RowDigest, covered_columns, digest_rows, digest_texts, texts_of_columns
from revrec.store.number_lists import IDS, json_of, numbers_in
from revrec.store.tables import (
    ORDERED,
    billing_line,
    charge_line,
    charge_void,
    cleaning,
    import_file,
    quarantine,
    revenue_status,
)

_COLUMNS = tuple(column.name for column in covered_columns(charge_line))
LINE_COLUMNS = [charge_line.c[name] for name in ChargeLine._fields]
"""The columns that :func:`charge_from_row` reads, in the order of the fields."""


VALUES_AT_ONCE = 1_000
"""The most values of a column that one statement asks for."""


class KnownCharge(NamedTuple):
    """A stored charge line by its id: its number, and the import and row that it came from."""

    no: int
    import_id: int
    row: int


class SourceFile(NamedTuple):
    """A file as it was read: where it is, its SHA-256 and its size in bytes.

    ``source`` is the name of the ``[source.NAME]`` that it was fetched from, empty if a person imported it.
    """

    uri: str
    sha256: str
    size: int
    source: str = ""


def next_charge_number(connection: Connection) -> int:
    """Return the number of the next charge line; safe under the write lock."""
    return next_number(connection, charge_line.c.no)


def next_import_id(connection: Connection) -> int:
    """Return the number of the next import; safe under the write lock."""
    return next_number(connection, import_file.c.id)


def add_import(
    connection: Connection, import_id: int, kind: str, source: SourceFile, mapping: str, at: str, actor: str, audit: int
) -> RowDigest:
    """Store where charges or events came from: file, hash, size, mapping, time and user."""
    values = [import_id, kind, source.uri, source.sha256, source.size, mapping, source.source, at, actor, audit]
    connection.execute(insert(import_file).values(values))
    return digest_rows(import_file, [values])


def known_charges(connection: Connection, ids: Sequence[str]) -> dict[str, KnownCharge]:
    """Return the charge lines among ``ids`` that are stored, by id."""
    found = rows_of(connection, _KNOWN, ids=json_of(tuple(ids))) if ids else ()
    return {id: KnownCharge(no, import_id, row) for id, no, import_id, row in found}


_KNOWN = select(charge_line.c.id, charge_line.c.no, charge_line.c.import_id, charge_line.c.row).where(
    charge_line.c.id.in_(IDS)
)


_BETWEEN = select(charge_line.c.no).where(charge_line.c.id.between(bindparam("first"), bindparam("last"))).limit(1)
"""Built once, since an import asks for each block."""


def has_charge_between(connection: Connection, first: str, last: str) -> bool:
    """Check whether any charge line is stored whose id is between two ids, in the order of their code points."""
    return connection.execute(_BETWEEN, {"first": first, "last": last}).first() is not None


def last_import_at(connection: Connection) -> str:
    """Return when the newest file was imported; empty if none was."""
    return connection.execute(select(func.max(import_file.c.imported_at))).scalar() or ""


class DocumentLine(NamedTuple):
    """A charge line of a document: its id and number, its item and quantity."""

    id: str
    no: int
    item: str
    quantity: Decimal | None


def document_lines(connection: Connection, patterns: Iterable[str]) -> dict[str, list[DocumentLine]]:
    """Return the charge lines of whole documents in order, by patterns such as ``shop/INV-1042/*``."""
    wanted = {(source, rest.rpartition("/")[0]) for source, _, rest in (one.partition("/") for one in patterns)}
    found: dict[str, list[DocumentLine]] = {}
    columns = [charge_line.c[name] for name in ("source", "document", "id", "no", "item", "quantity")]
    query = (
        select(*columns)
        .where(charge_line.c.document.in_(sorted({document for _source, document in wanted})))
        .order_by(charge_line.c.no)
    )
    for source, document, id, no, item, quantity in connection.execute(query):
        if (source, document) in wanted:
            line = DocumentLine(id, no, item, None if quantity is None else Decimal(quantity))
            found.setdefault(f"{source}/{document}/*", []).append(line)
    return found


def values_of_documents(
    connection: Connection, documents: Collection[tuple[str, str]], field: str
) -> dict[tuple[str, str], str]:
    """Return the one value that the charge lines of a document have in a field, by its source and document.

    Documents whose lines have no value, or several, are left out.
    """
    line = charge_line.c
    found: dict[tuple[str, str], set[str]] = {}
    for some in batched(sorted({document for _source, document in documents}), VALUES_AT_ONCE):
        query = select(line.source, line.document, line[field]).where(line.document.in_(some), line[field] != "")
        for source, document, value in connection.execute(query.distinct()):
            found.setdefault((source, document), set()).add(str(value))
    return {key: values.pop() for key, values in found.items() if len(values) == 1 and key in documents}


_dimension_texts: dict[tuple[tuple[str, str], ...], str] = {}


def dimensions_text(dimensions: Mapping[str, str]) -> str:
    """Return the canonical text of a set of dimensions; cached, since a file has few different sets."""
    key = tuple(dimensions.items())
    text = _dimension_texts.get(key)
    if text is None:
        if len(_dimension_texts) > 10_000:
            _dimension_texts.clear()
        text = _dimension_texts[key] = canonical(dict(dimensions))
    return text


@lru_cache(maxsize=10_000)
def dimensions_of(text: str) -> Mapping[str, str]:
    """Return the dimensions of a canonical text. The mapping is shared by all lines that have it: do not change it."""
    found: dict[str, str] = json.loads(text)
    return found


def _iso(day: date | None) -> str | None:
    return iso(day) if day else None


def charge_row(no: int, line: ChargeLine, import_id: int, row: int) -> tuple[Any, ...]:
    """Return a charge line as a row of its table."""
    return (
        no,
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
        line.credits,
        line.recognized_before,
        _iso(line.cutover),
        line.bills,
        dimensions_text(line.dimensions),
        import_id,
        row,
    )


def add_charges(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> RowDigest:
    """Insert rows made by :func:`charge_row`, in the order of their numbers."""
    insert_rows(connection, charge_line, _COLUMNS, rows)
    return digest_rows(charge_line, rows)


def add_columns(
    connection: Connection, first: int, columns: ChargeColumns, import_id: int, first_row: int
) -> RowDigest:
    """Insert charge lines whose numbers, from ``first`` on, and rows are consecutive."""
    count = len(columns.source)
    stored = (
        range(first, first + count),
        *columns[:5],
        _iso_column(columns.post_date),
        columns.amount,
        columns.currency,
        _iso_column(columns.rev_rec_date),
        columns.description,
        [None if quantity is None else str(quantity) for quantity in columns.quantity],
        _iso_column(columns.service_start),
        _iso_column(columns.service_end),
        columns.entity,
        columns.credits,
        columns.recognized_before,
        _iso_column(columns.cutover),
        columns.bills,
        _dimension_column(columns.dimensions),
        [import_id] * count,
        range(first_row, first_row + count),
    )
    insert_columns(connection, charge_line, _COLUMNS, stored)
    return digest_texts(charge_line.name, [(first, first + count - 1)], texts_of_columns(stored))


def _dimension_column(sets: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the texts of sets of dimensions; lines with the same set share its object."""
    keys = list(map(id, sets))
    texts = {key: dimensions_text(one) for key, one in dict(zip(keys, sets, strict=True)).items()}
    return list(map(texts.__getitem__, keys))


def _iso_column(days: Sequence[date | None]) -> list[str | None]:
    texts = {day: _iso(day) for day in set(days)}
    return list(map(texts.__getitem__, days))


def quarantined_rows(connection: Connection, kind: str, sha256: str) -> set[int]:
    """Return the row numbers that earlier imports of the same content set aside."""
    query = (
        select(quarantine.c.row)
        .join(import_file, import_file.c.id == quarantine.c.import_id)
        .where(import_file.c.sha256 == sha256, import_file.c.kind == kind)
    )
    return set(connection.execute(query).scalars())


def add_quarantined(connection: Connection, import_id: int, rows: Sequence[tuple[Any, ...]]) -> RowDigest:
    """Set rows aside: (row number, problems as JSON, the raw row as JSON, and its values that can be read)."""
    first = next_number(connection, quarantine.c.id)
    whole = [(id, import_id, *row) for id, row in enumerate(rows, first)]
    insert_rows(connection, quarantine, quarantine.c.keys(), whole)
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
    """Return one charge line by its number."""
    return charge_from_row(connection.execute(select(*LINE_COLUMNS).where(charge_line.c.no == no)).one())


def all_numbers(connection: Connection) -> list[int]:
    """Return the numbers of all charge lines that can have a schedule, in order: not void, and no billing lines."""
    query = select(charge_line.c.no).where(NOT_VOIDED, ~BILLS).order_by(charge_line.c.no)
    return list(connection.execute(query).scalars())


GROUPING_COLUMNS = ("document", "customer", "item", "entity", "source", "currency")
"""Text columns by which charge lines belong together, the most selective one first."""


def numbers_with(connection: Connection, column: str, values: Collection[str]) -> list[int]:
    """Return the numbers of the charge lines that have one of the values in a column and are not void."""
    found: list[int] = []
    for some in batched(sorted(values), VALUES_AT_ONCE):
        query = select(charge_line.c.no).where(charge_line.c[column].in_(some), NOT_VOIDED)
        found += connection.execute(query).scalars()
    return found


def is_cost_of(charge: str, line: FromClause = charge_line) -> ColumnElement[bool]:
    """Return the condition that a row of ``charge_line`` is a cost of the charge line with this id.

    If the line is a cost itself, the row is its impairment loss.
    """
    if is_cost(charge):
        return line.c.id == f"{charge}{LOSS_MARK}"
    return line.c.id.startswith(f"{charge}{COST_MARK}", autoescape=True)


def numbers_of_costs(connection: Connection, charge: str) -> list[int]:
    """Return the numbers of the costs of a charge line."""
    query = select(charge_line.c.no).where(is_cost_of(charge)).order_by(charge_line.c.no)
    return list(connection.execute(query).scalars())


def is_revenue(known: int | None = None) -> ColumnElement[bool]:
    """Return the condition that a charge line was revenue at the audit event ``known``, or is now: not method none."""
    status = revenue_status.alias()
    recorded = select(status.c.is_revenue).where(status.c.charge_no == charge_line.c.no)
    if known is not None:
        recorded = recorded.where(status.c.audit_seq <= known)
    latest = recorded.order_by(status.c.audit_seq.desc()).limit(1).correlate(charge_line).scalar_subquery()
    return func.coalesce(latest, 1) == 1


IS_REVENUE = is_revenue()
"""The condition that a charge line is revenue now."""

NOT_VOIDED = ~exists(select(charge_void.c.charge_no).where(charge_void.c.charge_no == charge_line.c.no))
"""The condition that no person voided a charge line."""


IN_BOOKS_FROM = func.coalesce(charge_line.c.cutover, charge_line.c.post_date)
"""The ISO day from which a charge line counts as billed here: its cutover, or else its post date."""
BILLS = exists(select(billing_line.c.charge_no).where(billing_line.c.charge_no == charge_line.c.no))
"""The condition that a charge line bills a contract line, which earns the revenue: it has no schedule."""


DAY_BILLED = case((ORDERED, null()), else_=charge_line.c.post_date)
"""The day on which a charge line is billed; null for a contract line, which other lines bill on several days."""


def voided(connection: Connection, numbers: Sequence[int]) -> set[int]:
    """Return which of these charge lines a person voided."""
    return set(
        connection.execute(
            select(charge_void.c.charge_no).where(charge_void.c.charge_no.in_(numbers_in(numbers)))
        ).scalars()
    )


def void(connection: Connection, numbers: Sequence[int], reason: str, who: AuditStamp, audit_seq: int) -> RowDigest:
    """Store that charge lines are void, for a reason."""
    rows = [(no, reason, who.at, who.actor, audit_seq) for no in sorted(numbers)]
    insert_rows(connection, charge_void, charge_void.columns.keys(), rows)
    return digest_rows(charge_void, rows)


def find_charge(connection: Connection, charge: str) -> int | None:
    """Return the number of the charge with this id; None if it is not stored."""
    return connection.execute(select(charge_line.c.no).where(charge_line.c.id == charge)).scalar()


def has_customer(connection: Connection, customer: str) -> bool:
    """Check if any charge line names a customer."""
    query = select(charge_line.c.no).where(charge_line.c.customer == customer).limit(1)
    return connection.execute(query).first() is not None


def customers(connection: Connection) -> list[str]:
    """Return the customers of all charge lines."""
    return list(connection.execute(select(charge_line.c.customer).distinct()).scalars())


def first_post_date(connection: Connection) -> date | None:
    """Return the earliest post date of all charge lines; None without any."""
    found = connection.execute(select(func.min(charge_line.c.post_date))).scalar()
    return None if found is None else date.fromisoformat(found)


def currencies(connection: Connection) -> list[str]:
    """Return the currencies of all charge lines."""
    return list(connection.execute(select(charge_line.c.currency).distinct()).scalars())


def read_charges(connection: Connection, numbers: Sequence[int]) -> Iterator[tuple[int, ChargeLine]]:
    """Yield the charge lines with these numbers, in the order of the numbers."""
    found = connection.execute(
        select(*LINE_COLUMNS, charge_line.c.no)
        .where(charge_line.c.no.in_(numbers_in(numbers)))
        .order_by(charge_line.c.no)
    )
    rows = found.all()
    if rows:
        *texts, numbers = zip(*rows, strict=True)
        columns = map(_read_column, ChargeLine._fields, texts)
        yield from zip(numbers, map(ChargeLine._make, zip(*columns, strict=True)), strict=True)


def _day(text: str | None) -> date | None:
    return day_of(text) if text else None


def _quantity(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


_READERS: dict[str, Callable[[Any], object]] = {
    "post_date": day_of,
    "rev_rec_date": _day,
    "quantity": _quantity,
    "service_start": _day,
    "service_end": _day,
    "dimensions": dimensions_of,
    "cutover": _day,
}
"""The functions that read the columns of :data:`LINE_COLUMNS` whose texts are not their values."""


def _read_column(name: str, texts: Sequence[Any]) -> Sequence[Any]:
    """Return the values of a column; each different text is read once."""
    read = _READERS.get(name)
    if read is None:
        return texts
    values = {text: read(text) for text in set(texts)}
    return [values[text] for text in texts]


def charge_from_row(row: Sequence[Any]) -> ChargeLine:
    """Return a charge line from a row that begins with :data:`LINE_COLUMNS`."""
    (
        source, document, line, customer, item, post_date, amount, currency,
        rev_rec_date, description, quantity, service_start, service_end, entity, dimensions, credits,
        recognized_before, cutover, bills,
    ) = row[: len(LINE_COLUMNS)]  # fmt: skip
    return ChargeLine(
        source,
        document,
        line,
        customer,
        item,
        day_of(post_date),
        amount,
        currency,
        _day(rev_rec_date),
        description,
        _quantity(quantity),
        _day(service_start),
        _day(service_end),
        entity,
        dimensions_of(dimensions),
        credits,
        recognized_before,
        _day(cutover),
        bills,
    )
