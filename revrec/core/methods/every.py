"""Parts at a regular distance."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from revrec.core.calendar import add_months, month_end
from revrec.core.keys import OFFSET, ConfigKey, choice
from revrec.core.recurrence import END_INCLUSIVE, ON, PERIODS, SeriesMethod


class Every(SeriesMethod):
    """Parts every so many days, weeks, months or years, the first one at ``start`` + ``offset``.

    For a contract paid up front whose deliverables come at a steady pace. ``periods`` is the number of parts; without
    it, as many as begin within the service dates (the last day included, unless ``end_inclusive`` is false).
    ``on`` sets the day of a part: ``same_day``, the first day of its span; ``end``, the last day
    of that span; with months or years also ``first`` and ``last`` of the month, as for ``monthly``.

    Parts are equal, or with ``weigh = "days"`` each is proportional to its days: the days of its span, or for
    ``on = "last"`` the days since the part before it, which is OCA's quarter by days: the first "quarter" is only
    the month in which the service begins.

    Keys: ``every`` (required), ``periods``, ``on``, ``weigh``, ``end_inclusive``, ``start`` (default ``post_date``
    with ``periods``, else ``service_start``), ``offset``, ``rounding``, ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "every"
        every = "30 days"
        periods = 6

    Source: ASC 606-10-25-31 and 55-17 (IFRS 15.39 and B15), progress measured by what has been delivered.
    """

    name = "every"
    keys = (
        ConfigKey("every", OFFSET, "The distance from one part to the next.", required=True),
        PERIODS,
        ON,
        ConfigKey("weigh", choice("equal", "days"), "Whether parts are alike, or as large as their days.", "equal"),
        END_INCLUSIVE,
    )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.step = settings["every"]
        self.weigh: str = settings.get("weigh") or "equal"

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Report a distance that does not lead forward, and a first or last of a month without months."""
        return every_contradictions(settings)

    def weights(self, begin: date, end: date | None, count: int) -> Sequence[int]:
        """Return equal weights, or the days of each part."""
        if self.weigh == "equal":
            return super().weights(begin, end, count)
        bounds = [self._bound(begin, index) for index in range(count + 1)]
        if end:
            after = end + timedelta(days=1)
            bounds = [min(bound, after) for bound in bounds[:-1]] + [after]
        return [(later - earlier).days for earlier, later in pairwise(bounds)]

    def _bound(self, begin: date, index: int) -> date:
        """Return the first day that part ``index`` covers."""
        if self.on in ("same_day", "end") or not index:
            return self.step.after(begin, index, self.calendar)
        if self.on == "last":
            return month_end(add_months(begin, self.step.number * (index - 1))) + timedelta(days=1)
        return add_months(begin, self.step.number * index).replace(day=1)


def every_contradictions(settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield the contradictions of ``every`` and ``on``, as (key, problem and fix)."""
    step, on = settings.get("every"), settings.get("on")
    if step and step.number <= 0:
        yield "every", 'must lead forward in time, such as "30 days"'
    if step and step.unit != "month" and on in ("first", "last"):
        yield "on", f'= "{on}" needs parts that are months or years apart, such as every = "3 months"'
