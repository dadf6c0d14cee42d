"""``revrec import``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.shared import Options, command

if TYPE_CHECKING:
    from revrec.jobs.import_files import ImportResult

COUNTS = ("file", "kind", "rows", "accepted", "unchanged", "rejected", "scheduled", "unscheduled")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "import")
    def import_files(
        options: Options,
        sources: Annotated[list[Path], typer.Argument(help="Files: CSV, JSON, JSON Lines or XML.", show_default=False)],
        mapping: Annotated[str | None, typer.Option("--map", help="A [mapping.NAME] of the configuration.")] = None,
        events: Annotated[bool, typer.Option("--events", help="The files hold fulfilment events.")] = False,
        keep_good: Annotated[bool, typer.Option("--keep-good", help="Set bad rows aside, import the rest.")] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen; keep nothing.")] = False,
    ) -> None:
        """Import charge lines or fulfilment events; all or nothing a file.

        Each row that cannot be used is reported with file, row, field, value and what to write instead. Importing the
        same file twice changes nothing; the same charge with other figures is a conflict, never overwritten.

        \b
        revrec import charges.csv
        revrec import --map shopify orders.csv --dry-run
        revrec import --events deliveries.csv
        """
        from revrec.jobs.import_files import import_charges, mapping_of
        from revrec.jobs.record_events import import_events

        context = options.context()
        use = mapping_of(context, mapping, events)
        job = import_events if events else import_charges
        results = [job(context, source, use, keep_good, dry_run) for source in sources]
        _show(options, results)
        if any(result.refused or result.rejected for result in results):
            raise typer.Exit(3)


def _show(options: Options, results: "list[ImportResult]") -> None:
    from dataclasses import asdict

    from revrec.cli.output import print_csv, print_json, print_table

    rows = [asdict(result) for result in results]
    if options.json:
        print_json({"files": rows})
    elif options.format == "csv":
        print_csv(rows, (*COUNTS, "refused"))
    else:
        print_table(rows, COUNTS, right=COUNTS[2:])
        for result in results:
            _report(result)


def _report(result: "ImportResult") -> None:
    import sys

    for one in result.report:
        value = f' "{one["value"]}"' if one["value"] else ""
        where = f"{one['file']}: {one['place']}: {one['field']}{value}"
        print(f"{where}: {one['reason']}; {one['mend']}", file=sys.stderr)
    unshown = result.rejected - len({one["row"] for one in result.report})
    if unshown > 0:
        print(f"{result.file}: {unshown} more rows cannot be used", file=sys.stderr)
    if result.refused:
        print(
            f"revrec: {result.refused}" if result.file in result.refused else f"{result.file}: {result.refused}",
            file=sys.stderr,
        )
    elif result.dry_run:
        print(f"{result.file}: dry run, nothing was kept", file=sys.stderr)
    elif result.quarantined:
        print(f"{result.file}: {result.rejected} rows were set aside", file=sys.stderr)
