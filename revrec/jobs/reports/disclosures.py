"""``revrec report disclosures``: the figures of the notes on revenue, each with the paragraph it is for.

Source: ASC 606-10-50-4 to 50-20 (IFRS 15.113 to 126), 340-40-50-1 to 50-3 (127 and 128); 270-10-50-1A for interim
periods.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.contract_balance import BalanceSheet, ContractBalance
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.money import decimal_string
from revrec.core.report import Check, Disclosure, Period, Report, ReportPack, minor_of, periods_of
from revrec.core.rules.disclosure import PARAGRAPHS
from revrec.core.rules.patterns import Patterns
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.contract_balances import contract_balances, contracts_of_lines
from revrec.jobs.reports.costs import CostOptions, costs
from revrec.jobs.reports.filters import check_filters
from revrec.jobs.reports.left_out import LeftOut, left_out
from revrec.jobs.reports.line_balances import BalanceOptions, balances_of, known_day, lines_as_known, special_lines
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.report_header import report_header
from revrec.jobs.reports.revenue import revenue
from revrec.jobs.reports.revenue_lines import revenue_lines
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.jobs.rules.load import load_rules
from revrec.store import charges
from revrec.store.reports.booked import OtherCharges, recognized_by_account
from revrec.store.reports.earlier_periods import recognized_by_new_prices
from revrec.store.reports.filters import of_charges
from revrec.store.reports.plain_contracts import ContractTotals, contract_totals
from revrec.store.reports.recognition import RULE, recognized_by_day
from revrec.store.reports.rule_history import rule_version_rows

if TYPE_CHECKING:
    from revrec.core.rules.model import Rule
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

TABLES = ("D1", "D2", "D3", "D4", "D5", "D6", "D7", "D7 items", "D8", "D9", "D10")
BANDS = (12, 24)
SPLIT = ("from_opening_liability", "from_period", "from_earlier_periods")
BALANCES = (
    "contract assets, current", "contract assets, non-current", "contract liabilities, current",
    "contract liabilities, non-current", "refund liabilities", "return assets",
)  # fmt: skip
NO_BALANCES = (0,) * len(BALANCES)
RECEIVABLES = "receivables: not in these books, enter them"
POLICY_TITLE = "Policies of the rules"
POLICIES = (
    "kind", "name", "version", "items", "method", "timing", "variable", "costs", "description", "sha256", "currency",
)  # fmt: skip
CONSTRAINED = "constrained amounts"
LEFT_OUT = ("expedient", "paragraph", "rules", "currency", "lines", "amount")


def disclosures(
    context: "Context",
    span: DateSpan,
    quarterly: bool,
    without: Collection[str] = (),
    filters: Filters = NO_FILTERS,
) -> ReportPack:
    """Return the tables of the disclosures; ``quarterly`` shows each quarter beside the whole span.

    The tables named in ``without`` are left out, and what only they show is not computed. Every period is computed from
    its own opening: what was in the liability at the beginning of a year is not the sum of its quarters. ``filters``
    select charge lines, and a contract is netted from its selected lines only.

    Raises:
        BadInput: a filter names what these books do not know.
    """
    # All tables read one view, so that they show the same moment and what several need is found once.
    with context.database.one_view() as connection:
        return _disclosures(context, connection, span, quarterly, without, filters)


def _disclosures(
    context: "Context",
    connection: "Connection",
    span: DateSpan,
    quarterly: bool,
    without: Collection[str],
    filters: Filters,
) -> ReportPack:
    each = "quarter" if quarterly else "span"
    check_filters(context, connection, filters)
    parameters = {**vars(filters), "from": span.first, "to": span.last, "quarterly": quarterly}
    header = report_header(context, connection, "disclosures", parameters)
    policies = [one for one in _policies(context, connection) if filters.rule in (None, one["name"])]
    shared = _SharedFigures(context, span, each, disclosed_periods(span, quarterly), filters)
    by_field = partial(revenue, context, span, each, filters=filters, shared=(RULE, "item"))
    tables: Sequence[tuple[str, str, Callable[[], Report]]] = (
        ("D1", "606-10-50-8(a)", lambda: _balance_table(header, shared.balances)),
        ("D2", "606-10-50-8(b)", lambda: _revenue_table(header, shared.split, filters)),
        ("D3", "606-10-50-12A", lambda: _earlier_table(header, shared.split)),
        ("D4", "606-10-50-8 and 50-10", lambda: _asset_table(header, shared.balances)),
        ("D5", "606-10-50-8 to 50-10", lambda: shared.rolled),
        ("D6", "606-10-50-13 to 50-15", partial(remaining_obligations, context, span.last, "entity", BANDS, filters)),
        ("D7", "606-10-50-5 and 55-91(f)", partial(by_field, "timing")),
        ("D7 items", "606-10-50-5", partial(by_field, "item")),
        ("D8", "340-40-50-2 and 50-3", partial(costs, context, CostOptions(span, each, filters=filters))),
        ("D9", "606-10-50-15 and 50-22", partial(_expedient_table, context, header, span, filters)),
        ("D10", "606-10-50-1 and 50-17 to 50-20", partial(_table, POLICY_TITLE, header, policies, POLICIES, ())),
    )
    wanted = [Disclosure(name, paragraph, make()) for name, paragraph, make in tables if name not in without]
    return ReportPack(f"Disclosures of {span.first} to {span.last}", header, wanted)


def disclosed_periods(span: DateSpan, quarterly: bool) -> list[Period]:
    """Return the periods that the tables have: the span, after its quarters if these are wanted too."""
    quarters = list(periods_of(span, "quarter")) if quarterly else []
    whole = Period(f"{span.first} to {span.last}", *span)
    return [*quarters, whole] if len(quarters) != 1 else quarters


def _table(
    title: str,
    header: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    columns: Sequence[str],
    amounts: Sequence[str],
    checks: Sequence[Check] = (),
) -> Report:
    empty = "nothing to disclose here"
    return Report(title, header, columns, rows, checks, amounts, empty=empty, adds_up=False)


class _SharedFigures:
    """The figures that several tables show, each computed once, and only for a table that is wanted."""

    def __init__(
        self, context: "Context", span: DateSpan, each: str, periods: Sequence[Period], filters: Filters
    ) -> None:
        self._context = context
        self._filters = filters
        self._span = span
        self._each = each
        self._periods = periods

    @cached_property
    def rolled(self) -> Report:
        """The rollforward of the span, or of its quarters."""
        return rollforward(self._context, RollforwardOptions(self._span, self._each, filters=self._filters))

    @cached_property
    def split(self) -> "list[_Split]":
        """The revenue of each period by where it comes from."""
        moved = [*self.rolled.rows]
        if len(self._periods) > 1:
            moved += rollforward(self._context, RollforwardOptions(self._span, "span", filters=self._filters)).rows
        with self._context.database.read() as connection:
            others = OtherCharges(connection)
            return [_split_revenue(self._context, others, period, moved, self._filters) for period in self._periods]

    @cached_property
    def balances(self) -> "list[_Balances]":
        """The contract balances at both ends of each period."""
        return _read_balances(self._context, self._periods, self._filters)


class _Split(NamedTuple):
    """The revenue of a period by where it comes from, by currency and in minor units.

    ``back`` is what was taken back, ``prices`` what new prices added to what was recognized before; ``booked`` is the
    revenue by the journal, or of the charge lines that filters select. With the filter of an account, it is not known.
    """

    period: Period
    opening: Counter[str]
    within: Counter[str]
    back: Counter[str]
    prices: Counter[str]
    booked: Counter[str]

    @property
    def currencies(self) -> list[str]:
        """Return the currencies, sorted."""
        return sorted({*self.opening, *self.within, *self.back, *self.booked})

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row for each currency."""
        for currency in self.currencies:
            earlier = self.back[currency] + self.prices[currency]
            found = (self.opening[currency], self.within[currency], earlier)
            amounts = dict(zip((*SPLIT, "revenue"), (*found, sum(found)), strict=True))
            yield {"period": self.period.name, "currency": currency, **_decimal(amounts, currency)}

    def earlier(self) -> Iterator[dict[str, Any]]:
        """Yield what is of earlier periods, for each currency with any."""
        for currency in self.currencies:
            back, prices = self.back[currency], self.prices[currency]
            if back or prices:
                amounts = {"taken_back": back, "new_prices": prices, "total": back + prices}
                yield {"period": self.period.name, "currency": currency, **_decimal(amounts, currency)}

    def checks(self, name: str) -> Iterator[Check]:
        """Yield the check with this name that the parts are the revenue of the period."""
        for currency in self.currencies:
            parts = sum(one[currency] for one in (self.opening, self.within, self.back, self.prices))
            yield Check(f"{self.period.name}: {name}", currency, parts, self.booked[currency])


