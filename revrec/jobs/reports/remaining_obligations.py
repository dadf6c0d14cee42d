"""``revrec report rpo``: the price of what is not satisfied yet, by when it is expected to be recognized.

Source: ASC 606-10-50-13 to 50-15 (IFRS 15.120 to 122), the transaction price allocated to the remaining obligations.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from revrec.core.bands import Band, bands_of_months
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.money import decimal_string, largest_remainders, whole_units
from revrec.core.report import Chart, Check, Report, fields_of, values_of
from revrec.core.rules.disclosure import CANCELABLE, EXPEDIENTS
from revrec.jobs.reports.filters import check_filters
from revrec.jobs.reports.left_out import LeftOut, left_out
from revrec.jobs.reports.remaining import (
    RemainingAmounts,
    amounts_until,
    balance_checks,
    billed_amounts,
    by_currency,
    check_dimension,
    check_group,
    remaining_amounts,
    special_of_day,
)
from revrec.jobs.reports.report_header import report_header
from revrec.store.reports.filters import of_charges

if TYPE_CHECKING:
    from revrec.jobs.context import Context

LEFT_OUT = (*EXPEDIENTS, CANCELABLE)
"""The columns of what is left out by each expedient, and of what customers can cancel."""
TENTHS = 1000
"""Percentages have one decimal: the bands share 1,000 tenths of a percent, so that they always add up to 100."""


def remaining_obligations(
    context: "Context",
    until: date,
    by: str,
    bands: Sequence[int | Band],
    filters: Filters = NO_FILTERS,
    whole: bool = False,
) -> Report:
    """Return the remaining obligations in bands, whose ends are months after the day or days; the last band is later.

    ``whole`` rounds the amounts to whole units of their currency.

    Raises:
        BadInput: ``by`` names an unknown field, the bands do not ascend, or a filter names what these books do
            not know.
    """
    check_group("rpo", by)
    chosen = _as_bands(until, bands)
    names, last_days = [one.name for one in chosen], [one.last for one in chosen]
    ends = {one.name: one.last.isoformat() for one in chosen}
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
            _row(key, by, its_own, billed[key], ends, apart, whole)
            for key, its_own in everything.items()
            # Not by the sum: what is planned and what waits can cancel out, and are in different bands.
            if any(its_own.planned.values()) or its_own.waiting or billed[key]
        ]
        checks = [
            _less(check, apart)
            for check in balance_checks(
                context, connection, until, by_currency(billed), "billed", special, filters=filters
            )
        ]
        if whole:
            # The check compares exact amounts, which the column of rounded ones does not add up to.
            checks = [check._replace(source=None) for check in checks]
        parameters = {**vars(filters), "date": until, "by": by, "bands": ends, "left_out": apart.words or None}
        parameters["whole"] = whole or None
        header = report_header(context, connection, "rpo", parameters)
    amounts_of = (*names, "later", "waiting", "total", "billed", "not_billed", "constrained", "left_out", *LEFT_OUT)
    percent = tuple(f"percent_{name}" for name in (*names, "later", "waiting"))
    title = f"Remaining performance obligations as of {until}"
    bands_of = (*names, "later", "waiting")
    formulas = {"total": dict.fromkeys(bands_of, 1), "not_billed": {"total": 1, "billed": -1}}
    formulas["left_out"] = dict.fromkeys(LEFT_OUT, 1)
    return Report(
        title, header, (*fields_of(by), "currency", *amounts_of, "left_out_lines", *percent), rows, checks, amounts_of,
        (*LEFT_OUT, "left_out_lines", *percent),
        formulas, chart=Chart(fields_of(by)[0], bands_of, by_row=True),
    )  # fmt: skip


def _as_bands(until: date, bands: Sequence[int | Band]) -> list[Band]:
    months = [one for one in bands if isinstance(one, int)]
    return bands_of_months(until, months) if months or not bands else [one for one in bands if isinstance(one, Band)]


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
    whole: bool,
) -> dict[str, Any]:
    category, currency = key
    amounts, bands = apart.less(key, all_amounts), Counter[str]()
    for day, amount in amounts.planned.items():
        bands[next((name for name, end in ends.items() if day <= end), "later")] += amount
    bands["waiting"] = amounts.waiting
    names = (*ends, "later", "waiting")
    figures = _sums(names, [bands[name] for name in names], "total", currency, whole)
    of_it, constrained = _shown([billed - apart.billed_part(key), apart.constrained[key]], currency, whole)
    figures |= {"billed": of_it, "not_billed": figures["total"] - of_it, "constrained": constrained}
    figures |= _sums(LEFT_OUT, [apart.part(name, key) for name in LEFT_OUT], "left_out", currency, whole)
    row: dict[str, Any] = values_of(by, category) | {"currency": currency}
    row |= {name: decimal_string(amount, currency) for name, amount in figures.items()}
    row["left_out_lines"] = apart.lines[key]
    sign = -1 if amounts.remaining < 0 else 1  # of a credit, the percentages are of the credit
    tenths = largest_remainders(TENTHS, [max(sign * bands[name], 0) for name in names])
    return row | {f"percent_{name}": f"{part // 10}.{part % 10}" for name, part in zip(names, tenths, strict=True)}


def _sums(names: Sequence[str], amounts: Sequence[int], total: str, currency: str, whole: bool) -> dict[str, int]:
    """Return amounts by name with their sum; rounded amounts add up to the rounded sum."""
    found = whole_units(amounts, currency) if whole else list(amounts)
    return {**dict(zip(names, found, strict=True)), total: sum(found)}


def _shown(amounts: Sequence[int], currency: str, whole: bool) -> list[int]:
    return [whole_units([one], currency)[0] for one in amounts] if whole else list(amounts)
