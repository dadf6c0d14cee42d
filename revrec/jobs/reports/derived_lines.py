"""Derive the schedules of stored charge lines again, as they are or would be; nothing is written."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from revrec.core.anchors import Events
from revrec.core.charge_line import ChargeLine
from revrec.core.rules import RuleBook
from revrec.core.schedule import Schedule, Unscheduled
from revrec.jobs.scheduling.contracts import ContractOutcome, Contracts, settle_whole_contracts
from revrec.jobs.scheduling.planned_rules import PlannedRules

if TYPE_CHECKING:
    from revrec.store.connection import Connection

Recorded = Mapping[int, Events]


class DerivedLines:
    """The schedules of charge lines by some rules and events, derived when they are asked for.

    The contracts are settled with these lines, events and rules.
    """

    def __init__(
        self, contracts: Contracts, lines: Mapping[int, ChargeLine], recorded: Recorded, book: RuleBook
    ) -> None:
        self.book = book
        self.lines = lines
        self.recorded = recorded
        self._contracts = contracts

    def outcome(self, no: int) -> ContractOutcome:
        """Return how the price of its contract is allocated to a charge line, or why the line waits for it."""
        return self._contracts.outcome(no)

    def schedule(self, no: int) -> Schedule | None:
        """Return the schedule of a charge line; None if it has none."""
        steps = self.outcome(no)
        if isinstance(steps, Unscheduled):
            return None
        found = self.book.derive(self.lines[no], self.recorded.get(no, ()), steps)
        return found if isinstance(found, Schedule) else None


def lines_as_planned(
    connection: "Connection", book: RuleBook, planned: PlannedRules, numbers: Sequence[int]
) -> DerivedLines:
    """Return the schedules in force of charge lines and of the others in their contracts, by their stored rules."""
    found = settle_whole_contracts(connection, book, numbers, pin=planned.book_for)
    return DerivedLines(*found)
