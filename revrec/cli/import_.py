"""``revrec import``."""

import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.shared import Options, command, fail, program
from revrec.core.harmless import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from revrec.jobs.context import Context
    from revrec.jobs.importing.documents import RetriedDocument
    from revrec.jobs.importing.import_files import ImportResult
    from revrec.sources import ColumnMapping

COUNTS = ("rows", "accepted", "unchanged", "rejected", "scheduled", "unscheduled")
COLUMNS = ("file", "kind", *COUNTS, "outcome")
CHANGE_COLUMNS = ("file", "charge", "field", "before", "after", "event")
AMOUNT_COLUMNS = ("file", "currency", "accepted", "unchanged", "rejected", "total", "left_out")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "import")
    def import_files(
        options: Options,
        sources: Annotated[
            list[Path],
            typer.Argument(
                metavar="SOURCE", help="Files of any supported format, also in zip or gzip; - is standard input."
            ),
        ],
        mapping: Annotated[
            str | None,
            typer.Option(
                "--map", metavar="NAME", help="A [mapping.NAME] table of the configuration, or a built-in mapping."
            ),
        ] = None,
        events: Annotated[
            bool,
            typer.Option(
                "--events", help="Read files in revrec's own format as events; with --map, import only its events."
            ),
        ] = False,
        form: Annotated[
            str | None,
            typer.Option("--as", metavar="FORMAT", help="The format, if neither file name nor mapping determines it."),
        ] = None,
        keep_good: Annotated[
            bool, typer.Option("--keep-good", help="Quarantine bad rows and import the rest.")
        ] = False,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen; save nothing.")] = False,
        explain: Annotated[
            bool, typer.Option("--explain", help="Show how the first rows are read, field by field; save nothing.")
        ] = False,
        expect: Annotated[
            list[str] | None,
            typer.Option(
                "--expect",
                metavar="AMOUNT",
                help="Refuse each file whose rows do not add up to this total; once for each currency: '20.00 EUR'.",
            ),
        ] = None,
        rows: Annotated[int, typer.Option("--rows", metavar="N", min=1, help="How many rows --explain shows.")] = 3,
        suggest: Annotated[
            bool, typer.Option("--suggest", help="Print a draft of a mapping for an unfamiliar file.")
        ] = False,
        output: Annotated[
            Path | None, typer.Option("--output", metavar="FILE", help="Add the draft of --suggest to this file.")
        ] = None,
    ) -> None:
        """Import charge lines and events: all of a file, or nothing.

        Each row that cannot be used is reported with file, row, field, value and what to write instead. Importing the
        same file twice changes nothing. A charge line that arrives again with other figures is never overwritten: it is
        refused, or with on_changed = "event" in the mapping, recorded as a change. The amounts that were accepted,
        unchanged, left out and rejected are shown for each file and currency.

        Use --explain to see how a file is read before it is imported; for what happened to a line afterwards, use
        `revrec trace`.

        --suggest drafts a mapping instead: columns, dates, numbers, currency and total rows, each with its evidence. A
        "?" marks what only you can decide; replace it before you use the draft. --map names the draft.

        \b
        Examples:
          revrec import charges.csv
          revrec import --map shopify-orders orders.json --dry-run
          revrec import --events deliveries.csv
          revrec import --explain --map x12 invoices.edi
          revrec import --map bank march.csv --expect 12345.60
          revrec import charges.csv --expect "12345.60 USD" --expect "800.00 EUR"
          revrec import - --as csv <charges
          revrec import --suggest orders.csv --output revrec.toml
        """
        from revrec.core.errors import BadInput
        from revrec.jobs.importing.import_files import import_document, mappings_of
        from revrec.jobs.importing.mappings import in_format, with_totals

        if suggest:
            if len(sources) > 1 or events or keep_good or explain or expect:
                fail("--suggest drafts a mapping for one file, with --map, --as, --output and --format only", 2)
            _suggest(options, sources[0], mapping or "", form or "", output)
            return
        if output:
            fail("--output: is for the draft of --suggest", 2)
        context = options.context()
        try:
            use = with_totals(in_format(mappings_of(context, mapping, events), form), expect or ())
        except BadInput as wrong:
            fail(str(wrong), 2)
        if explain:
            _explain(options, sources, use, rows)
            return
        results: list[ImportResult] = []
        try:
            for source in sources:
                with _spooled(source) as (path, name):
                    results += import_document(context, path, use, keep_good, dry_run, name)
        finally:
            # Files before a failing one are imported already, so their results must be printed.
            if results:
                show_imports(options, context, results, dry_run)
        if any(result.refused or result.rejected for result in results):
            raise typer.Exit(3)


