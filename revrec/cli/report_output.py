"""Print a report: rows and checks as tables, JSON or CSV; a check that fails ends with exit code 7."""

import json
import sys
from dataclasses import replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from revrec.cli.filters import DAYS, FILTERS, read_days
from revrec.cli.shared import LAST_DAY, Format, Options, day, fail, format_of, today
from revrec.cli.terminal import raw
from revrec.core.harmless import harmless

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from revrec.core.report import Check, Report, RowFacts
    from revrec.core.typed_dates import DateSpan

DIFFERS = 7
FIRST_YEAR, LAST_YEAR = 1900, 2999
MOST_INDENTED = 5_000
"""The most rows that JSON has with a line for each value."""
INDENTED = ("{\n      ", "\n    }")
"""What is around the values of such a row."""
CHECKS = ("check", "currency", "left", "right", "difference")

PeriodOption, FromOption, ToOption = (FILTERS[name] for name in DAYS)
OF_CHARGES = "billed, customer, item, entity, source, document, charge, rule or dimensions.NAME"
"""The fields of charge lines that reports have rows by."""
AsOfOption = Annotated[str | None, typer.Option("--date", metavar="D", help=f"The day; default today; {LAST_DAY}")]


def by_option(names: str, default: str = "") -> Any:
    """Return the option ``--by`` with the fields that a report has rows by."""
    words = f"{names}; several with commas" + (f"; default {default}." if default else ".")
    return typer.Option("--by", metavar="WHAT", help=words)


class Each(StrEnum):
    """The length of the periods of a report; ``span`` is one period for all days, ``period`` is of a fiscal year."""

    period = "period"
    month = "month"
    quarter = "quarter"
    year = "year"
    span = "span"


class Against(StrEnum):
    """The earlier figures that a report is compared with."""

    frozen = "frozen"


BaseOption = Annotated[
    bool, typer.Option("--base", help="Also show amounts in base currency, at the rates of [gateway] rates.")
]
AgainstOption = Annotated[
    Against | None,
    typer.Option(
        "--against", metavar="frozen", help="Compare with the control totals that periods close kept of closed months."
    ),
]
DrillOption = Annotated[
    str | None,
    typer.Option(
        "--drill",
        metavar="ADDRESS",
        help="List what is behind a figure: column=NAME and values of its row, such as period=2024-03,column=billed.",
    ),
]
EachOption = Annotated[
    Each,
    typer.Option(
        "--each", metavar="month|quarter|year|span|period", help="The length of a period; span is one for all days."
    ),
]
YearEndOption = Annotated[
    str | None, typer.Option("--year-end", metavar="END", help="End of the fiscal year, such as june, for --each.")
]
PatternOption = Annotated[
    str | None,
    typer.Option("--pattern", metavar="4-4-5", help="The weeks of the periods of a fiscal year of whole weeks."),
]


def length_of(each: Each, year_end: str | None, pattern: str | None) -> str:
    """Return the length of the periods of a report; of a fiscal year, if its end is named."""
    from revrec.core.fiscal_periods import fiscal_length

    if not year_end:
        if pattern or each is Each.period:
            option = f"--pattern {pattern}" if pattern else "--each period"
            fail(f"{option} is of a fiscal year: add --year-end, such as --year-end june", 2)
        return each.value
    try:
        return fiscal_length(each.value, year_end, pattern or "")
    except ValueError as error:
        fail(str(error), 2)


def report_span(period: str | None, first: str | None, last: str | None) -> "DateSpan":
    """Return the days of a report; without any, the last month. Days that contradict each other are a usage error."""
    from revrec.core.typed_dates import DateSpan

    if period is None and first is None:
        if last is not None:
            fail("--to needs --from, the first day of the report", 2)
        period = "last month"
    days = read_days(period, first, last if period or last else today().isoformat())
    begin, until = days["first"], days["last"]
    assert begin is not None and until is not None
    return DateSpan(_in_range(begin, "--from"), _in_range(until, "--to"))


def as_of(text: str | None) -> date:
    """Return the day of a report; today without one."""
    return _in_range(day(text, "--date") or today(), "--date")


def first_month(text: str | None, until: date) -> date:
    """Return the first month of a report; January of the year of ``until`` without one."""
    return _in_range(day(text, "--from", "first") or until.replace(month=1, day=1), "--from")


def _in_range(found: date, option: str) -> date:
    # The day before, or bands of months after it, would be outside the calendar.
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        fail(f"{option} {found}: reports are for days from {FIRST_YEAR} to {LAST_YEAR}", 2)
    return found


def words(text: str | None) -> tuple[str, ...]:
    """Return the words of an option, separated by commas."""
    return tuple(word for word in (text or "").replace(" ", "").split(",") if word)


def group_names(by: "Sequence[str] | None", default: str = "") -> tuple[str, ...]:
    """Return the fields of ``--by``, which can be repeated and can name several with commas."""
    return tuple(dict.fromkeys(name for text in by or () for name in words(text))) or words(default)


def group_fields(by: "Sequence[str] | None", default: str) -> str:
    """Return the fields of ``--by`` with commas between."""
    return ",".join(group_names(by, default))


def show_report(options: Options, report: "Report", limit: int, output: Path | None) -> None:
    """Print a report or write it to a file, and end with exit code 7 if one of its checks fails."""
    from revrec.cli.output import print_csv, writing_to

    # A report that does not tie out is written too: its differences are what a person has to see.
    output = output or options.output
    chosen = format_of(options.format, output)
    options = replace(options, format=chosen)
    if chosen and output and options.is_file:
        _save_as(report, chosen, output)
    else:
        with writing_to(output):
            if options.json:
                show_json(report)
            elif options.csv:
                print_csv(report.rows, report.columns)
            else:
                _show_tables(report, limit)
    if output:
        from revrec.cli.report_formats import save_digest

        save_digest(output)
    end_report(options, report)


