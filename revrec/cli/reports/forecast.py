"""``revrec report forecast``."""

from enum import StrEnum
from typing import Annotated

import typer

from revrec.cli.filters import CHARGE_FILTERS, LimitOption, list_command
from revrec.cli.report_output import (
    OF_CHARGES,
    DrillOption,
    FromOption,
    PeriodOption,
    ToOption,
    by_option,
    group_fields,
    report_span,
    show_report,
)
from revrec.cli.shared import Options, fail
from revrec.core.filters import Filters
from revrec.core.report import SINGLE


class Included(StrEnum):
    """What a forecast can include beside the plan."""

    held = "held"


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "forecast", "report", filters=CHARGE_FILTERS, saves=True)
    def forecast(
        options: Options,
        filters: Filters,
        period: PeriodOption = None,
        first: FromOption = None,
        last: ToOption = None,
        baseline: Annotated[
            str | None,
            typer.Option(
                "--baseline",
                metavar="T",
                help="The plan of this day (its end), time or audit event; default: at the close of the day before.",
            ),
        ] = None,
        by: Annotated[list[str] | None, by_option(f"{OF_CHARGES}, or change", "item")] = None,
        include: Annotated[
            Included | None,
            typer.Option("--include", metavar="held", help="Also show what holds have stopped of these days."),
        ] = None,
        drill: DrillOption = None,
        limit: LimitOption = 0,
    ) -> None:
        """Compare the revenue of some days with the plan.

        The baseline is what the schedules planned for these days when the day before them was closed; the default days
        are the last month. The difference to what posted entries recognized is split by cause: new charge lines,
        events, changes of prices, allocations, other rule versions, other changes; what is planned and not posted, what
        is dated on other days than it was earned on, and what was reversed. --by change lists each change with its
        charge line. --include held adds what holds have stopped, by its planned days, and the revenue if all holds were
        released. Reads only. Exit code 7 means that a check fails.

        \b
        Examples:
          revrec report forecast --period 2024-04
          revrec report forecast --period 2024-04 --baseline 2024-03-31 --by change
          revrec report forecast --period 2024-05 --baseline 2024-03-31 --include held
        """
        from revrec.jobs.reports.forecast import forecast as report

        context, span, fields = options.context(), report_span(period, first, last), group_fields(by, "item")
        if include and fields == SINGLE:
            fail("--include held: what is held is no change of the plan: leave --by change out", 2)
        held = include is not None
        found = report(context, span, fields, baseline, filters, held)
        if drill:
            from revrec.jobs.reports import drill as job

            wanted = job.also_by_charge(fields)
            found = job.drill(context, found, drill, lambda: report(context, span, wanted, baseline, filters, held))
        show_report(options, found, limit, None)
