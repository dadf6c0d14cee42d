"""Repairs at work: what rule files supply where Intacct refused an entry, once for each repair and schedule line.

The refused entry is replaced, its lines go on to a new one with the repaired values. What was put in the place of what
is recorded before; the charge line, the rule and the amounts stay as they are, and each value leads back to its repair.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from revrec.core.batching import batched
from revrec.core.errors import RevrecError
from revrec.core.journal import DueLine, JournalLine
from revrec.core.periods import ANSWER, CLOSED, PeriodFact
from revrec.core.rules import Repair
from revrec.jobs.posting.periods import learn
from revrec.store import charges, periods
from revrec.store.posting import entries, postings, repairs
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.repairs import RepairUse, RepairVersion

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


class Mender:
    """Repairs the refused entries of one run; ``mended`` counts them by the name of the repair."""

    def __init__(self, context: "Context") -> None:
        self._context = context
        self.mended: Counter[str] = Counter()

    def may_mend(self, refused: "RejectedPosting") -> bool:
        """Whether a repair is for this kind of refusal."""
        return refused.failure is not None and bool(self._for(refused.failure))

    def learn(self, gateway: "Gateway", refused: "RejectedPosting") -> None:
        """Ask Intacct how far the books are closed, where a repair gives an entry another date because of that."""
        if refused.failure is not None and any(repair.dates for repair in self._for(refused.failure)):
            with self._context.database.read() as connection:
                entity = str(ENTRY_TABLES.head(connection, refused.id).entity)
            learn(self._context, gateway, [entity])

    def mend(self, connection: "Connection", refused: "RejectedPosting") -> bool:
        """Replace a refused entry if a repair is for it: its lines are open again, with the repaired values on record.

        Raises:
            LostClaim: another worker was faster.
        """
        if refused.failure is None or not self.may_mend(refused):
            return False
        stored = entries.read_entry(connection, refused.id)
        uses = self._uses(connection, stored, refused.failure)
        if not uses:
            return False
        who = self._context.who()
        if any(change.field == "date" for use in uses for change in use.changes):
            month = stored.entry.date.replace(day=1)
            periods.add_facts(
                connection, [PeriodFact(stored.entry.entity, CLOSED, month, ANSWER, str(stored.error))], who
            )
        repairs.keep_uses(connection, refused.id, stored.entry.reference, uses, who)
        postings.release_schedule_lines(connection, refused.id, who)
        self.mended.update({use.repair.name for use in uses})
        return True

    def repaired(self, connection: "Connection", day: date, due: Iterable[DueLine]) -> Iterator[DueLine]:
        """The lines that are due until a day, with the values that repairs supplied that still stand in the files."""
        found = repairs.supplied_values(connection, day)
        standing = {repair.sha256 for repair in self._repairs} if found else set()
        for line in due:
            values = found.get((line.charge_no, line.version, line.seq), ())
            changes = tuple(change for sha256, change in values if sha256 in standing)
            yield line._replace(changes=changes) if changes else line

    @cached_property
    def _repairs(self) -> Sequence[Repair]:
        """The repairs of the rule files, read once they are needed; none, and that is said, if a file is broken."""
        from revrec.jobs.rules.load import load_rules

        try:
            return load_rules(self._context).repairs
        except RevrecError as error:
            self._context.say(f"nothing is repaired: {error}")
            return ()

    def _for(self, failure: "AttemptFailure") -> list[Repair]:
        """The repairs of a failure; of closed periods only where the policy leaves them to Intacct."""
        policy = self._context.settings.posting.closed_period
        return [one for one in self._repairs if failure.name in one.errors and (policy == "fail" or not one.dates)]

    def _uses(self, connection: "Connection", stored: "StoredEntry", failure: "AttemptFailure") -> list[RepairUse]:
        """For each schedule line the first repair that is for it and was not used on it before."""
        lines = stored.entry.lines
        before = repairs.repairs_used_on(connection, stored.id)
        lines_of = _charge_lines(connection, lines)
        uses = []
        for key, pair in groupby(lines, key=lambda line: (line.charge_no, line.version, line.seq)):
            both = list(pair)
            for repair in self._for(failure):
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
