"""``revrec report costs``: how deferred costs moved from the opening to the closing of each period.

Source: ASC 340-40-50-2 and 50-3 (IFRS 15.127 and 128): closing balances by main category of asset, amortization, and
impairment losses.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.money import decimal_string
from revrec.core.report import Chart, Check, ColumnSum, Period, Report, periods_of
from revrec.core.rules.costs import COST_MARK, cost_of, is_loss
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.filters import check_filters
from revrec.jobs.reports.line_balances import BalanceOptions, line_balances
from revrec.jobs.reports.report_header import report_header
from revrec.jobs.rules.load import load_rules
from revrec.store.reports.costs import cost_numbers, expensed_by_currency

if TYPE_CHECKING:
    from revrec.core.contract_balance import LineBalance
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

GROUPS = ("category", "cost", "account", "entity", "customer", "item", "document", "charge")
AMOUNTS = ("opening", "capitalized", "amortized", "impaired", "other", "closing", "noncurrent", "return_asset")
NO_RULE = "no rule"
"""The category of costs that no rule names anymore."""

Group = tuple[str, ...]
"""The currency, and the values that the rows are grouped by."""


class CostOptions(NamedTuple):
    """The days, the length of a period, what the rows are grouped by, and filters."""

    span: DateSpan
    each: str = "month"
    by: tuple[str, ...] = ("category",)
    filters: Filters = NO_FILTERS


class _Known(NamedTuple):
    """A cost on an account on a day, in minor units and above zero: what was deferred, and what was expensed.

    Of the line of an impairment loss, ``expensed`` is what was impaired.
    """

    charged: int = 0
    expensed: int = 0


def costs(context: "Context", wanted: CostOptions) -> Report:
    """Return the rollforward of deferred costs; every closing is the opening of the next period.

    Raises:
        BadInput: ``by`` is not a column, or a filter names what these books do not know.
    """
    unknown = [name for name in wanted.by if name not in GROUPS]
    if unknown:
        raise BadInput(f"report costs: --by {unknown[0]}: expected {', '.join(GROUPS)}")
    rows: list[dict[str, Any]] = []
    checks: list[Check] = []
    with context.database.read() as connection:
        check_filters(context, connection, wanted.filters)
        books = _CostBalances(context, connection, wanted)
        books.move_to(wanted.span.first - timedelta(days=1))
        for period in periods_of(wanted.span, wanted.each):
            sums = books.move_to(period.last)
            rows += _rows(period, wanted.by, sums)
            checks += _checks(connection, wanted, period, sums, books)
        days = {"from": wanted.span.first, "to": wanted.span.last, "each": wanted.each, "by": list(wanted.by)}
        header = report_header(context, connection, "costs", {**vars(wanted.filters), **days})
    return Report(
        "Rollforward of deferred costs", header, ("period", "currency", *wanted.by, *AMOUNTS), rows, checks, AMOUNTS,
        ("noncurrent", "other", "return_asset"),
        {"closing": {"opening": 1, "capitalized": 1, "amortized": -1, "impaired": -1, "other": 1}},
        {"opening": "first", "closing": "last", "noncurrent": "last", "return_asset": "last"},
        Chart("period", ("capitalized", "amortized", "closing")),
        "no cost was deferred or expensed until these days: rules name costs in [[rule.cost]]",
    )  # fmt: skip


class _CostBalances:
    """The deferred costs on a day, and how they moved since the day before."""

    def __init__(self, context: "Context", connection: "Connection", wanted: CostOptions) -> None:
        self._context = context
        self._connection = connection
        self._wanted = wanted
        self._categories: Mapping[str, str] = {}
        if "category" in wanted.by:
            self._categories = {name: cost.category for name, cost in load_rules(context).costs.items()}
        self.numbers = cost_numbers(connection, wanted.filters)
        self._known: dict[tuple[str, str], _Known] = {}
        self._closing: Counter[Group] = Counter()
        self._owed: Counter[str] = Counter()
        self.owed: Counter[str] = Counter()
        """What became owed to principals, or was interest, since the day before, by currency: not a cost."""

    def move_to(self, until: date) -> dict[Group, Counter[str]]:
        """Return the movements until a day by group, and keep the closing as the next opening."""
        before, self._owed = self._owed, Counter()
        found: dict[Group, Counter[str]] = {group: Counter(opening=sum) for group, sum in self._closing.items()}
        for line in self._lines(until):
            sums = found.setdefault(self._group(line), Counter())
            was = self._known.get((line.charge, line.account), _Known())
            # What was expensed before a cutover was never deferred here.
            now = _Known(line.before - line.charged, line.before - line.recognized)
            sums["capitalized"] += now.charged - was.charged
            sums["impaired" if is_loss(line.charge) else "amortized"] += now.expensed - was.expensed
            sums["closing"] -= line.balance
            sums["return_asset"] += line.return_asset
            sums["noncurrent"] += max(min(-line.balance, -line.later), 0)
            self._known[line.charge, line.account] = now
        for sums in found.values():
            moved = sums["capitalized"] - sums["amortized"] - sums["impaired"]
            sums["other"] = sums["closing"] - sums["opening"] - moved
        self.owed = Counter({currency: amount - before[currency] for currency, amount in self._owed.items()})
        self._closing = Counter({group: sums["closing"] for group, sums in found.items()})
        return found

    def _lines(self, until: date) -> Iterator["LineBalance"]:
        account = self._wanted.filters.account
        for line in line_balances(self._context, self._connection, BalanceOptions(until), self.numbers):
            if account not in (None, line.account):
                continue
            if line.is_payable:
                self._owed[line.currency] += line.balance
            elif line.is_interest:
                self._owed[line.currency] -= line.recognized - line.before
            elif line.is_cost and (line.billed or line.charged or line.recognized):
                yield line

    def _group(self, line: "LineBalance") -> Group:
        charge = cost_of(line.charge)
        name = charge.rpartition(COST_MARK)[2]
        values = {"category": self._categories.get(name, NO_RULE), "cost": name, "charge": charge}
        return (line.currency, *(values.get(one) or getattr(line, one) for one in self._wanted.by))


def _rows(period: Period, by: tuple[str, ...], sums: Mapping[Group, Counter[str]]) -> Iterator[dict[str, Any]]:
    for (currency, *values), amounts in sorted(sums.items()):
        if any(amounts.values()):
            row = {"period": period.name, "currency": currency, **dict(zip(by, values, strict=True))}
            yield row | {name: decimal_string(amounts[name], currency) for name in AMOUNTS}


def _checks(
    connection: "Connection",
    wanted: CostOptions,
    period: Period,
    sums: Mapping[Group, Counter[str]],
    books: _CostBalances,
) -> Iterator[Check]:
    """Yield for each currency the checks that what is amortized and impaired is what entries debit to such accounts.

    What is owed to principals, or interest, is debited to other accounts in the same way.
    """
    if wanted.filters.account is not None:
        return
    expensed = expensed_by_currency(connection, period.first, period.last, books.numbers)
    expensed.amortized.subtract(books.owed)
    for column, accounts, booked in (
        ("amortized", "expense", expensed.amortized),
        ("impaired", "impairment", expensed.impaired),
    ):
        moved = Counter[str]()
        for (currency, *_values), amounts in sums.items():
            moved[currency] += amounts[column]
        source = ColumnSum(column, period.name)
        name = f"{period.name}: {column} = {accounts} accounts of the journal"
        for currency in sorted({*moved, *booked}):
            if column == "amortized" or moved[currency] or booked[currency]:
                yield Check(name, currency, moved[currency], booked[currency], source)
