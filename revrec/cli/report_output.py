"""Print a report: rows and checks as tables, JSON or CSV; a check that fails ends with exit code 7."""

import json
import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.shared import LAST_DAY, Options, date_span, day, fail, today

if TYPE_CHECKING:
    from revrec.core.report import Report
    from revrec.core.typed_dates import DateSpan

DIFFERS = 7
CHECKS = ("check", "currency", "left", "right", "difference")

PeriodOption = Annotated[
    str | None, typer.Option("--period", metavar="P", help="The days: 2024-03, 2024-Q1, 2024, 'last month'.")
]
FromOption = Annotated[str | None, typer.Option("--from", metavar="D", help="First day; a month means its first day.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="D", help=f"Last day; {LAST_DAY}")]
ByOption = Annotated[
    str,
    typer.Option("--by", metavar="WHAT", help="billed, customer, item, entity, source, document, charge or rule."),
]
AsOfOption = Annotated[str | None, typer.Option("--date", metavar="D", help=f"The day; default today; {LAST_DAY}")]


class Each(StrEnum):
    """The length of the periods of a report; ``span`` is one period for all days."""

    month = "month"
    quarter = "quarter"
    year = "year"
    span = "span"


EachOption = Annotated[
    Each, typer.Option("--each", metavar="month|quarter|year|span", help="The length of a period; span is one.")
]


def report_span(period: str | None, first: str | None, last: str | None) -> "DateSpan":
    """Return the days of a report; without any, the last month. Days in the wrong order are a usage error."""
    from revrec.core.typed_dates import DateSpan

    if period is not None and (first is not None or last is not None):
        fail("--period cannot be combined with --from and --to", 2)
    if first is None and last is None:
        return date_span(period or "last month", "--period")
    begin, until = day(first, "--from", "first"), day(last, "--to") or today()
    if begin is None:
        fail("--to needs --from, the first day of the report", 2)
    if begin > until:
        fail(f"--from {begin} is after --to {until}", 2)
    return DateSpan(begin, until)


def words(text: str | None) -> tuple[str, ...]:
    """Return the words of an option, separated by commas."""
    return tuple(word for word in (text or "").replace(" ", "").split(",") if word)


def show_report(options: Options, report: "Report", limit: int = 0) -> None:
    """Print a report, and end with exit code 7 if one of its checks fails."""
    from revrec.cli.output import print_csv, print_table

    checks = [check.as_row() for check in report.checks]
    if options.json:
        header = {key: str(value) if hasattr(value, "isoformat") else value for key, value in report.header.items()}
        data = {"header": {**header, "row_count": len(report.rows)}, "rows": report.rows, "checks": checks}
        json.dump(data, sys.stdout, indent=2, ensure_ascii=False)
        print()
    elif options.csv:
        print_csv(report.rows, report.columns)
    else:
        print(f"{report.title}, {report.header['basis']} basis")
        if report.rows:
            print_table(report.rows, report.columns, amounts=report.amounts, spare=report.spare, limit=limit)
        else:
            print("nothing was billed, recognized or planned in these days")
        failed = [check.as_row() for check in report.checks if check.difference]
        print_table(failed, CHECKS, "Checks that fail", amounts=CHECKS[2:])
        if checks and not failed:
            print("\n1 check holds" if len(checks) == 1 else f"\n{len(checks)} checks hold")
    if not report.ties_out:
        for check in report.checks:
            if check.difference and (options.json or options.csv):
                row = check.as_row()
                print(f"{row['check']}: {row['left']} {row['currency']} against {row['right']}", file=sys.stderr)
        raise typer.Exit(DIFFERS)
