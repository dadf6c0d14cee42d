"""Read the balance of each charge line on a day, for the reports that show deferred balances.

A day that is closed is read as it was known when its period was closed. So a closed month keeps the figures that were
reported, whatever arrives later.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.batching import batched
from revrec.core.calendar import add_months
from revrec.core.contract_balance import LineBalance
from revrec.core.filters import Filters
from revrec.core.periods import closed_since
from revrec.core.pricing import PRICE_EVENT_KINDS, PriceChange, price_changes
from revrec.core.rules import RuleBook
from revrec.core.rules.costs import is_cost, is_financing
from revrec.jobs.reports.presented_lines import PresentedLines
from revrec.jobs.rules.load import load_rules
from revrec.store import charges, events, periods, schedules
from revrec.store.reports.contract_balances import BalanceQuery, ContractBalanceRow, balance_rows
from revrec.store.reports.in_ledger import KnownRows
from revrec.store.reports.plain_lines import Day, special_charges, special_contracts

if TYPE_CHECKING:
    from revrec.core.charge_line import ChargeLine, FulfillmentEvent
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

AT_ONCE = 1_000


class BalanceOptions(NamedTuple):
    """The options of the report: the day, planned or posted revenue, what forms a contract, and filters.

    ``status``: with the status of each line and contract. ``base``: also in base currency.
    """

    until: date
    planned: bool = False
    by: str = "contract"
    account: str | None = None
    entity: str | None = None
    customer: str | None = None
    item: str | None = None
    charge: str | None = None
    document: str | None = None
    rule: str | None = None
    currency: str | None = None
    dimension: tuple[str, ...] | None = None
    status: bool = False
    base: bool = False

    @property
    def filters(self) -> Filters:
        """The filters of the charge lines, apart from the entity and the account."""
        own = {name: getattr(self, name) for name in ("charge", "document", "rule", "currency", "dimension")}
        return Filters(self.customer, self.item, **own)


def balances_of(until: date, filters: Filters) -> BalanceOptions:
    """Return the options of the balances on a day with filters; their days are left out."""
    chosen = {one: getattr(filters, one) for one in BalanceOptions._fields if hasattr(filters, one)}
    return BalanceOptions(until, **chosen)


def line_balances(
    context: "Context", connection: "Connection", wanted: BalanceOptions, numbers: Sequence[int] | None = None
) -> Iterator[LineBalance]:
    """Yield the balance of each charge line on each of its deferred accounts, as known when the day was closed.

    The lines of a contract, entity and currency follow each other. ``numbers`` limits the charge lines.
    """
    for known, entities in _knowledge(connection, wanted):
        yield from lines_as_known(context, connection, wanted, known, entities, numbers)


def known_day(context: "Context", connection: "Connection", wanted: BalanceOptions) -> Day:
    """Return what counts on a day, for the sums of plain charge lines: the same as :func:`line_balances` reads."""
    # With closed periods and no charge line, there are no entities.
    found = list(_knowledge(connection, wanted)) or [(None, ())]
    return [balance_query(context, wanted, known, entities) for known, entities in found]


def special_lines(context: "Context", connection: "Connection", days: Sequence[Day]) -> list[int] | None:
    """Return the charge lines to read one by one beside the sums of plain ones, with all others of the same contracts.

    Return None if all lines are read one by one.
    """
    return None if _are_views(context) else special_contracts(connection, days)


def charges_to_read(context: "Context", connection: "Connection", days: Sequence[Day]) -> list[int] | None:
    """Return the charge lines to read one by one beside the sums of plain ones; None if all are read one by one."""
    return None if _are_views(context) else special_charges(connection, days)


def _are_views(context: "Context") -> bool:
    """Check whether the books are of an earlier moment: views, of which only queries by line are known to be fast."""
    return context.database.moment is not None


def balance_query(
    context: "Context",
    wanted: BalanceOptions,
    known: KnownRows | None,
    entities: Sequence[str] | None = None,
    numbers: Sequence[int] | None = None,
) -> BalanceQuery:
    """Return the query of balances from the rows that were ``known``."""
    return BalanceQuery(
        wanted.until,
        _a_year_after(wanted.until),
        wanted.by,
        entities,
        wanted.filters,
        known.invoiced_then() if known else context.settings.invoiced_sources,
        known,
        numbers,
    )


def _knowledge(
    connection: "Connection", wanted: BalanceOptions
) -> Iterator[tuple[KnownRows | None, Sequence[str] | None]]:
    """Yield what was known of the day at its close, None if it is open, with the entities; None for all of them."""
    closings = periods.closings(connection)
    if not any(one.known for one in closings):
        yield None, None if wanted.entity is None else (wanted.entity,)
        return
    facts = [one.fact for one in closings]
    entities = periods.all_entities(connection) if wanted.entity is None else [wanted.entity]
    groups: dict[KnownRows | None, list[str]] = {}
    for entity in entities:
        since = closed_since(facts, entity, wanted.until)
        groups.setdefault(None if since is None else closings[since].known, []).append(entity)
    everything = len(groups) == 1 and wanted.entity is None
    for known, some in groups.items():
        yield known, None if everything else some


def lines_as_known(
    context: "Context",
    connection: "Connection",
    wanted: BalanceOptions,
    known: KnownRows | None,
    entities: Sequence[str] | None = None,
    numbers: Sequence[int] | None = None,
) -> Iterator[LineBalance]:
    """Yield the balances from the rows that were ``known``; ``entities`` and ``numbers`` limit the charge lines."""
    if numbers is not None and not numbers:
        return
    accounts, presented = _AccountsInForce(context, connection), PresentedLines(context, connection)
    asked = balance_query(context, wanted, known, entities, numbers)
    for some in batched(context.progress.track(balance_rows(connection, asked), "charge lines"), AT_ONCE):
        last = (asked.known.event_id, asked.known.audit_seq) if asked.known else ()
        recorded = events.events_of_charges(connection, [row.no for row in some], *last)
        prices, in_force = _prices(connection, recorded, asked.until), accounts.of(some, known)
        parts = presented.of(some, recorded, asked.until)
        for row in some:
            price = prices.get(row.no, _Price(row.amount)) if row.kept is None else _Price(row.kept)
            lines = _on_accounts(row, asked, wanted.planned, in_force[row.no], price)
            yield from map(parts[row.no].of, lines) if row.no in parts else lines


def _a_year_after(day: date) -> date:
    try:
        return add_months(day, 12)
    except OverflowError:
        return date.max


class _Price(NamedTuple):
    """The price of a charge line on a day, in minor units; ``credited`` is what ``credit`` events added to it."""

    amount: int
    credited: int = 0


def _prices(
    connection: "Connection", recorded: Mapping[int, Sequence["FulfillmentEvent"]], until: date
) -> dict[int, _Price]:
    """Return the price at the end of the day of the charge lines with price changes, by number."""
    changes = {
        no: [one for one in its_own if one.kind in PRICE_EVENT_KINDS and one.date <= until]
        for no, its_own in recorded.items()
    }
    changed = [no for no, its_own in changes.items() if its_own]
    lines = charges.read_charges(connection, changed) if changed else ()
    return {no: _price(line, price_changes(line, changes[no])) for no, line in lines}


def _price(line: "ChargeLine", changes: Sequence[PriceChange]) -> _Price:
    credited = sum(one.after - one.before for one in changes if one.kind == "credit")
    return _Price(changes[-1].after if changes else line.amount, credited)


class _AccountsInForce:
    """The deferred accounts that the rules name; for lines without a schedule, the current rules decide."""

    def __init__(self, context: "Context", connection: "Connection") -> None:
        self._context = context
        self._connection = connection
        self._book: RuleBook | None = None

    def of(self, rows: Sequence[ContractBalanceRow], known: KnownRows | None) -> Mapping[int, str]:
        """Return the accounts by number of the charge line."""
        # The rules of that day are not known for a line without a schedule, but its account on arrival is.
        was_earlier = known is not None or self._context.database.moment is not None
        found = {row.no: row.account or (row.billed_account if was_earlier else None) for row in rows}
        found |= self._of_contract_lines({row.no: row.bills for row in rows if row.bills is not None})
        missing = [no for no, account in found.items() if account is None]
        lines = charges.read_charges(self._connection, missing) if missing else ()
        by_rule = {no: self._by_rule(line) for no, line in lines}
        return {no: by_rule[no] if account is None else account for no, account in found.items()}

    def _of_contract_lines(self, bills: Mapping[int, int]) -> Mapping[int, str]:
        """Return for lines that bill a contract line the account that its rule names, by number."""
        if not bills:
            return {}
        accounts = schedules.deferred_accounts(self._connection, sorted(set(bills.values())))
        missing = [no for no in set(bills.values()) if no not in accounts]
        for no, line in charges.read_charges(self._connection, missing) if missing else ():
            accounts[no] = self._by_rule(line)
        return {no: accounts[ordered] for no, ordered in bills.items()}

    def _by_rule(self, line: "ChargeLine") -> str:
        # Most reports have no such line, and then work even while the rules have errors.
        if self._book is None:
            self._book = load_rules(self._context)
        return self._book.deferred_account(line)


def _on_accounts(
    row: ContractBalanceRow, asked: BalanceQuery, planned: bool, account: str, price: _Price
) -> Iterator[LineBalance]:
    """Yield the balance of a charge line on each deferred account that it was billed on or recognized from.

    ``account`` is the one that its rule names now. What was billed or posted before stays on the account of that time.
    """
    billed_account = row.billed_account if row.billed_account is not None else account
    # Interest is never billed: it is part of the balance from the day it accrues.
    is_interest = is_financing(row.line)
    price = _Price(0) if is_interest else price
    before = row.recognized_before if row.billed else 0
    if before:
        row = _with_history(row, billed_account)
    elsewhere = sum(amount for other, amount in row.recognized.items() if other != account)
    for one in dict.fromkeys((account, billed_account, *row.recognized)):
        recognized = row.recognized.get(one, 0)
        by_plan = row.planned - elsewhere if one == account else recognized
        is_billed = row.billed and one == billed_account and not is_interest
        line = _line(row, one, price.amount if is_billed else 0, by_plan if planned else recognized, by_plan)
        if is_billed:
            line = line._replace(charged=row.amount, credited=price.credited, is_billed=True)
        if row.is_migrated and row.billed and one == billed_account:
            line = line._replace(before=before, is_migrated=True)
        if one == account:
            line = _with_future(line._replace(earns=row.earns - elsewhere), row, price.amount, asked.beyond)
        else:
            line = line._replace(moves_to=account)
        yield line


def _with_history(row: ContractBalanceRow, billed_account: str) -> ContractBalanceRow:
    """Return a migrated line with what was recognized of it before its cutover, on the account that it is billed on."""
    before = row.recognized_before
    on_account = {billed_account: row.recognized.get(billed_account, 0) + before}
    return row._replace(recognized={**row.recognized, **on_account}, planned=row.planned + before)


def _line(row: ContractBalanceRow, account: str, billed: int, recognized: int, planned: int) -> LineBalance:
    return LineBalance(
        row.contract,
        row.charge,
        row.document,
        row.customer,
        row.item,
        row.entity,
        row.currency,
        account,
        is_cost(row.line) and not is_financing(row.line),
        billed,
        recognized,
        planned,
        recognized,
        0,
        0,
        0,
        rule_version=row.rule_version,
        no=row.no,
        is_ordered=bool(row.ordered),
        is_billing=row.bills is not None,
    )


def _with_future(line: LineBalance, row: ContractBalanceRow, price: int, beyond: date) -> LineBalance:
    """Return the balance on the account in force with what is earned later and still to be billed there."""
    to_bill = 0 if row.billed else price
    much_later = row.post_date > beyond.isoformat()
    return line._replace(
        later=row.later,
        to_bill=0 if much_later else to_bill,
        to_bill_later=to_bill if much_later else 0,
    )
