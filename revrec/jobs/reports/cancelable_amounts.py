"""Find what customers can cancel without a penalty: what is earned after their notice would end.

Source: ASC 606-10-25-3 and 25-4 (IFRS 15.11 and 12): a contract lasts as long as its parties have enforceable rights
and obligations, so what a customer can cancel is no part of the price of a contract.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.calendar import Offset
from revrec.core.rules import RuleBook
from revrec.jobs.reports.constrained_amounts import ConstrainedAmount
from revrec.jobs.reports.remaining import billed_amounts, dated_amounts, remaining_amounts
from revrec.store.reports.parts import charge_numbers
from revrec.store.reports.recognition import (
    OPEN,
    Conditions,
    billed_among,
    categories_of,
    charges_among,
    count_open,
    follow_rules,
)
from revrec.store.tables import ORDERED

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

Key = tuple[str, str]
"""A category and a currency."""


class NoticeUse(NamedTuple):
    """What can be canceled with one notice: the rules that name it, minor units and lines by category and currency."""

    notice: str
    rules: tuple[str, ...]
    amounts: Mapping[Key, int]
    lines: Mapping[Key, int]


class CancelableAmounts(NamedTuple):
    """What can be canceled by category and currency, in minor units: by ISO day, and the part of it that is billed.

    ``lines`` is how many charge lines it is.
    """

    amounts: Mapping[Key, Counter[str]]
    billed: Counter[Key]
    lines: Counter[Key]
    uses: Sequence[NoticeUse]


def cancelable_amounts(
    context: "Context",
    connection: "Connection",
    by: str,
    until: date,
    book: RuleBook,
    constrained: Mapping[int, ConstrainedAmount],
    only: Conditions,
) -> CancelableAmounts:
    """Return what customers can cancel on a day, without what is ``constrained`` of it.

    Rules with an expedient leave out all of their lines instead. ``only`` are conditions on the charge lines.
    """
    rules: dict[Offset, list[str]] = {}
    for rule in book.rules:
        if rule.notice and not rule.expedients:
            rules.setdefault(rule.notice, []).append(rule.name)
    amounts, uses = defaultdict[Key, Counter[str]](Counter), list[NoticeUse]()
    billed, lines = Counter[Key](), Counter[Key]()
    for notice, names in rules.items():
        found = _Notice(context, connection, by, until, _end(notice, until), names, only)
        its_own = found.amounts(constrained)
        for key, by_day in its_own.items():
            amounts[key].update(by_day)
        billed.update(found.billed)
        lines.update(found.lines)
        sums = {key: by_day.total() for key, by_day in its_own.items()}
        uses.append(NoticeUse(notice.text, tuple(names), sums, found.lines))
    return CancelableAmounts(amounts, billed, lines, uses)


def _end(notice: Offset, until: date) -> date:
    try:
        return notice.after(until)
    except OverflowError:
        return date.max


class _Notice:
    """What can be canceled with one notice, which ends on a day if it is given on the day of the report."""

    def __init__(
        self,
        context: "Context",
        connection: "Connection",
        by: str,
        until: date,
        end: date,
        rules: Sequence[str],
        only: Conditions,
    ) -> None:
        self._context = context
        self._connection = connection
        self._by = by
        self._until = until
        self._end = end
        self._only = (follow_rules(rules), *only)
        self.billed = Counter[Key]()
        self.lines = Counter(count_open(connection, by, until, self._only, end))

    def amounts(self, constrained: Mapping[int, ConstrainedAmount]) -> Mapping[Key, Counter[str]]:
        """Return what is planned after the end, by category, currency and ISO day; add up what is billed of it."""
        found, last = defaultdict[Key, Counter[str]](Counter), self._end.isoformat()
        has_contracts = False
        for one in dated_amounts(self._context, self._connection, self._by, self._until, self._only):
            has_contracts = has_contracts or one.ordered
            if one.kind == OPEN and one.day > last:
                found[one.category, one.currency][one.day] += one.amount
                self.billed[one.category, one.currency] += one.amount if one.billed else 0
        numbers = sorted(charges_among(self._connection, sorted(constrained), self._only))
        categories = categories_of(self._connection, self._by, numbers)
        billed = billed_among(self._connection, numbers, self._until, self._context.settings.invoiced_sources)
        for no in numbers:
            key = categories[no], constrained[no].currency
            for day, amount in constrained[no].dated.items():
                if day > last:
                    found[key][day] -= amount
                    self.billed[key] -= amount if no in billed else 0
        if has_contracts:
            self._add_contract_lines()
        return found

    def _add_contract_lines(self) -> None:
        """Add what is billed of contract lines beyond the end: what is earned first is billed first."""
        only, last = (ORDERED, *self._only), self._end.isoformat()
        amounts = dated_amounts(self._context, self._connection, "charge", self._until, only)
        billed = billed_amounts(self._context, self._connection, "charge", self._until, amounts, only)
        lines = remaining_amounts(amounts)
        numbers = charge_numbers(self._connection, [charge for charge, _currency in lines])
        categories = categories_of(self._connection, self._by, sorted(numbers.values()))
        for (charge, currency), one in lines.items():
            later = sum(amount for day, amount in one.planned.items() if day > last)
            beyond = later - max(one.remaining - billed[charge, currency], 0)
            self.billed[categories[numbers[charge]], currency] += max(beyond, 0)
