"""Draw the chart of a report on a terminal: a line for each label, with its amount as a bar."""

from decimal import Decimal
from typing import TYPE_CHECKING

from revrec.core.report import Report, chart_data

if TYPE_CHECKING:
    from rich.table import Table

MOST_BARS = 36
MOST_WIDTH = 60
LEAST_WIDTH = 5
"""On a terminal with less room than this beside the amounts, no bars are drawn."""


def bar_chart(report: Report, currency: str, width: int) -> "tuple[str, Table] | None":
    """Return a title, and bars that rich can draw; None without a chart, an amount above zero or room, or with
    too many bars.

    The bars are the last series of the chart or, if each row is a series, the sums of all rows.
    """
    from rich.bar import Bar
    from rich.table import Table

    data = chart_data(report, currency)
    if data is None or report.chart is None or not data.series or len(data.labels) > MOST_BARS:
        return None
    if report.chart.by_row:
        amounts = [sum(column, Decimal(0)) for column in zip(*(one for _name, one in data.series), strict=True)]
        name = "all rows"
    else:
        name, last = data.series[-1]
        amounts = list(last)
    largest = max(amounts, default=Decimal(0))
    if largest <= 0:
        return None
    labels = [label.replace("_", " ") for label in data.labels]
    shown = [f"{amount:,}" for amount in amounts]
    room = width - max(map(len, labels)) - max(map(len, shown)) - 2 * GAP
    if room < LEAST_WIDTH:
        return None
    grid = Table.grid(padding=(0, GAP, 0, 0))
    for label, amount, text in zip(labels, amounts, shown, strict=True):
        # The length of a bar is on a screen, and may be a binary number; its amount is beside it.
        bar = Bar(float(largest), 0, max(float(amount), 0), width=min(room, MOST_WIDTH), color="cyan")
        grid.add_row(label, bar, text)
    return f"{name} in {currency}", grid


GAP = 2