def _decimal(amounts: Mapping[str, int], currency: str) -> dict[str, str]:
    return {name: decimal_string(amount, currency) for name, amount in amounts.items()}


def _split_revenue(
    context: "Context", others: OtherCharges, period: Period, moved: Sequence[Mapping[str, Any]], filters: Filters
) -> _Split:
    """Return the revenue of a period that was in the opening liability, is of the period, and of earlier ones.

    ``moved`` are the rows of the rollforward. ``others`` are the same for all periods.
    """
    found = _Split(period, Counter(), Counter(), Counter(), Counter(), Counter())
    for row in moved:
        if row["period"] != period.name:
            continue
        currency = row["currency"]
        found.opening[currency] += minor_of(row, "recognized_from_opening")
        found.within[currency] += minor_of(row, "recognized_from_period")
        found.back[currency] += minor_of(row, "taken_back")
        if filters == NO_FILTERS:
            found.booked[currency] -= minor_of(row, "to_principals")
    if filters == NO_FILTERS:
        for one in recognized_by_account(others.connection, period.first, period.last, others=others):
            found.booked[one.currency] += one.amount
    else:
        found.booked.update(_recognized(context, others.connection, period, filters))
    _move_new_prices(context, others.connection, found, filters)
    return found


def _recognized(context: "Context", connection: "Connection", period: Period, filters: Filters) -> Counter[str]:
    """Return the revenue of the charge lines that the filters select, by currency and in minor units."""
    found, counted = Counter[str](), revenue_lines(context, connection).counted
    days, only = (period.first, period.last), tuple(of_charges(filters))
    for one in recognized_by_day(connection, "entity", *days, only=only, counted=counted):
        found[one.currency] += one.amount
    return found


