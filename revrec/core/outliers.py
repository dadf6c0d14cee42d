"""Find dates that are far from the rest of a file, such as a post date of 2042 among many of 2024."""

from collections.abc import Mapping
from datetime import date, timedelta

FAR = timedelta(days=366)
"""The gap between dates that separates a group of dates from the rest."""
FEW = 20
"""One in this many rows may be far from the rest, and at least one row; more are no typo."""


def far_dates(counts: Mapping[date, int]) -> tuple[list[date], date, date] | None:
    """Return the dates that are far from the rest, with the first and last date of the rest, or None.

    ``counts`` is how many rows have each date.
    """
    groups: list[list[date]] = []
    for day in sorted(counts):
        if groups and day - groups[-1][-1] <= FAR:
            groups[-1].append(day)
        else:
            groups.append([day])
    sizes = [sum(counts[day] for day in group) for group in groups]
    if len(groups) < 2:
        return None
    rest = sizes.index(max(sizes))
    far = [day for at, group in enumerate(groups) if at != rest for day in group]
    most = max(1, sum(sizes) // FEW)
    if max(sizes) < 2 or sum(counts[day] for day in far) > most:
        return None
    return far, groups[rest][0], groups[rest][-1]
