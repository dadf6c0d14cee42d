"""Split deferred balances into contract liabilities and assets, and into current and noncurrent, for the rollforward.

A contract is presented as one liability or one asset, so each of its lines belongs to one side. What a liability earns
more than a year after the day is noncurrent.

Source: ASC 606-10-45-1 (IFRS 15.105), 606-10-50-8(a); ASC 210-10-45-9 on what is current.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from revrec.core.contract_balance import balance_of
from revrec.jobs.reports.contract_balances import by_contract
from revrec.jobs.reports.line_balances import BalanceOptions, line_balances
from revrec.jobs.reports.line_groups import Group, LineGroups

if TYPE_CHECKING:
    from revrec.core.contract_balance import LineBalance
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

SPLIT = ("opening_liability", "opening_asset", "closing_liability", "closing_asset")
"""The sides of the balance, without what is expected to be given back."""
CURRENT = ("opening_noncurrent", "billed_noncurrent", "moved_to_current", "closing_noncurrent")
"""The noncurrent part of the liability, and how it moves: what is billed adds to it, and time takes from it."""


class BalanceSides:
    """The sides of the balances on a day, by group, and how they moved since the day before."""

    def __init__(
        self,
        context: "Context",
        connection: "Connection",
        groups: LineGroups,
        names: Sequence[str],
    ) -> None:
        self._context = context
        self._connection = connection
        self._groups = groups
        self._names = names
        self._sums: dict[Group, Counter[str]] = {}
        self._billed: set[int] = set()

    def read(self, wanted: BalanceOptions) -> None:
        """Read the opening balances of a day."""
        self._sums, billed = {}, self._billed
        self._billed = set()
        for lines in by_contract(self._lines(wanted)):
            for line, liability, asset, noncurrent in _sides(list(lines)):
                sums = self._sums.setdefault(self._groups.of(line), Counter())
                sums["liability"] += liability
                sums["asset"] += asset
                sums["noncurrent"] += noncurrent
                if line.is_billed:
                    self._billed.add(line.no)
                if line.no not in billed:
                    sums["new"] += noncurrent

    def move_to(self, wanted: BalanceOptions) -> dict[Group, Counter[str]]:
        """Return the sides on the day before and on this day by group, and what moved; this day is the next opening."""
        before = self._sums
        self.read(wanted)
        found = {}
        for group in {*before, *self._sums}:
            was, now = before.get(group, Counter()), self._sums.get(group, Counter())
            sides = {f"opening_{name}": was[name] for name in ("liability", "asset", "noncurrent")}
            sides |= {f"closing_{name}": now[name] for name in ("liability", "asset", "noncurrent")}
            sides["billed_noncurrent"] = now["new"]
            sides["moved_to_current"] = was["noncurrent"] + now["new"] - now["noncurrent"]
            found[group] = Counter({name: sides[name] for name in self._names})
        return found

    def _lines(self, wanted: BalanceOptions) -> Iterator["LineBalance"]:
        for line in self._groups.read(line_balances(self._context, self._connection, wanted)):
            if not line.is_cost and wanted.account in (None, line.account):
                yield line


def _sides(lines: Sequence["LineBalance"]) -> Iterable[tuple["LineBalance", int, int, int]]:
    """Yield each line of a contract with its part of the liability, of the asset, and of what is noncurrent."""
    contract = balance_of(lines)
    parts = {(line.no, line.account): part for line, part in contract.noncurrent_lines}
    for line in lines:
        amount, part = line.balance - line.refund, parts.get((line.no, line.account), 0)
        yield (line, 0, -amount, 0) if contract.asset else (line, amount, 0, part)
