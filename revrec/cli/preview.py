"""``revrec preview``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.shared import Options, command, day, fail

if TYPE_CHECKING:
    from revrec.jobs.preview import Preview

COLUMNS = (
    "charge", "document", "customer", "item", "rule", "method", "seq", "of", "date", "period", "amount", "currency",
    "deferred", "accrued", "status",
)  # fmt: skip
SHORT = ("date", "charge", "customer", "item", "rule", "part", "amount", "currency", "deferred", "accrued", "status")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "preview")
    def preview(
        options: Options,
        date: Annotated[
            str | None, typer.Option("--date", help="What a run of this day would post.", metavar="D")
        ] = None,
        first: Annotated[
            str | None, typer.Option("--from", help="First day, posted lines included.", metavar="D")
        ] = None,
        last: Annotated[str | None, typer.Option("--to", help="Last day.", metavar="D")] = None,
        charge: Annotated[str | None, typer.Option("--charge", help="One charge line.", metavar="ID")] = None,
        file: Annotated[Path | None, typer.Option("--file", help="A file of charge lines, not imported.")] = None,
        mapping: Annotated[str | None, typer.Option("--map", help="The mapping for --file.")] = None,
        limit: Annotated[int, typer.Option("--limit", help="Most lines in the table; 0 for all.", min=0)] = 50,
    ) -> None:
        """Show what would be recognised and posted, and what is unscheduled and why; writes nothing.

        \b
        revrec preview --date 2024-03-31
        revrec preview --from 2024-01-01 --to 2024-12-31 --format json
        revrec preview --charge shop/INV-1001/1
        revrec preview --file new-charges.csv
        """
        from revrec.jobs import preview as job

        if date and (first or last or file):
            fail("--date stands alone: a run posts all that is due up to it; use --from and --to for a window", 2)
        start, end = day(first, "--from"), day(last or date, "--date" if date else "--to")
        if start and end and start > end:
            fail(f"--from {start} lies after --to {end}", 2)
        context = options.context()
        if file:
            from revrec.jobs.import_files import mapping_of

            found = job.preview_file(context, file, mapping_of(context, mapping, events=False), start, end)
        else:
            found = job.preview(context, start, end, charge, due=date is not None)
        _show(options, found, limit)


def _show(options: Options, found: "Preview", limit: int) -> None:
    from revrec.cli.output import print_csv, print_json, print_table

    if options.json:
        span = {"from": found.first, "to": found.last}
        print_json({**span, "lines": found.lines, "totals": found.totals(), "unscheduled": found.unscheduled})
        return
    if options.format == "csv":
        print_csv(found.lines, COLUMNS)
        return
    shown = found.lines[:limit] if limit else found.lines
    rows = [{**line, "part": f"{line['seq']}/{line['of']}"} for line in shown]
    print_table(rows, SHORT, right=("amount", "part"))
    if len(shown) < len(found.lines):
        print(f"... and {len(found.lines) - len(shown)} more lines (--limit 0 shows all)\n")
    print_table(found.totals(), ("period", "currency", "amount"), title="Totals", right=("amount",))
    if found.unscheduled:
        print_table(found.unscheduled, ("charge", "reason"), title="Unscheduled")