@contextmanager
def _spooled(source: Path) -> "Iterator[tuple[Path, str | None]]":
    """Yield the file itself; standard input as a temporary file, since a document is read more than once."""
    if str(source) != "-":
        yield source, None
        return
    import shutil
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="revrec-") as folder:
        path = Path(folder) / "input"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        yield path, "standard input"


def show_imports(options: Options, context: "Context", results: "list[ImportResult]", dry_run: bool) -> None:
    """Print the results of files; import the documents of sources that waited for their charge lines, and print them.

    In a dry run, nothing arrived that they may wait for.
    """
    from revrec.jobs.importing.documents import retry_waiting

    _show(options, context, results, [] if dry_run else retry_waiting(context))


def _show(
    options: Options, context: "Context", results: "list[ImportResult]", arrived: "list[RetriedDocument]"
) -> None:
    """Print the results of files, and the documents of sources that waited for their charge lines."""
    from revrec.cli.output import print_csv, print_json, print_table
    from revrec.cli.schedule import show_effect

    if options.json:
        documents = [one.document._asdict() for one in arrived]
        files = [file_row(one, context) | {"outcome": _outcome(one)} for one in results]
        print_json({"files": files, "documents": documents})
        return
    rows = [vars(one) | {"outcome": _outcome(one)} for one in results]
    if options.csv:
        print_csv(rows, (*COLUMNS, "refused"))
    else:
        print_table(rows, COLUMNS, right=COUNTS, spare=("kind", "rows", "unscheduled", "scheduled"))
        show_amounts(results)
        show_changes(results)
        for one in results:
            if one.effect.months():
                show_effect(one.effect, context)
    for result in results:
        report(result)
    for document in (one.document for one in arrived):
        why = f": {document.detail}" if document.detail else ""
        _say(f"{document.source}: {document.name}, which waited for charge lines: {document.outcome}{why}")


def show_amounts(results: "Iterable[ImportResult]") -> None:
    """Print the amounts of each file and currency."""
    from revrec.cli.output import print_table

    amounts = [{"file": one.file, **total} for one in results for total in one.totals()]
    print_table(amounts, AMOUNT_COLUMNS, "Amounts", AMOUNT_COLUMNS[2:], ("unchanged",), AMOUNT_COLUMNS[2:])


def show_changes(results: "Iterable[ImportResult]") -> None:
    """Print the changes of charge lines that were imported before."""
    from revrec.cli.output import print_table

    changes = [{"file": one.file, **change} for one in results for change in one.changes]
    print_table(changes, CHANGE_COLUMNS, "Changes", (), ("file",))


def file_row(result: "ImportResult", context: "Context") -> dict[str, Any]:
    """Return the result of a file for JSON; the effect of events only in a dry run, which computes it."""
    from revrec.cli.schedule import effect_rows

    values = vars(result) | {"amounts": result.totals()}
    del values["effect"]
    has_effect = result.dry_run and (result.kind == "events" or result.changes)
    return values | (effect_rows(result.effect, context) if has_effect else {})


def _outcome(result: "ImportResult") -> str:
    if result.refused:
        return "refused"
    if result.dry_run:
        return "dry run"
    if result.quarantined:
        return "imported in part"
    return "imported" if result.accepted or result.changed else "nothing new"


