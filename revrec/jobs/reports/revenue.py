"""``revrec report revenue``: recognized revenue by period and category.

Source: ASC 606-10-50-5 and 55-89 to 55-91 (IFRS 15.114 and B87 to B89), disaggregation of revenue, also by the timing
of transfer.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Any

from revrec.core.filters import NO_FILTERS, Basis, Filters
from revrec.core.money import decimal_string
from revrec.core.report import BETWEEN, Chart, Check, Report, fields_of, minor_of, periods_of, values_of
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.filters import check_filters
from revrec.jobs.reports.journal_checks import journal_checks
from revrec.jobs.reports.remaining import GROUPS, check_dimension, check_group, special_of_day
from revrec.jobs.reports.report_header import report_header
from revrec.jobs.reports.revenue_lines import revenue_lines
from revrec.jobs.rules.load import load_rules
from revrec.store.bulk import fact_of_view
from revrec.store.reports.booked import OtherCharges
from revrec.store.reports.filters import of_charges
from revrec.store.reports.plain_lines import PostedLines, posted_until, recognized_between
from revrec.store.reports.recognition import RULE, DatedAmount, lines_of, recognized_by_day, sums_by_currency

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

TIMING = "timing"
NOTHING_EARNED = "no schedule earns revenue in these days"
NOTHING_POSTED = "no posted entry recognizes revenue in these days; --basis earned shows what is planned"
NOT_STATED = "not stated"
"""The timing of rules that are gone, or that neither say ``transfer`` nor have a method that decides."""


def revenue(
    context: "Context",
    span: DateSpan,
    each: str,
    by: str,
    basis: Basis = Basis.ledger,
    filters: Filters = NO_FILTERS,
    shared: Sequence[str] = (),
) -> Report:
    """Return the revenue of each period and category: what is in the ledger, or what is earned as known now.

    ``shared`` are fields by which other reports of the same view add up the revenue: the lines are added up by all of
    them, and read once. With filters there are no checks, since the journal is not narrowed in the same way.

    Raises:
        BadInput: ``by`` names an unknown field, or a filter names what these books do not know.
    """
    check_group("revenue", by, (*GROUPS, TIMING))
    rows: list[dict[str, Any]] = []
    checks: list[Check] = []
    with context.database.read_twice() as connection:
        check_dimension(connection, by)
        check_filters(context, connection, filters)
        only = tuple(of_charges(filters))
        category, others = _categories(context, by), OtherCharges(connection)
        fields = ",".join(RULE if name == TIMING else name for name in fields_of(by))
        counted, owed = revenue_lines(context, connection)
        periods = list(periods_of(span, each))
        special = special_of_day(context, connection, span.last, filters) if basis is Basis.ledger else None
        ends = [span.first - timedelta(days=1), *(period.last for period in periods)]
        summed = None if special is None else _summed(connection, special, fields_of(fields), shared, ends)
        numbers = None if summed is None else special
        for at, period in enumerate(periods):
            sums: Counter[tuple[str, str]] = Counter()
            total: Counter[str] = Counter()
            read = recognized_by_day(
                connection, fields, *period[1:], only=only, basis=basis, numbers=numbers, counted=counted
            )
            for one in chain(() if summed is None else summed[at], read):
                sums[one.currency, category(one.category)] += one.amount
                total[one.currency] += one.amount
            rows += [
                {"period": period.name, "currency": currency}
                | values_of(by, found)
                | {"revenue": decimal_string(amount, currency)}
                for (currency, found), amount in sorted(sums.items())
            ]
            less = Counter[str]()
            if only:
                continue
            if owed is not None:
                less = sums_by_currency(connection, lines_of(basis, period.first, period.last), owed)
            checks += journal_checks(connection, period, "revenue", total, basis=basis, owed=less, others=others)
        parameters = {**vars(filters), "from": span.first, "to": span.last, "each": each, "by": by}
        header = report_header(context, connection, "revenue", parameters, basis)
    columns, amounts = ("period", "currency", *fields_of(by), "revenue"), ("revenue",)
    empty = NOTHING_EARNED if basis is Basis.earned else NOTHING_POSTED
    return Report("Revenue", header, columns, rows, checks, amounts, chart=Chart("period", amounts), empty=empty)


def by_segment(report: Report, by: str, segments: str) -> Report:
    """Return revenue by several fields with a column for each segment, the last of the fields, and their sum.

    It is the reconciliation of the categories to the revenue of segments (ASC 606-10-50-6; IFRS 15.115).
    """
    named = {name: _column_of(name, by) for name in sorted({row[segments] for row in report.rows})}
    keys = ("period", "currency", *fields_of(by))
    sums: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for row in report.rows:
        sums[tuple(row[key] for key in keys)][named[row[segments]]] += minor_of(row, "revenue")
    rows = [
        dict(zip(keys, key, strict=True))
        | {name: decimal_string(amounts[name], key[1]) for name in named.values()}
        | {"revenue": decimal_string(amounts.total(), key[1])}
        for key, amounts in sums.items()
    ]
    amounts = (*named.values(), "revenue")
    return report._replace(
        header={**report.header, "by": by, "segments": segments},
        columns=(*keys, *amounts),
        rows=rows,
        amounts=amounts,
        formulas={"revenue": dict.fromkeys(named.values(), 1)},
        chart=Chart("period", tuple(named.values())) if named else report.chart,
    )


def _column_of(segment: str, by: str) -> str:
    """Return the name of the column of a segment, which no other column has."""
    if segment in ("", "period", "currency", "revenue", *fields_of(by)):
        return f"segment {segment}" if segment else "no segment"
    return segment


def _summed(
    connection: "Connection", special: Sequence[int], fields: Sequence[str], shared: Sequence[str], ends: Sequence[date]
) -> list[list[DatedAmount]] | None:
    """Return the revenue of the plain charge lines in each period; None if all lines are read one by one."""
    every = ",".join(dict.fromkeys((*shared, *fields)))
    rows = fact_of_view(
        connection, ("posted", every, *ends), lambda: list(posted_until(connection, special, every, ends))
    )
    found: dict[tuple[str, str], PostedLines] = {}
    for row in rows:
        values = values_of(every, row.category)
        key = BETWEEN.join(values[name] for name in fields), row.currency
        found[key] = row.plus(found[key]) if key in found else row._replace(category=key[0])
    return recognized_between(found.values(), ends)


def _categories(context: "Context", by: str) -> Callable[[str], str]:
    """Return the function that turns the rule in a category into its timing: when control passes."""
    if TIMING not in fields_of(by):
        return str
    timing = {rule.name: rule.transfer or NOT_STATED for rule in load_rules(context).rules}

    def timed(category: str) -> str:
        values = values_of(by, category)
        return BETWEEN.join((values | {TIMING: timing.get(values[TIMING], NOT_STATED)}).values())

    return timed
