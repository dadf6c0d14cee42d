"""``revrec status``."""

from typing import Annotated, Any

import typer

from revrec.cli.shared import Options, command, day


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "status")
    def status(
        options: Options,
        date: Annotated[
            str | None, typer.Option("--date", help="Count open lines up to this day.", metavar="D")
        ] = None,
    ) -> None:
        """Show what waits, is in doubt, failed, and what to do.

        \b
        revrec status
        revrec status --date 2024-03-31 --format json
        """
        from revrec.jobs.status import status as look

        until = day(date, "--date")
        found = look(options.context(), until.isoformat() if until else None)
        if options.json:
            from revrec.cli.output import print_json

            print_json(found)
        elif options.format == "csv":
            from revrec.cli.output import print_csv

            print_csv(
                found["attention"], ("reference", "date", "state", "amount", "currency", "error_no", "error", "advice")
            )
        else:
            _show(found)


def _show(found: dict[str, Any]) -> None:
    """A short text without tables, so that the command starts at once."""
    print(f"charge lines   {found['charges']}")
    print(f"unscheduled    {found['unscheduled']}")
    if found["quarantined"]:
        print(f"quarantined    {found['quarantined']}")
    for one in found["open"]:
        span = f"{one['first']} to {one['last']}"
        print(f"open           {one['lines']} schedule lines, {one['amount']} {one['currency']}, {span}")
    states = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in sorted(found["entries"].items()))
    print(f"entries        {states or 'none'}")
    run = found["last_run"]
    told = f"{run['run']} for {run['date']} by {run['actor']}: {run['outcome'] or 'did not end'}" if run else "none"
    print(f"last run       {told}")
    for one in found["unscheduled_reasons"][:20]:
        print(f"  {one['charges']} x {one['reason']}")
    for one in found["attention"]:
        what = f"{one['reference']}  {one['date']}  {one['amount']} {one['currency']}"
        print(f"  {what}  {one['state']}: {one['error'] or 'not sent yet'}")
        if one["advice"]:
            print(f"    {one['advice']}")
