"""List late changes: what is dated in a closed period and was stored after its close.

The figures of the closed period leave them out; the next open period includes them. Their amounts add up to what the
balance of the closed day would be now, less what it was at the close.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.batching import batched
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.contract_balance import LineBalance
from revrec.core.periods import PeriodFact, closed_since, last_closed_before
from revrec.core.pricing import PRICE_EVENT_KINDS, price_of
from revrec.jobs.reports.line_balances import AT_ONCE, BalanceOptions, lines_as_known
from revrec.store import charges, events, periods
from revrec.store.reports.late_changes import (
    ENTRY,
    INVOICE,
    INVOICING,
    LEDGER,
    LINE,
    RULED,
    TAKEN_BACK,
    Closed,
    LateRow,
    late_rows,
)

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


class ClosedPeriod(NamedTuple):
    """Closed days of some entities, and the fact by which they were closed.

    ``reported``: the day of the report is closed, so that its figures are the ones at the close. Otherwise the day is
    open and its figures include the late changes.
    """

    fact: PeriodFact
    days: Closed
    reported: bool


class LateChange(NamedTuple):
    """A change of a deferred balance that arrived after its period was closed.

    ``amount`` is in minor units, credits positive. ``date`` is in the closed period, ``stored`` is when it arrived, as
    UTC text, and ``actor`` by whom. ``reason`` says where it comes from. ``is_billed``: it changes what is billed, and
    not what is recognized.
    """

    entity: str
    currency: str
    account: str
    charge: str
    customer: str
    date: str
    change: str
    amount: int
    reason: str
    stored: str
    actor: str
    is_billed: bool


def closed_periods(connection: "Connection", wanted: BalanceOptions) -> Iterator[ClosedPeriod]:
    """Yield what is closed until the day, or before it where it is open itself, for each group of entities."""
    closings = periods.closings(connection)
    facts = [one.fact for one in closings]
    entities = periods.all_entities(connection) if wanted.entity is None else [wanted.entity]
    groups: dict[tuple[int, date], list[str]] = defaultdict(list)
    for entity in entities if facts else ():
        day: date | None = wanted.until
        since = closed_since(facts, entity, wanted.until)
        if since is None:
            day = last_closed_before(facts, entity, wanted.until)
            since = None if day is None else closed_since(facts, entity, day)
        if since is not None and day is not None:
            groups[since, day].append(entity)
    for (since, day), some in groups.items():
        known = closings[since].known
        assert known is not None, "a fact that closes days has the rows that were known"
        yield ClosedPeriod(facts[since], Closed(day, known, some), day == wanted.until)


def late_changes(
    context: "Context", connection: "Connection", wanted: BalanceOptions, closed: Closed
) -> Iterator[LateChange]:
    """Yield the late changes of the charge lines and accounts that are asked for, by charge line."""
    rows: dict[int, list[LateRow]] = defaultdict(list)
    invoiced, invoiced_now = closed.known.invoiced_then(), context.settings.invoiced_sources
    changed = {one for one in {*invoiced, *invoiced_now} if invoiced.get(one) != invoiced_now.get(one)}
    for row in late_rows(connection, closed, changed):
        rows[row.no].append(row)
    for some in batched(sorted(rows), AT_ONCE):
        asked = wanted._replace(until=closed.until, planned=False, by="contract", account=None, entity=None)
        before, now = (
            _by_charge(lines_as_known(context, connection, asked, known, None, some)) for known in (closed.known, None)
        )
        # Together: a late file brings many charge lines, and a query for each would be most of the work.
        at_close = events.events_of_charges(connection, some, closed.known.event_id, closed.known.audit_seq)
        for no, line in charges.read_charges(connection, some):
            if line.id in now:
                balances = before.get(line.id, []), now[line.id]
                change = _ChargeChange(connection, closed, no, line, at_close.get(no, []), *balances)
                yield from (one for one in change.listed(rows[no]) if wanted.account in (None, one.account))


def _by_charge(lines: Iterable[LineBalance]) -> dict[str, list[LineBalance]]:
    found: dict[str, list[LineBalance]] = defaultdict(list)
    for line in lines:
        found[line.charge].append(line)
    return found


class _ChargeChange:
    """The difference between the balance of one charge line on a closed day and its balance at the close."""

    def __init__(
        self,
        connection: "Connection",
        closed: Closed,
        no: int,
        line: ChargeLine,
        at_close: Sequence[FulfillmentEvent],
        before: Sequence[LineBalance],
        now: Sequence[LineBalance],
    ) -> None:
        self._connection = connection
        self._closed = closed
        self._no = no
        self._line = line
        self._at_close = at_close
        self._billed = sum(one.billed for one in before)
        self._moved = sum(one.billed for one in now) - self._billed
        self._history = sum(one.before for one in now) - sum(one.before for one in before)
        self._account = next((one.account for one in (*now, *before) if one.billed), now[0].account)
        self._left: Counter[str] = Counter()
        for one in now:
            self._left[one.account] += one.balance
        for one in before:
            self._left[one.account] -= one.balance

    def listed(self, rows: Iterable[LateRow]) -> Iterator[LateChange]:
        """Yield a change for each row that moved the balance; they add up to the whole difference."""
        for row in rows:
            account, amount = self._effect(row)
            if amount:
                self._left[account] -= amount
                what = (row.what or row.kind, amount, _reason(row), row.at, row.actor)
                yield self._change(account, row.date, *what, row.kind not in (ENTRY, LEDGER))
        for account, amount in self._left.items():
            if amount:
                yield self._change(account, self._closed.until.isoformat(), "other", amount, "", "", "", True)

    def _effect(self, row: LateRow) -> tuple[str, int]:
        """Return the account and by how much a row raises its balance."""
        if row.kind in (ENTRY, LEDGER):
            return row.account, -row.amount
        if not self._moved:
            return self._account, 0
        if row.kind in (TAKEN_BACK, INVOICING, RULED):
            return self._account, self._left[self._account]
        price = self._price(row.number)
        amount, self._billed = price - self._billed, price
        if row.kind == LINE:
            # What was recognized before a cutover was never deferred here.
            amount -= self._history
        return self._account, amount

    def _price(self, last_event: int) -> int:
        """Return the price of the charge line at the end of the closed day, by its events up to this one.

        With 0, only the events that were known at the close count.
        """
        recorded = self._at_close
        if last_event:
            known = self._closed.known.audit_seq
            recorded = events.events_of_charges(self._connection, [self._no], last_event, known).get(self._no, [])
        return price_of(self._line, [one for one in recorded if _counts(one, self._closed.until)])

    def _change(self, account: str, day: str, *rest: Any) -> LateChange:
        line = self._line
        return LateChange(line.entity, line.currency, account, line.id, line.customer, day, *rest)


def _counts(event: FulfillmentEvent, until: date) -> bool:
    return event.kind in PRICE_EVENT_KINDS and event.date <= until


def _reason(row: LateRow) -> str:
    """Return where a late change comes from: file and row, or who recorded it, with the note of a person."""
    if row.kind in (ENTRY, INVOICE):
        return f"{row.kind} {row.what} was posted after the close"
    if row.kind == LEDGER:
        return f"entry {row.what} was changed in Intacct; finding {row.note} accepted by {row.actor}"
    if row.kind == INVOICING:
        return f"source {row.note} is invoiced in another way since the close: see [invoice.{row.note}] in revrec.toml"
    if row.kind == RULED:
        return f"the rules have changed since the close: the charge line is {row.what}"
    place = f"{row.file}, row {row.row}" if row.file else f"recorded by {row.actor}"
    return f"{place}: {row.note}" if row.note else place
