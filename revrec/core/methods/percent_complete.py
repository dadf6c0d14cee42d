"""Revenue as the work progresses, by the percentage that is complete."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

from revrec.core.anchors import Events
from revrec.core.charge_line import ChargeLine
from revrec.core.progress import ProgressMethod, ProgressReading, shown
from revrec.core.recognition import AnchorDates
from revrec.core.schedule import Unscheduled, WaitReason


class PercentComplete(ProgressMethod):
    """The share that is complete so far, minus what was recognized before: the cumulative catch-up.

    Each event of kind ``percent`` states the total percentage complete by its date. Recorded again for the same date it
    corrects the earlier reading; a lower percentage on a later date takes revenue back on that date. The rest waits and
    stays visible.

    Keys: ``offset`` (moves each date), ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "percent_complete"

    Source: ASC 606-10-25-31 to 25-35 and 55-187 to 55-192, example 19 (IFRS 15.39 to 43): measure progress again at
    the end of each period; ASC 606-10-25-35 makes a change of the measure a change in estimate, recognized at once.
    """

    name = "percent_complete"

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """Return the reading recorded last for each day, in date order."""
        by_day: dict[date, Decimal] = {one.date: one.percent or Decimal() for one in events if one.kind == "percent"}
        return tuple(sorted(by_day.items()))

    def readings(self, anchors: AnchorDates) -> tuple[list[ProgressReading], str, WaitReason]:
        """Return the percentages as shares."""
        found = [(day, Fraction(percent) / 100) for day, percent in anchors]
        left = 1 - (found[-1][1] if found else Fraction(0))
        so_far = f"recognizes {shown(1 - left)} of it, complete on {found[-1][0]}" if found else "has no reading yet"
        reason = f"waits for progress, {shown(left)} of it is not complete"
        return found, f"{self.name} {so_far}", WaitReason("waiting", reason, "percent", more=" --percent N")
