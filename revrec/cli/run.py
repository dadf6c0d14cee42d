"""``revrec run``."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.shared import Options, command, day, fail, span

if TYPE_CHECKING:
    from revrec.jobs.run import RunResult

COLUMNS = ("reference", "date", "journal", "entity", "currency", "lines", "amount", "status", "record_no")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "run")
    def run(
        options: Options,
        date: Annotated[
            str, typer.Option("--date", help="Post all that is due on or before it.", metavar="D", show_default=False)
        ],
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Make the entries and throw them away.")] = False,
        wait: Annotated[str, typer.Option("--wait", help="How long to wait for another run to end.")] = "0 s",
    ) -> None:
        """Post the journal entries that are due, deferred to accrued, to Intacct; each exactly once.

        Running it again posts nothing twice. Entries that Intacct refuses are kept with their error and advice, and
        tried again by the next run; the others go on. Exit code 4 says that something is left to settle.

        \b
        revrec run --date 2024-03-31 --dry-run
        revrec run --date 2024-03-31
        """
        from revrec.jobs.run import run as post

        due = day(date, "--date")
        assert due is not None
        result = post(options.context(), due, dry_run, span(wait, "--wait"))
        _show(options, result)
        _end(result)


def _show(options: Options, result: "RunResult") -> None:
    from revrec.cli.output import print_csv, print_json, print_table

    if options.json:
        print_json({"run": result.run, "date": result.date, "entries": result.entries, **result.counts})
        return
    if options.format == "csv":
        print_csv(result.entries, (*COLUMNS, "error_no", "error", "advice"))
        return
    print_table(result.entries, COLUMNS, right=("lines", "amount"))
    for entry in result.entries:
        if entry["error"]:
            print(f"{entry['reference']}: {entry['error_no'] or ''} {entry['error']}", file=sys.stderr)
            print(f"  advice: {entry['advice'] or 'see revrec trace ' + str(entry['reference'])}", file=sys.stderr)
    words = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in result.counts.items())
    print(
        f"dry run for {result.date}: {len(result.entries)} entries would be posted"
        if result.dry_run
        else f"run {result.run} for {result.date}: {words}"
    )


def _end(result: "RunResult") -> None:
    """The exit code: 5 if only new credentials help, 4 if anything is left to settle."""
    if result.stopped is not None:
        code = 5 if result.stopped.error_class == "needs_sign_in" else 4
        fail(f"stopped: {result.stopped.advice}", code)
    if not result.complete:
        raise typer.Exit(4)