def report(result: "ImportResult") -> None:
    """Print every problem, and what happened to the file, on standard error."""
    from revrec.sources.dates import is_about_notation

    summarized = {one["field"] for one in result.dates}
    for one in result.dates:
        column = f' (column "{one["column"]}")' if one["column"] != one["field"] else ""
        _say(f"{result.file}: {one['field']}{column}: {one['reason']}; {one['fix']}; the first is at {one['place']}")
    for one in result.report:
        if one["field"] in summarized and is_about_notation(str(one["reason"])):
            continue
        value = f' "{one["value"]}"' if one["value"] else ""
        where = f"{one['file']}: {one['place']}: {one['field']}{value}"
        _say(f"{where}: {one['reason']}; {one['fix']}")
    if result.without_amount:
        rows = "row has" if result.without_amount == 1 else "rows have"
        _say(f"{result.file}: {result.without_amount:,} rejected {rows} no amount that can be read; no total has it")
    unshown = result.rejected - len({one["row"] for one in result.report})
    if unshown > 0:
        _say(f"{result.file}: {unshown} more rows cannot be used")
    if result.refused:
        place = "" if result.refused.startswith(result.file) else f"{result.file}: "
        _say(f"revrec: {place}{result.refused}")
        return
    for warning in result.warnings:
        _say(f"{result.file}: warning: {warning}")
    if result.passed_over:
        reasons = "; ".join(f"{count} x {reason}" for reason, count in result.passed_over.items())
        _say(f"{result.file}: {result.kind}: records skipped: {reasons}")
    if result.billing:
        lines = "charge line bills a contract line" if result.billing == 1 else "charge lines bill contract lines"
        _say(f"{result.file}: {result.billing:,} {lines}")
    if result.dry_run:
        _say(f"{result.file}: dry run, nothing was saved")
    elif result.quarantined:
        _say(f"{result.file}: {result.rejected} of {result.rows} rows quarantined, the others imported")


def _say(text: str) -> None:
    # One message is one line: a line break in a file's name must not forge another.
    print(one_line(text), file=sys.stderr)


FIELDS = ("field", "column", "raw", "value", "how")


def _explain(options: Options, sources: list[Path], mappings: "list[ColumnMapping]", rows: int) -> None:
    """Show how the first rows of each file are read."""
    from revrec.cli.output import as_data, print_json, print_table
    from revrec.jobs.importing.explain_import import explain

    found = [one for source in sources for one in explain(source, mappings, rows)]
    if options.json:
        print_json({"files": as_data(found)})
    elif options.csv:
        fail("--format csv: an explanation is a tree, not a table; write --format json", 2)
    else:
        for file in found:
            print(f"{file.file}: {file.kind}, format {file.format}, mapping {file.mapping}")
            for row in file.rows:
                print_table(as_data(row.fields), FIELDS, title=row.place + (f": {row.said}" if row.said else ""))
            if file.refused:
                print(f"\n{file.refused}")
            print()
    if any(file.refused for file in found):
        raise typer.Exit(3)


def _suggest(options: Options, source: Path, name: str, form: str, output: Path | None) -> None:
    """Print the draft of a mapping, or add it to a file, and say on standard error what to do next."""
    from revrec.cli.output import print_json
    from revrec.jobs.importing.suggest import add_to, suggest_mapping

    if options.csv:
        fail("--format csv: a mapping is TOML, not a table; write --format json, or leave the option out", 2)
    with _spooled(source) as (path, file):
        draft = suggest_mapping(path, name, file or "", form)
    if output:
        add_to(output, draft)
    elif options.json:
        found = {"mapping": draft.name, "rows": draft.rows, "readable": draft.readable, "toml": draft.toml()}
        print_json({"file": draft.file, **found, "undecided": draft.undecided, "doubts": draft.doubtful})
    else:
        print(draft.toml(), end="")
    where = f"in {output}" if output else "in revrec.toml, after adding it there"
    first = f'replace each "?" ({", ".join(draft.undecided)}) {where}, then' if draft.undecided else "next"
    _say(f"{draft.file}: {first}: {program()} preview --file {shlex.quote(draft.file)} --map {draft.name}")
