"""``revrec report costs``."""

from typing import Annotated

import typer

from revrec.cli.filters import CHARGE_FILTERS, LimitOption, list_command
from revrec.cli.report_output import (
    DrillOption,
    Each,
    EachOption,
    FromOption,
    PatternOption,
    PeriodOption,
    ToOption,
    YearEndOption,
    by_option,
    group_names,
    length_of,
    report_span,
    show_report,
)
from revrec.cli.shared import Options
from revrec.core.filters import Filters

FIELDS = "category, cost, account, entity, customer, item, document or charge"


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "costs", "report", filters=CHARGE_FILTERS, saves=True)
    def costs(
        options: Options,
        filters: Filters,
        period: PeriodOption = None,
        first: FromOption = None,
        last: ToOption = None,
        each: EachOption = Each.month,
        year_end: YearEndOption = None,
        pattern: PatternOption = None,
        by: Annotated[
            list[str] | None,
            by_option(FIELDS, "category"),
        ] = None,
        drill: DrillOption = None,
        limit: LimitOption = 0,
    ) -> None:
        """Show how deferred costs moved in each period.

        For each category of costs that rules name in [[rule.cost]]: the opening balance, what was capitalized,
        amortized and impaired, and the closing balance, with the part of it that is expensed more than a year later.
        What is amortized and impaired is compared with the accounts of the journal. Reads only. Exit code 7 means that
        a check fails.

        \b
        Examples:
          revrec report costs --period 2024-Q1
          revrec report costs --from 2024-01 --to 2024-12 --each quarter --by cost,customer
          revrec report costs --period 2024-Q1 --each span --drill category=fulfill,column=amortized
        """
        from revrec.jobs.reports.costs import CostOptions
        from revrec.jobs.reports.costs import costs as report

        context = options.context()
        wanted = CostOptions(
            report_span(period, first, last), length_of(each, year_end, pattern), group_names(by, "category"), filters
        )
        found = report(context, wanted)
        if drill:
            from revrec.jobs.reports import drill as job

            by_charge = wanted._replace(by=tuple(dict.fromkeys((*wanted.by, job.CHARGE))))
            found = job.drill(context, found, drill, lambda: report(context, by_charge))
        show_report(options, found, limit, None)
