"""The whole amount on delivery."""

from collections.abc import Mapping
from typing import Any

from revrec.core.recognition import PointInTimeMethod


class PodDate(PointInTimeMethod):
    """The whole amount on the day of delivery, plus the ``offset``; until then the line waits.

    The day is the date of the proof of delivery recorded last (an event of kind ``pod``): a POD recorded later
    corrects the earlier ones.

    Keys: ``start`` (default ``delivered``), ``offset``, ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "pod_date"

    Source: ASC 606-10-25-30 (IFRS 15.38): control passes with physical possession and the customer's acceptance.
    """

    name = "pod_date"

    @classmethod
    def default_start(cls, settings: Mapping[str, Any]) -> str:  # noqa: ARG003 - the same for all settings
        """Return the day of delivery."""
        return "delivered"
