"""Billed and recognized amounts of each charge line until a day, by contract: one query, read as a stream."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, Select, Text, and_, case, cast, func, literal, or_, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from revrec.core.invoice import INVOICED, InvoiceRequest
from revrec.store.database.bulk import stream_rows
from revrec.store.posting.invoices import SOLD
from revrec.store.tables import (
    charge_line,
    contract_line,
    invoice,
    invoice_line,
    journal_entry,
    rule_version,
    schedule,
    schedule_line,
)

BY_DIMENSION = "dimensions."


class ContractBalanceRow(NamedTuple):
    """A charge line of :func:`balance_rows`; ``contract`` is the JSON text that identifies its contract.

    ``account`` is None if neither a schedule nor an invoice names one. Amounts are in minor units: ``earns`` is the
    price in force, ``recognized`` is posted with a date until the day, ``planned`` is dated until then by the schedule
    in force, ``later`` is dated after ``beyond``.
    """

    contract: str
    no: int
    charge: str
    document: str
    line: str
    customer: str
    item: str
    entity: str
    currency: str
    post_date: str
    amount: int
    billed: bool
    account: str | None
    earns: int
    recognized: int
    planned: int
    later: int


class BalanceQuery(NamedTuple):
    """The lines to read: balances ``until`` a day, with amounts dated after ``beyond`` apart.

    ``entity`` and ``customer`` limit them. ``by`` says what makes a contract of lines without an
    allocation: ``contract``, ``document``, ``customer`` or ``dimensions.NAME``. Lines that ``wishes`` wants invoiced
    are billed on their invoice's date, others on their post date.
    """

    until: date
    beyond: date
    by: str = "contract"
    entity: str | None = None
    customer: str | None = None
    wishes: Mapping[str, InvoiceRequest] = {}


class _AsJson(FunctionElement[str]):
    """SQL for a text as JSON."""

    type = Text()
    inherit_cache = True


class _Dimension(FunctionElement[str]):
    """SQL for one dimension of a charge line, from the dimensions' text, the path for SQLite, and the name."""

    type = Text()
    inherit_cache = True


