"""``revrec report costs``."""

from typing import Annotated

import typer

from revrec.cli.filters import LimitOption, OutputOption
from revrec.cli.report_output import (
    CustomerOption,
    Each,
    EachOption,
    FromOption,
    PeriodOption,
    ToOption,
    report_span,
    show_report,
    words,
)
from revrec.cli.shared import EntityOption, Options, command


def register(group: typer.Typer) -> None:
    """Add the report."""

    @command(group, "costs", "report")
    def costs(
        options: Options,
        period: PeriodOption = None,
        first: FromOption = None,
        last: ToOption = None,
        each: EachOption = Each.month,
        by: Annotated[
            str,
            typer.Option(
                "--by", metavar="WHAT", help="category, cost, account, entity, customer, item, document or charge."
            ),
        ] = "category",
        entity: EntityOption = None,
        customer: CustomerOption = None,
        limit: LimitOption = 0,
        output: OutputOption = None,
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
        """
        from revrec.jobs.reports.costs import CostOptions
        from revrec.jobs.reports.costs import costs as report

        wanted = CostOptions(report_span(period, first, last), each.value, words(by), entity, customer)
        show_report(options, report(options.context(), wanted), limit, output)
