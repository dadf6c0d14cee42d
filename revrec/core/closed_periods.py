"""Block due lines whose period is closed, and count them, under the policy ``hold``."""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from revrec.core.journal import DueLine, EntryGroup, entry_group
from revrec.core.periods import PostingDates


@dataclass
class BlockedGroup:
    """Lines that would make one entry if their period were open: their number, their sum (minor units), the reason."""

    reason: str
    lines: int = 0
    amount: int = 0


@dataclass
class ClosedPeriodBlock:
    """A filter that passes lines that may go on an entry, and counts those that a closed period blocks.

    A correction has two sides: the amount taken back and the amount that replaces it. If one side is blocked the other
    is blocked too, or the ledger would show the same amount twice until the period reopens.
    """

    dates: PostingDates
    groups: dict[EntryGroup, BlockedGroup] = field(default_factory=dict)
    _signs: dict[Hashable, tuple[bool, str]] = field(default_factory=dict)

    def unblocked(self, due: Iterable[DueLine]) -> Iterator[DueLine]:
        """Yield the lines that are not blocked, in order of recognition."""
        date_of = self.dates.of
        for line in due:
            if not self._signs and date_of(line.entity, line.date).date is not None:
                # Nearly every line: its period is open, and no correction was blocked.
                yield line
                continue
            reason = self.why_blocked(line.entity, line.date, (line.charge_no, line.version), line.amount)
            if reason:
                self._block(line, reason)
            else:
                yield line

    def why_blocked(self, entity: str, day: date, schedule: tuple[Hashable, int], amount: int) -> str:
        """Return why the next line is blocked; empty if it is not. ``schedule`` is its charge and schedule version."""
        dating = self.dates.of(entity, day)
        if dating.date is None:
            if schedule[1] > 1:
                self._signs[schedule] = (amount > 0, dating.reason)
            return dating.reason
        sign, reason = self._signs.get(schedule, (amount > 0, ""))
        return f"the other side of a correction that is blocked: {reason}" if sign != (amount > 0) else ""

    def _block(self, line: DueLine, reason: str) -> None:
        group = self.groups.setdefault(entry_group(line), BlockedGroup(reason))
        group.lines += 1
        group.amount += abs(line.amount)
