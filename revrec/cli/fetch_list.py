"""``revrec fetch list``, ``fetch dismiss`` and ``fetch retry``: the documents that sources sent."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.filters import LIMIT, LimitOption, list_command
from revrec.cli.shared import Options, ReasonOption, command

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.importing.documents import RetriedDocument

COLUMNS = ("id", "source", "document", "state", "received", "size", "reason")
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Numbers, ranges such as 7-12, or all.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""

    @list_command(app, "fetch list")
    def fetch_list(
        options: Options,
        settled: Annotated[bool, typer.Option("--all", help="Show every version of every document.")] = False,
        source: Annotated[str | None, typer.Option("--source", metavar="SOURCE", help="Only this source.")] = None,
        limit: LimitOption = LIMIT,
    ) -> None:
        """List documents that were refused, wait or cannot be read.

        A document leaves the list when it is imported, when a newer version with the same name is imported, or when you
        dismiss it. One that waits is imported as soon as its charge lines arrive.

        \b
        Examples:
          revrec fetch list
          revrec fetch list --source edi --all --format csv
        """
        from revrec.cli.listing import show_list, when
        from revrec.jobs.importing.documents import listed

        found = (one._asdict() for one in listed(options.context(), [source] if source else (), settled))

        def shown(row: Mapping[str, Any]) -> dict[str, Any]:
            return {**row, "received": when(row["received"])}

        conclusion = "; import again: revrec fetch retry ID; or: revrec fetch dismiss ID --reason TEXT"
        columns = (*COLUMNS, "waits_for", "sha256", "copy") if options.csv else COLUMNS
        show_list(
            options, "documents", found, columns, ("document", "documents"), limit, shown, ("size", "received"),
            ("id", "size"), "" if settled else conclusion,
        )  # fmt: skip

    @command(app, "fetch retry")
    def fetch_retry(options: Options, ids: Ids) -> None:
        """Import refused documents again from their kept copies.

        Use it after you corrected a mapping, a lookup table or a rule. A document that its source corrects is fetched
        by itself. Exit code 3 means that a document was refused again.

        \b
        Examples:
          revrec fetch retry 7
          revrec fetch retry all
        """
        from revrec.jobs.importing import documents

        context = options.context()
        done = documents.retry(context, _numbers(context, ids))
        show_retried(options, done)
        if any(one.document.outcome == "refused" for one in done):
            raise typer.Exit(3)

    @command(app, "fetch dismiss")
    def fetch_dismiss(options: Options, ids: Ids, reason: ReasonOption = "") -> None:
        """Dismiss documents that will not be imported.

        Use it for documents without charge lines or events, such as an advertisement. A dismissed document stays on
        record and is not imported unless its content changes.

        \b
        Examples:
          revrec fetch dismiss 7 --reason "a test file of the carrier"
        """
        from revrec.cli.output import print_csv, print_json
        from revrec.core.harmless import harmless
        from revrec.jobs.importing import documents

        context = options.context()
        done = documents.dismiss(context, _numbers(context, ids), reason)
        rows = [{"id": one.id, "source": one.source, "document": one.name, "state": "dismissed"} for one in done]
        if options.json:
            print_json({"documents": rows})
        elif options.csv:
            print_csv(rows, ("id", "source", "document", "state"))
        else:
            for row in rows:
                print(harmless(f"document {row['id']} ({row['source']}: {row['document']}): dismissed"))


def _numbers(context: "Context", texts: list[str]) -> list[int]:
    from revrec.jobs.importing.documents import listed
    from revrec.jobs.importing.quarantine import ids

    return list(ids(texts, [one.id for one in listed(context)], "document"))


def show_retried(options: Options, done: "Iterable[RetriedDocument]") -> None:
    """Print the outcome of documents that were imported again; problems on standard error."""
    from revrec.cli.fetch import DOCUMENT
    from revrec.cli.import_ import report
    from revrec.cli.output import print_csv, print_json, print_table

    rows = [one.document._asdict() for one in done]
    if options.json:
        print_json({"documents": rows})
    elif options.csv:
        print_csv(rows, DOCUMENT)
    else:
        print_table(rows, DOCUMENT[:-1], right=("size",), spare=("size",))
    for one in done:
        for result in one.imports:
            report(result)
