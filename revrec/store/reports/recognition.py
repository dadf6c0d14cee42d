"""Revenue by day: what is in the ledger, what is planned, and what has no date yet, added up by the database."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, case, false, func, literal, or_, select, union_all

from revrec.core.constraint import CONSTRAINT
from revrec.core.filters import Basis
from revrec.core.report import BETWEEN, fields_of
from revrec.core.rules.costs import COST_MARK, sold_by
from revrec.core.schedule import SETTLED
from revrec.store.charges import NOT_VOIDED
from revrec.store.contracts import allocated_differences
from revrec.store.database.sums import joined_sum, split_sum_columns
from revrec.store.number_lists import limited_to
from revrec.store.posting.invoices import SOLD
from revrec.store.posting.ledger_changes import IS_UNEXPLAINED
from revrec.store.posting.reversals import IS_IN_LEDGER
from revrec.store.reports.contract_balances import billed_charges
from revrec.store.reports.dimensions import BY_DIMENSION, dimension_of
from revrec.store.reports.earned import earned_lines
from revrec.store.reports.in_ledger import ledger_lines
from revrec.store.tables import (
    HAS_OPEN_LINES,
    ORDERED,
    billing_line,
    charge_line,
    entry_reversal,
    fulfillment_event,
    journal_entry,
    journal_line,
    ledger_change,
    rule_version,
    same_version,
    schedule,
    schedule_line,
    schedule_wait,
    unscheduled,
)

Condition = ColumnElement[bool]
Conditions = Sequence[Condition]
NO_SOURCES: Mapping[str, str] = {}
"""No source is invoiced: its lines are billed on their post dates."""
ACTUAL, OPEN, WAITING, HISTORICAL = "actual", "open", "waiting", "historical"
RULE = "rule"
DUE, PLANNED = "due", "planned"
"""What is open on a day: dated until then and not posted, or dated later."""
BILLED, SIGNED = 1, 2
"""Charge lines that are billed by a day, and contract lines that are signed by then."""
CATEGORIES: dict[str, ColumnElement[Any]] = {
    name: charge_line.c[name] for name in ("customer", "item", "entity", "source", "document")
} | {"charge": charge_line.c.id, "billed": func.substr(charge_line.c.post_date, literal(1), literal(7))}
"""What the rows of a report can be, apart from accounts and rules: a field of the charge line, or its month."""


class DatedAmount(NamedTuple):
    """An amount in minor units of one category, kind and ISO day of recognition; ``day`` is empty if it has none.

    ``kind`` is actual (in the ledger, by ledger date), open (dated, not in the ledger), waiting, or historical:
    recognized before the cutover of a migrated line. ``billed``: the charge lines are billed by the day of the report,
    as in ``report balance``. ``ordered``: they are contract lines that were signed by the day, and other lines bill
    them.
    """

    category: str
    currency: str
    kind: str
    day: str
    billed: bool
    amount: int
    ordered: bool = False


def lines_of(basis: Basis, first: date | None, last: date) -> Any:
    """Return what is recognized by charge line, deferred account and day in a span of days, as a subquery."""
    return ledger_lines(first, last) if basis is Basis.ledger else earned_lines(first, last)


def recognized_by_day(
    connection: Connection,
    category: str,
    first: date | None,
    last: date,
    invoiced: Mapping[str, str] | None = None,
    only: Conditions = (),
    basis: Basis = Basis.ledger,
    numbers: Sequence[int] | None = None,
    counted: ColumnElement[bool] = SOLD,
) -> Iterator[DatedAmount]:
    """Yield the revenue from one day to another, by category and day.

    ``basis``: what is in the ledger, by ledger date, or what is earned, posted or not, by the day that it is earned on.
    Lines of the sources ``invoiced``, from the first post date of each, are billed on their invoice's date; with None,
    ``billed`` is not computed. ``only`` are conditions on the charge lines, and ``numbers`` limits those in the ledger.
    ``counted`` is the condition that the amounts of a charge line are revenue.
    """
    if numbers is not None and not numbers:
        return
    lines = lines_of(basis, first, last) if numbers is None else ledger_lines(first, last, numbers)
    yield from _by_day(connection, category, lines, ACTUAL, lines.c.date, last, invoiced, only, counted)


def open_by_day(
    connection: Connection,
    category: str,
    after: date,
    invoiced: Mapping[str, str] = NO_SOURCES,
    only: Conditions = (),
    numbers: Sequence[int] | None = None,
    counted: ColumnElement[bool] = SOLD,
) -> Iterator[DatedAmount]:
    """Yield what is not in the ledger on a day, by category and day of recognition, with what waits.

    ``invoiced``, ``only``, ``numbers`` and ``counted`` are as for :func:`recognized_by_day`; what waits is of all
    charge lines. What was posted with a later date is open on that day; it counts on the date of its entry. What was
    reversed for good, or is gone in Intacct and accepted, waits: no schedule line recognizes it, and it is still part
    of the price.
    """
    for lines, kind, day in _not_recognized(after, numbers):
        yield from _by_day(connection, category, lines, kind, day, after, invoiced, only, counted)


def _not_recognized(after: date, numbers: Sequence[int] | None = None) -> Iterator[tuple[Any, str, Any]]:
    """Yield what is not in the ledger on a day: subqueries of amounts by charge line, their kind, and the column of the
    day. ``numbers`` limits the charge lines of what has a day."""
    if numbers is None or numbers:
        yield from _dated_later(after, numbers)
    canceled = (
        select(schedule_line.c.charge_no, schedule_line.c.amount)
        .join(entry_reversal, entry_reversal.c.reverses == schedule_line.c.entry_id)
        # Named twice: otherwise SQLite reads every line that is on an entry, to look for its reversal.
        .where(
            entry_reversal.c.final == 1, IS_IN_LEDGER, schedule_line.c.entry_id.in_(select(entry_reversal.c.reverses))
        )
    )
    gone = select(ledger_change.c.charge_no, (-ledger_change.c.amount).label("amount")).where(IS_UNEXPLAINED)
    undated = union_all(*waits(), canceled, gone).subquery()
    yield undated, WAITING, literal("")


def waits(value: str = "amount") -> tuple[Select[Any], Select[Any]]:
    """Return what waits, as charge lines with a value: in schedules in force, and of charge lines without a schedule.

    The value is the ``amount`` or the ``code``.
    """
    newer = select(schedule.c.charge_no).where(
        schedule.c.charge_no == schedule_wait.c.charge_no, schedule.c.version > schedule_wait.c.version
    )
    of_schedules = select(schedule_wait.c.charge_no, schedule_wait.c[value])
    of_unscheduled = select(unscheduled.c.charge_no, unscheduled.c[value])
    return (
        of_schedules.where(~newer.correlate(schedule_wait).exists()),
        of_unscheduled.where(unscheduled.c.code.not_in(SETTLED)),
    )


def not_in_ledger(after: date, numbers: Sequence[int]) -> Iterator[Any]:
    """Yield subqueries of what is dated and not in the ledger on a day, with ``charge_no`` and ``date``."""
    for lines, _kind, _day in _dated_later(after, numbers):
        yield lines


def _dated_later(after: date, numbers: Sequence[int] | None = None) -> Iterator[tuple[Any, str, Any]]:
    """Yield what is dated and not in the ledger on a day, as :func:`_not_recognized` does."""
    of_lines = (
        select(schedule_line.c.charge_no, schedule_line.c.date, schedule_line.c.amount)
        .outerjoin(journal_entry, journal_entry.c.id == schedule_line.c.entry_id)
        .where(
            schedule_line.c.superseded_by.is_(None),
            schedule_line.c.entry_id.is_(None) | (journal_entry.c.state != "POSTED"),
        )
    )
    planned = limited_to(of_lines, schedule_line.c.charge_no, numbers).subquery()
    yield planned, OPEN, planned.c.date
    later = ledger_lines(None, date.max, numbers)
    dated_later = select(later).where(later.c.date > after.isoformat()).subquery()
    yield dated_later, OPEN, dated_later.c.date


def count_open(
    connection: Connection, category: str, after: date, only: Conditions = (), later_than: date | None = None
) -> dict[tuple[str, str], int]:
    """Return how many charge lines have something that is not in the ledger on a day, by category and currency.

    ``later_than`` counts only the charge lines of which something is planned after another day.
    """
    found = [(one, kind, day) for one, kind, day in _not_recognized(after) if later_than is None or kind == OPEN]
    last = () if later_than is None else (later_than.isoformat(),)
    lines = union_all(
        *(select(one.c.charge_no).where(*(day > one_day for one_day in last)) for one, _kind, day in found)
    ).subquery()
    name = category_of(category).label("category")
    query = select(name, charge_line.c.currency, func.count(lines.c.charge_no.distinct()))
    query = query.join(charge_line, charge_line.c.no == lines.c.charge_no).where(SOLD, _in_books(after), *only)
    query = _of_rule(query, category)
    query = query.group_by("category", charge_line.c.currency)
    return {(name or "", currency): count for name, currency, count in connection.execute(query)}


def recognized_before(
    connection: Connection,
    category: str,
    until: date,
    invoiced: Mapping[str, str] = NO_SOURCES,
    only: Conditions = (),
    counted: ColumnElement[bool] = SOLD,
) -> Iterator[DatedAmount]:
    """Yield what was recognized before their cutovers of the charge lines in the books on a day, by category."""
    amount = charge_line.c.recognized_before
    before = select(charge_line.c.no.label("charge_no"), amount.label("amount")).where(amount != 0).subquery()
    yield from _by_day(connection, category, before, HISTORICAL, literal(""), until, invoiced, only, counted)


def _by_day(
    connection: Connection,
    category: str,
    lines: Any,
    kind: str,
    day: Any,
    until: date,
    invoiced: Mapping[str, str] | None,
    only: Conditions,
    counted: ColumnElement[bool] = SOLD,
) -> Iterator[DatedAmount]:
    by = (
        category_of(category).label("category"),
        charge_line.c.currency,
        day.label("day"),
        _is_billed(until, invoiced),
    )
    query = select(*by, *split_sum_columns(lines.c.amount)).join(charge_line, charge_line.c.no == lines.c.charge_no)
    query = _of_rule(query, category)
    query = query.where(counted, _in_books(until), *only).group_by("category", charge_line.c.currency, "day", "billed")
    for name, currency, on, billed, *sums in connection.execute(query):
        if amount := joined_sum(*sums):
            yield DatedAmount(_named(category, name), currency, kind, on, billed == BILLED, amount, billed == SIGNED)


def _named(category: str, name: str | None) -> str:
    """Return a category as reports show it; what is owed to a principal follows the rule of its line."""
    fields, values = fields_of(category), (name or "").split(BETWEEN)
    return BETWEEN.join(sold_by(value) if field == RULE else value for field, value in zip(fields, values, strict=True))


def follow_versions(versions: Collection[int], waiting: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a cost has a schedule of these rule versions, or waits for one of these rules."""
    scheduled = select(schedule.c.charge_no).where(schedule.c.rule_version_id.in_(versions))
    unknown = select(unscheduled.c.charge_no).where(unscheduled.c.rule.in_(waiting))
    return ~SOLD & (charge_line.c.no.in_(scheduled) | charge_line.c.no.in_(unknown))


