"""A report: what it is about, its rows, and the checks that hold between them and other figures of the books."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import takewhile
from types import MappingProxyType
from typing import Any, NamedTuple

from revrec.core.calendar import add_months
from revrec.core.fiscal_periods import fiscal_spans
from revrec.core.money import decimal_string, to_minor
from revrec.core.typed_dates import DateSpan

NO_FORMULAS: Mapping[str, Mapping[str, int]] = MappingProxyType({})
NO_BALANCES: Mapping[str, str] = MappingProxyType({})
MONTHS = {"month": 1, "quarter": 3, "year": 12}


class ColumnSum(NamedTuple):
    """The sum of a column over the rows of one period, or of all rows if ``period`` is empty."""

    column: str
    period: str = ""


class Check(NamedTuple):
    """Two figures in minor units of ``currency`` that must be equal, and what they are.

    ``source`` is where the left figure is in the report, so that a workbook can add it up with a formula.
    """

    name: str
    currency: str
    left: int
    right: int
    source: ColumnSum | None = None

    @property
    def difference(self) -> int:
        """Return left minus right; 0 if the check holds."""
        return self.left - self.right

    def as_row(self) -> dict[str, str]:
        """Return the check with its amounts as decimal strings."""
        amounts = {"left": self.left, "right": self.right, "difference": self.difference}
        return {
            "check": self.name,
            "currency": self.currency,
            **{name: decimal_string(amount, self.currency) for name, amount in amounts.items()},
        }


class Chart(NamedTuple):
    """What to draw: for each value of the column ``x`` the sums of the columns ``series``.

    ``by_row``: each value of ``x`` is a series, and the columns are on the horizontal axis.
    """

    x: str
    series: Sequence[str]
    by_row: bool = False


class Report(NamedTuple):
    """A report. ``amounts`` are the columns of decimal strings; ``spare`` ones may be left out on a narrow terminal.

    ``formulas`` says which columns are sums of others, each with its sign. ``balances`` are the columns that are not
    added up over periods: the total has the ``first`` or the ``last`` period's. ``empty`` says what it means that there
    are no rows. Rows that are figures of different kinds do not add up to a total. ``base`` are columns of amounts in
    the currency that the column ``base_currency`` names; no figure of them has an address.
    """

    title: str
    header: Mapping[str, Any]
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    checks: Sequence[Check]
    amounts: Sequence[str]
    spare: Sequence[str] = ()
    formulas: Mapping[str, Mapping[str, int]] = NO_FORMULAS
    balances: Mapping[str, str] = NO_BALANCES
    chart: Chart | None = None
    empty: str = "nothing was billed, recognized or planned in these days"
    adds_up: bool = True
    base: Sequence[str] = ()

    @property
    def currencies(self) -> list[str]:
        """Return the currencies of the rows and checks, sorted."""
        return sorted({row["currency"] for row in self.rows} | {check.currency for check in self.checks})

    @property
    def differences(self) -> list[dict[str, str]]:
        """Return the checks that fail, with their amounts as decimal strings."""
        return [check.as_row() for check in self.checks if check.difference]

    @property
    def ties_out(self) -> bool:
        """Return True if every check holds."""
        return not self.differences


class Disclosure(NamedTuple):
    """One table of a pack: the name of its sheet or file, such as ``D2``, the paragraph it is for, and its rows."""

    name: str
    paragraph: str
    report: Report

    @property
    def heading(self) -> str:
        """Return the name, the title and the paragraph."""
        return f"{self.name} {self.report.title} ({self.paragraph})"


class ReportPack(NamedTuple):
    """Tables of different columns that belong together, with one header."""

    title: str
    header: Mapping[str, Any]
    tables: Sequence[Disclosure]

    @property
    def as_report(self) -> Report:
        """Return all rows as one report: each has the name of its table, and the columns of all tables."""
        rows = [{"disclosure": one.name, **row} for one in self.tables for row in one.report.rows]
        columns = dict.fromkeys(name for one in self.tables for name in one.report.columns)
        amounts = dict.fromkeys(name for one in self.tables for name in one.report.amounts)
        checks = [
            check._replace(name=f"{one.name}: {check.name}", source=None)
            for one in self.tables
            for check in one.report.checks
        ]
        return Report(self.title, self.header, ("disclosure", *columns), rows, checks, tuple(amounts), adds_up=False)


class RowFacts(NamedTuple):
    """What all rows of a report come to, by currency: how many, the totals of its amounts, and the ends of balances.

    ``totals`` of a balance are the totals of its period in ``periods``: the first or the last one. Rows that do not
    add up have no totals.
    """

    counts: Mapping[str, int]
    totals: Mapping[str, Mapping[str, Decimal]]
    periods: Mapping[str, Mapping[str, str]]


def row_facts(report: Report) -> RowFacts:
    """Return what the rows of a report come to. All of them are read, which takes seconds if they are in a file."""
    periods = _balance_periods(report)
    counts: dict[str, int] = {}
    totals: dict[str, dict[str, Decimal]] = {}
    for row in report.rows:
        currency = row["currency"]
        counts[currency] = counts.get(currency, 0) + 1
        if not report.adds_up:
            continue
        if currency not in totals:
            totals[currency] = dict.fromkeys(report.amounts, Decimal(0))
        sums, counted = totals[currency], periods.get(currency, {})
        for name in report.amounts:
            if row[name] and counted.get(name) in (None, row.get("period")):
                sums[name] += Decimal(row[name])
    return RowFacts(counts, dict(sorted(totals.items())), periods)


def _balance_periods(report: Report) -> dict[str, dict[str, str]]:
    """Return for each currency the period that the total of each balance is of: the first or the last one."""
    ends: dict[str, dict[str, str]] = {}
    for row in report.rows if report.balances else ():
        ends.setdefault(row["currency"], {"first": row["period"]})["last"] = row["period"]
    return {currency: {name: both[which] for name, which in report.balances.items()} for currency, both in ends.items()}


def control_totals(report: Report, facts: RowFacts | None = None) -> dict[str, dict[str, str]]:
    """Return the totals of the columns by currency, as decimal strings; empty if the rows do not add up."""
    return {
        currency: {name: str(amount) for name, amount in sums.items()}
        for currency, sums in (facts or row_facts(report)).totals.items()
    }


def minor_of(row: Mapping[str, Any], column: str) -> int:
    """Return the amount of a column of a row, in minor units of the row's currency."""
    return to_minor(Decimal(row[column]), row["currency"])


