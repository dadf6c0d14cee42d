"""Billed and recognized amounts of each charge line until a day, by contract: one query, read as a stream."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.invoice import INVOICED
from revrec.core.schedule import CLOSED
from revrec.store.bulk import sort_on_disk, stream_rows
from revrec.store.charges import IN_BOOKS_FROM, is_revenue
from revrec.store.credits import credited
from revrec.store.number_lists import limited_to
from revrec.store.posting.invoices import BILLED_ON, SOLD
from revrec.store.reports.dimensions import BY_DIMENSION, dimension_of
from revrec.store.reports.filters import of_charges
from revrec.store.reports.in_ledger import KnownRows, recognized_in_ledger
from revrec.store.tables import (
    ORDERED,
    arrival_account,
    audit_event,
    billing_line,
    charge_line,
    charge_void,
    contract_line,
    invoice,
    invoice_line,
    rule_version,
    same_version,
    schedule,
    schedule_line,
    unscheduled,
)

MOST_NUMBERS_KEPT = 1_000
"""The most charge lines by whose numbers a query that is kept can be limited."""


class ContractBalanceRow(NamedTuple):
    """A charge line of :func:`balance_rows`; ``contract`` is the JSON text that identifies its contract.

    ``billed_account`` is the deferred account when it was billed, ``account`` the one that the rule version in force
    names, whose id is ``rule_version``; None without an invoice, schedule or arrival that names one. Amounts are in
    minor units: ``earns`` is the price in force, ``planned`` is dated until the day by the schedule in force, ``later``
    is dated after ``beyond``. ``recognized_before`` is what was recognized before its cutover. ``recognized`` is in the
    ledger with a date until the day, by deferred account. ``kept`` is what a line that is
    not revenue earned before a rule said so; None for revenue.
    ``ordered``: it is a contract line, which other lines bill. ``bills`` is the number of the contract line that a line
    bills, whose contract it belongs to: it earns nothing itself.
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
    billed_account: str | None
    account: str | None
    rule_version: int | None
    earns: int
    planned: int
    later: int
    recognized_before: int
    is_migrated: bool
    kept: int | None
    ordered: bool
    bills: int | None
    recognized: Mapping[str, int]


class BalanceQuery(NamedTuple):
    """The lines to read: balances ``until`` a day, with amounts dated after ``beyond`` apart.

    ``entities`` and ``filters`` (apart from account and days) limit them. ``by`` says what makes a contract of lines
    without an allocation: ``contract``, ``document``, ``customer`` or ``dimensions.NAME``. Lines of the sources
    ``invoiced``, from the first post date of each, are billed on their invoice's date, others on their post date.
    ``known`` leaves out every row that was stored later; ``numbers`` limits the charge lines.
    """

    until: date
    beyond: date
    by: str = "contract"
    entities: Sequence[str] | None = None
    filters: Filters = NO_FILTERS
    invoiced: Mapping[str, str] = {}
    known: KnownRows | None = None
    numbers: Sequence[int] | None = None


class _AsJson(FunctionElement[str]):
    """SQL for a text as JSON."""

    type = Text()
    inherit_cache = True


class _InCodeOrder(FunctionElement[str]):
    """SQL for a text to sort by."""

    type = Text()
    inherit_cache = True


@compiles(_InCodeOrder)
def _as_it_is(element: Any, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.clauses, **options))


@compiles(_InCodeOrder, "postgresql")
def _in_code_order_there(element: Any, compiler: Any, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)}) COLLATE "C"'