@compiles(_AsJson)
def _quoted(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_quote({compiler.process(element.clauses, **options)})"


@compiles(_AsJson, "postgresql")
def _quoted_there(element: Any, compiler: Any, **options: Any) -> str:
    return f"CAST(to_json({compiler.process(element.clauses, **options)}) AS TEXT)"


@compiles(_Dimension)
def _dimension(element: Any, compiler: Any, **options: Any) -> str:
    text, path, _name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"json_extract({text}, {path})"


@compiles(_Dimension, "postgresql")
def _dimension_there(element: Any, compiler: Any, **options: Any) -> str:
    text, _path, name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(CAST({text} AS json) ->> CAST({name} AS TEXT))"


def balance_rows(connection: Connection, asked: BalanceQuery) -> Iterator[ContractBalanceRow]:
    """Yield every charge line, grouped by contract, entity and currency."""
    if connection.dialect.name == "sqlite":
        # Every charge line is sorted here: in memory, that could be millions of rows.
        connection.exec_driver_sql("PRAGMA temp_store = FILE")
    for row in stream_rows(connection, _query(asked)):
        yield ContractBalanceRow(**{**row._asdict(), "billed": bool(row.billed)})


def _query(asked: BalanceQuery) -> Select[Any]:
    moved, on, newest = _moved(asked), _invoiced(), _newest()
    key = func.coalesce(contract_line.c.contract, _contract(asked.by))
    line = (charge_line.c[name] for name in ("no", "document", "line", "customer", "item", "entity", "currency"))
    query = (
        select(
            key.label("contract"),
            charge_line.c.id.label("charge"),
            *line,
            charge_line.c.post_date,
            charge_line.c.amount,
            case((_is_billed(asked, on.c.date), 1), else_=0).label("billed"),
            func.coalesce(func.nullif(on.c.account, ""), rule_version.c.deferred).label("account"),
            func.coalesce(schedule.c.amount, charge_line.c.amount).label("earns"),
            *(func.coalesce(moved.c[name], 0).label(name) for name in ("recognized", "planned", "later")),
        )
        .select_from(charge_line)
        .outerjoin(contract_line, contract_line.c.charge_no == charge_line.c.no)
        .outerjoin(moved, moved.c.charge_no == charge_line.c.no)
        .outerjoin(on, on.c.charge_no == charge_line.c.no)
        .outerjoin(newest, newest.c.charge_no == charge_line.c.no)
        .outerjoin(schedule, and_(schedule.c.charge_no == newest.c.charge_no, schedule.c.version == newest.c.version))
        .outerjoin(rule_version, rule_version.c.id == schedule.c.rule_version_id)
        .order_by("contract", charge_line.c.entity, charge_line.c.currency, charge_line.c.no)
    )
    if asked.entity is not None:
        query = query.where(charge_line.c.entity == asked.entity)
    return query if asked.customer is None else query.where(charge_line.c.customer == asked.customer)


def _moved(asked: BalanceQuery) -> Any:
    """Return what is recognized and planned of each charge line, as a subquery."""
    day = asked.until.isoformat()
    posted = and_(
        journal_entry.c.id == schedule_line.c.entry_id, journal_entry.c.state == "POSTED", journal_entry.c.date <= day
    )
    in_force = schedule_line.c.superseded_by.is_(None)
    sums = {
        "recognized": journal_entry.c.id.is_not(None),
        "planned": and_(in_force, schedule_line.c.date <= day),
        "later": and_(in_force, schedule_line.c.date > asked.beyond.isoformat()),
    }
    amounts = (
        cast(func.sum(case((which, schedule_line.c.amount), else_=0)), BigInteger).label(name)
        for name, which in sums.items()
    )
    query = select(schedule_line.c.charge_no, *amounts).outerjoin(journal_entry, posted)
    return query.group_by(schedule_line.c.charge_no).subquery()


def _invoiced() -> Any:
    """Return the date and account of the posted invoice of each charge line that has one, as a subquery."""
    query = (
        select(
            invoice_line.c.charge_no,
            func.min(invoice.c.date).label("date"),
            func.max(invoice_line.c.account).label("account"),
        )
        .join(invoice, invoice.c.id == invoice_line.c.invoice_id)
        .where(invoice.c.kind.in_(INVOICED), invoice.c.state == "POSTED")
    )
    return query.group_by(invoice_line.c.charge_no).subquery()


def _newest() -> Any:
    version = func.max(schedule.c.version).label("version")
    return select(schedule.c.charge_no, version).group_by(schedule.c.charge_no).subquery()


def _is_billed(asked: BalanceQuery, invoiced: "ColumnElement[Any]") -> ColumnElement[bool]:
    day = asked.until.isoformat()
    wanted = [
        and_(charge_line.c.source == source, charge_line.c.post_date >= (wish.since or date.min).isoformat())
        for source, wish in asked.wishes.items()
    ]
    by_hand = and_(invoiced.is_(None), charge_line.c.post_date <= day)
    return or_(invoiced <= day, and_(by_hand, ~and_(SOLD, or_(*wanted))) if wanted else by_hand)


def _contract(by: str) -> Any:
    """Return the SQL of the contract of a line without an allocation."""
    document = _object(source=charge_line.c.source, document=charge_line.c.document)
    if by == "document":
        return document
    if by == "customer":
        return _object(customer=charge_line.c.customer)
    name = by.removeprefix(BY_DIMENSION)
    its_own = _Dimension(charge_line.c.dimensions, literal(f'$."{name}"'), literal(name))
    named = _object(**{f"{BY_DIMENSION}{name}": its_own})
    return case((func.coalesce(its_own, "") != "", named), else_=document)


def _object(**fields: Any) -> Any:
    """Return the SQL of the fields as JSON, exactly as an allocation writes it."""
    text: Any = literal("{")
    for at, (name, value) in enumerate(fields.items()):
        text = text + f'{"," if at else ""}"{name}":' + _AsJson(value)
    return text + "}"
