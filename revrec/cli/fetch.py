"""``revrec fetch``."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.shared import Options, command, span
from revrec.core.harmless import harmless

if TYPE_CHECKING:
    from revrec.jobs.importing.fetch import SourceResult

DOCUMENT = ("source", "name", "size", "outcome", "detail")
COUNTS = ("imported", "unchanged", "refused", "unreachable")
SOURCE = ("source", *COUNTS, "known", "outcome")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "fetch")
    def fetch(
        options: Options,
        sources: Annotated[
            list[str] | None, typer.Argument(metavar="SOURCE", help="Names of [source.NAME] tables; default: all.")
        ] = None,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Read the documents, but save and move nothing.")
        ] = False,
        again: Annotated[bool, typer.Option("--again", help="Fetch documents again that were fetched before.")] = False,
        every: Annotated[
            str | None, typer.Option("--every", metavar="SPAN", help='Keep fetching at this interval: "5 min".')
        ] = None,
    ) -> None:
        """Fetch and import new documents from the sources, each once.

        A document is imported whole or not at all, recorded, and then moved, marked or deleted at its source, as the
        source's settings say. If one source fails, the others continue. Documents that could not be imported stay in
        `revrec fetch list`. Exit code 3 means that a document was refused or could not be read, 5 that a source could
        not be reached.

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
    """Return 5 if a source could not be reached, 3 if a document was refused or could not be read, else 0."""
    if any(one.failed for one in results):
        return 5
    return 3 if any(one.refused for one in results) else 0


def show_fetched(options: Options, results: "list[SourceResult]") -> None:
    """Print the documents of each source; problems on standard error."""
    from revrec.cli.import_ import file_row, show_amounts, show_changes
    from revrec.cli.output import print_csv, print_json, print_table

    rows = [_row(one) for one in results]
    documents = [document._asdict() for one in results for document in one.documents]
    if options.json:
        context = options.context()
        files = [file_row(done, context) for one in results for done in one.imports]
        print_json({"sources": rows, "documents": documents, "files": files})
        return
    if options.csv:
        print_csv(documents, DOCUMENT)
    else:
        print_table(documents, DOCUMENT[:-1], right=("size",), spare=("size",))
        show_amounts(done for one in results for done in one.imports)
        show_changes([done for one in results for done in one.imports])
        print_table(rows, SOURCE, title="Sources" if documents else "", right=SOURCE[1:-1], spare=("unreachable",))
    for one in results:
        report_problems(one)
    _mention_open(options)


def _mention_open(options: Options) -> None:
    """Mention the documents of all fetches that need attention: a refused one is reported in detail only once."""
    from revrec.jobs.importing.documents import listed
    from revrec.jobs.reports.documents import documents_in_words

    states = [one.state for one in listed(options.context())]
    if states:
        print(f"revrec: {', '.join(documents_in_words(states))}; see: revrec fetch list", file=sys.stderr)


def _row(result: "SourceResult") -> dict[str, Any]:
    counts = dict.fromkeys(COUNTS, 0)
    for document in result.documents:
        counts[document.outcome] += 1
    outcome = "broke off" if result.failed else "done"
    return {"source": result.source, **counts, "known": result.known, "outcome": outcome, "failed": result.failed}


def report_problems(result: "SourceResult") -> None:
    """Print every row and document that could not be used, and why a source failed, on standard error."""
    from revrec.cli.import_ import report

    for done in result.imports:
        report(done)
    for document in result.documents:
        if document.outcome in COUNTS[2:] and not result.imports_of.get(document.name):
            print(harmless(f"revrec: {document.detail}"), file=sys.stderr)
    if result.failed:
        print(harmless(f"revrec: {result.source}: {result.failed}"), file=sys.stderr)
