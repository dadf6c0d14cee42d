"""Equal parts at a steady distance."""

from collections.abc import Iterable, Mapping
from typing import Any

from revrec.core.keys import OFFSET, Key
from revrec.core.recurrence import END_INCLUSIVE, PERIODS, Series


class Every(Series):
    """Equal parts every so many days, weeks, months or years, the first one at ``start`` + ``offset``.

    For a contract paid up front whose deliverables come at a steady pace. With ``periods`` there are so many
    parts; without, as many as begin within the service dates (the last day included, unless ``end_inclusive`` is
    false).

    Keys: ``every`` (required), ``periods``, ``end_inclusive``, ``start`` (default ``post_date`` with ``periods``,
    else ``service_start``), ``offset``, ``rounding``, ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "every"
        every = "30 days"
        periods = 6

    Source: ASC 606-10-25-31 and 55-17 (IFRS 15.39 and B15), progress measured by what has been delivered.
    """

    name = "every"
    keys = (Key("every", OFFSET, "The distance from one part to the next.", required=True), PERIODS, END_INCLUSIVE)

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.step = settings["every"]

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """The distance must lead forward."""
        if settings["every"].number <= 0:
            yield "every", 'must lead forward in time, such as "30 days"'
