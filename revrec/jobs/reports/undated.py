"""Amounts without a recognition date, as ``status``, ``preview``, ``run``, the metrics and the alerts report them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.money import decimal_string
from revrec.store.reports.undated import UNSCHEDULED, UndatedGroup, UndatedLine

if TYPE_CHECKING:
    from revrec.jobs.context import Context


class UndatedAmount(NamedTuple):
    """The undated amount of charge lines with one reason and currency; ``amount`` is a decimal string.

    ``reason`` is an example, from one charge line. The lines of costs are apart: ``cost`` marks them, and their amounts
    are below zero. ``since`` is the oldest date from which an age counts.
    """

    code: str
    reason: str
    currency: str
    charges: int
    amount: str
    cost: bool
    since: str


class UndatedTotal(NamedTuple):
    """The total of undated amounts in one currency; ``kind`` is unscheduled or waiting.

    ``charges`` counts charge lines with their costs. ``amount`` and ``costs`` are decimal strings.
    """

    kind: str
    currency: str
    charges: int
    amount: str
    costs: str


class MissingRevenue(NamedTuple):
    """The undated amounts that a person must act on, of one code and currency; ``amount`` is a decimal string.

    No rule can schedule them, or they have waited for longer than ``[alerts] waiting_after``. Costs are apart.
    """

    code: str
    currency: str
    charges: int
    amount: str
    cost: bool
    since: str

    def __str__(self) -> str:
        """Return text such as ``2 charge lines without a rule (1,200.00 USD)``."""
        one = "cost" if self.cost else "charge line"
        what = f"{self.charges:,} {one if self.charges == 1 else one + 's'} {_WORDS.get(self.code, self.code)}"
        if self.code in ("waiting", "held"):
            what += f" since {self.since}" if self.charges == 1 else f", the oldest since {self.since}"
        return f"{what} ({Decimal(self.amount) * (-1 if self.cost else 1):,} {self.currency})"


_WORDS = {
    "no_rule": "without a rule",
    "ambiguous": "matched by several rules",
    "impossible": "that the rule cannot schedule",
    "migration": "whose recognized amount before the cutover is another one",
    "stopped": "stopped until what they earn is settled",
    "held": "on hold",
}


def first_day_in_time(context: "Context", day: date) -> date:
    """Return the first day that is not later than ``[alerts] waiting_after`` allows, seen from ``day``."""
    # A setting such as "9999999 days" means never, and a date cannot go back that far.
    longest = timedelta(days=day.toordinal() - 1)
    return day - min(context.settings.alerts.waiting_after, longest)


def undated_amounts(groups: Iterable[UndatedGroup], kind: str) -> tuple[UndatedAmount, ...]:
    """Return the groups of one kind, as they are reported."""
    return tuple(
        UndatedAmount(
            one.code, one.reason, one.currency, one.lines, decimal_string(one.amount, one.currency), one.is_cost,
            one.since.isoformat(),
        )
        for one in groups
        if one.kind == kind
    )  # fmt: skip


def undated_totals(groups: Iterable[UndatedGroup | UndatedLine]) -> tuple[UndatedTotal, ...]:
    """Return the totals of undated amounts by kind and currency."""
    lines: Counter[tuple[str, str]] = Counter()
    amounts: Counter[tuple[str, str, bool]] = Counter()
    for one in groups:
        lines[one.kind, one.currency] += one.lines
        amounts[one.kind, one.currency, one.is_cost] += one.amount
    return tuple(
        UndatedTotal(
            kind, currency, count, decimal_string(amounts[kind, currency, False], currency),
            decimal_string(-amounts[kind, currency, True], currency),
        )
        for (kind, currency), count in sorted(lines.items())
    )  # fmt: skip


def missing_revenue(groups: Iterable[UndatedGroup]) -> tuple[MissingRevenue, ...]:
    """Return the undated amounts that a person must act on, those that no rule can schedule first."""
    late: dict[tuple[str, str, bool], list[UndatedGroup]] = {}
    for one in groups:
        if one.late_lines:
            late.setdefault((one.code, one.currency, one.is_cost), []).append(one)
    order = [*_WORDS, "waiting"]
    return tuple(
        MissingRevenue(
            code, currency, sum(one.late_lines for one in some),
            decimal_string(sum(one.late_amount for one in some), currency), is_cost,
            min(one.late_since for one in some if one.late_since).isoformat(),
        )
        for (code, currency, is_cost), some in sorted(late.items(), key=lambda item: (order.index(item[0][0]), item[0]))
    )  # fmt: skip


def totals_in_words(totals: Sequence[UndatedTotal]) -> list[str]:
    """Return totals as text, such as ``unscheduled: 2 charge lines, 1,200.00 USD``."""
    return [
        f"{one.kind}: {one.charges:,} charge line{'' if one.charges == 1 else 's'}, {amount_in_words(one)}"
        for one in totals
    ]


def amount_in_words(total: UndatedTotal) -> str:
    """Return the amount of a total, with the costs if there are any: ``100.00 USD, costs 60.00 USD``."""
    amount, costs = Decimal(total.amount), Decimal(total.costs)
    return f"{amount:,} {total.currency}" + (f", costs {costs:,} {total.currency}" if costs else "")


def unscheduled_count(groups: Iterable[UndatedGroup]) -> int:
    """Return the number of charge lines without a schedule."""
    return sum(one.lines for one in groups if one.kind == UNSCHEDULED)
