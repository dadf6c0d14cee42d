"""``revrec import list``."""

from collections.abc import Mapping
from typing import Any

import typer

from revrec.cli.filters import ALL, LIMIT, LimitOption, list_command
from revrec.cli.shared import Options
from revrec.core.filters import Filters

COLUMNS = ("id", "kind", "file", "mapping", "rows", "quarantined", "imported_at", "actor", "sha256")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @list_command(app, "import list", filters=ALL)
    def import_list(options: Options, filters: Filters, limit: LimitOption = LIMIT) -> None:
        """List the imported files, the newest first.

        A period, --from and --to select by the day of the import, in UTC; other filters select files with such a charge
        line, or with an event of one. To import a file that is named "list", write ./list.

        \b
        Examples:
          revrec import list
          revrec import list --customer C-ADA
        """
        from revrec.cli.listing import show_list
        from revrec.jobs.reports.lists import imports

        found = imports(options.context(), filters)
        right = ("id", "rows", "quarantined")
        spare = ("quarantined", "mapping", "actor", "sha256")
        show_list(options, "imports", found, COLUMNS, ("file", "files"), limit, _shown, spare, right)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    from revrec.cli.listing import when

    return {**row, "imported_at": when(row["imported_at"]), "sha256": row["sha256"][:12]}