class ChartData(NamedTuple):
    """The labels of the horizontal axis, and for each series its name and an amount for each label."""

    labels: Sequence[str]
    series: Sequence[tuple[str, Sequence[Decimal]]]


def chart_data(report: Report, currency: str) -> ChartData | None:
    """Return what the chart of a report shows in one currency; None without a chart or without rows."""
    if report.chart is None:
        return None
    rows = [row for row in report.rows if row["currency"] == currency]
    if not rows:
        return None
    x, names, by_row = report.chart
    sums: dict[str, list[Decimal]] = {}
    for row in rows:
        found = sums.setdefault(row[x], [Decimal(0)] * len(names))
        found[:] = [amount + Decimal(row[name]) for amount, name in zip(found, names, strict=True)]
    if by_row:
        return ChartData(list(names), list(sums.items()))
    return ChartData(list(sums), list(zip(names, map(list, zip(*sums.values(), strict=True)), strict=True)))


def fact_in_words(value: Any) -> str:
    """Return a fact of a header as text: names with their values, or values in a row."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {fact_in_words(one)}" for name, one in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


_NAME_OF_VALUE = re.compile(r"(?:^|,)([a-z_]+|dimensions\.[^=,]+)=")


def read_address(text: str) -> dict[str, str]:
    """Return the names and values of an address of a figure, such as ``period=2024-03,currency=USD,column=closing``.

    A value ends before the next name, so it may have commas. A text that does not begin with a name means nothing.
    """
    parts = _NAME_OF_VALUE.split(text)
    return dict(zip(parts[1::2], parts[2::2], strict=True)) if not parts[0] else {}


DRILLED = (
    "rollforward", "waterfall", "balance", "rpo", "revenue", "activity", "costs", "forecast", "late", "opening",
    "exchange", "tie-out",
)  # fmt: skip
"""Reports whose figures have an address: the command lists what is behind one with ``--drill``."""


SINGLE = "change"
"""The ``by`` of reports that list single changes: nothing more is behind one."""


def address_of(report: "Report", row: Mapping[str, Any], column: str) -> str:
    """Return the address of a figure; empty if the report cannot list what is behind it."""
    header = report.header
    if header["report"] not in DRILLED or "drill" in header or header.get("by") == SINGLE or column in report.base:
        return ""
    return ",".join([*(f"{name}={row[name]}" for name in key_names(report)), f"column={column}"])


def key_names(report: "Report") -> list[str]:
    """Return the columns that say what a row is of."""
    return [name for name in report.columns if name not in (*report.amounts, *report.spare, *report.base)]


BETWEEN = "\x1f"
"""What separates the values of a category of several fields. Imports refuse control characters, so no value has it."""


def fields_of(by: str) -> list[str]:
    """Return the fields that the rows of a report are grouped by, such as ``item,customer``."""
    return by.split(",")


def values_of(by: str, category: str) -> dict[str, str]:
    """Return the value of each field of a category."""
    return dict(zip(fields_of(by), category.split(BETWEEN), strict=True))


class Period(NamedTuple):
    """A period of a report: its name, such as ``2024-03`` or ``2024-Q1``, and its days."""

    name: str
    first: date
    last: date


def periods_of(span: DateSpan, each: str) -> Iterator[Period]:
    """Yield the months, quarters or years of a span, cut at its ends; the span itself if ``each`` is ``span``.

    Of a fiscal year, ``each`` is a text of :func:`fiscal_length`.
    """
    fiscal = fiscal_spans(each, span.first)
    if fiscal is not None:
        for one in takewhile(lambda one: one.first <= span.last, fiscal):
            yield Period(one.name, max(one.first, span.first), min(one.last, span.last))
        return
    if each not in MONTHS:
        yield Period(f"{span.first} to {span.last}", *span)
        return
    months, first = MONTHS[each], span.first
    while first <= span.last:
        begin = first.replace(day=1, month=(first.month - 1) // months * months + 1)
        end = min(add_months(begin, months) - timedelta(days=1), span.last)
        yield Period(_name(begin, each), first, end)
        first = end + timedelta(days=1)


def _name(begin: date, each: str) -> str:
    if each == "year":
        return f"{begin:%Y}"
    return f"{begin:%Y}-Q{(begin.month + 2) // 3}" if each == "quarter" else f"{begin:%Y-%m}"
