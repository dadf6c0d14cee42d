"""Equal parts, one a month."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from revrec.core.calendar import Offset, add_months, month_end, month_number
from revrec.core.keys import Key, choice
from revrec.core.recurrence import END_INCLUSIVE, PERIODS, Series


class Monthly(Series):
    """Equal parts, one a month, the first at ``start`` + ``offset``.

    ``on`` says on which day of the month: ``same_day`` as the first part, or the month's last day where it is
    shorter (31 Jan, 29 Feb, 31 Mar); ``first``: the first part on its own day, the others on day 1 of the months
    after it; ``last``: every part on the last day of its month, the first one too.

    With ``periods`` there are so many parts. Without, they are counted from the service dates: for ``same_day`` a
    part for each month begun, counted from day to day (15 Jan to 14 Mar is two); for ``first`` and ``last`` a part
    for each calendar month touched (15 Jan to 14 Mar is three). ``end_inclusive = false`` leaves the last service
    day out of the count.

    Keys: ``periods``, ``on`` (default ``same_day``), ``end_inclusive``, ``start`` (default ``post_date`` with
    ``periods``, else ``service_start``), ``offset``, ``rounding``, ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "monthly"
        start = "post_date"
        offset = "7 days"
        periods = 12

    Source: ASC 606-10-25-31 and 55-20 (IFRS 15.39 and B18), straight line where effort is spent evenly.
    """

    name = "monthly"
    keys = (
        PERIODS,
        Key("on", choice("same_day", "first", "last"), "On which day of the month a part falls.", "same_day"),
        END_INCLUSIVE,
    )
    step = Offset(1, "month", "1 month")

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.on: str = settings.get("on") or "same_day"

    def date_of(self, start: date, index: int) -> date:
        """The date of part ``index``, counted from 0."""
        if self.on == "same_day":
            return super().date_of(start, index)
        first = self.first(start)
        if self.on == "last":
            return month_end(add_months(first, index))
        return add_months(first, index).replace(day=1) if index else first

    def fitting(self, begin: date, end: date) -> int:
        """Months from day to day, or calendar months touched."""
        if self.on == "same_day":
            return super().fitting(begin, end)
        return month_number(end) - month_number(begin) + 1
