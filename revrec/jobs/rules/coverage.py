"""``revrec rules check --against-data``: find charge lines that no rule or several rules match, and count the rest."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from revrec.core.batching import batched
from revrec.core.money import decimal_string
from revrec.core.schedule import Unscheduled
from revrec.jobs.paging import PAGE
from revrec.jobs.rules.load import load_rules
from revrec.store import charges

if TYPE_CHECKING:
    from revrec.core.charge_line import ChargeLine
    from revrec.core.rules import RuleBook
    from revrec.jobs.context import Context

WORDS = {"no_rule": "none", "ambiguous": "two"}
MOST_KINDS = 10_000
"""Most gaps reported separately; lines of any further items are counted together."""


@dataclass
class CoverageGap:
    """Charge lines of one item and currency with the same problem, and one of them as an example."""

    problem: str
    item: str
    currency: str
    example: str
    reason: str
    lines: int = 0
    amount: int = 0

    def shown(self) -> dict[str, object]:
        """Return the gap for display, with the amount as decimal text."""
        return {**vars(self), "amount": decimal_string(self.amount, self.currency)}


@dataclass
class RuleCoverage:
    """The coverage of all charge lines by the rules: matched lines by rule, and the gaps."""

    lines: int = 0
    matched: Counter[str] = field(default_factory=Counter)
    gaps: dict[tuple[str, str, str], CoverageGap] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Return True if every line is matched by exactly one rule."""
        return not self.gaps

    def add(self, line: "ChargeLine", book: "RuleBook") -> None:
        """Count one more charge line."""
        self.lines += 1
        winner = book.match(line)
        if not isinstance(winner, Unscheduled):
            self.matched[winner.name] += 1
            return
        item = line.item if len(self.gaps) < MOST_KINDS else "(others)"
        key = (winner.code, item, line.currency)
        gap = self.gaps.setdefault(key, CoverageGap(WORDS[winner.code], item, line.currency, line.id, winner.reason))
        gap.lines += 1
        gap.amount += line.amount


def coverage(context: "Context") -> tuple["RuleBook", RuleCoverage]:
    """Return the rule book and how it covers every imported charge line; write nothing.

    Raises:
        RuleErrors: The rules have errors.
    """
    book, found = load_rules(context), RuleCoverage()
    for _no, line in every_charge(context, "matching charge lines"):
        found.add(line, book)
    return book, found


def every_charge(context: "Context", what: str) -> Iterator[tuple[int, Any]]:
    """Yield all charge lines with their numbers, in pages, from one read transaction, with progress."""
    with context.database.read() as connection:
        numbers = charges.all_numbers(connection)
        for page in context.progress.track(list(batched(numbers, PAGE)), what):
            yield from charges.read_charges(connection, page)