def show_notes(header: "Mapping[str, Any]", file: TextIO | None = None) -> None:
    """Print the sentences about the days of a report."""
    for line in header.get("notes", ()):
        print(f"note: {line}", file=file)


def end_report(options: Options, report: "Report") -> None:
    """End with exit code 7 if a check of a report fails, after printing which where the output does not show it."""
    if options.csv or options.is_file:
        show_notes(report.header, sys.stderr)
    if report.ties_out:
        return
    if options.json or options.csv or options.is_file:
        _print_differences(report.differences)
    raise typer.Exit(DIFFERS)


def end_with_checks(options: Options, checks: "Sequence[Check]") -> None:
    """Print the checks that fail after a list, and end with exit code 7 if there are any."""
    failing = [check.as_row() for check in checks if check.difference]
    if options.json or options.csv:
        _print_differences(failing)
    else:
        show_checks(failing, len(checks))
    if failing:
        raise typer.Exit(DIFFERS)


def _print_differences(failing: "Sequence[Mapping[str, str]]") -> None:
    """Print the checks that fail on standard error, beside what goes to a file or a program."""
    for row in failing:
        print(f"{row['check']}: {row['left']} {row['currency']} against {row['right']}", file=sys.stderr)


def show_checks(failing: "Sequence[Mapping[str, str]]", count: int) -> None:
    """Print the checks that fail, or how many hold."""
    from revrec.cli.output import print_table

    print_table(failing, CHECKS, "Checks that fail", amounts=CHECKS[2:])
    if count and not failing:
        print("\n1 check holds" if count == 1 else f"\n{count} checks hold")


def _save_as(report: "Report", name: Format, output: Path) -> None:
    """Write a report to a file in one of the formats that are files."""
    from revrec.cli.report_formats import save_report

    try:
        save_report(report, name, output)
    except OSError as error:
        fail(f"{output}: cannot be written: {error.strerror or error}", 2)
    if name == "html":
        from revrec.cli.report_formats.page import rows_left_out

        if left_out := rows_left_out(report):
            print(f"revrec: warning: {output}: {left_out}; --format csv lists all rows", file=sys.stderr)


def show_json(report: "Report", facts: "RowFacts | None" = None) -> None:
    """Print a report as JSON: its header with the totals by currency, its rows and checks.

    ``facts`` are the facts of its rows, which are read for them otherwise.
    """
    from revrec.core.report import control_totals

    header = {key: str(value) if hasattr(value, "isoformat") else value for key, value in report.header.items()}
    checks = [check.as_row() for check in report.checks]
    header |= {"row_count": len(report.rows), "control_totals": control_totals(report, facts)}
    head, rest = (json.dumps(one, indent=2, ensure_ascii=False) for one in ({"header": header}, {"checks": checks}))
    # Row by row: the text of a long list would not fit into memory. Each of its rows has one line.
    is_long = len(report.rows) > MOST_INDENTED
    between = ", " if is_long else ",\n      "
    as_text, write = json.JSONEncoder(ensure_ascii=False, separators=(between, ": ")).encode, raw(sys.stdout).write
    write(harmless(f'{head[:-2]},\n  "rows": ['))
    for at, row in enumerate(report.rows):
        text = harmless(as_text(row))
        write(f"{',' if at else ''}\n    {text if is_long else text[1:-1].join(INDENTED)}")
    end = "\n  ]," if report.rows else "],"
    write(harmless(f"{end}{rest[1:]}\n"))


def _show_tables(report: "Report", limit: int) -> None:
    from revrec.cli.output import grouped, print_table

    print(f"{report.title}, {report.header['basis']} basis")
    if report.rows:
        print_table(
            report.rows, report.columns, amounts=(*report.amounts, *report.base), spare=report.spare, limit=limit
        )
        _show_bars(report)
    else:
        print(report.empty)
    signed = report.header.get("signed")
    if signed:
        print(f"\nsigned: {'; '.join(signed)}")
    if "last_reconciliation" in report.header:
        print(f"last reconciliation: {report.header['last_reconciliation']}")
    for line in report.header.get("left_out", ()):
        print(f"left out: {line}")
    for name, sums in report.header.get("memo", {}).items():
        words = ", ".join(f"{grouped(amount)} {one}" for one, amount in sums.items())
        print(f"memo: {name.replace('_', ' ')} {words or 0}")
    show_notes(report.header)
    effect = report.header.get("effect_on_revenue")
    if effect:
        print(
            "\nrevenue if all were settled: " + ", ".join(f"{grouped(amount)} {one}" for one, amount in effect.items())
        )
    show_checks(report.differences, len(report.checks))


def _show_bars(report: "Report") -> None:
    """Draw the chart of a report below its table, on a terminal that can show it."""
    if not sys.stdout.isatty() or "utf" not in (sys.stdout.encoding or "").lower():
        return
    from revrec.cli.output import show
    from revrec.cli.report_formats.bars import bar_chart
    from revrec.cli.terminal import terminal_width

    for currency in report.currencies:
        drawn = bar_chart(report, currency, terminal_width(sys.stdout))
        if drawn:
            title, bars = drawn
            print(f"\n{title}")
            show(bars)
