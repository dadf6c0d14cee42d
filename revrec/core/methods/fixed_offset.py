"""The whole amount at a fixed offset from a date."""

from revrec.core.recognition import PointInTimeMethod


class FixedOffset(PointInTimeMethod):
    """The whole amount on one day: the ``start`` date plus the ``offset``.

    For a promise that is fulfilled at a point in time that is known in advance, such as a freight invoice earned a
    month after it was posted. An invoice posted on 2024-03-28 with an offset of 1 month is recognized on 2024-04-28.

    Keys: ``start`` (default ``post_date``), ``offset``, ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "fixed_offset"
        offset = "1 month"

    Source: ASC 606-10-25-30 (IFRS 15.38), performance obligations satisfied at a point in time.
    """

    name = "fixed_offset"
