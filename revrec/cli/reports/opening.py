"""``revrec report opening``."""

from typing import Annotated

import typer

from revrec.cli.filters import OutputOption
from revrec.cli.report_output import show_report
from revrec.cli.shared import Options, command, day


def register(group: typer.Typer) -> None:
    """Add the report."""

    @command(group, "opening", "report")
    def opening(
        options: Options,
        cutover: Annotated[
            str | None, typer.Option("--cutover", metavar="D", help="The cutover; default: the only one of the books.")
        ] = None,
        sign: Annotated[
            str | None, typer.Option("--sign", metavar="TEXT", help="Sign the figures, with these words as evidence.")
        ] = None,
        output: OutputOption = None,
    ) -> None:
        """Compare opening balances at a cutover with the ledger.

        For each deferred account and currency, the original amounts less what was recognized before the cutover must
        be the balance in Intacct on the day before it, credits positive. It is the sum of all posted lines on the
        account, in the currency of the transaction. --sign records in the audit trail who signed the figures, with
        their SHA-256; nothing is signed if a balance differs. Exit code 7 means that a balance differs.

        \b
        Examples:
          revrec report opening
          revrec report opening --cutover 2024-01-01 --sign "agrees with the closing trial balance"
        """
        from revrec.jobs.reconciling import opening as job

        context, wanted = options.context(), day(cutover, "--cutover")
        found = job.opening(context, wanted) if sign is None else job.sign(context, wanted, sign)
        show_report(options, found, 0, output)
