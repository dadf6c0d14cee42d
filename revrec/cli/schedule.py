"""``revrec schedule``."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.shared import Options, command

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from revrec.jobs.scheduling.rebuild import ScheduleResult
    from revrec.jobs.scheduling.scheduler import ScheduleChange

COLUMNS = ("charge", "rule", "currency", "carried", "before", "after", "note")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "schedule")
    def schedule(
        options: Options,
        rebuild: Annotated[
            bool, typer.Option("--rebuild", help="Keep the difference; without it, it is only shown.")
        ] = False,
    ) -> None:
        """Derive all schedules again and show what differs.

        Rules or events may have changed since. Only the part that is on no journal entry is planned anew; what was
        posted stays, and the sum stays the charge line's.

        \b
        Examples:
          revrec schedule
          revrec schedule --rebuild
        """
        from revrec.jobs.scheduling.rebuild import schedule as derive

        _show(options, derive(options.context(), rebuild))


def shown_changes(changes: "Sequence[ScheduleChange]") -> list[dict[str, Any]]:
    """Changes with their amounts as decimal strings."""
    from revrec.core.money import decimal_string

    def parts(some: Any, currency: str) -> list[dict[str, str]]:
        return [{"date": day.isoformat(), "amount": decimal_string(amount, currency)} for day, amount in some]

    return [
        {
            "charge": change.charge,
            "rule": change.rule,
            "currency": change.currency,
            "carried": decimal_string(change.posted, change.currency),
            "before": parts(change.before, change.currency),
            "after": parts(change.after, change.currency),
            "note": change.note,
        }
        for change in changes
    ]


def _show(options: Options, result: "ScheduleResult") -> None:
    from revrec.cli.output import conclude, counted, grouped, print_csv, print_json, print_table
    from revrec.core.money import decimal_string

    changes = shown_changes(result.changes)
    moved = [
        {"period": period, "currency": currency, "moved": decimal_string(amount, currency)}
        for (period, currency), amount in result.by_period().items()
    ]
    if options.json:
        numbers = {"charges": result.charges, "changed": len(changes), "unscheduled": result.unscheduled}
        print_json({"applied": result.applied, **numbers, "moved": moved, "changes": changes})
        return
    if options.csv:
        print_csv(brief(changes), COLUMNS)
        return
    print_table(brief(changes, grouped), COLUMNS, spare=("currency", "carried", "note", "rule"))
    print_table(moved, ("period", "currency", "moved"), title="Moved by period")
    kept = "written" if result.applied else "only shown; keep it with: revrec schedule --rebuild"
    told = f"the difference is {kept}" if changes else "nothing differs"
    differ = counted(len(changes), "differs", "differ")
    counts = f"{counted(result.charges, 'charge line')}, {differ}, {result.unscheduled:,} unscheduled"
    conclude(f"{counts}: {told}", bool(changes))


def brief(changes: "Sequence[dict[str, Any]]", shown: "Callable[[str], str]" = str) -> list[dict[str, Any]]:
    """Changes with their parts in few words; amounts as ``shown`` writes them."""
    return [{**one, **{side: _brief(one[side], shown) for side in ("before", "after")}} for one in changes]


def _brief(parts: list[dict[str, str]], shown: "Callable[[str], str]") -> str:
    if not parts:
        return "nothing"
    first, *_, last = (f"{part['date']} {shown(part['amount'])}" for part in (parts[0], parts[-1]))
    return first if len(parts) == 1 else f"{len(parts)} parts, {first} to {last}"
