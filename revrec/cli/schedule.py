"""``revrec schedule``."""

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.filters import LIMIT, LimitOption
from revrec.cli.shared import Options, command, fail

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from revrec.jobs.context import Context
    from revrec.jobs.scheduling.effect import ScheduleEffect
    from revrec.jobs.scheduling.rebuild import ScheduleResult
    from revrec.jobs.scheduling.scheduler import ScheduleChange

SPARE = ("currency", "already_posted", "note", "rule")
COLUMNS = ("charge", "rule", "currency", "already_posted", "before", "after", "note")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "schedule")
    def schedule(
        options: Options,
        rebuild: Annotated[
            bool, typer.Option("--rebuild", help="Save the new schedules; without it, the difference is only shown.")
        ] = False,
        reason: Annotated[
            str, typer.Option("--reason", metavar="TEXT", help="Why the schedules change; needed with --rebuild.")
        ] = "",
        limit: LimitOption = LIMIT,
    ) -> None:
        """Derive all schedules again and show the differences.

        Use it after a change of rules or tables. Charge lines without a schedule get one at once, as in the next run.
        Schedules change only with --rebuild and a reason. Only amounts that are not on a journal entry yet are
        scheduled again; what was posted stays, and the schedule still adds up to the charge line. revrec report moves
        lists what each rebuild moved.

        \b
        Examples:
          revrec schedule
          revrec schedule --rebuild --reason "Annual plans start on the delivery date"
        """
        from revrec.jobs.scheduling.rebuild import schedule as derive

        if rebuild and not reason.strip():
            fail("--rebuild needs --reason TEXT: it is kept with what the rebuild moves", 2)
        if reason and not rebuild:
            fail("--reason applies to --rebuild: without it, planned lines do not change", 2)
        _show(options, derive(options.context(), rebuild, reason.strip()), limit)


def shown_changes(changes: "Sequence[ScheduleChange]") -> list[dict[str, Any]]:
    """Return the changes as rows, with amounts as decimal strings."""
    from revrec.core.money import decimal_string

    def parts(some: Any, currency: str) -> list[dict[str, str]]:
        return [{"date": day.isoformat(), "amount": decimal_string(amount, currency)} for day, amount in some]

    return [
        {
            "charge": change.charge,
            "rule": change.rule,
            "currency": change.currency,
            "already_posted": decimal_string(change.posted, change.currency),
            "before": parts(change.before, change.currency),
            "after": parts(change.after, change.currency),
            "note": change.note,
        }
        for change in changes
    ]


def _show(options: Options, result: "ScheduleResult", limit: int) -> None:
    from revrec.cli.output import conclude, counted, grouped, print_csv, print_json, print_table
    from revrec.core.money import decimal_string

    changes = shown_changes(result.changes)
    moved = [
        {"period": period, "currency": currency, "moved": decimal_string(amount, currency)}
        for (period, currency), amount in result.by_period().items()
    ]
    if options.json:
        numbers = {"charges": result.charges, "changed": len(changes), "unscheduled": result.unscheduled}
        picked_up = shown_changes(result.picked_up)
        print_json({"applied": result.applied, **numbers, "moved": moved, "changes": changes, "picked_up": picked_up})
        return
    if options.csv:
        print_csv(brief(changes), COLUMNS)
        return
    show = partial(print_table, columns=COLUMNS, spare=SPARE, limit=limit, noun=("charge line", "charge lines"))
    show(brief(shown_changes(result.picked_up), grouped), title="Newly scheduled")
    show(brief(changes, grouped), title="Differences" if result.picked_up else "")
    print_table(moved, ("period", "currency", "moved"), title="Moved by period")
    saved = "saved" if result.applied else "only shown; save it with: revrec schedule --rebuild --reason TEXT"
    outcome = f"the difference is {saved}" if changes else "nothing differs"
    differ = counted(len(changes), "differs", "differ")
    counts = f"{counted(result.charges, 'charge line')}, {differ}, {result.unscheduled:,} unscheduled"
    conclude(f"{counts}: {outcome}", bool(changes))


def brief(changes: "Sequence[dict[str, Any]]", shown: "Callable[[str], str]" = str) -> list[dict[str, Any]]:
    """Return the changes with their schedules shortened to one text; ``shown`` formats each amount."""
    return [{**one, **{side: _brief(one[side], shown) for side in ("before", "after")}} for one in changes]


def _brief(parts: list[dict[str, str]], shown: "Callable[[str], str]") -> str:
    if not parts:
        return "nothing"
    first, *_, last = (f"{part['date']} {shown(part['amount'])}" for part in (parts[0], parts[-1]))
    return first if len(parts) == 1 else f"{len(parts)} lines, {first} to {last}"


MONTHS = ("period", "currency", "before", "after", "difference")


def effect_rows(effect: "ScheduleEffect", context: "Context") -> dict[str, Any]:
    """Return the months of an effect, and what a run of today would post of it, with amounts as decimal strings."""
    from revrec.cli.shared import today
    from revrec.core.money import decimal_string
    from revrec.jobs.posting.periods import posting_dates

    with context.database.read() as connection:
        due_today = effect.due(today(), posting_dates(context, connection))
    months = [
        {"period": one.period, "currency": one.currency}
        | {name: decimal_string(getattr(one, name), one.currency) for name in MONTHS[2:]}
        for one in effect.months()
    ]
    due = [{"currency": currency, "amount": decimal_string(amount, currency)} for currency, amount in due_today.items()]
    return {"months": months, "due": due}


def show_effect(effect: "ScheduleEffect", context: "Context") -> None:
    """Print open amounts by month before and after a change, and what a run of today would post of it."""
    from revrec.cli.output import grouped, print_table
    from revrec.cli.shared import today

    rows = effect_rows(effect, context)
    print_table(rows["months"], MONTHS, title="Open amounts by month")
    due = ", ".join(f"{grouped(one['amount'])} {one['currency']}" for one in rows["due"]) or "nothing"
    print(f"a run of {today()} would post {due} of it")
