"""A rule: which charge lines it matches, how it recognizes them, and to which accounts it posts."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple, Protocol

from revrec.core.calendar import Offset
from revrec.core.charge_line import ChargeLine
from revrec.core.constraint import Constraint
from revrec.core.errors import BadInput
from revrec.core.recognition import Method
from revrec.core.rules.costs import COST_MARK, Cost
from revrec.core.rules.financing import Financing
from revrec.core.rules.impairment import ImpairmentLoss
from revrec.core.rules.lookup import LookupCell, RuleLookupTable
from revrec.core.schedule import PostingTarget


class Condition(Protocol):
    """One condition of ``[rule.when]`` on one ``field``."""

    @property
    def field(self) -> str:
        """Return its key in the file."""
        ...

    def holds(self, line: ChargeLine) -> bool:
        """Check whether the line meets the condition."""
        ...

    def failure(self, line: ChargeLine) -> str:
        """Return why the line does not meet the condition."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One ``[[rule]]`` of a rule file. ``text`` is its exact text, ``sha256`` the digest of that text: its version.

    ``effective_from`` and ``effective_to`` bound the post dates that it matches, both inclusive; None is unbounded.
    ``file`` and ``line`` (from 1) are the place of the block. ``cells`` are the fields of ``post`` that come from a
    table (``post`` then has the cell's name); ``tables`` are all tables that the rule uses. ``costs`` are expensed with
    its revenue. ``after_invoice``: nothing of a line goes on an entry before its document is invoiced. ``constraint``
    is the part of a line that is not included in its price yet. ``transfer`` is when control passes: at a point in time
    or over time; empty if neither the rule nor its method says. ``expedients`` are why remaining obligations are not
    disclosed, by the keys of :data:`revrec.core.rules.disclosure.EXPEDIENTS`.
    """

    name: str
    description: str
    priority: int
    effective_from: date | None
    effective_to: date | None
    when: tuple[Condition, ...]
    method: Method
    post: PostingTarget
    file: str
    line: int
    text: str
    sha256: str
    cells: Mapping[str, LookupCell] = field(default_factory=dict)
    tables: tuple[RuleLookupTable, ...] = ()
    after_invoice: bool = False
    costs: tuple[Cost, ...] = ()
    constraint: Constraint | None = None
    financing: Financing | None = None
    """The interest in the price of its lines; it is also one of ``costs``."""
    transfer: str = ""
    expedients: tuple[str, ...] = ()
    notice: Offset | None = None
    """The notice with which customers can cancel without a penalty; None if they cannot."""
    owner: str = ""
    """Who acts on the exceptions of its charge lines."""

    @property
    def named_costs(self) -> tuple[Cost, ...]:
        """Return the costs without their impairment losses, which are among ``costs`` too."""
        return tuple(cost for cost in self.costs if not isinstance(cost, ImpairmentLoss))

    def posting_target(self, line: ChargeLine) -> PostingTarget | str:
        """Return where a charge line of this rule posts, or the reason why a table does not say."""
        if not self.cells:
            return self.post
        found = {name: cell.of(line) for name, cell in self.cells.items()}
        for name, cell in self.cells.items():
            if not found[name]:
                place = f"{cell.table.file} has no {cell.column} for {cell.table.key_of(line)} on {line.post_date}"
                return f"{place}: add a row, then: revrec schedule"
        return self.post._replace(**found)

    def describe_lookups(self, line: ChargeLine) -> str:
        """Describe what the tables say of a charge line, with the places; empty if the rule uses no table."""
        rows = ((table, table.row(line)) for table in self.tables)
        return "".join(
            f"; {table.name} has {', '.join(f'{name} {value}' for name, value in row.values.items() if value)}"
            f" ({table.file}:{row.line})"
            for table, row in rows
            if row
        )

    def for_cost(self, cost: Cost) -> "Rule":
        """Return the rule that recognizes a cost: as the revenue is recognized, to the accounts of the cost."""
        text = f"{self.text}\n\n# its cost {cost.name}"
        own, is_loss = cost.own_method, isinstance(cost, ImpairmentLoss)
        return replace(
            self,
            name=f"{self.name}{COST_MARK}{cost.name}",
            post=PostingTarget(cost.deferred, cost.expense, self.post.journal, self.post.memo, self.post.options),
            text=text,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            method=own or self.method,
            constraint=self.constraint if self.constraint and self.constraint.costs and not own else None,
            after_invoice=self.after_invoice and not is_loss,
            financing=None,
            cells={},
            tables=(),
            costs=(),
        )


class RuleProblem(NamedTuple):
    """A problem at one place of a rule file; line and column count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class RuleErrors(BadInput):
    """Rule files with problems, which must not be used. ``problems`` has all of them, the message one line for each."""

    def __init__(self, problems: list[RuleProblem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
