"""The whole amount on the recognition date from the source."""

from collections.abc import Mapping
from typing import Any

from revrec.core.recognition import PointInTimeMethod


class RevRecDate(PointInTimeMethod):
    """The whole amount on the recognition date that the charge line carries, plus the ``offset``.

    For sources that decide on the date themselves; a line without it waits.

    Keys: ``start`` (default ``rev_rec_date``), ``offset``, ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "rev_rec_date"

    Source: ASC 606-10-25-30 (IFRS 15.38), performance obligations satisfied at a point in time.
    """

    name = "rev_rec_date"

    @classmethod
    def default_start(cls, settings: Mapping[str, Any]) -> str:  # noqa: ARG003 - the same for all settings
        """Return the date on the line."""
        return "rev_rec_date"
