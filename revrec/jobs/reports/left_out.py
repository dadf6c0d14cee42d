"""What is not disclosed as a remaining obligation: constrained amounts, expedients, and what customers can cancel.

Source: ASC 606-10-50-14 to 50-15 (IFRS 15.121 and 122); 32-11 to 32-13 (56 to 58), the constraint of estimates; 25-3
(11), the duration of a contract.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.money import decimal_string
from revrec.core.rules import RuleBook
from revrec.core.rules.disclosure import CANCELABLE, PARAGRAPHS
from revrec.jobs.reports.cancelable_amounts import cancelable_amounts
from revrec.jobs.reports.constrained_amounts import ConstrainedAmount, constrained_amounts
from revrec.jobs.reports.remaining import (
    RemainingAmounts,
    billed_amounts,
    by_currency,
    dated_amounts,
    remaining_amounts,
)
from revrec.jobs.reports.revenue_lines import revenue_lines
from revrec.jobs.rules.load import load_rules
from revrec.store.reports.recognition import (
    Conditions,
    DatedAmount,
    billed_among,
    categories_of,
    count_open,
    follow_rules,
)

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

Key = tuple[str, str]
"""A category and a currency."""


class ExpedientUse(NamedTuple):
    """An expedient, the rules that name it, and what it leaves out in one currency: lines, and minor units.

    What customers can cancel has the ``notice``, and :data:`CANCELABLE` as its expedient.
    """

    expedient: str
    rules: tuple[str, ...]
    currency: str
    lines: int
    amount: int
    notice: str = ""

    @property
    def words(self) -> str:
        """Return it in words."""
        lines = "1 line" if self.lines == 1 else f"{self.lines} lines"
        amount = f"{decimal_string(self.amount, self.currency)} {self.currency}"
        name = f"{self.expedient} after {self.notice}" if self.notice else self.expedient
        return f"{PARAGRAPHS[self.expedient]} {name} ({', '.join(self.rules)}): {lines}, {amount}"


class LeftOut(NamedTuple):
    """What is left out by category and currency, in minor units.

    ``amounts`` are obligations under expedients, ``expedients`` their sums by expedient, ``billed`` the ones that are
    billed by the day. ``constrained_dated`` is the part of ``constrained`` that has an ISO day, by that day: the rest
    is part of what waits. ``constrained_billed`` is the part of it that is billed. ``cancelable`` is by ISO day, and
    ``cancelable_billed`` the part of it that is billed. ``lines`` is how many charge lines expedients leave out, or can
    be canceled.
    """

    amounts: Mapping[Key, RemainingAmounts]
    expedients: Mapping[str, Counter[Key]]
    billed: Counter[Key]
    lines: Counter[Key]
    constrained: Counter[Key]
    constrained_dated: Mapping[Key, Counter[str]]
    constrained_billed: Counter[Key]
    cancelable: Mapping[Key, Counter[str]]
    cancelable_billed: Counter[Key]
    uses: Sequence[ExpedientUse]

    @property
    def keys(self) -> set[Key]:
        """Return the categories and currencies of which anything is left out."""
        return {*self.amounts, *self.constrained, *self.cancelable}

    @property
    def constrained_sums(self) -> list[tuple[str, int]]:
        """Return the currencies, sorted, with what is constrained of all categories."""
        return sorted(by_currency(self.constrained).items())

    @property
    def words(self) -> list[str]:
        """Return in words what each expedient leaves out, and what is constrained."""
        return [use.words for use in self.uses] + [
            f"606-10-32-11 constrained: {decimal_string(amount, currency)} {currency}"
            for currency, amount in self.constrained_sums
        ]

    def less(self, key: Key, amounts: RemainingAmounts) -> RemainingAmounts:
        """Return the amounts of a category without what is left out."""
        found, dated = self.amounts.get(key), self.constrained_dated.get(key, Counter[str]())
        planned, waiting = Counter(amounts.planned), amounts.waiting - self.constrained[key] + dated.total()
        planned.subtract(dated)
        planned.subtract(self.cancelable.get(key, {}))
        if found is None:
            return amounts._replace(planned=planned, waiting=waiting)
        planned.subtract(found.planned)
        return amounts._replace(planned=planned, waiting=waiting - found.waiting)

    def billed_part(self, key: Key) -> int:
        """Return what is left out of the billed remaining amount of a category."""
        return self.constrained_billed[key] + self.billed[key] + self.cancelable_billed[key]

    def part(self, name: str, key: Key) -> int:
        """Return what an expedient leaves out of a category, or what is cancelable of it."""
        if name == CANCELABLE:
            return sum(self.cancelable.get(key, {}).values())
        return self.expedients.get(name, Counter[Key]())[key]


def left_out(context: "Context", connection: "Connection", by: str, until: date, only: Conditions = ()) -> LeftOut:
    """Return what the rules leave out of the remaining obligations of a day.

    ``only`` are conditions on the charge lines.
    """
    book = load_rules(context)
    found = _expedients(context, connection, by, until, book, only)
    # What is constrained of lines that expedients leave out is left out with them.
    counted = [revenue_lines(context, connection).counted, ~follow_rules(found.rules), *only]
    constrained = dict(constrained_amounts(connection, book, until, counted))
    canceled = cancelable_amounts(context, connection, by, until, book, constrained, only)
    notices = (use for one in canceled.uses for use in _uses(CANCELABLE, one.rules, one.amounts, one.lines, one.notice))
    return LeftOut(
        found.amounts, found.sums, found.billed, found.lines + canceled.lines,
        *_by_category(context, connection, by, until, constrained), canceled.amounts, canceled.billed,
        [*found.uses, *notices],
    )  # fmt: skip


class _ExpedientAmounts(NamedTuple):
    """What expedients leave out, as in :class:`LeftOut`; ``rules`` are all rules that name one."""

    rules: Sequence[str]
    amounts: Mapping[Key, RemainingAmounts]
    sums: Mapping[str, Counter[Key]]
    billed: Counter[Key]
    lines: Counter[Key]
    uses: Sequence[ExpedientUse]


def _expedients(
    context: "Context", connection: "Connection", by: str, until: date, book: RuleBook, only: Conditions
) -> _ExpedientAmounts:
    rules: dict[str, list[str]] = {}
    for rule in book.rules:
        for name in rule.expedients[:1]:
            rules.setdefault(name, []).append(rule.name)
    amounts, uses, sums = list[DatedAmount](), list[ExpedientUse](), dict[str, Counter[Key]]()
    lines = Counter[Key]()
    for name, some in rules.items():
        # A charge line follows one rule, so no amount or line is left out by two expedients.
        of_rules = [follow_rules(some), *only]
        its_own = dated_amounts(context, connection, by, until, of_rules)
        its_lines = count_open(connection, by, until, of_rules)
        sums[name] = Counter({key: one.remaining for key, one in remaining_amounts(its_own).items()})
        uses += _uses(name, tuple(some), sums[name], its_lines)
        amounts += its_own
        lines.update(its_lines)
    named = [name for some in rules.values() for name in some]
    if not named:
        return _ExpedientAmounts((), {}, {}, Counter(), Counter(), ())
    billed = billed_amounts(context, connection, by, until, amounts, [follow_rules(named), *only])
    return _ExpedientAmounts(named, remaining_amounts(amounts), sums, billed, lines, uses)


def _by_category(
    context: "Context", connection: "Connection", by: str, until: date, constrained: Mapping[int, ConstrainedAmount]
) -> tuple[Counter[Key], Mapping[Key, Counter[str]], Counter[Key]]:
    """Return the constrained amounts of charge lines by category: all, those that have a day, and what is billed."""
    billed = billed_among(connection, list(constrained), until, context.settings.invoiced_sources)
    categories = categories_of(connection, by, list(constrained))
    sums, dated, of_billed = Counter[Key](), defaultdict[Key, Counter[str]](Counter), Counter[Key]()
    for no, one in constrained.items():
        key = categories[no], one.currency
        sums[key] += one.amount
        dated[key].update(one.dated)
        of_billed[key] += one.amount if no in billed else 0
    return sums, dated, of_billed


def _uses(
    name: str, rules: tuple[str, ...], amounts: Mapping[Key, int], lines: Mapping[Key, int], notice: str = ""
) -> Iterator[ExpedientUse]:
    """Yield what one expedient or notice leaves out, by currency."""
    sums = by_currency(amounts)
    for currency, count in sorted(by_currency(lines).items()):
        yield ExpedientUse(name, rules, currency, count, sums[currency], notice)
