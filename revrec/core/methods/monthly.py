"""Equal parts, one a month."""

from revrec.core.recurrence import END_INCLUSIVE, ON, PERIODS, SeriesMethod


class Monthly(SeriesMethod):
    """Equal parts, one a month, the first at ``start`` + ``offset``.

    ``on`` says on which day of the month: ``same_day`` as the first part, or the month's last day where it is
    shorter (31 Jan, 29 Feb, 31 Mar); ``first``: the first part on its own day, the others on day 1 of the months
    after it; ``last``: every part on the last day of its month, the first one too; ``end``: the day before the next
    part would begin, so that a month is earned when it is over (15 Jan to 14 Feb on 14 Feb).

    ``periods`` is the number of parts. Without it they are counted from the service dates: for ``same_day`` and
    ``end`` a part for each month begun, counted from day to day (15 Jan to 14 Mar is two); for ``first`` and ``last``
    a part for each calendar month touched (15 Jan to 14 Mar is three). ``end_inclusive = false`` leaves the last
    service day out of the count. For a first or last month that weighs less use ``monthly_prorated``.

    With ``on = "last"`` or ``"end"`` each part recognizes the days since the part before it, so a change within the
    month divides the part. Any other part, such as an issue of a magazine, is earned on its date as a whole.

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
    keys = (PERIODS, ON, END_INCLUSIVE)
