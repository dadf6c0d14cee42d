"""``revrec report exchange``."""

from typing import Annotated

import typer

from revrec.cli.adjustments import PostDryRunOption, show_adjustments
from revrec.cli.filters import CHARGE_FILTERS, list_command
from revrec.cli.posting_results import WaitOption
from revrec.cli.report_output import AsOfOption, DrillOption, as_of, show_report
from revrec.cli.shared import Options, YesOption, confirmed, fail, span
from revrec.core.filters import NO_FILTERS, Filters


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "exchange", "report", filters=CHARGE_FILTERS, saves=True)
    def exchange(
        options: Options,
        filters: Filters,
        date: AsOfOption = None,
        by: Annotated[str, typer.Option("--by", metavar="account|charge", help="What the rows are.")] = "account",
        drill: DrillOption = None,
        post: Annotated[
            bool, typer.Option("--post", help="Post what is not posted yet to Intacct, dated with the day.")
        ] = False,
        dry_run: PostDryRunOption = False,
        wait: WaitOption = "0 s",
        yes: YesOption = False,
    ) -> None:
        """Show what exchange rates leave on deferred accounts.

        Revenue in another currency that is earned before it is billed is posted at the rate of its day, and the invoice
        at its own rate. In the currency of the transaction the deferred account is settled then; in base currency the
        difference stays. Above zero it is a credit that stays: an exchange gain (ASC 830-20-35). It is computed for the
        charge lines that are billed by the day, with the rates of the file that [gateway] names in rates. Each bill of
        a contract line clears the earliest revenue that is not billed. Filters select charge lines, and
        --account selects a deferred account.

        --post moves what is not posted yet from the deferred accounts to [exchange] gain_or_loss_account, with one
        entry in base currency for each charge line. Running it again posts nothing twice. A day after today must be
        confirmed: on a terminal, or with --yes. Exit code 4 means that something is left to settle.

        \b
        Examples:
          revrec report exchange --date 2024-03-31
          revrec report exchange --date 2024-03-31 --by charge --customer C-ADA
          revrec report exchange --date 2024-03-31 --drill account=2400,column=difference
          revrec report exchange --date 2024-03-31 --post --dry-run
          revrec report exchange --date 2024-03-31 --post
        """
        if dry_run and not post:
            fail("--dry-run is for --post", 2)
        if post and options.known is not None:
            fail("--post cannot be combined with --known: it posts the differences as they are known now", 2)
        if post and (drill or filters != NO_FILTERS):
            fail("--post posts the differences of all charge lines: leave out the filters and --drill", 2)
        context, until = options.context(), as_of(date)
        if not post:
            from revrec.jobs.reports.exchange import exchange as report
            from revrec.jobs.reports.exchange_drill import drill_exchange

            found = drill_exchange(context, until, by, drill, filters) if drill else report(context, until, by, filters)
            show_report(options, found, 0, None)
            return
        from revrec.jobs.running.exchange import post_exchange
        from revrec.jobs.running.guards import after_today

        confirmed([] if dry_run or yes else after_today(context, until))
        show_adjustments(options, post_exchange(context, until, dry_run, span(wait, "--wait")))