@compiles(_AsJson)
def _quoted(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_quote({compiler.process(element.clauses, **options)})"


@compiles(_AsJson, "postgresql")
def _quoted_there(element: Any, compiler: Any, **options: Any) -> str:
    return f"CAST(to_json({compiler.process(element.clauses, **options)}) AS TEXT)"


def balance_rows(connection: Connection, asked: BalanceQuery) -> Iterator[ContractBalanceRow]:
    """Yield every charge line, grouped by contract, entity and currency."""
    sort_on_disk(connection)
    for _no, rows in groupby(stream_rows(connection, _query(asked)), attrgetter("no")):
        yield _charge(list(rows))


def _charge(rows: Sequence[Any]) -> ContractBalanceRow:
    """Return one charge line from its rows, one for each account that its revenue was recognized from."""
    *fields, account, amount = rows[0]
    recognized = {account: amount} if len(rows) == 1 else {row[-2]: row[-1] for row in rows}
    recognized.pop(None, None)
    return ContractBalanceRow._make((*fields, recognized))


def _query(asked: BalanceQuery) -> Select[Any]:
    """Return the query of the balances: SQLAlchemy needs 10 ms for it, so the last ones are kept."""
    if asked.numbers is not None and len(asked.numbers) > MOST_NUMBERS_KEPT:
        return _new_query(asked)
    entities, numbers = (None if one is None else tuple(one) for one in (asked.entities, asked.numbers))
    days = (asked.until, asked.beyond, asked.by)
    return _kept_query(tuple(asked.invoiced.items()), *days, entities, asked.filters, asked.known, numbers)


@lru_cache(maxsize=32)
def _kept_query(
    invoiced: Sequence[tuple[str, str]],
    until: date,
    beyond: date,
    by: str,
    entities: Sequence[str] | None,
    filters: Filters,
    known: KnownRows | None,
    numbers: Sequence[int] | None,
) -> Select[Any]:
    return _new_query(BalanceQuery(until, beyond, by, entities, filters, dict(invoiced), known, numbers))


def _new_query(asked: BalanceQuery) -> Select[Any]:
    planned, on, versions = _planned(asked), _invoiced(asked), _versions(asked)
    recognized = recognized_in_ledger(asked.until, asked.known, asked.numbers)
    first, newest = schedule.alias("first"), schedule.alias("newest")
    billed_rule, rule = rule_version.alias("billed_rule"), rule_version.alias("rule")
    homes = _homes(asked.known)
    home, home_contract = charge_line.alias("home"), contract_line.alias("home_contract")
    of_credited = func.coalesce(home_contract.c.contract, contract_key(asked.by, home))
    of_itself = func.coalesce(contract_line.c.contract, contract_key(asked.by, charge_line))
    closed = unscheduled.alias("closed")
    key = case((home.c.no.is_not(None), of_credited), else_=of_itself)
    in_force = case((versions.c.in_force.is_not(None), billed_rule.c.deferred))
    billed_account = func.coalesce(
        func.nullif(on.c.account, ""), in_force, arrival_account.c.account, billed_rule.c.deferred
    )
    query: Select[Any] = (
        select(
            in_code_order(key).label("contract"),
            charge_line.c.no,
            charge_line.c.id.label("charge"),
            *(charge_line.c[name] for name in ("document", "line", "customer", "item", "entity", "currency")),
            charge_line.c.post_date,
            charge_line.c.amount,
            case((is_billed(asked, on.c.date), 1), else_=0).label("billed"),
            billed_account.label("billed_account"),
            rule.c.deferred.label("account"),
            rule.c.id.label("rule_version"),
            case(
                (billing_line.c.charge_no.is_not(None), 0),
                else_=func.coalesce(newest.c.amount, closed.c.amount, charge_line.c.amount),
            ).label("earns"),
            *(func.coalesce(planned.c[name], 0).label(name) for name in ("planned", "later")),
            charge_line.c.recognized_before,
            charge_line.c.cutover.is_not(None).label("is_migrated"),
            case((_is_revenue(asked), None), else_=func.coalesce(newest.c.amount, 0)).label("kept"),
            case((ORDERED, 1), else_=0).label("ordered"),
            billing_line.c.ordered_no.label("bills"),
            recognized.c.account.label("recognized_account"),
            recognized.c.amount.label("recognized"),
        )
        .select_from(charge_line)
        .outerjoin(
            contract_line, and_(contract_line.c.charge_no == charge_line.c.no, *_stored_by_then(contract_line, asked))
        )
        .outerjoin(billing_line, billing_line.c.charge_no == charge_line.c.no)
        .outerjoin(homes, homes.c.no == charge_line.c.no)
        .outerjoin(home, and_(home.c.no == homes.c.home, *imported_by_then(home, asked)))
        .outerjoin(home_contract, and_(home_contract.c.charge_no == home.c.no, *_stored_by_then(home_contract, asked)))
        .outerjoin(recognized, recognized.c.charge_no == charge_line.c.no)
        .outerjoin(planned, planned.c.charge_no == charge_line.c.no)
        .outerjoin(on, on.c.charge_no == charge_line.c.no)
        .outerjoin(
            arrival_account,
            and_(arrival_account.c.charge_no == charge_line.c.no, *_stored_by_then(arrival_account, asked)),
        )
        .outerjoin(versions, versions.c.charge_no == charge_line.c.no)
        .outerjoin(first, _is_version(first, func.coalesce(versions.c.in_force, versions.c.first)))
        .outerjoin(billed_rule, billed_rule.c.id == first.c.rule_version_id)
        .outerjoin(newest, _is_version(newest, versions.c.newest))
        .outerjoin(rule, rule.c.id == newest.c.rule_version_id)
        .outerjoin(
            closed,
            and_(closed.c.charge_no == charge_line.c.no, closed.c.code == CLOSED, *_stored_by_then(closed, asked)),
        )
        .order_by(
            "contract", in_code_order(charge_line.c.entity), in_code_order(charge_line.c.currency), charge_line.c.no
        )
    )
    query = limited_to(query.where(*imported_by_then(charge_line, asked)), charge_line.c.no, asked.numbers)
    if asked.entities is not None:
        query = query.where(charge_line.c.entity.in_(asked.entities))
    if asked.filters != NO_FILTERS:
        query = query.where(*of_charges(asked.filters))
    return query


def contracts_of_charges(connection: Connection) -> dict[str, str]:
    """Return for each charge line the JSON text of the contract that it is netted with in the balances, by id."""
    homes = _homes(None)
    home, home_contract = charge_line.alias("home"), contract_line.alias("home_contract")
    of_home = func.coalesce(home_contract.c.contract, contract_key("contract", home))
    of_itself = func.coalesce(contract_line.c.contract, contract_key("contract", charge_line))
    query = (
        select(charge_line.c.id, case((home.c.no.is_not(None), of_home), else_=of_itself))
        .select_from(charge_line)
        .outerjoin(contract_line, contract_line.c.charge_no == charge_line.c.no)
        .outerjoin(homes, homes.c.no == charge_line.c.no)
        .outerjoin(home, home.c.no == homes.c.home)
        .outerjoin(home_contract, home_contract.c.charge_no == home.c.no)
    )
    return {row[0]: row[1] for row in stream_rows(connection, query)}


def _homes(known: KnownRows | None) -> Any:
    """Return the lines that belong to the contract of another one, its ``home``, as a subquery.

    They are credits, and lines that bill a contract line.
    """
    credits = credited(known.charge_no if known else None)
    billing = select(billing_line.c.charge_no.label("no"), billing_line.c.ordered_no.label("home"))
    others = select(credits.c.no, credits.c.home).where(credits.c.no.not_in(select(billing_line.c.charge_no)))
    return union_all(others, billing).subquery("homes")


def _is_version(header: Any, version: "ColumnElement[Any]") -> ColumnElement[bool]:
    return and_(header.c.charge_no == charge_line.c.no, header.c.version == version)


def _stored_by_then(table: Any, asked: BalanceQuery) -> Iterable[ColumnElement[bool]]:
    """Return the condition that a row with an audit event was stored by then, if there is one."""
    return () if asked.known is None else (table.c.audit_seq <= asked.known.audit_seq,)


def imported_by_then(line: Any, asked: BalanceQuery) -> Iterable[ColumnElement[bool]]:
    """Return the condition that a charge line was imported by then, if there is one."""
    return () if asked.known is None else (line.c.no <= asked.known.charge_no,)


def _planned(asked: BalanceQuery) -> Any:
    """Return what is planned of each charge line by the schedule in force, as a subquery."""
    sums = {
        "planned": schedule_line.c.date <= asked.until.isoformat(),
        "later": schedule_line.c.date > asked.beyond.isoformat(),
    }
    amounts = (
        cast(func.sum(case((which, schedule_line.c.amount), else_=0)), BigInteger).label(name)
        for name, which in sums.items()
    )
    query = select(schedule_line.c.charge_no, *amounts).group_by(schedule_line.c.charge_no)
    query = limited_to(query, schedule_line.c.charge_no, asked.numbers)
    if asked.known is None:
        return query.where(schedule_line.c.superseded_by.is_(None)).subquery()
    then, next_one = schedule.alias("then"), schedule.alias("next_one")
    after = and_(
        next_one.c.charge_no == schedule_line.c.charge_no,
        next_one.c.version == schedule_line.c.superseded_by,
        next_one.c.audit_seq <= asked.known.audit_seq,
    )
    return (
        query.join(then, and_(same_version(then, schedule_line), *_stored_by_then(then, asked)))
        .outerjoin(next_one, after)
        .where(next_one.c.charge_no.is_(None))
        .subquery()
    )


def _invoiced(asked: BalanceQuery) -> Any:
    """Return the date and account of the posted invoice of each charge line that has one, as a subquery."""
    query = (
        select(
            invoice_line.c.charge_no,
            func.min(BILLED_ON).label("date"),
            func.max(invoice_line.c.account).label("account"),
        )
        .join(invoice, invoice.c.id == invoice_line.c.invoice_id)
        .join(charge_line, charge_line.c.no == invoice_line.c.charge_no)
        .where(invoice.c.kind.in_(INVOICED), invoice.c.state == "POSTED")
    )
    if asked.known is not None:
        query = query.where(invoice.c.posted_at <= asked.known.at)
    query = limited_to(query, invoice_line.c.charge_no, asked.numbers)
    return query.group_by(invoice_line.c.charge_no).subquery()


def _versions(asked: BalanceQuery) -> Any:
    """Return the first and the newest schedule version of each charge line, and the one in force on its post date."""
    day = func.substr(audit_event.c.at, literal(1), literal(10))
    first, newest = func.min(schedule.c.version), func.max(schedule.c.version)
    in_force = func.max(case((day <= charge_line.c.post_date, schedule.c.version)))
    query = (
        select(
            schedule.c.charge_no,
            first.label("first"),
            newest.label("newest"),
            in_force.label("in_force"),
        )
        .join(charge_line, charge_line.c.no == schedule.c.charge_no)
        .join(audit_event, audit_event.c.seq == schedule.c.audit_seq)
    )
    query = limited_to(query.where(*_stored_by_then(schedule, asked)), schedule.c.charge_no, asked.numbers)
    return query.group_by(schedule.c.charge_no).subquery()


def is_billed(asked: BalanceQuery, invoiced: "ColumnElement[Any]") -> ColumnElement[bool]:
    day = asked.until.isoformat()
    void = charge_void.c
    voided = select(void.charge_no).where(void.charge_no == charge_line.c.no, *_stored_by_then(charge_void, asked))
    by_hand = and_(invoiced.is_(None), day >= IN_BOOKS_FROM, ~exists(voided.correlate(charge_line)))
    billed = or_(invoiced <= day, and_(by_hand, *needs_no_invoice(asked)))
    scheduled = select(schedule.c.charge_no).where(
        schedule.c.charge_no == charge_line.c.no, *_stored_by_then(schedule, asked)
    )
    # A contract line is billed by other lines, each on its own day.
    return and_(billed, ~ORDERED, or_(_is_revenue(asked), exists(scheduled.correlate(charge_line))))


def needs_no_invoice(asked: BalanceQuery) -> Iterable[ColumnElement[bool]]:
    """Return the condition that a charge line is billed without an invoice of ours, if some lines are not."""
    wanted = [
        and_(charge_line.c.source == source, charge_line.c.post_date >= first, charge_line.c.cutover.is_(None))
        for source, first in asked.invoiced.items()
    ]
    return (~and_(SOLD, or_(*wanted)),) if wanted else ()


def _is_revenue(asked: BalanceQuery) -> ColumnElement[bool]:
    return is_revenue(asked.known.audit_seq if asked.known else None)


def billed_charges(until: date, invoiced: Mapping[str, str]) -> Select[Any]:
    """Return the query of the numbers of the charge lines that are billed by a day, as :func:`balance_rows` finds."""
    asked = BalanceQuery(until, until, invoiced=invoiced)
    on = _invoiced(asked)
    query: Select[Any] = select(charge_line.c.no).outerjoin(on, on.c.charge_no == charge_line.c.no)
    return query.where(is_billed(asked, on.c.date))


def billing_days(asked: BalanceQuery) -> Any:
    """Return the day on which each charge line is billed by the day that is asked for, as a subquery."""
    on = _invoiced(asked)
    day = func.coalesce(on.c.date, charge_line.c.post_date).label("date")
    query = select(charge_line.c.no.label("charge_no"), day).outerjoin(on, on.c.charge_no == charge_line.c.no)
    return query.where(is_billed(asked, on.c.date)).subquery()


def joined_contracts(asked: BalanceQuery) -> Select[Any]:
    """Return the query of the contracts of charge lines, as :func:`balance_rows` finds them."""
    return select(_query(asked).subquery().c.contract)


def in_code_order(text: ColumnElement[str]) -> ColumnElement[str]:
    """Return the SQL to sort by a text as Python does, whatever the language of the database is."""
    return _InCodeOrder(text)


def contract_key(by: str, line: Any) -> Any:
    """Return the SQL of the contract of a line without an allocation."""
    document = _object(source=line.c.source, document=line.c.document)
    if by == "document":
        return document
    if by == "customer":
        return _object(customer=line.c.customer)
    its_own = dimension_of(line, by)
    named = _object(**{f"{BY_DIMENSION}{by.removeprefix(BY_DIMENSION)}": its_own})
    return case((func.coalesce(its_own, "") != "", named), else_=document)


def contract_parts(by: str, line: Any) -> tuple[ColumnElement[str], ColumnElement[str]]:
    """Return the SQL of two texts that identify the contract of a line without an allocation.

    They are computed and compared faster than :func:`contract_key`. The first one is never null, and differs between
    most contracts.
    """
    if by == "customer":
        return line.c.customer, cast(null(), Text)
    its_own = cast(null(), Text) if by == "document" else func.nullif(dimension_of(line, by), "")
    return func.coalesce(its_own, line.c.document), case((its_own.is_(None), line.c.source))


def key_of_parts(by: str, first: Any, source: Any) -> Any:
    """Return the SQL of the :func:`contract_key` of a contract from its :func:`contract_parts`."""
    if by == "customer":
        return _object(customer=first)
    document = _object(source=source, document=first)
    named = _object(**{f"{BY_DIMENSION}{by.removeprefix(BY_DIMENSION)}": first})
    return document if by == "document" else case((source.is_(None), named), else_=document)


def _object(**fields: Any) -> Any:
    """Return the SQL of the fields as JSON, exactly as an allocation writes it."""
    text: Any = literal("{")
    for at, (name, value) in enumerate(fields.items()):
        text = text + f'{"," if at else ""}"{name}":' + _AsJson(value)
    return text + "}"
