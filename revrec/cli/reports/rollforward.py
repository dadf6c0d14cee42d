"""``revrec report rollforward``."""

from typing import Annotated

import typer

from revrec.cli.filters import CHARGE_FILTERS, BasisOption, LimitOption, list_command
from revrec.cli.report_output import (
    AgainstOption,
    BaseOption,
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
from revrec.core.filters import Basis, Filters

FIELDS = "Also by entity, customer, item, source, rule, document, contract, charge or dimensions.NAME"


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "rollforward", "report", filters=CHARGE_FILTERS, saves=True)
    def rollforward(
        options: Options,
        filters: Filters,
        period: PeriodOption = None,
        first: FromOption = None,
        last: ToOption = None,
        each: EachOption = Each.month,
        year_end: YearEndOption = None,
        pattern: PatternOption = None,
        by: Annotated[list[str] | None, by_option(FIELDS)] = None,
        basis: BasisOption = Basis.ledger,
        drill: DrillOption = None,
        against: AgainstOption = None,
        split: Annotated[
            bool, typer.Option("--split", help="Also show contract liabilities and assets, netted by contract.")
        ] = False,
        current: Annotated[
            bool, typer.Option("--current", help="Also show the noncurrent part of the liabilities, and how it moved.")
        ] = False,
        memo: Annotated[
            bool, typer.Option("--memo", help="Also show what is not posted, waits, or is constrained on the last day.")
        ] = False,
        base: BaseOption = False,
        limit: LimitOption = 0,
    ) -> None:
        """Show how deferred revenue moved in each period.

        For each period and deferred account: the opening balance, what was billed and credited, other changes of
        prices, what was recognized, and the closing balance, which is the opening of the next period. Revenue is split
        into what was in the opening liability (ASC 606-10-50-8(b)), what was billed in the period, and what was taken
        back. With --basis earned, revenue counts on the day on which it is earned, posted or not, as known now also in
        closed months. Filters select charge lines, and --account selects a deferred account. Reads only. Exit code 7
        means that a check fails.

        \b
        Examples:
          revrec report rollforward --period 2024-Q1
          revrec report rollforward --from 2024-01 --to 2024-04 --each span --by customer
          revrec report rollforward --period 2024-03 --customer C-ADA --item MAG-01
          revrec report rollforward --from 2023-07 --to 2024-06 --each quarter --year-end june
          revrec report rollforward --period 2024-03 --base
          revrec report rollforward --period 2024-Q1 --each span --split --current
          revrec report rollforward --period 2024-03 --format csv --output rollforward.csv
        """
        from revrec.jobs.reports.rollforward import RollforwardOptions
        from revrec.jobs.reports.rollforward import rollforward as report

        span = report_span(period, first, last)
        context = options.context()
        wanted = RollforwardOptions(
            span, length_of(each, year_end, pattern), group_names(by), filters, basis, base, split, current, memo
        )
        found = report(context, wanted)
        if drill:
            from revrec.jobs.reports import drill as job

            by_charge = wanted._replace(base=False, memo=False, by=tuple(dict.fromkeys((*wanted.by, job.CHARGE))))
            found = job.drill(context, found, drill, lambda: report(context, by_charge))
        if against:
            from revrec.jobs.reports.frozen import against_frozen

            found = against_frozen(context, found, span)
        show_report(options, found, limit, None)
