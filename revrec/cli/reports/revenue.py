"""``revrec report revenue``."""

from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.filters import CHARGE_FILTERS, BasisOption, LimitOption, list_command
from revrec.cli.report_output import (
    OF_CHARGES,
    DrillOption,
    Each,
    EachOption,
    FromOption,
    PatternOption,
    PeriodOption,
    ToOption,
    YearEndOption,
    by_option,
    group_fields,
    length_of,
    report_span,
    show_report,
)
from revrec.cli.shared import Options, fail
from revrec.core.filters import Basis, Filters

if TYPE_CHECKING:
    from revrec.core.report import Report


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "revenue", "report", filters=CHARGE_FILTERS, saves=True)
    def revenue(
        options: Options,
        filters: Filters,
        period: PeriodOption = None,
        first: FromOption = None,
        last: ToOption = None,
        each: EachOption = Each.month,
        year_end: YearEndOption = None,
        pattern: PatternOption = None,
        basis: BasisOption = Basis.ledger,
        drill: DrillOption = None,
        by: Annotated[list[str] | None, by_option(f"timing, {OF_CHARGES}", "item")] = None,
        segments: Annotated[
            str | None, typer.Option("--segments", metavar="FIELD", help="A column for each value of this field.")
        ] = None,
        limit: LimitOption = 0,
    ) -> None:
        """Show recognized revenue by period and category.

        Revenue is what posted entries recognize, by their dates. With --basis earned, it is what the schedules in force
        earn, posted or not, by the days on which it is earned, as known now also in closed months. --by timing shows
        what is recognized over time and at a point in time: a rule says it by transfer, or its method decides.
        --segments reconciles the categories to segments. Reads only. Exit code 7 means that a check fails.

        \b
        Examples:
          revrec report revenue --period 2024-Q1
          revrec report revenue --from 2024-01 --to 2024-12 --each quarter --by customer,item
          revrec report revenue --period 2024-Q1 --each span --by timing
          revrec report revenue --from 2024-03 --to 2024-04 --basis earned
          revrec report revenue --period 2024-Q1 --each span --by timing --segments dimensions.department
          revrec report revenue --period 2024-Q1 --each span --customer C-ADA
        """
        from revrec.jobs.reports.revenue import by_segment
        from revrec.jobs.reports.revenue import revenue as report

        context, span, fields = options.context(), report_span(period, first, last), group_fields(by, "item")
        length = length_of(each, year_end, pattern)
        if segments:
            _check_segments(segments, fields)

        def made(by: str) -> "Report":
            every = f"{by},{segments}" if segments else by
            found = report(context, span, length, every, basis, filters)
            return by_segment(found, by, segments) if segments else found

        found = made(fields)
        if drill:
            from revrec.jobs.reports import drill as job

            wanted = job.also_by_charge(fields)
            found = job.drill(context, found, drill, lambda: made(wanted))
        show_report(options, found, limit, None)


def _check_segments(segments: str, by: str) -> None:
    """Refuse segments by several fields, by a field that the rows have, or by one that charge lines do not have."""
    from revrec.jobs.reports.remaining import GROUPS, check_group
    from revrec.jobs.reports.revenue import TIMING

    if "," in segments:
        fail(f"--segments {segments}: name one field, such as --segments customer", 2)
    if segments in by.split(","):
        fail(f"--segments {segments}: --by has it too, and its values are either rows or columns", 2)
    check_group("revenue", segments, (*GROUPS, TIMING), "--segments")
