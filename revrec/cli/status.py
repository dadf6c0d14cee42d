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

        With --check, exit code 4 means that entries failed, need review, are in doubt or were not sent, that the last
        run stopped or did not finish, or, with --date, that something due on or before that day is not posted.

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
        found = look(options.context(), until.isoformat() if until else None)
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
    from revrec.cli.output import counted, grouped, outcome_in_words, state_in_words

    print(f"charge lines   {found.charges:,}")
    waiting = found.unscheduled
    print(f"unscheduled    {waiting:,}{', waiting for an event or a rule:' if waiting else ''}")
    for why in found.unscheduled_reasons[:20]:
        example = "such as: " if why.charges > 1 else ""
        print(f"  {why.charges:,} x {example}{why.reason}")
    if found.quarantined:
        print(f"set aside      {counted(found.quarantined, 'row')} not imported")
    for total in found.open:
        span = f"{total.first} to {total.last}"
        print(f"open           {total.lines:,} schedule lines, {grouped(total.amount)} {total.currency}, {span}")
    for parts in found.waiting:
        example = "such as: " if parts.charges > 1 else ""
        amount = f"{grouped(parts.amount)} {parts.currency} of {counted(parts.charges, 'charge line')}"
        print(f"waiting        {amount}: {example}{parts.reason}")
    for closed in found.closed_periods:
        what = f"{counted(closed.lines, 'line')} of {closed.period}, {grouped(closed.amount)} {closed.currency}"
        who = f" of {closed.entity}" if closed.entity else ""
        print(harmless(f"closed         {what}{who}, policy {closed.policy}: {closed.reason}"))
    print(f"entries        {_states(found.entries) or 'none'}")
    if found.invoices:
        print(f"invoices       {_states(found.invoices)}")
    for awaiting in found.awaiting_invoice:
        what = f"{counted(awaiting.lines, 'schedule line')}, {grouped(awaiting.amount)} {awaiting.currency}"
        print(f"not invoiced   {what}: recognition waits for the invoice of the document")
    run = found.last_run
    outcome = outcome_in_words(run.outcome or "did not finish") if run else ""
    last = f"{run.run} for {run.date} by {run.actor}: {outcome}" if run else "none"
    print(harmless(f"last run       {last}"))
    for posting in found.attention:
        what = f"{posting.reference}  {posting.date}  {grouped(posting.amount)} {posting.currency}"
        print(harmless(f"  {what}  {state_in_words(posting.state)}: {posting.error or _without_error(posting.state)}"))
        if posting.advice:
            print(harmless(f"    {posting.advice}"))


def _states(counts: dict[str, int]) -> str:
    from revrec.cli.output import state_in_words

    return ", ".join(f"{count:,} {state_in_words(state)}" for state, count in sorted(counts.items()))


def _without_error(state: str) -> str:
    return "it may have been sent; the next run reads Intacct back" if state == "sending" else "not sent yet"
