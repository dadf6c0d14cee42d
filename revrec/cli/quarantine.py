"""``revrec quarantine``."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.filters import ALL, LIMIT, LimitOption, list_command
from revrec.cli.shared import Options, ReasonOption, add_group, command, fail
from revrec.core.filters import Filters

if TYPE_CHECKING:
    from revrec.jobs.importing.quarantine import ShownRow
    from revrec.jobs.importing.session import ImportResult

COLUMNS = (
    "id", "file", "row", "document", "customer", "item", "date", "amount", "currency", "kind", "state", "reason",
)  # fmt: skip
SPARE = ("kind", "state", "date", "item", "document", "customer", "file")
READABLE = tuple(one for one in ALL if one not in ("rule", "account", "dimension"))
WHY = "a row has no rule, accounts or dimensions before it is released; use --customer, --item or --document"
Ids = Annotated[list[str], typer.Argument(metavar="ID...", help="Numbers, ranges such as 7-12, or all.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "quarantine", "List, fix and release rows that could not be imported.")
    _register_views(group)

    @command(group, "fix", "quarantine")
    def fix(
        options: Options,
        id: Annotated[int, typer.Argument(metavar="ID", help="The row's number.")],
        values: Annotated[
            list[str], typer.Argument(metavar="FIELD=VALUE...", help="The value as the source would write it.")
        ],
        reason: ReasonOption = "",
    ) -> None:
        """Replace values of a quarantined row.

        The original row is kept. Shows what is still wrong with the row, if anything. Then import it with
        `revrec quarantine release`.

        \b
        Examples:
          revrec quarantine fix 7 amount=120.00 --reason "the customer's mail of 3 April"
        """
        from revrec.jobs.importing import quarantine

        fields = dict(_pair(one) for one in values)
        _show(options, quarantine.fix(options.context(), id, fields, reason))

    @command(group, "release", "quarantine")
    def release(options: Options, ids: Ids) -> None:
        """Import quarantined rows, all of the named ones or none.

        Each is imported as a row of its original file, with the same checks as every other row.

        \b
        Examples:
          revrec quarantine release 7
          revrec quarantine release all
        """
        from revrec.jobs.importing import quarantine

        context = options.context()
        result = quarantine.release(context, list(quarantine.ids(ids, _waiting(context))))
        _released(options, result)
        if result.refused:
            raise typer.Exit(3)

    @command(group, "dismiss", "quarantine")
    def dismiss(
        options: Options,
        ids: Ids,
        reason: ReasonOption,
    ) -> None:
        """Dismiss rows that will not be imported, with the reason.

        Use it for rows that are not charges, such as a total or a test order. Dismissed rows are never deleted.

        \b
        Examples:
          revrec quarantine dismiss 8 --reason "the file's total line"
        """
        from revrec.cli.output import as_data, print_csv, print_json
        from revrec.jobs.importing import quarantine

        context = options.context()
        done = quarantine.dismiss(context, list(quarantine.ids(ids, _waiting(context))), reason)
        if options.json:
            print_json({"quarantine": as_data(done)})
        elif options.csv:
            print_csv(as_data(done), ("id", "state"))
        else:
            for one in done:
                print(f"quarantine {one.id}: {one.state}")


def _register_views(group: typer.Typer) -> None:
    @list_command(group, "list", "quarantine", filters=READABLE, refused=WHY)
    def list_(
        options: Options,
        filters: Filters,
        settled: Annotated[bool, typer.Option("--all", help="Also show rows that were released or dismissed.")] = False,
        limit: LimitOption = LIMIT,
    ) -> None:
        """List the rows that have not been released or dismissed.

        The amount and the filters are what can be read of the row as it came. A period, --from and --to select by the
        post date, or the date of the event. A row follows no rule before it is released, and its dimensions are not
        read, so there are no filters by rule, account and dimension.

        \b
        Examples:
          revrec quarantine list
          revrec quarantine list --customer C-ADA
          revrec quarantine list --all --format csv
        """
        from revrec.cli.output import as_data, conclude, counted, print_csv, print_json, print_table
        from revrec.jobs.reports.lists import quarantined_rows

        rows = as_data(quarantined_rows(options.context(), settled, filters))
        if options.json:
            print_json({"quarantine": rows})
        elif options.csv:
            print_csv(rows, (*COLUMNS, "mapping", "charge"))
        else:
            print_table(rows, COLUMNS, right=("id", "row"), spare=SPARE, limit=limit)
            count = sum(row["state"] == "waiting" for row in rows)
            follow = "; details: revrec quarantine show ID" if count else ""
            conclude(f"{counted(count, 'quarantined row')}{follow}", bool(rows))

    @command(group, "show", "quarantine")
    def show(options: Options, id: Annotated[int, typer.Argument(metavar="ID", help="The row's number.")]) -> None:
        """Show one row and what is wrong with it.

        Shows the original row, why it was quarantined, the values that replaced its own, and what is still wrong.

        \b
        Examples:
          revrec quarantine show 7
        """
        from revrec.jobs.importing import quarantine

        _show(options, quarantine.show(options.context(), id))


def _waiting(context: Any) -> list[int]:
    from revrec.jobs.importing import quarantine

    return [row.id for row in quarantine.listed(context)]


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        fail(f"{text!r}: write FIELD=VALUE, such as amount=120.00", 2)
    return name, value


def _show(options: Options, row: "ShownRow") -> None:
    from revrec.cli.output import as_data, print_csv, print_json, print_table

    if options.json:
        print_json(as_data(row))
        return
    raw = row.raw if isinstance(row.raw, dict) else {str(at): one for at, one in enumerate(row.raw, 1)}
    values = [{"column": name, "value": text} for name, text in raw.items() if text]
    if options.csv:
        print_csv(values, ("column", "value"))
        return
    print(f"quarantine {row.id}: {row.file}, row {row.row}, {row.kind}, mapping {row.mapping}: {row.state}")
    print_table(values, ("column", "value"), title="Original row")
    print_table(row.problems, ("field", "value", "reason", "fix"), title="Quarantined because")
    for fix in row.fixes:
        fields = ", ".join(f'{name} = "{text}"' for name, text in fix.fields.items())
        print(f"\nFixed by {fix.actor}: {fields}" + (f" ({fix.reason})" if fix.reason else ""))
    print(f"\n{_now(row)}")


def _now(row: "ShownRow") -> str:
    if row.outcome:
        why = f": {row.outcome.reason}" if row.outcome.reason else ""
        return f"{row.outcome.outcome} by {row.outcome.actor} {row.charge}{why}".rstrip()
    if row.unreadable:
        return f"cannot be read now: {row.unreadable}"
    if row.now:
        said = "\n".join(f"  {one['field']}: {one['reason']}; {one['fix']}" for one in row.now)
        return f"still wrong:\n{said}\nfix it: revrec quarantine fix {row.id} FIELD=VALUE"
    return f"nothing is wrong with it any more; import it: revrec quarantine release {row.id}"


def _released(options: Options, result: "ImportResult") -> None:
    import sys

    from revrec.cli.output import counted, print_csv, print_json

    counts = {name: getattr(result, name) for name in ("rows", "accepted", "unchanged", "scheduled", "unscheduled")}
    if options.json:
        print_json({**counts, "refused": result.refused, "report": result.report})
        return
    if options.csv:
        print_csv([counts], tuple(counts))
    elif not result.refused:
        text = ", ".join(f"{count} {name}" for name, count in counts.items() if name != "rows")
        print(f"{counted(result.rows, 'row')} released: {text}")
    for one in result.report:
        print(f"{one['place']}: {one['field']}: {one['reason']}; {one['fix']}", file=sys.stderr)
    if result.refused:
        print(f"revrec: {result.refused}", file=sys.stderr)
