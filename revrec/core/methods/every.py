"""Parts at a regular distance."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from itertools import islice, pairwise
from typing import Any

from revrec.core.aligned import ALIGNED_KEYS, aligned_contradictions
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

    ``align = "calendar"`` lets parts fall in the calendar periods that are ``every`` long, from the one of the start
    on: with ``3 months`` on the last day of each quarter, or with ``on = "first"`` on the start and then on the first
    day of each quarter. ``align = "fiscal"`` does the same in fiscal years, which end with the month ``year_end``, or
    consist of weeks by ``pattern``; there ``1 month`` is a period, ``3 months`` are a quarter.

    ``day_offsets = [0, 60, 90]`` replaces ``every``: one part on the start, one 60 days and one 90 days after it. With
    ``align`` the days count from the last day of the period of the start, a month long unless ``every`` says so.

    The parts can be deliveries or a steady service, so the rule has to say ``transfer``. A part of a steady service on
    the last day of its span or period recognizes the days of that span or period: a change within them divides the
    part.

    Keys: ``every`` or ``day_offsets``, ``periods``, ``on``, ``align``, ``pattern``, ``year_end``, ``week_53``,
    ``weigh``, ``end_inclusive``, ``start`` (default ``post_date`` with ``periods`` or ``day_offsets``, else
    ``service_start``), ``offset``, ``rounding``, ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "every"
        every = "30 days"
        periods = 6

    Source: ASC 606-10-25-31 and 55-17 (IFRS 15.39 and B15), progress measured by what has been delivered.
    """

    name = "every"
    transfer = ""
    asks_for_transfer = True
    keys = (
        ConfigKey("every", OFFSET, "The distance from one part to the next; required without `day_offsets`."),
        PERIODS,
        ON,
        ConfigKey("weigh", choice("equal", "days"), "Whether parts are alike, or as large as their days.", "equal"),
        END_INCLUSIVE,
        *ALIGNED_KEYS,
    )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.weigh: str = settings.get("weigh") or "equal"

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Report a distance that does not lead forward, and a first or last of a month without months."""
        if not settings.get("every") and not settings.get("day_offsets"):
            yield "method", '= "every" needs every = "30 days" or another distance, or day_offsets = [...]'
        yield from every_contradictions(settings)
        yield from aligned_contradictions(settings, _SET_PARTS if settings.get("align") else (*_SET_PARTS, "every"))
        if settings.get("day_offsets") and settings.get("weigh") == "days":
            yield "weigh", "has no effect beside day_offsets, whose parts are equal; for others use percentages"

    def weights(self, begin: date, end: date | None, count: int) -> Sequence[int]:
        """Return equal weights, or the days of each part."""
        if self.weigh == "equal":
            return super().weights(begin, end, count)
        if self.aligned:
            periods = list(islice(self.aligned.since(begin), count))
            return [(min(one.last, end or one.last) - max(one.first, begin)).days + 1 for one in periods]
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


_SET_PARTS = ("periods", "on")
"""Keys that set which parts there are, as ``day_offsets`` does."""


def every_contradictions(settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Yield the contradictions of ``every`` and ``on``, as (key, problem and fix)."""
    step, on = settings.get("every"), settings.get("on")
    if step and step.number <= 0:
        yield "every", 'must lead forward in time, such as "30 days"'
    if step and step.unit != "month" and not settings.get("align") and on in ("first", "last"):
        yield "on", f'= "{on}" needs parts that are months or years apart, such as every = "3 months"'
