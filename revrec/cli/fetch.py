"""``revrec fetch``."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.shared import Options, command, span
from revrec.core.harmless import harmless

if TYPE_CHECKING:
    from revrec.jobs.importing.fetch import SourceResult

DOCUMENT = ("source", "name", "size", "outcome", "detail")
SOURCE = ("source", "imported", "unchanged", "refused", "known", "outcome")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "fetch")
    def fetch(
        options: Options,
        sources: Annotated[
            list[str] | None, typer.Argument(metavar="SOURCE", help="Names of [source.NAME] tables; else all.")
        ] = None,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Read what is offered; keep and move nothing.")
        ] = False,
        again: Annotated[
            bool, typer.Option("--again", help="Take documents once more that were taken before.")
        ] = False,
        every: Annotated[
            str | None, typer.Option("--every", metavar="SPAN", help='Go on, after each such span: "5 min".')
        ] = None,
    ) -> None:
        """Take what the sources have to offer, each document once.

        A document is imported as a whole or not at all, recorded, and then moved, marked or deleted at its source as
        that says. Exit code 3 if one was refused, 5 if a source could not be reached; the others go on.

        \b
        Examples:
          revrec fetch
          revrec fetch edi shop --dry-run
          revrec fetch --every "5 min"
        """
        from revrec.jobs.importing.fetch import fetch as job

        context = options.context()
        while True:
            results = job(context, sources or (), dry_run, again)
            show_fetched(options, results)
            if every is None:
                break
            context.sleep(span(every, "--every").total_seconds())
        if code := exit_code(results):
            raise typer.Exit(code)


def exit_code(results: "list[SourceResult]") -> int:
    """5 if a source could not be reached, 3 if a document was refused, else 0."""
    if any(one.failed for one in results):
        return 5
    return 3 if any(one.refused for one in results) else 0


def show_fetched(options: Options, results: "list[SourceResult]") -> None:
    """What each source had to offer; problems on standard error."""
    from dataclasses import asdict

    from revrec.cli.output import print_csv, print_json, print_table

    rows = [_row(one) for one in results]
    documents = [document._asdict() for one in results for document in one.documents]
    if options.json:
        files = [asdict(done) for one in results for done in one.imports]
        print_json({"sources": rows, "documents": documents, "files": files})
        return
    if options.csv:
        print_csv(documents, DOCUMENT)
    else:
        print_table(documents, DOCUMENT[:-1], right=("size",), spare=("size",))
        print_table(rows, SOURCE, title="Sources" if documents else "", right=SOURCE[1:-1])
    for one in results:
        tell_problems(one)


def _row(result: "SourceResult") -> dict[str, Any]:
    counts = dict.fromkeys(("imported", "unchanged", "refused"), 0)
    for document in result.documents:
        counts[document.outcome] += 1
    outcome = "broke off" if result.failed else "done"
    return {"source": result.source, **counts, "known": result.known, "outcome": outcome, "failed": result.failed}


def tell_problems(result: "SourceResult") -> None:
    """Every row and document that could not be used, and why a source broke off, on standard error."""
    from revrec.cli.import_ import report

    for done in result.imports:
        report(done)
    for document in result.documents:
        if document.outcome == "refused" and not result.imports:
            print(harmless(f"revrec: {document.detail}"), file=sys.stderr)
    if result.failed:
        print(harmless(f"revrec: {result.source}: {result.failed}"), file=sys.stderr)