def _move_new_prices(context: "Context", connection: "Connection", found: _Split, filters: Filters) -> None:
    """Count what new prices added to satisfied obligations as of earlier periods, and only there."""
    for one in new_prices(context, connection, found.period, found.opening, filters):
        found.prices[one.currency] += one.amount
        found.opening[one.currency] -= one.in_opening
        found.within[one.currency] -= one.amount - one.in_opening


class NewPrice(NamedTuple):
    """What a new price added to revenue of a line that was recognized before; ``in_opening`` is counted in D2 too."""

    charge: str
    currency: str
    amount: int
    in_opening: int


def new_prices(
    context: "Context", connection: "Connection", period: Period, opening: Mapping[str, int], filters: Filters
) -> Iterator[NewPrice]:
    """Yield what new prices added in a period to satisfied obligations, in minor units.

    ``opening`` is what is left of the revenue from opening liabilities, by currency: no more of it is counted twice.
    """
    added = recognized_by_new_prices(connection, period.first, period.last, filters)
    if not added:
        return
    numbers = sorted({no for no, _account in added})
    day = BalanceOptions(period.first - timedelta(days=1))
    before = {
        (line.no, line.account): line.balance for line in lines_as_known(context, connection, day, None, None, numbers)
    }
    lines = dict(charges.read_charges(connection, numbers))
    for key, amount in added.items():
        line = lines[key[0]]
        in_opening = min(amount, max(before.get(key, 0), 0), opening[line.currency])
        yield NewPrice(line.id, line.currency, amount, in_opening)


def _balance_table(header: Mapping[str, Any], balances: "Sequence[_Balances]") -> Report:
    rows = [row for one in balances for row in one.rows()]
    amounts = ("opening", "closing")
    return _table("Contract balances", header, rows, ("period", "currency", "balance", *amounts), amounts)


