"""``revrec run list``."""

from collections.abc import Mapping
from typing import Any

import typer

from revrec.cli.filters import ALL, LIMIT, LimitOption, list_command
from revrec.cli.shared import Options
from revrec.core.filters import Filters

COLUMNS = ("run", "date", "started_at", "finished_at", "actor", "entries", "posted", "outcome")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @list_command(app, "run list", filters=ALL)
    def run_list(options: Options, filters: Filters, limit: LimitOption = LIMIT) -> None:
        """List the runs, the newest first.

        Shows how many entries each run created, how many of them are posted by now, and the outcome. A period, --from
        and --to select by the date of the run. Other filters select runs that created an entry or invoice with such a
        line.

        \b
        Examples:
          revrec run list
          revrec run list --period "last month" --format json
          revrec run list --charge shop/INV-1001/1
        """
        from revrec.cli.listing import show_list
        from revrec.jobs.reports.lists import runs

        found = runs(options.context(), filters)
        right, spare = ("run", "entries", "posted"), ("started_at", "actor", "finished_at")
        show_list(options, "runs", found, COLUMNS, ("run", "runs"), limit, _shown, spare, right)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    from revrec.cli.listing import when
    from revrec.core.posting import outcome_in_words

    times = {name: when(row[name]) for name in ("started_at", "finished_at")}
    return {**row, **times, "outcome": outcome_in_words(row["outcome"] or "did not finish")}
