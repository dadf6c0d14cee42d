"""``revrec verify``."""

from pathlib import Path
from typing import Annotated

import typer

from revrec.cli.shared import Options, command

COLUMNS = ("check", "table", "key", "problem", "meaning")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "verify")
    def verify(
        options: Options,
        anchor: Annotated[
            Path | None,
            typer.Option("--anchor", metavar="FILE", help="Check that the audit trail continues this anchor."),
        ] = None,
        write_anchor: Annotated[
            Path | None,
            typer.Option(
                "--write-anchor", metavar="FILE", help="Write the head of the audit trail, to keep elsewhere."
            ),
        ] = None,
    ) -> None:
        """Check the audit trail, every row against it, and every sum.

        Reads only. Each finding names its place and what it means. An older database file that was put in place of the
        newest is detected by the head stored beside it. An anchor that you keep elsewhere also proves that the trail
        was not cut off or rewritten. Exit code 7 means that something differs.

        \b
        Examples:
          revrec verify
          revrec verify --write-anchor anchors/2024-03-31.json
          revrec verify --anchor anchors/2024-03-31.json --format json
        """
        from revrec.cli.output import conclude, counted, print_csv, print_json, print_table
        from revrec.jobs.admin.verify import verify as check

        result = check(options.context(), anchor, write_anchor)
        found = [one._asdict() for one in result.findings]
        if options.json:
            figures = {name: value for name, value in vars(result).items() if name not in ("findings", "count")}
            print_json({"sound": result.sound, **figures, "differences": result.count, "findings": found})
        elif options.csv:
            print_csv(found, COLUMNS)
        else:
            print_table(found, COLUMNS)
            compared = f"{counted(result.events, 'audit event')}, {counted(result.rows, 'row')}"
            verdict = "sound" if result.sound else f"{counted(result.count, 'difference')} found"
            conclude(
                f"{result.database}: {verdict}; {compared} compared, head {result.head[:16] or 'unknown'}", bool(found)
            )
        if not result.sound:
            raise typer.Exit(7)
