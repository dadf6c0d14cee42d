"""``revrec status``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.shared import LAST_DAY, Options, command, day
from revrec.core.harmless import harmless

if TYPE_CHECKING:
    import datetime

    from revrec.jobs.reports.status import BooksStatus
    from revrec.jobs.reports.undated import UndatedAmount

MOST_REASONS = 20
UNSCHEDULED, WAITING = "unscheduled", "waiting"


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "status")
    def status(
        options: Options,
        date: Annotated[
            str | None,
            typer.Option("--date", metavar="D", help=f"Count open schedule lines up to this day; {LAST_DAY}"),
        ] = None,
        check: Annotated[
            bool, typer.Option("--check", help="Print one line for monitors: OK, WARN or CRIT and why.")
        ] = False,
        prometheus: Annotated[
            Path | None,
            typer.Option("--prometheus", metavar="FILE", help="Write the figures to FILE for Prometheus, atomically."),
        ] = None,
    ) -> None:
        """Show what is open, failed or in doubt, and what to do.

        With --check, exit code 4 means that entries failed, need review, are in doubt, await approval or were not sent,
        that the last run stopped or did not finish, that charge lines have no rule or have waited for longer than
        [alerts] waiting_after, that documents of sources were not imported or a source could not be fetched, or, with
        --date, that something due on or before that day is not posted.

        \b
        Examples:
          revrec status
          revrec status --date 2024-03-31 --format json
          revrec status --check --date 2024-03-31
          revrec status --prometheus /var/lib/node_exporter/revrec.prom
        """
        from revrec.jobs.reports.status import status as look

        until = day(date, "--date")
        if check or prometheus:
            _watch(options, until, check, prometheus)
            return
        found = look(options.context(), until)
        if options.json:
            from revrec.cli.output import as_data, print_json

            print_json(as_data(found))
        elif options.csv:
            from revrec.cli.output import as_data, print_csv

            print_csv(
                as_data(found.attention),
                ("reference", "kind", "date", "state", "amount", "currency", "error_no", "error", "advice"),
            )
        else:
            _show(found)


def _watch(options: Options, until: "datetime.date | None", check: bool, prometheus: Path | None) -> None:
    """Print a line for monitors, write the file, or both. Failing to read the database also counts as critical."""
    from revrec.core.errors import RevrecError
    from revrec.jobs.reports.health import CRIT, OK, health

    try:
        now = health(options.context(), until)
    except RevrecError as error:
        if check:
            _line(options, CRIT, f"CRIT {' '.join(str(error).split())}", [str(error)])
        raise
    if prometheus:
        from revrec.jobs.reports.metrics import write_metrics

        write_metrics(prometheus, now)
    if check:
        _line(options, now.state, now.line, now.problems)
        if now.state != OK:
            raise typer.Exit(4)


def _line(options: Options, state: str, line: str, problems: Sequence[str]) -> None:
    if options.json:
        from revrec.cli.output import print_json

        print_json({"state": state, "line": line, "problems": problems})
    else:
        print(harmless(line))


def _show(found: "BooksStatus") -> None:
    """Print a short text without tables: loading rich would double the time that the command takes."""
    from revrec.cli.output import counted, grouped
    from revrec.core.posting import outcome_in_words
    from revrec.jobs.rules.files import RULES_ADVICE

    _say("charge lines", f"{found.charges:,}")
    _show_undated(found, UNSCHEDULED, found.unscheduled_reasons)
    if found.quarantined:
        _say("set aside", _set_aside(found))
    for total in found.open:
        span = f"{total.first} to {total.last}"
        _say("open", f"{counted(total.lines, 'schedule line')}, {grouped(total.amount)} {total.currency}, {span}")
    _show_undated(found, WAITING, found.waiting)
    for closed in found.closed_periods:
        what = f"{counted(closed.lines, 'line')} of {closed.period}, {grouped(closed.amount)} {closed.currency}"
        who = f" of {closed.entity}" if closed.entity else ""
        _say("closed", f"{what}{who}, policy {closed.policy}: {closed.reason}")
    _say("entries", _states(found.entries) or "none")
    if found.invoices:
        _say("invoices", _states(found.invoices))
    if found.adjustments:
        _say("adjusting entries", _states(found.adjustments))
    for awaiting in found.awaiting_invoice:
        what = f"{counted(awaiting.lines, 'schedule line')}, {grouped(awaiting.amount)} {awaiting.currency}"
        _say("not invoiced", f"{what}: recognition waits for the invoice of the document")
    _show_documents(found)
    for missing in found.missing:
        _say("missing revenue", str(missing))
    if found.rule_changes:
        _say("rules", f"{found.rule_changes}; {RULES_ADVICE}")
    run = found.last_run
    outcome = outcome_in_words(run.outcome or "did not finish") if run else ""
    _say("last run", f"{run.run} for {run.date} by {run.actor}: {outcome}" if run else "none")
    _show_attention(found)


def _say(label: str, text: str) -> None:
    print(harmless(f"{label:<18}{text}"))


def _set_aside(found: "BooksStatus") -> str:
    """Return the number of quarantined rows and their amounts: ``3 rows not imported, 24.00 USD; 1 without ...``."""
    from revrec.cli.output import counted, grouped

    amounts = "".join(f", {grouped(one.amount)} {one.currency}" for one in found.quarantined_amounts)
    rest = found.quarantined - sum(one.rows for one in found.quarantined_amounts)
    unread = f"; {rest:,} without an amount that can be read" if rest else ""
    return f"{counted(found.quarantined, 'row')} not imported{amounts}{unread}"


def _show_attention(found: "BooksStatus") -> None:
    """Print each posting that is not settled, with its error and what to do."""
    from revrec.cli.output import grouped
    from revrec.core.posting import state_in_words, without_error

    for posting in found.attention:
        what = f"{posting.reference}  {posting.date}  {grouped(posting.amount)} {posting.currency}"
        print(harmless(f"  {what}  {state_in_words(posting.state)}: {posting.error or without_error(posting.state)}"))
        if posting.advice:
            print(harmless(f"    {posting.advice}"))


def _show_documents(found: "BooksStatus") -> None:
    """Print the documents of sources that were not imported, and the sources that failed."""
    from revrec.core.harmless import one_line
    from revrec.jobs.reports.documents import documents_in_words

    if found.documents:
        counts = ", ".join(documents_in_words(one.state for one in found.documents))
        _say("documents", f"{counts}: revrec fetch list")
    for one in found.documents[:MOST_REASONS]:
        print(one_line(f"  {one.id}  {one.source}: {one.document}  {one.state}: {one.reason}"))
    if len(found.documents) > MOST_REASONS:
        print(f"  ... and {len(found.documents) - MOST_REASONS:,} more documents")
    for source in found.failed_sources:
        _say("sources", one_line(str(source)))


def _show_undated(found: "BooksStatus", kind: str, reasons: "Sequence[UndatedAmount]") -> None:
    """Print the total of undated amounts of one kind, then each reason with its amount."""
    from revrec.cli.output import counted, grouped
    from revrec.jobs.reports.undated import amount_in_words

    totals = [one for one in found.undated if one.kind == kind]
    if not totals:
        if kind == UNSCHEDULED:
            _say(kind, "0")
        return
    amounts = "; ".join(map(amount_in_words, totals))
    _say(kind, f"{counted(sum(one.charges for one in totals), 'charge line')}, {amounts}:")
    for why in reasons[:MOST_REASONS]:
        what = f"{counted(why.charges, 'charge line')}, {grouped(why.amount)} {why.currency} since {why.since}"
        example = ", for example" if why.charges > 1 else ""
        print(harmless(f"  {what}{example}: {why.reason}"))
    if len(reasons) > MOST_REASONS:
        print(f"  ... and {len(reasons) - MOST_REASONS:,} more reasons (--format json shows all)")


def _states(counts: dict[str, int]) -> str:
    from revrec.core.posting import state_in_words

    return ", ".join(f"{count:,} {state_in_words(state)}" for state, count in sorted(counts.items()))
