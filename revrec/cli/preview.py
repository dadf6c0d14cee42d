"""``revrec preview``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.shared import Options, command, day, fail

if TYPE_CHECKING:
    from collections.abc import Sequence

    from revrec.jobs.reports.preview import PreviewLine, SchedulePreview

COLUMNS = (
    "charge", "document", "customer", "item", "rule", "method", "seq", "of", "date", "period", "amount", "currency",
    "deferred", "revenue", "status", "entity", "entry_date", "reason",
)  # fmt: skip
SHORT = ("date", "charge", "customer", "item", "rule", "part", "amount", "currency", "deferred", "revenue", "status")
SHARE = ("charge", "billed", "standalone", "allocated", "difference", "currency")
UNDATED = ("charge", "customer", "item", "amount", "currency", "since", "age", "reason")
SPARE = ("item", "customer", "part", "rule", "status", "revenue", "deferred")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "preview")
    def preview(
        options: Options,
        date: Annotated[
            str | None, typer.Option("--date", metavar="D", help="Show what a run of this day would post.")
        ] = None,
        first: Annotated[
            str | None, typer.Option("--from", metavar="D", help="First day; posted amounts are shown too.")
        ] = None,
        last: Annotated[str | None, typer.Option("--to", metavar="D", help="Last day.")] = None,
        charge: Annotated[str | None, typer.Option("--charge", metavar="ID", help="Only this charge line.")] = None,
        file: Annotated[
            Path | None,
            typer.Option("--file", metavar="F", help="Read this file of charge lines instead of imported ones."),
        ] = None,
        mapping: Annotated[
            str | None, typer.Option("--map", metavar="NAME", help="The [mapping.NAME] to read --file with.")
        ] = None,
        limit: Annotated[
            int, typer.Option("--limit", metavar="N", help="Maximum number of lines in each table; 0 for all.", min=0)
        ] = 50,
    ) -> None:
        """Show what would be recognized and posted; writes nothing.

        Charge lines without a recognition date are listed with their amount, their age in days and the reason. With
        --date, show exactly the lines that a run of that day would post. Where a period is closed, show the date that
        the entry would have, or that its lines are blocked, and why.

        \b
        Examples:
          revrec preview --date 2024-03-31
          revrec preview --from 2024-01-01 --to 2024-12-31 --format json
          revrec preview --charge shop/INV-1001/1
          revrec preview --file new-charges.csv
        """
        from revrec.jobs.reports import preview as job

        if date and (first or last):
            fail(
                "--date cannot be combined with --from and --to: a run posts everything due up to its date",
                2,
            )
        start, end = day(first, "--from", "first"), day(last or date, "--date" if date else "--to")
        if start and end and start > end:
            fail(f"--from {start} is after --to {end}", 2)
        context = options.context()
        if file and charge:
            fail("--charge shows an imported charge line, --file lines that are not imported: use one of them", 2)
        if file:
            from revrec.jobs.importing.import_files import mapping_of

            found = job.preview_file(context, file, mapping_of(context, mapping, events=False), start, end)
        else:
            found = job.preview(context, start, end, charge, due=date is not None)
        _show(options, found, limit)


def _show(options: Options, found: "SchedulePreview", limit: int) -> None:
    from revrec.cli.output import as_data, print_csv, print_json, print_table

    unscheduled, waiting = as_data(found.unscheduled), as_data(found.waiting)
    undated = as_data(found.undated_totals())
    totals, costs = as_data(found.totals()), as_data(found.costs())
    allocations = as_data(found.allocations)
    if options.json:
        span = {"from": found.first, "to": found.last}
        rest = {"unscheduled": unscheduled, "waiting": waiting, "undated": undated, "allocations": allocations}
        print_json({**span, "lines": as_data(found.lines), "totals": totals, "costs": costs, **rest})
        return
    if options.csv:
        print_csv((line._asdict() for line in found.lines), COLUMNS)
        return
    shown = found.lines[:limit] if limit else found.lines
    rows = [{**line._asdict(), "part": f"{line.seq}/{line.of}", "status": _status(line)} for line in shown]
    moved = ("entry_date", "reason") if any(line.reason for line in shown) else ()
    print_table(rows, (*SHORT, *moved), right=("part",), spare=SPARE)
    if not rows:
        print("nothing to recognize")
    _print_rest(found.lines, limit)
    print_table(totals, ("period", "currency", "amount"), title="Totals")
    print_table(costs, ("period", "currency", "amount"), title="Costs")
    for title, some in (("Unscheduled", unscheduled), ("Waiting", waiting)):
        print_table(
            some[:limit] if limit else some, UNDATED, title=title, right=("age",), spare=("item", "customer", "since")
        )
        _print_rest(some, limit)
    costs_too = ("costs",) if any(one.is_cost for one in found.undated) else ()
    columns = ("kind", "currency", "charges", "amount", *costs_too)
    print_table(undated, columns, title="Without a date", right=("charges",))
    print_table(allocations, SHARE, title="Allocation", spare=("currency", "difference"))


def _print_rest(rows: "Sequence[object]", limit: int) -> None:
    """Print how many rows a table leaves out."""
    if limit and len(rows) > limit:
        print(f"... and {len(rows) - limit:,} more lines (--limit 0 shows all)")


def _status(line: "PreviewLine") -> str:
    """Return the status as people read it; a held line without an entry date is blocked, not on an entry to review."""
    from revrec.core.posting import state_in_words

    is_blocked = line.status == "held" and line.entry_date is None
    return "blocked" if is_blocked else state_in_words(line.status)
