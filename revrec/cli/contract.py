"""``revrec contract``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.shared import Options, add_group, command, day, fail

if TYPE_CHECKING:
    from revrec.jobs.importing.import_files import ImportResult


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "contract", "Import contracts that are signed now and billed later.")

    @command(group, "import", "contract")
    def import_(
        options: Options,
        sources: Annotated[
            list[Path],
            typer.Argument(metavar="FILE", help="Files of contract lines, in any format for charge lines."),
        ],
        mapping: Annotated[
            str | None,
            typer.Option("--map", metavar="NAME", help="A [mapping.NAME] table of the configuration, or built-in."),
        ] = None,
        form: Annotated[
            str | None,
            typer.Option("--as", metavar="FORMAT", help="The format, if neither file name nor mapping determines it."),
        ] = None,
        modified: Annotated[
            str | None,
            typer.Option("--modified", metavar="DATE", help="The day on which the contracts were modified."),
        ] = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen; save nothing.")] = False,
    ) -> None:
        """Import contract lines ahead of their invoices.

        A file is imported completely or not at all. A contract line is a charge line that is recognized by its own
        dates and prices, and billed by charge lines that arrive later: by those that name it in the column bills, or
        that have its contract and its item. Its document is the number of the contract, and its amount is its whole
        price.

        Importing the same file twice changes nothing. With --modified, a contract line that arrives with another price
        or other dates is changed on that day, and what was recognized before it stays; new lines join the contract.
        Try it with --dry-run first.

        \b
        Examples:
          revrec contract import contracts.csv --dry-run
          revrec contract import contracts.csv
          revrec contract import revised.csv --modified 2025-04-01 --dry-run
        """
        from revrec.cli.import_ import show_imports
        from revrec.core.errors import BadInput
        from revrec.jobs.importing.import_files import ContractImport, import_document, mappings_of
        from revrec.jobs.importing.mappings import in_format

        context, contract = options.context(), ContractImport(day(modified, "--modified"))
        try:
            use = [one for one in in_format(mappings_of(context, mapping), form) if one.rows == "charges"]
        except BadInput as wrong:
            fail(str(wrong), 2)
        if not use:
            fail(f"--map {mapping}: has no charge lines; choose a mapping of charge lines", 2)
        results: list[ImportResult] = []
        try:
            for source in sources:
                results += import_document(context, source, use, dry_run=dry_run, contract=contract)
        finally:
            # Files before a failing one are imported already, so their results must be printed.
            if results:
                show_imports(options, context, results, dry_run)
        if any(result.refused for result in results):
            raise typer.Exit(3)