def _asset_table(header: Mapping[str, Any], balances: "Sequence[_Balances]") -> Report:
    rows = [row for one in balances for row in one.assets()]
    amounts = ("opening", "billed")
    return _table("Opening contract assets that were billed", header, rows, ("period", "currency", *amounts), amounts)


def _earlier_table(header: Mapping[str, Any], split: Sequence[_Split]) -> Report:
    rows = [row for one in split for row in one.earlier()]
    amounts = ("taken_back", "new_prices", "total")
    title = "Revenue from obligations satisfied in earlier periods"
    return _table(title, header, rows, ("period", "currency", *amounts), amounts)


def _revenue_table(header: Mapping[str, Any], split: Sequence[_Split], filters: Filters) -> Report:
    rows = [row for one in split for row in one.rows()]
    name = f"D2 + from the period + D3 = revenue by the {'journal' if filters == NO_FILTERS else 'chosen charge lines'}"
    # An account selects what is deferred on it, and not whole charge lines.
    checks = [check for one in split for check in one.checks(name)] if filters.account is None else []
    columns = ("period", "currency", *SPLIT, "revenue")
    title = "Revenue that was in the opening contract liability"
    report = _table(title, header, rows, columns, (*SPLIT, "revenue"), checks)
    return report._replace(formulas={"revenue": dict.fromkeys(SPLIT, 1)})


