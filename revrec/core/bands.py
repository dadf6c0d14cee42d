"""Bands of time after a day: months that are counted from it, calendar quarters, and calendar or fiscal years."""

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from itertools import islice, pairwise
from typing import NamedTuple

from revrec.core.calendar import add_months
from revrec.core.errors import BadInput
from revrec.core.fiscal_periods import fiscal_length
from revrec.core.report import periods_of
from revrec.core.typed_dates import DateSpan

USUAL = {"quarter": 4, "year": 3}
"""How many bands a kind has if no number is before it; what is later has its own band."""
FORMS = '12,24 for months after the day, quarters, years, "6 quarters" or "5 years"'
_COUNTED = re.compile(r"(?:([1-9]\d?) )?(quarter|year)s?")
_MONTHS = re.compile(r"\d{1,4}m?(?:,\d{1,4}m?)*")


class Band(NamedTuple):
    """A band that ends on a day: it begins after the band before it, or after the day of the report."""

    name: str
    last: date


def bands_of_months(until: date, months: Sequence[int]) -> list[Band]:
    """Return bands that end so many months after a day.

    Raises:
        BadInput: the months do not ascend, or a band would end after the year 9999.
    """
    if not months or list(months) != sorted({*months}) or months[0] < 1:
        raise BadInput("report rpo: --bands: write months in ascending order, such as 12,24")
    names = [f"within_{months[0]}_months", *(f"months_{a + 1}_to_{b}" for a, b in pairwise(months))]
    return _bounded(lambda: [Band(name, add_months(until, one)) for name, one in zip(names, months, strict=True)])


def read_bands(text: str, until: date, ends: str = "") -> list[Band]:
    """Read ``12,24``, ``3m,6m``, ``quarters``, ``6 quarters``, ``years`` or ``5 years``: the bands after a day.

    ``ends`` is the end of the fiscal year of ``years``: a month, such as ``june``, or as in :func:`fiscal_length`.

    Raises:
        BadInput: as :func:`bands_of_months`.
        ValueError: the text is not of these forms, or ``ends`` is not an end of a year or not used.
    """
    found = _COUNTED.fullmatch(" ".join(text.lower().split()))
    if ends and not (found and found[2] == "year"):
        raise ValueError(f"--year-end {ends}: only the bands years have a fiscal year: add --bands years")
    if found is None:
        months = text.replace(" ", "")
        if not _MONTHS.fullmatch(months):
            raise ValueError(f"--bands {text!r}: expected {FORMS}")
        return bands_of_months(until, [int(one.removesuffix("m")) for one in months.split(",")])
    count, each = int(found[1] or USUAL[found[2]]), found[2]
    bands = _after(until, fiscal_length(each, ends) if ends else each)
    return _bounded(lambda: list(islice(bands, count)))


def _bounded(make: Callable[[], list[Band]]) -> list[Band]:
    try:
        return make()
    except (OverflowError, ValueError):  # a year of five digits is a ValueError
        raise BadInput("report rpo: --bands: a band would end after the year 9999") from None


def _after(until: date, each: str) -> Iterator[Band]:
    """Yield the periods of a length after a day, without end."""
    for period in periods_of(DateSpan(until + timedelta(days=1), date.max), each):
        yield Band(period.name, period.last)
