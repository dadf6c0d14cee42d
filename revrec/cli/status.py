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
            str | None, typer.Option("--date", metavar="D", help="Count open schedule lines up to this day.")
        ] = None,
    ) -> None:
        """Show what waits, is in doubt, failed, and what to do.

        \b
        Examples:
          revrec status
          revrec status --date 2024-03-31 --format json
        """
        from revrec.jobs.status import status as look

        until = day(date, "--date")
        found = look(options.context(), until.isoformat() if until else None)
        if options.json:
            from revrec.cli.output import print_json

            print_json(found)
        elif options.csv:
            from revrec.cli.output import print_csv

            print_csv(
                found["attention"], ("reference", "date", "state", "amount", "currency", "error_no", "error", "advice")
            )
        else:
            _show(found)


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
    states = ", ".join(f"{count:,} {state.replace('_', ' ')}" for state, count in sorted(found["entries"].items()))
    print(f"entries        {states or 'none'}")
    run = found["last_run"]
    outcome = (run["outcome"] or "did not end").replace("_", " ") if run else ""
    told = f"{run['run']} for {run['date']} by {run['actor']}: {outcome}" if run else "none"
    print(f"last run       {told}")
    for one in found["attention"]:
        what = f"{one['reference']}  {one['date']}  {grouped(one['amount'])} {one['currency']}"
        print(f"  {what}  {one['state'].replace('_', ' ')}: {one['error'] or 'not sent yet'}")
        if one["advice"]:
            print(f"    {one['advice']}")
