"""List what is behind a figure of the disclosures: charge lines, or the contracts whose balances are net."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from revrec.core.contract_balance import BalanceSheet, ContractBalance
from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.report import Period, Report, minor_of, read_address
from revrec.core.rules.disclosure import CANCELABLE
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.contract_balances import contract_balances, contract_name
from revrec.jobs.reports.costs import CostOptions, costs
from revrec.jobs.reports.disclosures import (
    BALANCES,
    BANDS,
    CONSTRAINED,
    TABLES,
    billed_of_asset,
    disclosed_periods,
    disclosures,
    new_prices,
    presented,
)
from revrec.jobs.reports.drill import CHARGE, also_by_charge, drill, drill_rows
from revrec.jobs.reports.left_out import left_out
from revrec.jobs.reports.line_balances import balances_of
from revrec.jobs.reports.remaining import dated_amounts, remaining_amounts
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.revenue import TIMING, revenue
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.store.reports.filters import of_charges
from revrec.store.reports.recognition import follow_rules

if TYPE_CHECKING:
    from revrec.jobs.context import Context

OF_CONTRACTS = ("contract", "entity", "currency", "amount")
Behind = Iterator[tuple[Mapping[str, Any], int]]
"""The values of rows behind a figure, with their amounts in minor units."""


def drill_disclosures(
    context: "Context", span: DateSpan, quarterly: bool, address: str, filters: Filters = NO_FILTERS
) -> Report:
    """Return what is behind a figure, such as ``disclosure=D2,currency=USD,column=from_opening_liability``.

    ``filters`` are the ones that the report was made with.

    Raises:
        BadInput: there is no such table, column or row, or nothing is behind it.
    """
    keys = read_address(address)
    name = keys.pop("disclosure", "")
    if name not in TABLES:
        raise BadInput(f"--drill {address}: name a table as disclosure=NAME: {', '.join(TABLES)}")
    (table,) = disclosures(context, span, quarterly, [one for one in TABLES if one != name], filters).tables
    if not table.report.amounts:
        raise BadInput(f"--drill {address}: {name} has no amounts, so no charge lines are behind it")
    if keys.get("column") not in table.report.amounts:
        raise BadInput(f"--drill {address}: name a column as column=NAME: {', '.join(table.report.amounts)}")
    rest = ",".join(f"{key}={value}" for key, value in keys.items())
    report, each = table.report._replace(title=table.heading), "quarter" if quarterly else "span"
    if name in ("D1", "D2", "D3", "D4", "D9"):
        find = _Finder(context, span, quarterly, name, filters)
        if name in ("D1", "D4"):
            return drill_rows(report, rest, find.contracts, OF_CONTRACTS, ("entity",), "contracts = the figure")
        return drill_rows(report, rest, find.left_out if name == "D9" else find.charges)
    by_charge: Mapping[str, Callable[[], Report]] = {
        "D5": lambda: rollforward(context, RollforwardOptions(span, each, (CHARGE,), filters)),
        "D6": lambda: remaining_obligations(context, span.last, also_by_charge("entity"), BANDS, filters),
        "D7": lambda: revenue(context, span, each, also_by_charge(TIMING), filters=filters),
        "D7 items": lambda: revenue(context, span, each, also_by_charge("item"), filters=filters),
        "D8": lambda: costs(context, CostOptions(span, each, ("category", CHARGE), filters)),
    }
    return drill(context, report, rest, by_charge[name])


class _Finder:
    """What is behind the figures of the tables that no other report has."""

    def __init__(self, context: "Context", span: DateSpan, quarterly: bool, name: str, filters: Filters) -> None:
        self._context = context
        self._filters = filters
        self._name = name
        self._last = span.last
        self._periods = {one.name: one for one in disclosed_periods(span, quarterly)}

    def contracts(self, row: Mapping[str, Any], column: str) -> Behind:
        """Yield the contracts with a balance (D1), or with an asset in the beginning (D4)."""
        period = self._periods[row["period"]]
        opened: dict[tuple[str, str], tuple[int, int]] = {}
        if self._name == "D4":
            for one in self._balances(row, period.first - timedelta(days=1)):
                if one.asset:
                    opened[one.contract, one.entity] = one.asset, one.billed
        is_opening = column == "opening"
        for one in self._balances(row, period.first - timedelta(days=1) if is_opening else period.last):
            if self._name == "D1":
                # Receivables are a row without amounts.
                amount = presented(one)[BALANCES.index(row["balance"])]
            else:
                asset, billed = opened.get((one.contract, one.entity), (0, 0))
                amount = asset if is_opening else billed_of_asset(one, asset, billed)
            if amount:
                yield {"contract": contract_name(one.contract), "entity": one.entity}, amount

    def _balances(self, row: Mapping[str, Any], day: Any) -> Iterator[ContractBalance]:
        wanted = balances_of(day, self._filters)
        for one in contract_balances(self._context, wanted, BalanceSheet(), with_lines=False):
            if one.currency == row["currency"]:
                yield one

    def charges(self, row: Mapping[str, Any], column: str) -> Behind:
        """Yield the charge lines of revenue by where it comes from (D2, D3)."""
        period, currency = self._periods[row["period"]], row["currency"]
        sums = self._revenue_by_charge(period, currency)
        parts = _PARTS[column]
        for charge in sorted({charge for part in parts for charge in sums[part]}):
            amount = sum(sums[part][charge] for part in parts)
            if amount:
                yield {CHARGE: charge}, amount

    def _revenue_by_charge(self, period: Period, currency: str) -> dict[str, Counter[str]]:
        sums: dict[str, Counter[str]] = {name: Counter() for name in _PARTS["revenue"]}
        of_charges = RollforwardOptions(DateSpan(period.first, period.last), "span", (CHARGE,), self._filters)
        for one in rollforward(self._context, of_charges).rows:
            if one["currency"] == currency:
                sums["opening"][one[CHARGE]] += minor_of(one, "recognized_from_opening")
                sums["within"][one[CHARGE]] += minor_of(one, "recognized_from_period")
                sums["back"][one[CHARGE]] += minor_of(one, "taken_back")
        left = Counter({currency: sum(sums["opening"].values())})
        with self._context.database.read() as connection:
            for new in new_prices(self._context, connection, period, left, self._filters):
                left[new.currency] -= new.in_opening
                if new.currency == currency:
                    sums["prices"][new.charge] += new.amount
                    sums["opening"][new.charge] -= new.in_opening
                    sums["within"][new.charge] -= new.amount - new.in_opening
        return sums

    def left_out(self, row: Mapping[str, Any], column: str) -> Behind:
        """Yield the charge lines that an expedient leaves out, or whose amounts are constrained (D9)."""
        currency = row["currency"]
        with self._context.database.read() as connection:
            only = [*of_charges(self._filters)]
            if row["expedient"] == CANCELABLE:
                only.append(follow_rules(row["rules"].split(", ")))
            apart = left_out(self._context, connection, CHARGE, self._last, only)
            if row["expedient"] == CONSTRAINED:
                amounts = {charge: amount for (charge, one), amount in apart.constrained.items() if one == currency}
            elif row["expedient"] == CANCELABLE:
                amounts = {charge: one.total() for (charge, its), one in apart.cancelable.items() if its == currency}
            else:
                rules = next(use.rules for use in apart.uses if use.expedient == row["expedient"])
                dated = dated_amounts(self._context, connection, CHARGE, self._last, [follow_rules(rules), *only])
                found = remaining_amounts(dated)
                amounts = {charge: its.remaining for (charge, one), its in found.items() if one == currency}
        for charge, amount in sorted(amounts.items()):
            if amount:
                yield {CHARGE: charge}, amount


_PARTS: Mapping[str, tuple[str, ...]] = {
    "from_opening_liability": ("opening",), "from_period": ("within",), "from_earlier_periods": ("back", "prices"),
    "revenue": ("opening", "within", "back", "prices"), "taken_back": ("back",), "new_prices": ("prices",),
    "total": ("back", "prices"),
}  # fmt: skip
"""The columns of D2 and D3 by where the revenue comes from."""
