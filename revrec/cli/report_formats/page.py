"""Write a report as one HTML file that needs no network: tables, and charts as inline SVG beside their figures."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import pygal
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup
from pygal.style import Style

from revrec.core.money import minor_digits
from revrec.core.report import Chart, Report, RowFacts, address_of, chart_data, control_totals, fact_in_words

COLORS = ("#0b6e99", "#b5541c", "#3f7d20", "#7a3e9d", "#a8326e", "#5c6b73", "#8a6d00", "#2b4c9b")
"""The colors of series; each has a contrast of at least 3 to 1 on white and on the dark background."""
MAX_SERIES = len(COLORS)
MOST_ROWS = 5_000
"""The most rows of a page: a browser would need minutes for the page of a longer list."""


class _Drawing(NamedTuple):
    """A chart of one currency, as inline SVG."""

    currency: str
    svg: Markup


def write_report(report: Report, file: BinaryIO, facts: RowFacts | None = None) -> None:
    """Write a report as an HTML page. ``facts`` are the facts of its rows, which are read for them otherwise."""
    left_out = rows_left_out(report)
    page = _template("page.html.jinja").render(
        report=report,
        rows=islice(report.rows, MOST_ROWS),
        left_out=left_out,
        totals=control_totals(report, facts) if left_out else {},
        columns=report.columns,
        amounts=frozenset((*report.amounts, *report.base)),
        checks=[check.as_row() | {"fails": bool(check.difference)} for check in report.checks],
        drawings=list(_drawings(report)),
        address_of=partial(address_of, report),
    )
    file.write(page.encode())


def rows_left_out(report: Report) -> str:
    """Return in words how many rows the page of a report leaves out; empty if it has all of them."""
    count = len(report.rows)
    return f"{count - MOST_ROWS:,} of {count:,} rows are left out" if count > MOST_ROWS else ""


def index_page(
    month: str, reports: Mapping[str, Report], checklist: Sequence[Mapping[str, str]], files: Collection[str]
) -> str:
    """Return the page that leads to the reports of a month, by the names of their files, with the close checklist."""
    return _template("index.html.jinja").render(month=month, reports=reports, checklist=checklist, files=files)


@cache
def _template(name: str) -> Template:
    # Text from documents is hostile: everything is escaped, and a name that does not exist is an error.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["grouped"] = _grouped
    environment.filters["fact"] = fact_in_words
    return environment.get_template(name)


def _grouped(value: Any) -> str:
    from revrec.cli.output import grouped

    return "" if value is None else grouped(value)


def _drawings(report: Report) -> Iterator[_Drawing]:
    for currency in report.currencies if report.chart else ():
        data = chart_data(report, currency)
        if report.chart is None or data is None or len(data.series) > MAX_SERIES:
            continue  # more series than colors look alike; the table has the figures
        drawing = _new_drawing(report.chart, f"{report.title} ({currency})", currency)
        drawing.x_labels = [label.replace("_", " ") for label in data.labels]
        for name, amounts in data.series:
            # A drawing has no cents: positions on a screen are binary numbers, the figures are in the table.
            drawing.add(name.replace("_", " "), [float(amount) for amount in amounts])
        yield _Drawing(currency, Markup(drawing.render(is_unicode=True)))  # noqa: S704 - pygal escapes its texts


def _new_drawing(chart: Chart, title: str, currency: str) -> Any:
    style = Style(
        background="transparent", plot_background="transparent", foreground="currentColor",
        foreground_strong="currentColor", foreground_subtle="#8884", colors=COLORS, font_family="inherit",
        label_font_size=11, legend_font_size=12, title_font_size=14,
    )  # fmt: skip
    kind = pygal.StackedBar if chart.by_row else pygal.Bar
    drawing = kind(
        title=title, style=style, js=(), disable_xml_declaration=True, width=960, height=360, legend_at_bottom=True,
        legend_at_bottom_columns=4, x_label_rotation=0, pretty_print=False,
        value_formatter=f"{{:,.{minor_digits(currency)}f}}".format,
    )  # fmt: skip
    drawing.add_xml_filter(_without_scripts)
    drawing.uuid = f"chart-{currency}"  # a random one would make two files of the same figures differ
    return drawing


def _without_scripts(root: Any) -> Any:
    """Remove the settings that pygal stores for its own scripts, which the page does not have."""
    for parent in root.iter():
        for child in [one for one in parent if one.tag == "script"]:
            parent.remove(child)
    return root