class _Balances:
    """The contract balances at both ends of a period, and what was billed of the opening contract assets.

    ``days`` are the two ends.
    """

    def __init__(self, period: Period) -> None:
        self.days = (period.first - timedelta(days=1), period.last)
        self._period = period
        self._ends: dict[date, dict[str, Sequence[int]]] = {day: {} for day in self.days}
        self._opened: dict[tuple[str, str, str], tuple[int, int]] = {}
        self._opening_assets, self._billed = Counter[str](), Counter[str]()

    def add(self, day: date, one: ContractBalance) -> None:
        """Add a contract at one end; all contracts at the beginning come first."""
        key = one.contract, one.entity, one.currency
        is_opening = day == self.days[0]
        if is_opening and one.asset:
            self._opened[key] = one.asset, one.billed
            self._opening_assets[one.currency] += one.asset
        elif not is_opening and key in self._opened:
            self._billed[one.currency] += billed_of_asset(one, *self._opened[key])
        self._add(day, one.currency, presented(one))

    def add_sums(self, sums: ContractTotals, first: int, last: int, billed: int) -> None:
        """Add the sums of contracts in one currency: the places of both ends, and what was billed of opening assets."""
        for day, at in zip(self.days, (first, last), strict=True):
            asset, asset_later, liability, liability_later = sums.presented[at]
            if sums.happened[at]:
                parts = (asset - asset_later, asset_later, liability - liability_later, liability_later, 0, 0)
                self._add(day, sums.currency, parts)
        if sums.presented[first][0]:
            self._opening_assets[sums.currency] += sums.presented[first][0]
            self._billed[sums.currency] += billed

    def _add(self, day: date, currency: str, amounts: Sequence[int]) -> None:
        sums = self._ends[day].get(currency, NO_BALANCES)
        self._ends[day][currency] = [sum(both) for both in zip(sums, amounts, strict=True)]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row for each currency and kind of balance."""
        opening, closing = (self._ends[day] for day in self.days)
        for currency in sorted({*opening, *closing}):
            both = (one.get(currency, NO_BALANCES) for one in (opening, closing))
            ends = zip(BALANCES, *both, strict=True)
            for name, before, after in ends:
                amounts = _decimal({"opening": before, "closing": after}, currency)
                yield {"period": self._period.name, "currency": currency, "balance": name, **amounts}
            row = {"period": self._period.name, "currency": currency, "balance": RECEIVABLES}
            yield {**row, "opening": None, "closing": None}

    def assets(self) -> Iterator[dict[str, Any]]:
        """Yield the opening contract assets and what of them was billed, for each currency with any."""
        for currency, amount in sorted(self._opening_assets.items()):
            amounts = _decimal({"opening": amount, "billed": self._billed[currency]}, currency)
            yield {"period": self._period.name, "currency": currency, **amounts}


def _read_balances(context: "Context", periods: Sequence[Period], filters: Filters) -> list[_Balances]:
    """Return the balances of each period. A day that is an end of several periods is read once."""
    found = [_Balances(period) for period in periods]
    days = sorted({day for one in found for day in one.days})
    with context.database.read() as connection:
        special = None if filters.account else _add_sums(context, connection, found, days, filters)
        for day in days:
            wanted = balances_of(day, filters)
            contracts = (
                contract_balances(context, wanted, BalanceSheet(), with_lines=False)
                if special is None
                else contracts_of_lines(context, connection, wanted, special)
            )
            for contract in contracts:
                for one in found:
                    if day in one.days:
                        one.add(day, contract)
    return found


def _add_sums(
    context: "Context", connection: "Connection", found: Sequence[_Balances], days: Sequence[date], filters: Filters
) -> Sequence[int] | None:
    """Add the contracts that are added up in SQL; return the charge lines of the others, None for all."""
    known = [known_day(context, connection, balances_of(day, filters)) for day in days]
    special = special_lines(context, connection, known)
    if special is not None:
        pairs = [(days.index(first), days.index(last)) for first, last in (one.days for one in found)]
        for sums in contract_totals(connection, known, pairs, special, filters):
            for (first, last), one, billed in zip(pairs, found, sums.billed, strict=True):
                one.add_sums(sums, first, last, billed)
    return special


def presented(one: ContractBalance) -> tuple[int, ...]:
    """Return the balances of a contract in the order of :data:`BALANCES`, in minor units."""
    asset, liability = (one.noncurrent, 0) if one.asset else (0, one.noncurrent)
    return one.asset - asset, asset, one.liability - liability, liability, one.refund_liability, one.return_asset


def billed_of_asset(now: ContractBalance, asset: int, billed: int) -> int:
    """Return what was billed of the opening ``asset`` of a contract, of which ``billed`` was billed then."""
    return min(asset, max(now.billed - billed, 0))


def _expedient_table(context: "Context", header: Mapping[str, Any], span: DateSpan, filters: Filters) -> Report:
    with context.database.read() as connection:
        apart = left_out(context, connection, "entity", span.last, tuple(of_charges(filters)))
    return _table("What is left out", header, list(_expedients(apart)), LEFT_OUT, ("amount",))


def _expedients(apart: LeftOut) -> Iterator[dict[str, Any]]:
    """Yield what expedients leave out of the remaining obligations, and what is constrained."""
    for use in apart.uses:
        yield {
            "expedient": use.expedient, "paragraph": PARAGRAPHS[use.expedient], "rules": ", ".join(use.rules),
            "currency": use.currency, "lines": use.lines, "amount": decimal_string(use.amount, use.currency),
        }  # fmt: skip
    for currency, amount in apart.constrained_sums:
        yield {
            "expedient": CONSTRAINED, "paragraph": "606-10-32-11 and 50-20(b)", "rules": "",
            "currency": currency, "lines": None, "amount": decimal_string(amount, currency),
        }  # fmt: skip


def _policies(context: "Context", connection: "Connection") -> Iterator[dict[str, Any]]:
    """Yield the facts that the description of policies needs: for each rule, and for each allocation."""
    book = load_rules(context)
    versions = {one.name: str(one.version) for one in rule_version_rows(connection, None)}
    for rule in book.rules:
        constraint = rule.constraint.reason if rule.constraint else ""
        named = ", ".join(f"{cost.name}: {cost.category}" for cost in rule.named_costs)
        values = (
            "rule", rule.name, versions.get(rule.name, "not used"), _items(rule), rule.method.name,
            rule.transfer or "not stated", constraint, named, rule.description, rule.sha256,
        )  # fmt: skip
        yield dict(zip(POLICIES, (*values, ""), strict=True))
    for one in book.allocations:
        values = (
            "allocation", one.name, "", ", ".join(one.contract_by), f"standalone prices of {one.prices.file}", "",
            "", "", one.description, one.sha256,
        )  # fmt: skip
        yield dict(zip(POLICIES, (*values, ""), strict=True))


def _items(rule: "Rule") -> str:
    """Return the items that a rule matches: its patterns, or all."""
    found = [one.patterns for one in rule.when if one.field == "item" and isinstance(one, Patterns)]
    return ", ".join(pattern for patterns in found for pattern in patterns) or "all"
