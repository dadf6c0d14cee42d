"""Find the parts of balances that are presented apart: refund liabilities, return assets and payables to principals.

What is constrained of a line is expected to be given back: a refund liability as far as it is billed. The same share of
its costs is a return asset, as far as the goods are delivered. A cost whose expense is the revenue account of its rule
is what an agent owes to the principal: nothing before the sale, and a payable after it.

Source: ASC 606-10-32-10 and 55-22 to 55-29 (IFRS 15.55 and B20 to B27); 606-10-55-36 to 55-40 (IFRS 15.B34 to B38).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.anchors import known_on
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.constraint import CONSTRAINT, constrained_on
from revrec.core.contract_balance import LineBalance
from revrec.core.rules import Rule, RuleBook
from revrec.core.rules.costs import is_cost
from revrec.core.standalone import rounded
from revrec.jobs.rules.load import load_rules
from revrec.jobs.scheduling.planned_rules import PlannedRules
from revrec.store import charges, rule_versions

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection
    from revrec.store.reports.contract_balances import ContractBalanceRow

Events = Mapping[int, Sequence[FulfillmentEvent]]


class PresentedPart(NamedTuple):
    """The part of a line's balance that is expected to be given back (minor units); or all of it is a payable."""

    refund: int = 0
    is_payable: bool = False

    def of(self, line: LineBalance) -> LineBalance:
        """Return a balance with this part."""
        if self.is_payable:
            owed = line._replace(billed=0, charged=0, credited=0, is_billed=False, is_payable=True)
            return owed._replace(earns=line.recognized, later=0, to_bill=0, to_bill_later=0)
        return line._replace(refund=self.refund) if line.is_billed else line


class PresentedLines:
    """The parts that are presented apart; most charge lines have none, and are not read."""

    def __init__(self, context: "Context", connection: "Connection") -> None:
        self._context = context
        self._connection = connection

    def of(self, rows: Sequence["ContractBalanceRow"], recorded: Events, until: date) -> Mapping[int, PresentedPart]:
        """Return the parts by number of the charge line, at the end of a day. ``recorded`` are their events."""
        found = {row.no: PresentedPart(is_payable=True) for row in rows if row.rule_version in self._principals}
        chosen = [row for row in rows if row.no not in found and self._may_have_part(row, recorded, until)]
        if not chosen:
            return found
        lines = dict(charges.read_charges(self._connection, [row.no for row in chosen]))
        versions = {row.no: row.rule_version for row in chosen if row.rule_version is not None}
        book = PlannedRules(self._connection, self._book).book_of(lines, versions)
        for no, line in lines.items():
            part = _part(book, line, recorded.get(no, ()), until)
            if part != PresentedPart():
                found[no] = part
        return found

    def _may_have_part(self, row: "ContractBalanceRow", recorded: Events, until: date) -> bool:
        if row.kept is not None or not row.billed:
            return False
        if any(one.kind == CONSTRAINT and one.date <= until for one in recorded.get(row.no, ())):
            return True
        if row.rule_version is None:
            return self._has_parts
        return row.rule_version in self._constrained

    @cached_property
    def _principals(self) -> frozenset[int]:
        return rule_versions.of_principals(self._connection)

    @cached_property
    def _constrained(self) -> frozenset[int]:
        return rule_versions.with_word(self._connection, CONSTRAINT)

    @cached_property
    def _book(self) -> RuleBook:
        return load_rules(self._context)

    @cached_property
    def _has_parts(self) -> bool:
        """Check whether the present rules, which decide for lines without a schedule, name any such part."""
        return any(rule.constraint or shares_of_principals(rule) for rule in self._book.rules)


def shares_of_principals(rule: Rule) -> list[str]:
    """Return the names of the cost rules of what an agent owes: costs that are expensed to the revenue account."""
    return [rule.for_cost(cost).name for cost in rule.costs if cost.expense == rule.post.accrued]


def _part(book: RuleBook, line: ChargeLine, events: Sequence[FulfillmentEvent], until: date) -> PresentedPart:
    rule = book.match(line)
    if not isinstance(rule, Rule):
        return PresentedPart()
    if is_cost(line.line) and book.is_of_principal(rule):
        return PresentedPart(is_payable=True)
    try:
        constrained = constrained_on(rule.constraint, rule.method, line, events, until)
    except OverflowError:
        return PresentedPart()
    if constrained and is_cost(line.line):
        # Goods that are not delivered yet cannot come back: they are still inventory.
        constrained = rounded(constrained * (1 - book.remaining(line, known_on(events, until), until)))
    return PresentedPart(constrained)
