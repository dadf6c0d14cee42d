"""``revrec periods``."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.filters import DAYS, list_command
from revrec.cli.shared import EntityOption, Options, ReasonOption, add_group, command, fail, find_span
from revrec.core.filters import Filters

if TYPE_CHECKING:
    import datetime

COLUMNS = ("entity", "period", "state", "open_lines", "source", "since", "actor", "reason")
SYNCED = ("entity", "closed_through", "changed", "note")
DECIDED = ("entity", "period", "state", "changed")
NONE_KNOWN = "no open schedule lines, and no period is known; read the periods from Intacct with: revrec periods sync"
NONE_OF_THESE = "no period in these months is known, and none has open schedule lines; all: revrec periods list"
_ENTITY = "Only this entity; default: the company, which means every entity."
Months = Annotated[list[str], typer.Argument(metavar="MONTH...", help="Months: 2024-03, 'last month', 2024-Q1.")]
Entity = Annotated[str, typer.Option("--entity", metavar="E", help=_ENTITY)]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "periods", "Show, close and open accounting periods.")

    @command(group, "sync", "periods")
    def sync(
        options: Options,
        entity: EntityOption = None,
    ) -> None:
        """Read from Intacct through which day each entity's books are closed.

        The answer is saved; where Intacct gives none, that is reported and nothing changes. A run does this by itself
        for the entities that it posts to.

        \b
        Examples:
          revrec periods sync
          revrec periods sync --entity 100
        """
        from revrec.jobs.posting import periods as job

        rows = [one._asdict() for one in job.sync(options.context(), entity)]
        _show(options, "entities", rows, SYNCED)

    @list_command(group, "list", "periods", filters=("entity", *DAYS))
    def list_(options: Options, filters: Filters) -> None:
        """List the months that are closed or have open schedule lines.

        Show each month's state, its source and date, and how many schedule lines are not on an entry yet.

        \b
        Examples:
          revrec periods list
          revrec periods list --entity 100 --format csv
        """
        from revrec.jobs.posting import periods as job

        rows = job.list_periods(options.context(), filters.entity)
        months = [one.isoformat()[:7] if one else None for one in (filters.first, filters.last)]
        chosen = [row for row in rows if _is_between(row["period"], *months)]
        _show(options, "periods", chosen, COLUMNS, NONE_OF_THESE if rows else NONE_KNOWN)

    @command(group, "close", "periods")
    def close(options: Options, months: Months, reason: ReasonOption, entity: Entity = "") -> None:
        """Close months in revrec: no entry is dated in them any more.

        This applies whatever their state in Intacct; nothing is changed in Intacct. The control totals of the
        rollforward, the balances and the remaining obligations of each month are kept in the audit trail, so that
        --against frozen of these reports can compare with them.

        \b
        Examples:
          revrec periods close 2024-03 --reason "March is reported"
          revrec periods close 2024-01 2024-02 --entity 100 --reason "audited"
        """
        from revrec.jobs.reports.frozen import close_months

        rows = close_months(options.context(), _months(months), reason, entity)
        _show(options, "periods", rows, DECIDED)

    @command(group, "open", "periods")
    def open_(
        options: Options,
        months: Months,
        reason: ReasonOption,
        entity: Entity = "",
        opened: Annotated[
            bool,
            typer.Option("--opened-in-intacct", help="The month was opened in Intacct, which does not report it."),
        ] = False,
    ) -> None:
        """Open months again that were closed in revrec.

        A month that is closed in Intacct must be opened there; revrec never does that.

        \b
        Examples:
          revrec periods open 2024-03 --reason "a late delivery, agreed with the controller"
          revrec periods open 2024-03 --opened-in-intacct --reason "opened for one entry"
        """
        from revrec.core.periods import OPEN
        from revrec.jobs.posting import periods as job

        rows = job.decide(options.context(), _months(months), OPEN, reason, entity, opened)
        _show(options, "periods", rows, DECIDED)


def _is_between(month: str, first: str | None, last: str | None) -> bool:
    return (first or month) <= month <= (last or month)


def _months(texts: list[str]) -> "list[datetime.date]":
    """Return the first day of each month; a quarter or year means all of its months."""
    found = []
    for text in texts:
        span = find_span(text)
        if span is None or span.is_day:
            fail(f"{text!r} is not a month; write it as 2024-03", 2)
        if span.last.year == span.last.max.year:
            fail(f"{text}: no month of the year {span.last.year} can be closed or opened", 2)
        first, last = (12 * one.year + one.month - 1 for one in span)
        found += [span.first.replace(year=one // 12, month=one % 12 + 1) for one in range(first, last + 1)]
    return found


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row as people read it."""
    from revrec.cli.listing import when

    shown = {**row, "entity": row["entity"] or "(company)", "since": when(row.get("since"))}
    if "changed" in row:
        shown["changed"] = "yes" if row["changed"] else "no"
    return shown


def _show(
    options: Options, name: str, rows: list[dict[str, Any]], columns: tuple[str, ...], without: str = NONE_KNOWN
) -> None:
    from revrec.cli.output import print_csv, print_json, print_table

    if options.json:
        print_json({name: rows})
    elif options.csv:
        print_csv(rows, columns)
    elif rows:
        shown = tuple(column for column in columns if column != "actor")
        print_table([_shown(row) for row in rows], shown, right=("open_lines",), spare=("source", "since"))
    else:
        print(without)
