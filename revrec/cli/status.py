"""``revrec status``."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.shared import Options, command, day
from revrec.core.harmless import harmless

if TYPE_CHECKING:
    import datetime


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "status")
    def status(
        options: Options,
        date: Annotated[
            str | None, typer.Option("--date", metavar="D", help="Count open schedule lines up to this day.")
        ] = None,
        check: Annotated[
            bool, typer.Option("--check", help="One line for monitors: OK, WARN or CRIT and why.")
        ] = False,
        prometheus: Annotated[
            Path | None,
            typer.Option("--prometheus", metavar="FILE", help="Write the figures to FILE for Prometheus, in one step."),
        ] = None,
    ) -> None:
        """Show what waits, is in doubt, failed, and what to do.

        With --check, exit code 4 says that entries failed, are held, in doubt or waiting, that the last run stopped or
        did not end, or, with --date, that something of that day or before is not posted.

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
            from revrec.cli.output import print_json

            print_json(found)
        elif options.csv:
            from revrec.cli.output import print_csv

            print_csv(
                found["attention"],
                ("reference", "kind", "date", "state", "amount", "currency", "error_no", "error", "advice"),
            )
        else:
            _show(found)


def _watch(options: Options, until: "datetime.date | None", check: bool, prometheus: Path | None) -> None:
    """For monitors: a line, a file, or both. What keeps us from looking is critical too."""
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


def _show(found: dict[str, Any]) -> None:
    """A short text without tables, so that the command starts at once."""
    from revrec.cli.output import counted, grouped

    print(f"charge lines   {found['charges']:,}")
    waiting = found["unscheduled"]
    print(f"unscheduled    {waiting:,}{', waiting for an event or a rule:' if waiting else ''}")
    for one in found["unscheduled_reasons"][:20]:
        example = "such as: " if one["charges"] > 1 else ""
        print(f"  {one['charges']:,} x {example}{one['reason']}")
    if found["quarantined"]:
        print(f"set aside      {counted(found['quarantined'], 'row')} that could not be imported")
    for one in found["open"]:
        span = f"{one['first']} to {one['last']}"
        print(f"open           {one['lines']:,} schedule lines, {grouped(one['amount'])} {one['currency']}, {span}")
    for one in found["waiting"]:
        example = "such as: " if one["charges"] > 1 else ""
        amount = f"{grouped(one['amount'])} {one['currency']} of {counted(one['charges'], 'charge line')}"
        print(f"waiting        {amount}: {example}{one['reason']}")
    for one in found["closed_periods"]:
        what = f"{counted(one['lines'], 'line')} of {one['period']}, {grouped(one['amount'])} {one['currency']}"
        who = f" of {one['entity']}" if one["entity"] else ""
        print(harmless(f"closed         {what}{who}, policy {one['policy']}: {one['reason']}"))
    states = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in sorted(found["entries"].items()))
    print(f"entries        {states or 'none'}")
    if found["invoices"]:
        told = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in sorted(found["invoices"].items()))
        print(f"invoices       {told}")
    for one in found["awaiting_invoice"]:
        what = f"{counted(one['lines'], 'schedule line')}, {grouped(one['amount'])} {one['currency']}"
        print(f"not invoiced   {what}: recognition waits for the invoice of the document")
    run = found["last_run"]
    outcome = (run["outcome"] or "did not end").replace("_", " ") if run else ""
    told = f"{run['run']} for {run['date']} by {run['actor']}: {outcome}" if run else "none"
    print(harmless(f"last run       {told}"))
    for one in found["attention"]:
        what = f"{one['reference']}  {one['date']}  {grouped(one['amount'])} {one['currency']}"
        print(harmless(f"  {what}  {one['state'].replace('_', ' ')}: {one['error'] or _without_error(one['state'])}"))
        if one["advice"]:
            print(harmless(f"    {one['advice']}"))


def _without_error(state: str) -> str:
    return "it may have been sent; the next run reads Intacct back" if state == "sending" else "not sent yet"
