"""``revrec report opening``."""

from typing import Annotated

import typer

from revrec.cli.filters import list_command
from revrec.cli.report_output import DrillOption, show_report
from revrec.cli.shared import Options, day, fail
from revrec.core.filters import Filters

WHY = "it compares accounts with Intacct's ledger, which has no charge lines; use --account, --entity or --currency"


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "opening", "report", filters=("account", "entity", "currency"), saves=True, refused=WHY)
    def opening(
        options: Options,
        filters: Filters,
        cutover: Annotated[
            str | None, typer.Option("--cutover", metavar="D", help="The cutover; default: the only one of the books.")
        ] = None,
        sign: Annotated[
            str | None, typer.Option("--sign", metavar="TEXT", help="Sign the figures, with these words as evidence.")
        ] = None,
        drill: DrillOption = None,
    ) -> None:
        """Compare opening balances at a cutover with the ledger.

        For each deferred account and currency, the original amounts less what was recognized before the cutover must
        be the balance in Intacct on the day before it, credits positive. It is the sum of all posted lines on the
        account, in the currency of the transaction. --sign records in the audit trail who signed the figures, with
        their SHA-256; nothing is signed if a balance differs. --drill lists the charge lines and the entries in Intacct
        behind a figure. Exit code 7 means that a balance differs.

        \b
        Examples:
          revrec report opening
          revrec report opening --drill account=2400,column=ledger
          revrec report opening --cutover 2024-01-01 --sign "agrees with the closing trial balance"
        """
        from revrec.jobs.reconciling import opening as job

        wanted = job.OpeningOptions(day(cutover, "--cutover"), filters.account, filters.entity, filters.currency)
        if sign is not None and (drill or wanted != job.OpeningOptions(wanted.cutover)):
            fail("--sign signs all opening balances: leave out --account, --entity, --currency and --drill", 2)
        context = options.context()
        if sign is not None:
            found = job.sign(context, wanted.cutover, sign)
        else:
            found = job.drill_opening(context, wanted, drill) if drill else job.opening(context, wanted)
        show_report(options, found, 0, None)
