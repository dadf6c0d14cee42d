"""``revrec report exchange``."""

from typing import Annotated

import typer

from revrec.cli.filters import OutputOption
from revrec.cli.report_output import AsOfOption, as_of, show_report
from revrec.cli.shared import Options, command


def register(group: typer.Typer) -> None:
    """Add the report."""

    @command(group, "exchange", "report")
    def exchange(
        options: Options,
        date: AsOfOption = None,
        by: Annotated[str, typer.Option("--by", metavar="account|charge", help="What the rows are.")] = "account",
        output: OutputOption = None,
    ) -> None:
        """Show what exchange rates leave on deferred accounts.

        Revenue in another currency that is earned before it is billed is posted at the rate of its day, and the invoice
        at its own rate. In the currency of the transaction the deferred account is settled then; in base currency the
        difference stays. Above zero it is a credit that stays: an exchange gain (ASC 830-20-35). It is computed for the
        charge lines that are billed by the day, with the rates of the file that [gateway] names in rates. Each bill of
        a contract line clears the earliest revenue that is not billed.

        \b
        Examples:
          revrec report exchange --date 2024-03-31
          revrec report exchange --date 2024-03-31 --by charge
        """
        from revrec.jobs.reports import exchange as job

        show_report(options, job.exchange(options.context(), as_of(date), by), 0, output)
