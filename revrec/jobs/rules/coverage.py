"""``revrec rules check --against-data``: which charge lines no rule takes, or two, and what each rule takes."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from revrec.core.batching import batched
from revrec.core.money import decimal_string
from revrec.core.schedule import Unscheduled
from revrec.jobs.rules.load import load_rules
from revrec.jobs.scheduling.scheduler import PAGE
from revrec.store import charges

if TYPE_CHECKING:
    from revrec.core.charge_line import ChargeLine
    from revrec.core.rules import RuleBook
    from revrec.jobs.context import Context

WORDS = {"no_rule": "none", "ambiguous": "two"}
MOST_KINDS = 10_000
"""The most (item, customer) kinds of lines that are kept apart; any further ones are counted with the last."""


@dataclass
class Gap:
    """Charge lines of one item and currency that the same thing is wrong with, and one of them as the example."""

    problem: str
    item: str
    currency: str
    example: str
    reason: str
    lines: int = 0
    amount: int = 0

    def shown(self) -> dict[str, object]:
        """As it is told; the amount as decimal text."""
        return {**vars(self), "amount": decimal_string(self.amount, self.currency)}


@dataclass
class Coverage:
    """What the rules make of all charge lines: lines taken, by rule, and the gaps."""

    lines: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    gaps: dict[tuple[str, str, str], Gap] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Every line is taken by exactly one rule."""
        return not self.gaps

    def add(self, line: "ChargeLine", book: "RuleBook") -> None:
        """One more charge line."""
        self.lines += 1
        winner = book.match(line)
        if not isinstance(winner, Unscheduled):
            self.taken[winner.name] += 1
            return
        item = line.item if len(self.gaps) < MOST_KINDS else "(others)"
        key = (winner.code, item, line.currency)
        gap = self.gaps.setdefault(key, Gap(WORDS[winner.code], item, line.currency, line.id, winner.reason))
        gap.lines += 1
        gap.amount += line.amount


def coverage(context: "Context") -> tuple["RuleBook", Coverage]:
    """The rule book, and what it makes of every charge line that was ever imported; nothing is written.

    Raises:
        RuleErrors: the rules are broken.
    """
    book, found = load_rules(context), Coverage()
    for _no, line in every_charge(context, "matching charge lines"):
        found.add(line, book)
    return book, found


def every_charge(context: "Context", what: str) -> Iterator[tuple[int, Any]]:
    """All charge lines by number, page by page, in one view of the database, with progress."""
    with context.database.read() as connection:
        numbers = charges.all_numbers(connection)
        for page in context.progress.track(list(batched(numbers, PAGE)), what):
            yield from charges.read_charges(connection, page)
