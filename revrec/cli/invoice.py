"""``revrec invoice``."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.filters import LIMIT, LimitOption
from revrec.cli.posting_results import WaitOption, end_unless_complete, show_errors
from revrec.cli.shared import LAST_DAY, Options, YesOption, command, confirmed, day, span
from revrec.core.harmless import harmless

if TYPE_CHECKING:
    from revrec.jobs.invoicing.unknown_records import CheckedInvoices
    from revrec.jobs.running.result import RunResult

MOST_FINDINGS = 20
"""The most charge lines with a missing record that are printed."""
COLUMNS = ("reference", "kind", "number", "date", "customer", "currency", "lines", "amount", "term", "status")
KEYS = (*COLUMNS, "record_no", "source", "document", "error_no", "error", "advice")
COUNTS = ("posted", "failed", "in_doubt", "held", "waiting")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "invoice")
    def invoice(
        options: Options,
        date: Annotated[
            str,
            typer.Option("--date", metavar="D", help=f"Invoice what was billed on or before this day; {LAST_DAY}"),
        ],
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Show and check the invoices without sending or saving them.")
        ] = False,
        wait: WaitOption = "0 s",
        yes: YesOption = False,
        limit: LimitOption = LIMIT,
    ) -> None:
        """Post the invoices that are due to Intacct, each exactly once.

        Sources with an [invoice.SOURCE] table are invoiced: each document becomes a sales order that is converted to a
        sales invoice, or a plain invoice that credits the deferred revenue account. If the price of an invoiced line
        falls later, a credit memo follows. Running it again posts nothing twice; what a person has to settle is listed
        each time. `revrec run` does this first. A day after today must be confirmed: on a terminal, or with --yes. Exit
        code 4 means that something is left to settle.

        With --dry-run, customers, items and transaction definitions are looked up in Intacct. Each charge line whose
        record is missing, inactive or without a payment term is shown with its file and row, and the exit code is 7.

        \b
        Examples:
          revrec invoice --date 2024-03-28 --dry-run
          revrec invoice --date 2024-03-28
          revrec invoice --date 2024-03-28 --format json
        """
        from revrec.jobs.invoicing.unknown_records import check_invoices
        from revrec.jobs.running.guards import after_today
        from revrec.jobs.running.run import INVOICES, run

        due = day(date, "--date")
        assert due is not None
        context = options.context()
        confirmed([] if dry_run or yes else after_today(context, due))
        result = run(context, due, dry_run, span(wait, "--wait"), parts=(INVOICES,))
        checked = check_invoices(context, result.invoiced_records)
        _show(options, result, checked, limit)
        end_unless_complete(result, result.complete)
        if checked.unknown:
            raise typer.Exit(7)


def _show(options: Options, result: "RunResult", checked: "CheckedInvoices", limit: int) -> None:
    from revrec.cli.output import as_data, conclude, print_csv, print_json

    if options.json:
        counts = dict.fromkeys(COUNTS, 0) | result.invoice_counts
        head = {"run": result.run, "date": result.date, "invoices": result.invoices, **counts}
        print_json({**head, "unknown_records": as_data(checked.unknown), "not_looked_up": checked.failed})
    elif options.csv:
        print_csv(result.invoices, KEYS)
    else:
        show_invoices(result, limit)
        conclude(_summary(result), bool(result.invoices))
    _show_unknown(checked)


def _show_unknown(checked: "CheckedInvoices") -> None:
    """Print each charge line whose customer, item or definition Intacct does not have, on standard error."""
    found = [record.at(line) for record in checked.unknown for line in record.lines]
    for text in found[:MOST_FINDINGS]:
        print(harmless(text), file=sys.stderr)
    if len(found) > MOST_FINDINGS:
        print(f"... and {len(found) - MOST_FINDINGS:,} more (--format json shows all)", file=sys.stderr)
    if checked.failed:
        print(f"revrec: warning: records were not looked up in Intacct: {harmless(checked.failed)}", file=sys.stderr)


def show_invoices(result: "RunResult", limit: int) -> None:
    """Print at most ``limit`` invoices of a run as a table (0: all), and errors on standard error."""
    from revrec.cli.output import print_table
    from revrec.core.invoice import kind_in_words
    from revrec.core.posting import state_in_words

    rows = [
        {**one, "kind": kind_in_words(str(one["kind"])), "status": state_in_words(str(one["status"]))}
        for one in result.invoices
    ]
    print_table(
        rows, COLUMNS, right=("lines",), spare=("lines", "term", "kind"), limit=limit, noun=("invoice", "invoices")
    )
    show_errors(result.invoices, "document")


def _summary(result: "RunResult") -> str:
    from revrec.cli.output import counted, counts_in_words
    from revrec.core.posting import needs_review

    if result.dry_run:
        wrong = result.invoice_counts["held"]
        review = f", {needs_review(wrong)}" if wrong else ""
        sent = f"{counted(len(result.invoices) - wrong, 'document')} would be sent"
        return f"dry run for {result.date}: {sent}{review}; nothing was written"
    if not result.invoices and not any(result.invoice_counts.values()):
        return f"run {result.run} for {result.date}: nothing left to invoice"
    return f"run {result.run} for {result.date}: invoices {', '.join(counts_in_words(result.invoice_counts))}"
