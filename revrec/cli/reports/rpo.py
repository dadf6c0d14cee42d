"""``revrec report rpo``."""

from typing import Annotated

import typer

from revrec.cli.filters import CHARGE_FILTERS, LimitOption, list_command
from revrec.cli.report_output import (
    OF_CHARGES,
    AgainstOption,
    AsOfOption,
    DrillOption,
    as_of,
    by_option,
    group_fields,
    show_report,
)
from revrec.cli.shared import Options, fail
from revrec.core.filters import Filters


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "rpo", "report", filters=CHARGE_FILTERS, saves=True)
    def rpo(
        options: Options,
        filters: Filters,
        date: AsOfOption = None,
        bands: Annotated[
            str, typer.Option("--bands", metavar="BANDS", help="Months after the day, or quarters or years.")
        ] = "12,24",
        year_end: Annotated[
            str | None,
            typer.Option("--year-end", metavar="END", help="End of the fiscal year, such as june, for years."),
        ] = None,
        whole: Annotated[bool, typer.Option("--whole", help="Round the amounts to whole units.")] = False,
        by: Annotated[list[str] | None, by_option(OF_CHARGES, "entity")] = None,
        against: AgainstOption = None,
        drill: DrillOption = None,
        limit: LimitOption = 0,
    ) -> None:
        """Show remaining performance obligations.

        They are what is contracted and not recognized yet. For each group: the amounts by when they are expected to be
        recognized, what waits for an event without a date, the total, and how much of it is billed. Percentages add up
        to 100, and amounts that --whole rounds add up to their total. Bands of quarters are calendar quarters. Filters
        select charge lines. Reads only. Exit code 7 means that a check fails.

        \b
        Examples:
          revrec report rpo --date 2024-03-31
          revrec report rpo --date 2024-03-31 --bands 3,6,12,24 --by customer
          revrec report rpo --date 2024-03-31 --bands "5 years" --year-end june --whole
          revrec report rpo --date 2024-03-31 --customer C-ADA --by charge
        """
        from revrec.core.bands import read_bands
        from revrec.jobs.reports.remaining_obligations import remaining_obligations

        if whole and (drill or against):
            fail("--whole rounds the figures: it cannot be combined with --drill or --against", 2)
        context, until, fields = options.context(), as_of(date), group_fields(by, "entity")
        try:
            ends = read_bands(bands, until, year_end or "")
        except ValueError as error:
            fail(str(error), 2)
        found = remaining_obligations(context, until, fields, ends, filters, whole)
        if drill:
            from revrec.jobs.reports import drill as job

            wanted = job.also_by_charge(fields)
            found = job.drill(
                context, found, drill, lambda: remaining_obligations(context, until, wanted, ends, filters)
            )
        if against:
            from revrec.core.typed_dates import DateSpan
            from revrec.jobs.reports.frozen import against_frozen

            found = against_frozen(context, found, DateSpan(until.replace(day=1), until))
        show_report(options, found, limit, None)
