"""Apply repairs: values that rule files supply where Intacct rejected an entry, once per repair and schedule line.

The rejected entry is replaced, and its lines go on to a new one with the repaired values. Each replaced value is
recorded with its repair before that; the charge line, the rule and the amounts stay as they are.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

from revrec.core.batching import batched
from revrec.core.errors import RevrecError
from revrec.core.journal import DueLine, JournalLine, LineKey, RepairedValue
from revrec.core.periods import ANSWER, CLOSED, PeriodFact
from revrec.core.rules import Repair
from revrec.jobs.posting import periods as posting_periods
from revrec.store import charges, periods
from revrec.store.posting import entries, postings, repairs
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.repairs import RepairUse, RepairVersion
from revrec.store.posting.reversals import reversal_by

if TYPE_CHECKING:
    from revrec.core.charge_line import ChargeLine
    from revrec.intacct.gateway import Gateway
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection
    from revrec.store.posting.entries import StoredEntry
    from revrec.store.posting.posting_tables import AttemptFailure
    from revrec.store.posting.postings import RejectedPosting

PAGE = 500
"""Charge lines that are read together."""


class RepairRunner:
    """The repairs of one run's rejected entries; ``repaired`` counts these by the name of the repair."""

    def __init__(self, context: "Context") -> None:
        self._context = context
        self.repaired: Counter[str] = Counter()

    def applies_to(self, rejected: "RejectedPosting") -> bool:
        """Check if there is a repair for this error."""
        return rejected.failure is not None and bool(self._repairs_for(rejected.failure))

    def refresh_closed_periods(self, gateway: "Gateway", rejected: "RejectedPosting") -> None:
        """Ask Intacct through which day the books are closed, if a repair dates the entry by that."""
        if rejected.failure is not None and any(repair.dates for repair in self._repairs_for(rejected.failure)):
            with self._context.database.read() as connection:
                entity = str(ENTRY_TABLES.head(connection, rejected.id).entity)
            posting_periods.refresh_closed_periods(self._context, gateway, [entity])

    def repair(self, connection: "Connection", rejected: "RejectedPosting") -> bool:
        """Replace a rejected entry if a repair applies to it; return True if it was replaced.

        Its lines are open again, and the repaired values are recorded.

        Raises:
            LostClaim: another worker was faster.
        """
        if rejected.failure is None or not self.applies_to(rejected):
            return False
        if reversal_by(connection, rejected.id) is not None:
            # A reversal must equal the entry that it reverses, to the account and the dimension.
            return False
        stored = entries.read_entry(connection, rejected.id)
        uses = self._uses(connection, stored, rejected.failure)
        if not uses:
            return False
        who = self._context.who()
        if any(change.field == "date" for use in uses for change in use.changes):
            month = stored.entry.date.replace(day=1)
            fact = PeriodFact(stored.entry.entity, CLOSED, month, ANSWER, str(stored.error))
            periods.add_facts(connection, [fact], who, self._context.settings.invoiced_sources)
        repairs.keep_uses(connection, rejected.id, stored.entry.reference, uses, who)
        postings.release_schedule_lines(connection, rejected.id, who)
        self.repaired.update({use.repair.name for use in uses})
        return True

    def with_repairs(self, connection: "Connection", day: date, due: Iterable[DueLine]) -> Iterator[DueLine]:
        """Return the lines that are due until a day, with the values of repairs that are still in the files."""
        found = repairs.supplied_values(connection, day)
        return self._changed(due, found) if found else iter(due)

    def _changed(
        self, due: Iterable[DueLine], found: Mapping[LineKey, Sequence[tuple[str, RepairedValue]]]
    ) -> Iterator[DueLine]:
        current = {repair.sha256 for repair in self._repairs}
        for line in due:
            values = found.get(line.key, ())
            changes = tuple(change for sha256, change in values if sha256 in current)
            yield line._replace(changes=changes) if changes else line

    @cached_property
    def _repairs(self) -> Sequence[Repair]:
        """The repairs of the rule files. If a file is broken, there are none, and a message says so."""
        from revrec.jobs.rules.load import load_rules

        try:
            return load_rules(self._context).repairs
        except RevrecError as error:
            self._context.say(f"no entry is repaired: {error}")
            return ()

    def _repairs_for(self, failure: "AttemptFailure") -> list[Repair]:
        """Return the repairs of a failure; those that change the date only if the policy leaves dates to Intacct."""
        policy = self._context.settings.posting.closed_period
        return [one for one in self._repairs if failure.name in one.errors and (policy == "fail" or not one.dates)]

    def _uses(self, connection: "Connection", stored: "StoredEntry", failure: "AttemptFailure") -> list[RepairUse]:
        """Return, for each schedule line, the first repair that applies and was not used on it before.

        Using a repair twice could not help, and the entry would be rejected and replaced without end.
        """
        lines = stored.entry.lines
        before = repairs.repairs_used_on(connection, stored.id)
        lines_of = _charge_lines(connection, lines)
        uses = []
        for key, pair in groupby(lines, key=attrgetter("key")):
            both = list(pair)
            for repair in self._repairs_for(failure):
                changes = repair.changes(failure.name, failure.named, lines_of[key[0]], both, stored.entry.date)
                if changes and (key, repair.sha256) not in before:
                    uses.append(RepairUse(key, _version(repair), changes))
                    break
        return uses


def _version(repair: Repair) -> RepairVersion:
    return RepairVersion(repair.name, repair.sha256, repair.text, Path(repair.file).name)


def _charge_lines(connection: "Connection", lines: Sequence[JournalLine]) -> "dict[int, ChargeLine]":
    numbers = sorted({line.charge_no for line in lines})
    return {no: line for page in batched(numbers, PAGE) for no, line in charges.read_charges(connection, page)}
