"""``revrec report late``: what became known after the month that it belongs to was closed.

The ledger of a closed month keeps its figures. For each month the report compares them with what the month has earned
as it is known now, and lists what lies between the two.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Any

from revrec.core.batching import batched
from revrec.core.calendar import month_end
from revrec.core.errors import BadInput
from revrec.core.filters import Filters
from revrec.core.money import decimal_string
from revrec.core.periods import OPEN, THROUGH, closed_since, month_of
from revrec.core.report import SINGLE, Check, Report
from revrec.jobs.reports.drill import drill_rows
from revrec.jobs.reports.filters import check_filters
from revrec.jobs.reports.late_changes import LateChange, late_changes
from revrec.jobs.reports.line_balances import balances_of, charges_to_read
from revrec.jobs.reports.long_rows import kept_rows, sorted_rows
from revrec.jobs.reports.report_header import report_header
from revrec.jobs.reports.revenue_lines import revenue_lines
from revrec.store import periods
from revrec.store.reports.booked import MonthAmount
from revrec.store.reports.causes import VersionCause, version_causes
from revrec.store.reports.filters import of_charges
from revrec.store.reports.late_changes import Closed
from revrec.store.reports.late_revenue import LateRevenue, earned_by_month, late_revenue, revenue_by_month
from revrec.store.reports.parts import charge_numbers, posted_parts
from revrec.store.reports.recognition import recognized_by_day

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection
    from revrec.store.periods import Closing

BY_MONTH = "month"
LINES_AT_ONCE = 5_000
"""Late lines whose causes are read at once."""
REVENUE, BILLED = "revenue", "billed"
CHANGES = (
    "figure", "what", "charge", "customer", "entity", "currency", "earned_month", "closed_at", "closed_by", "known_at",
    "known_by", "amount", "dated", "policy", "entry", "reason",
)  # fmt: skip
SPARE = ("reason", "entity", "closed_by", "known_by", "closed_at", "customer", "policy", "entry")
MONTH_AMOUNTS = ("as_reported", "late", "from_other_months", "now")
MONTHS = ("month", "entity", "currency", "closed_at", *MONTH_AMOUNTS)
NOTHING = "nothing became known after its month was closed"
NOT_CLOSED = "no month of these days with revenue is closed, so nothing is late; see: revrec periods list"
POSTED_LATER, NOT_POSTED = "posted after the close", "not posted"
"""What was known at the close, and is in the ledger of a later month, or in no ledger yet."""

Month = tuple[str, str, str]
"""An entity, a currency and a month."""


class _Closings:
    """The closings of days, as they are known now."""

    def __init__(self, connection: "Connection") -> None:
        self.all = periods.closings(connection)
        self.entities = periods.all_entities(connection)
        self._facts = [one.fact for one in self.all]
        self._since: dict[tuple[str, date], int | None] = {}
        closed = (one.fact for one in self.all if one.fact.kind != OPEN)
        self.ends = sorted({one.day if one.kind == THROUGH else month_end(one.day) for one in closed})
        """The last days of all spans that were ever closed."""

    def since(self, entity: str, day: date) -> int | None:
        """Return the place of the closing since which a day is closed; None if it is open."""
        key = entity, day
        if key not in self._since:
            self._since[key] = closed_since(self._facts, entity, day)
        return self._since[key]

    def of(self, entity: str, day: date) -> "Closing | None":
        """Return the closing of a day; None if it is open."""
        since = self.since(entity, day)
        return None if since is None else self.all[since]

    def last_closed(self) -> date:
        """Return the last day that is closed for any entity; the first day of the calendar if all are open."""
        closed = (end for end in reversed(self.ends) if any(self.since(one, end) is not None for one in self.entities))
        return next(closed, date.min)

    def groups(self) -> Iterator[tuple[int, date, list[str]]]:
        """Yield each closing in force with the last day and the entities that it closed."""
        found: dict[int, tuple[date, list[str]]] = {}
        for end in self.ends:
            for entity in self.entities:
                since = self.since(entity, end)
                if since is not None:
                    entities = found[since][1] if since in found else []
                    found[since] = end, [*dict.fromkeys([*entities, entity])]
        for since, (end, entities) in found.items():
            yield since, end, entities


def late(context: "Context", filters: Filters, by: str) -> Report:
    """Return the late changes of the days of the filters, one by one, or with the figures of each month.

    Raises:
        BadInput: ``by`` is unknown, or a filter names what these books do not know.
    """
    if by not in (SINGLE, BY_MONTH):
        raise BadInput(f"report late: --by {by}: expected {SINGLE} or {BY_MONTH}")
    with context.database.read_twice() as connection:
        check_filters(context, connection, filters)
        found = _LateFigures(context, connection, filters)
        months, checks = found.months()
        changes: Sequence[dict[str, Any]] = found.changes() if by == SINGLE else []
        named = dict(vars(filters))
        days = {"from": named.pop("first"), "to": named.pop("last")}
        header = report_header(context, connection, "late", {**days, "by": by, **named})
    if by == BY_MONTH:
        return Report(
            "Months as reported and as known now", header, MONTHS, months, checks, MONTH_AMOUNTS, ("closed_at",),
            {"now": {"as_reported": 1, "late": 1, "from_other_months": -1}}, empty=NOT_CLOSED,
        )  # fmt: skip
    empty = NOTHING if months else NOT_CLOSED
    # Billed amounts and revenue are figures of different kinds.
    return Report("Late changes", header, CHANGES, changes, checks, ("amount",), SPARE, empty=empty, adds_up=False)


def drill_late(context: "Context", filters: Filters, report: Report, address: str) -> Report:
    """Return the schedule lines behind a figure of a month.

    Raises:
        BadInput: the report lists single changes, or it has no such column or row.
    """
    with context.database.read_twice() as connection:
        return drill_rows(report, address, _LateFigures(context, connection, filters).behind)


class _LateFigures:
    """What is late, one by one and by month, of the days and charge lines of the filters."""

    def __init__(self, context: "Context", connection: "Connection", filters: Filters) -> None:
        self._context = context
        self._connection = connection
        self._filters = filters
        self._closings = _Closings(connection)
        self._counted, self._owed = revenue_lines(context, connection)
        rows = late_revenue(connection, self._closings.last_closed(), filters, self._counted)
        self._revenue = kept_rows(row for row in rows if row.dated or self._closing(row.entity, row.earned))

    def months(self) -> tuple[list[dict[str, Any]], list[Check]]:
        """Return the figures of each closed month and of months with revenue of closed ones, with their checks."""
        reported = self._by_month(self._recognized, date.max)
        late, others = Counter[Month](), Counter[Month]()
        for row in self._revenue:
            late[row.entity, row.currency, row.earned[:7]] += row.amount
            if row.dated:
                others[row.entity, row.currency, row.dated[:7]] += row.amount
        rows, now, earned = [], Counter[tuple[str, str]](), Counter[tuple[str, str]]()
        by_schedule = self._by_month(self._earned, self._closings.last_closed())
        for key in sorted({*reported, *late, *others}, key=lambda one: (one[2], one[0], one[1])):
            entity, currency, month = key
            closing = self._closing(entity, month_end(date.fromisoformat(f"{month}-01")).isoformat())
            if self._is_wanted(month) and (closing or late[key] or others[key]):
                found = reported[key] + late[key] - others[key]
                rows.append(_month_row(key, closing, (reported[key], late[key], others[key], found)))
                if closing:
                    now[month, currency] += found
                    earned[month, currency] += by_schedule[key]
        name = "now = what schedule lines earn"
        checks = [Check(f"{key[0]}: {name}", key[1], now[key], amount) for key, amount in earned.items()]
        return rows, checks

    def changes(self) -> Sequence[dict[str, Any]]:
        """Return each late change: of revenue, and of what is billed."""
        found = chain(self._changes_of_revenue(), map(self._of_billed, self._billed()))
        by_month = sorted_rows(found, lambda row: (row["earned_month"], row["figure"], row["known_at"], row["charge"]))
        return kept_rows(by_month)

    def _changes_of_revenue(self) -> Iterator[dict[str, Any]]:
        for some in batched((row for row in self._revenue if self._is_wanted(row.earned)), LINES_AT_ONCE):
            causes = version_causes(self._connection, {row.no for row in some})
            yield from (self._of_revenue(row, causes) for row in some)

    def behind(self, row: Mapping[str, Any], column: str) -> Iterator[tuple[Mapping[str, Any], int]]:
        """Yield the schedule lines behind a figure of a month, with their amounts in minor units."""
        if column in ("as_reported", "now"):
            yield from self._reported(row)
        for one in self._revenue:
            if (one.entity, one.currency) != (row["entity"], row["currency"]):
                continue
            if column in ("late", "now") and one.earned[:7] == row["month"]:
                yield _shown(one), one.amount
            if column in ("from_other_months", "now") and one.dated[:7] == row["month"]:
                yield _shown(one), one.amount if column == "from_other_months" else -one.amount

    def _reported(self, row: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], int]]:
        """Yield what posted entries recognize in a month of an entity."""
        first = date.fromisoformat(f"{row['month']}-01")
        only = (*of_charges(self._filters), *of_charges(Filters(entity=row["entity"])))
        found = recognized_by_day(self._connection, "charge", first, month_end(first), only=only, counted=self._counted)
        charges = {one.category for one in found if one.currency == row["currency"]}
        numbers = list(charge_numbers(self._connection, sorted(charges)).values())
        for part in posted_parts(self._connection, numbers, first.isoformat(), month_end(first).isoformat()):
            yield {**part._asdict(), "version": part.version or "", "line": part.line or ""}, part.amount

    def _recognized(self, first: date, until: date) -> Iterator[MonthAmount]:
        """Yield what is in the ledger by month."""
        return revenue_by_month(self._connection, first, until, self._filters, self._owed)

    def _earned(self, first: date, until: date) -> Iterator[MonthAmount]:
        """Yield what schedules earn by month; lines that are not plain, or all of an earlier time, are read."""
        if first <= until:
            special = charges_to_read(self._context, self._connection, [])
            yield from earned_by_month(self._connection, first, until, self._filters, special, self._owed)

    def _by_month(self, read: Any, until: date) -> Counter[Month]:
        first = (self._filters.first or date.min).replace(day=1)
        found: Counter[Month] = Counter()
        for one in read(first, until):
            found[one.entity, one.currency, one.month] += one.amount
        return found

    def _closing(self, entity: str, day: str) -> "Closing | None":
        return self._closings.of(entity, date.fromisoformat(day))

    def _is_wanted(self, day: str) -> bool:
        """Check whether a day, or a month, is in the months of the filters."""
        first, last = self._filters.first, self._filters.last
        return (first is None or day[:7] >= month_of(first)) and (last is None or day[:7] <= month_of(last))

    def _of_revenue(self, row: LateRevenue, causes: Mapping[tuple[int, int], VersionCause]) -> dict[str, Any]:
        closing = self._closing(row.entity, row.earned)
        what, at, actor = row.changed, row.at, row.actor
        if not what:
            cause = causes[row.no, row.version]
            was_known = closing is None or closing.known is None or cause.audit_seq <= closing.known.audit_seq
            what = (POSTED_LATER if row.dated else NOT_POSTED) if was_known else cause.words
            at, actor = cause.at, cause.actor
        policy = self._policy(row.reason) if row.dated else f"policy {self._context.settings.posting.closed_period}"
        return _row(
            (REVENUE, what, row.charge, row.customer, row.entity, row.currency, row.earned[:7]), closing,
            (at, actor, decimal_string(row.amount, row.currency), row.dated, policy, row.entry, row.reason),
        )  # fmt: skip

    def _policy(self, reason: str) -> str:
        """Return what moved the date of an entry: the end of its reason, such as "policy next_open"."""
        return reason.rpartition(" by ")[2] if "; dated " in reason else ""

    def _billed(self) -> Iterator[LateChange]:
        """Yield what changed the billed amounts of closed days, each compared with the closing of its day."""
        for since, until, entities in self._closings.groups():
            known = self._closings.all[since].known
            assert known is not None, "a fact that closes days has the rows that were known"
            wanted = balances_of(until, self._filters)._replace(entity=None)
            some = [one for one in entities if self._filters.entity in (None, one)]
            for change in late_changes(self._context, self._connection, wanted, Closed(until, known, some)):
                its_own = self._closings.since(change.entity, date.fromisoformat(change.date)) == since
                if change.is_billed and its_own and self._is_wanted(change.date):
                    yield change

    def _of_billed(self, one: LateChange) -> dict[str, Any]:
        return _row(
            (BILLED, one.change, one.charge, one.customer, one.entity, one.currency, one.date[:7]),
            self._closing(one.entity, one.date),
            (one.stored, one.actor, decimal_string(one.amount, one.currency), one.date, "", "", one.reason),
        )  # fmt: skip


def _shown(one: LateRevenue) -> Mapping[str, Any]:
    """Return revenue of another month as a row behind a figure."""
    state = one.changed or ("posted" if one.dated else NOT_POSTED)
    values = (one.charge, one.version or "", one.earned, one.dated, one.entry, state)
    return dict(zip(("charge", "version", "earned", "dated", "entry", "state"), values, strict=True))


def _month_row(key: Month, closing: "Closing | None", figures: tuple[int, ...]) -> dict[str, Any]:
    entity, currency, month = key
    row = {"month": month, "entity": entity, "currency": currency, "closed_at": closing.fact.at if closing else ""}
    amounts = zip(MONTH_AMOUNTS, figures, strict=True)
    return row | {name: decimal_string(amount, currency) for name, amount in amounts}


def _row(whose: tuple[Any, ...], closing: "Closing | None", rest: tuple[Any, ...]) -> dict[str, Any]:
    closed = (closing.fact.at, closing.fact.actor) if closing else ("", "")
    return dict(zip(CHANGES, (*whose, *closed, *rest), strict=True))
