"""``revrec report revenue``: recognized revenue by period and category.

Source: ASC 606-10-50-5 (IFRS 15.114), disaggregation of revenue.
"""

from collections import Counter
from typing import TYPE_CHECKING, Any

from revrec.core.money import decimal_string
from revrec.core.report import Chart, Check, Report, periods_of
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.journal_checks import journal_checks
from revrec.jobs.reports.remaining import check_group
from revrec.jobs.reports.report_header import report_header
from revrec.store.reports.recognition import recognized_by_day

if TYPE_CHECKING:
    from revrec.jobs.context import Context


def revenue(context: "Context", span: DateSpan, each: str, by: str) -> Report:
    """Return the revenue in the ledger of each period and category.

    Raises:
        BadInput: ``by`` is not a field of charge lines.
    """
    check_group("revenue", by)
    rows: list[dict[str, Any]] = []
    checks: list[Check] = []
    with context.database.read() as connection:
        for period in periods_of(span, each):
            sums: Counter[tuple[str, str]] = Counter()
            total: Counter[str] = Counter()
            for one in recognized_by_day(connection, by, period.first, period.last):
                sums[one.currency, one.category] += one.amount
                total[one.currency] += one.amount
            rows += [
                {"period": period.name, "currency": currency, by: category, "revenue": decimal_string(amount, currency)}
                for (currency, category), amount in sorted(sums.items())
            ]
            checks += journal_checks(connection, period, "revenue", total)
        parameters = {"from": span.first, "to": span.last, "each": each, "by": by}
        header = report_header(context, connection, "revenue", parameters)
    columns, amounts = ("period", "currency", by, "revenue"), ("revenue",)
    return Report("Revenue", header, columns, rows, checks, amounts, chart=Chart("period", amounts))