def waiting_costs(connection: Connection) -> set[str]:
    """Return the names of the rules that costs without a schedule wait for."""
    query = select(unscheduled.c.rule).distinct().where(unscheduled.c.rule.contains(COST_MARK, autoescape=True))
    return set(connection.execute(query).scalars())


def sums_by_currency(connection: Connection, lines: Any, *conditions: ColumnElement[bool]) -> Counter[str]:
    """Return the sums of the amounts of charge lines that meet conditions, in minor units."""
    query = select(charge_line.c.currency, *split_sum_columns(lines.c.amount)).where(*conditions)
    query = query.join(charge_line, charge_line.c.no == lines.c.charge_no).group_by(charge_line.c.currency)
    return Counter({currency: joined_sum(*sums) for currency, *sums in connection.execute(query)})


def _in_books(until: date) -> ColumnElement[bool]:
    """Return the condition that a charge line was not taken over after a day."""
    return charge_line.c.cutover.is_(None) | (charge_line.c.cutover <= until.isoformat())


def _newest_versions() -> Any:
    """Return the newest schedule version of each charge line, as a subquery."""
    newest = select(schedule.c.charge_no, func.max(schedule.c.version).label("version"))
    return newest.group_by(schedule.c.charge_no).subquery()


def follow_rules(names: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a charge line follows one of these rules, with a schedule or waiting for one."""
    if not names:
        return false()
    head = _newest_versions()
    scheduled = (
        select(schedule.c.charge_no)
        .join(head, same_version(schedule, head))
        .join(rule_version, rule_version.c.id == schedule.c.rule_version_id)
        .where(_is_of(rule_version.c.name, names))
    )
    waiting = select(unscheduled.c.charge_no).where(_is_of(unscheduled.c.rule, names))
    return charge_line.c.no.in_(scheduled) | charge_line.c.no.in_(waiting)


def _is_of(rule: Any, names: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a rule has one of these names, or is the rule of a cost of one of them."""
    return or_(rule.in_(names), *(rule.startswith(f"{name}{COST_MARK}", autoescape=True) for name in names))


def open_charges(connection: Connection, until: date, names: Sequence[str], only: Conditions = ()) -> list[int]:
    """Return the charge lines not wholly recognized on a day that follow these rules or have an event of a constraint.

    ``only`` are more conditions on the charge lines.
    """
    event, waiting = fulfillment_event.c, union_all(*waits()).subquery()
    estimated = select(event.charge_no).where(event.kind == CONSTRAINT)
    if not names and connection.execute(estimated.limit(1)).first() is None:
        return []
    later = (
        select(journal_line.c.charge_no)
        .join(journal_entry, journal_entry.c.id == journal_line.c.entry_id)
        .where(journal_entry.c.date > until.isoformat())
    )
    is_open = (select(waiting.c.charge_no), select(schedule.c.charge_no).where(HAS_OPEN_LINES), later)
    query = (
        select(charge_line.c.no)
        .where(or_(*(charge_line.c.no.in_(one) for one in is_open)))
        .where(follow_rules(names) | charge_line.c.no.in_(estimated))
        .where(*in_disclosure(until), *only)
        .order_by(charge_line.c.no)
    )
    return list(connection.execute(query).scalars())


def held_charges(connection: Connection, only: Conditions) -> list[int]:
    """Return the charge lines of which a hold has stopped anything, in order; ``only`` are conditions on them."""
    of_schedules, _of_unscheduled = waits()
    held = of_schedules.with_only_columns(schedule_wait.c.charge_no).where(schedule_wait.c.code == "held")
    query = select(charge_line.c.no).where(charge_line.c.no.in_(held), NOT_VOIDED, *only)
    return list(connection.execute(query.order_by(charge_line.c.no)).scalars())


def in_disclosure(until: date) -> Conditions:
    """Return the conditions that a charge line can be an obligation on a day: in the books by then, and not void."""
    return _in_books(until), NOT_VOIDED


def charges_among(connection: Connection, numbers: Sequence[int], only: Conditions) -> set[int]:
    """Return which of these charge lines meet conditions."""
    if not numbers:
        return set()
    query = select(charge_line.c.no).where(*only)
    return set(connection.execute(limited_to(query, charge_line.c.no, numbers)).scalars())


def billed_among(connection: Connection, numbers: Sequence[int], until: date, invoiced: Mapping[str, str]) -> set[int]:
    """Return which of these charge lines are billed by the day, as in ``report balance``."""
    return charges_among(connection, numbers, [charge_line.c.no.in_(billed_charges(until, invoiced))])


def _of_rule(query: Any, by: str) -> Any:
    """Join the rule of the newest schedule version, if it is one of the fields."""
    if RULE not in fields_of(by):
        return query
    head = _newest_versions()
    return (
        query.outerjoin(head, head.c.charge_no == charge_line.c.no)
        .outerjoin(schedule, same_version(schedule, head))
        .outerjoin(rule_version, rule_version.c.id == schedule.c.rule_version_id)
    )


def _is_billed(until: date, invoiced: Mapping[str, str] | None) -> Any:
    if invoiced is None:
        return literal(0).label("billed")
    billed = charge_line.c.no.in_(billed_charges(until, invoiced))
    signed = and_(ORDERED, charge_line.c.post_date <= until.isoformat())
    return case((billed, BILLED), (signed, SIGNED), else_=0).label("billed")


def category_of(by: str) -> ColumnElement[Any]:
    """Return the SQL of a category: the values of its fields, with :data:`BETWEEN` between them."""
    first, *others = map(_field, fields_of(by))
    for one in others:
        first = func.coalesce(first, "").concat(BETWEEN).concat(func.coalesce(one, ""))
    return first


def _field(name: str) -> ColumnElement[Any]:
    """Return the SQL of a field: a column or a dimension of the charge line, or the name of the joined rule."""
    if name.startswith(BY_DIMENSION):
        return dimension_of(charge_line, name)
    return rule_version.c.name if name == RULE else CATEGORIES[name]


def balances_of_contract_lines(
    connection: Connection,
    category: str,
    until: date,
    invoiced: Mapping[str, str] = NO_SOURCES,
    only: Conditions = (),
) -> Counter[tuple[str, str]]:
    """Return what is billed of contract lines until a day, less what is recognized, by category and currency.

    What an allocation adds to a line counts as billed: another line of the contract bills it. Amounts are in minor
    units; below zero, more is recognized than billed. The categories are of the contract
    lines. ``invoiced`` and ``only`` are as for :func:`recognized_by_day`.
    """
    ordered = list(connection.execute(select(charge_line.c.no).where(ORDERED)).scalars())
    if not ordered:
        return Counter()
    billing, booked = charge_line.alias("billing"), ledger_lines(None, until, ordered)
    billed = (
        select(billing_line.c.ordered_no.label("charge_no"), billing.c.amount)
        .join(billing, billing.c.no == billing_line.c.charge_no)
        .where(billing_line.c.charge_no.in_(billed_charges(until, invoiced)))
    )
    recognized = select(booked.c.charge_no, (-booked.c.amount).label("amount"))
    allocated = allocated_differences()
    moved = limited_to(select(allocated.c.charge_no, allocated.c.amount), allocated.c.charge_no, ordered)
    lines = union_all(billed, recognized, moved).subquery()
    sums: Counter[tuple[str, str]] = Counter()
    for one in _by_day(connection, category, lines, ACTUAL, literal(""), until, invoiced, only):
        sums[one.category, one.currency] += one.amount
    return sums


class CategoryAmount(NamedTuple):
    """An amount of one category, in minor units."""

    category: str
    currency: str
    amount: int


def by_category(
    connection: Connection, category: str, lines: Any, counted: Condition, *conditions: Condition
) -> Iterator[CategoryAmount]:
    """Yield the sums of amounts by category and currency.

    ``lines`` is a subquery with ``charge_no`` and ``amount``; ``conditions`` are on their charge lines. ``counted`` is
    the condition that the amounts of a charge line are revenue.
    """
    query = select(category_of(category).label("category"), charge_line.c.currency, *split_sum_columns(lines.c.amount))
    query = query.join(charge_line, charge_line.c.no == lines.c.charge_no)
    query = _of_rule(query, category)
    amounts: Counter[tuple[str, str]] = Counter()
    for found, currency, *sums in connection.execute(
        query.where(counted, *conditions).group_by("category", charge_line.c.currency)
    ):
        amounts[_named(category, found), currency] += joined_sum(*sums)
    for (name, currency), amount in amounts.items():
        yield CategoryAmount(name, currency, amount)


def categories_of(connection: Connection, category: str, numbers: Sequence[int]) -> dict[int, str]:
    """Return the category of these charge lines, by number."""
    if not numbers:
        return {}
    query = select(charge_line.c.no, category_of(category)).select_from(charge_line)
    query = _of_rule(query, category)
    return {no: _named(category, name) for no, name in connection.execute(limited_to(query, charge_line.c.no, numbers))}
