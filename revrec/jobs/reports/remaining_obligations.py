"""``revrec report rpo``: the price of what is not satisfied yet, by when it is expected to be recognized.

Source: ASC 606-10-50-13 to 50-15 (IFRS 15.120 to 122), the transaction price allocated to the remaining obligations.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from revrec.core.calendar import add_months
from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.money import decimal_string, largest_remainders
from revrec.core.report import Chart, Check, Report, fields_of, values_of
from revrec.jobs.reports.filters import check_filters
from revrec.jobs.reports.left_out import LeftOut, left_out
from revrec.jobs.reports.remaining import (
    RemainingAmounts,
    amounts_until,
    balance_checks,
    billed_amounts,
    check_dimension,
    check_group,
    remaining_amounts,
    special_of_day,
)
from revrec.jobs.reports.report_header import report_header
from revrec.store.reports.filters import of_charges

if TYPE_CHECKING:
    from revrec.jobs.context import Context

TENTHS = 1000
"""Percentages have one decimal: the bands share 1,000 tenths of a percent, so that they always add up to 100."""


def remaining_obligations(
    context: "Context", until: date, by: str, bands: Sequence[int], filters: Filters = NO_FILTERS
) -> Report:
    """Return the remaining obligations in bands that end so many months after the day; the last band is later.

    Raises:
        BadInput: ``by`` names an unknown field, the bands do not ascend, or a filter names what these books do
            not know.
    """
    if not bands or list(bands) != sorted({*bands}) or bands[0] < 1:
        raise BadInput("report rpo: --bands: write months in ascending order, such as 12,24")
    check_group("rpo", by)
    names = [f"within_{bands[0]}_months", *(f"months_{a + 1}_to_{b}" for a, b in pairwise(bands))]
    last_days = [add_months(until, months) for months in bands]
    ends = dict(zip(names, (day.isoformat() for day in last_days), strict=True))
    with context.database.read_twice() as connection:
        check_dimension(connection, by)
        check_filters(context, connection, filters)
        only = tuple(of_charges(filters))
        special = special_of_day(context, connection, until, filters)
        amounts = amounts_until(context, connection, by, until, last_days, special, only)
        everything = remaining_amounts(amounts)
        billed = billed_amounts(context, connection, by, until, amounts, only)
        apart = left_out(context, connection, by, until, only)
        rows = [
            _row(key, by, its_own, billed[key], ends, apart)
            for key, its_own in everything.items()
            # Not by the sum: what is planned and what waits can cancel out, and are in different bands.
            if any(its_own.planned.values()) or its_own.waiting or billed[key]
        ]
        in_all: Counter[str] = Counter()
        for (_category, currency), amount in billed.items():
            in_all[currency] += amount
        checks = [
            _less(check, apart)
            for check in balance_checks(context, connection, until, in_all, "billed", special, filters=filters)
        ]
        parameters = {**vars(filters), "date": until, "by": by, "bands": ",".join(map(str, bands))}
        parameters["left_out"] = apart.words or None
        header = report_header(context, connection, "rpo", parameters)
    amounts_of = (*names, "later", "waiting", "total", "billed", "not_billed", "constrained", "left_out")
    percent = tuple(f"percent_{name}" for name in (*names, "later", "waiting"))
    title = f"Remaining performance obligations as of {until}"
    bands_of = (*names, "later", "waiting")
    formulas = {"total": dict.fromkeys(bands_of, 1), "not_billed": {"total": 1, "billed": -1}}
    return Report(
        title, header, (*fields_of(by), "currency", *amounts_of, "left_out_lines", *percent), rows, checks, amounts_of,
        ("left_out_lines", *percent),
        formulas, chart=Chart(fields_of(by)[0], bands_of, by_row=True),
    )  # fmt: skip


def _less(check: Check, apart: LeftOut) -> Check:
    """Return a check of billed amounts without what is left out, on both sides."""
    less = sum(apart.billed_part(key) for key in apart.keys if key[1] == check.currency)
    if not less:
        return check
    name = f"{check.name}, both less constrained and left out"
    return check._replace(name=name, left=check.left - less, right=check.right - less)


def _row(
    key: tuple[str, str],
    by: str,
    all_amounts: RemainingAmounts,
    billed: int,
    ends: Mapping[str, str],
    apart: LeftOut,
) -> dict[str, Any]:
    category, currency = key
    amounts, bands = apart.less(key, all_amounts), Counter[str]()
    for day, amount in amounts.planned.items():
        bands[next((name for name, end in ends.items() if day <= end), "later")] += amount
    bands["waiting"] = amounts.waiting
    names = (*ends, "later", "waiting")
    of_it = billed - apart.billed_part(key)
    figures = {name: bands[name] for name in names}
    figures |= {"total": amounts.remaining, "billed": of_it, "not_billed": amounts.remaining - of_it}
    constrained = apart.constrained[key]
    figures |= {"constrained": constrained, "left_out": all_amounts.remaining - amounts.remaining - constrained}
    row: dict[str, Any] = values_of(by, category) | {"currency": currency}
    row |= {name: decimal_string(amount, currency) for name, amount in figures.items()}
    row["left_out_lines"] = apart.lines[key]
    sign = -1 if amounts.remaining < 0 else 1  # of a credit, the percentages are of the credit
    tenths = largest_remainders(TENTHS, [max(sign * bands[name], 0) for name in names])
    return row | {f"percent_{name}": f"{part // 10}.{part % 10}" for name, part in zip(names, tenths, strict=True)}
