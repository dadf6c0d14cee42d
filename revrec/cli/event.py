"""``revrec event``."""

from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.shared import Options, command, day, fail

if TYPE_CHECKING:
    from decimal import Decimal

    from revrec.jobs.scheduling import Change


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(
        help="Record fulfilment events: proof of delivery, milestones, usage and so on.", no_args_is_help=True
    )
    app.add_typer(group, name="event")

    @command(group, "add", "event")
    def add(
        options: Options,
        charge: Annotated[str, typer.Argument(help="Charge id: SOURCE/DOCUMENT/LINE.", show_default=False)],
        kind: Annotated[str, typer.Argument(help="pod, milestone, percent, usage, cancel, ...", show_default=False)],
        date: Annotated[str, typer.Argument(help="The day it happened.", metavar="DATE", show_default=False)],
        name: Annotated[str, typer.Option("--name", help="Name, for example of a milestone.")] = "",
        quantity: Annotated[str | None, typer.Option("--quantity", help="Units used or delivered.")] = None,
        percent: Annotated[str | None, typer.Option("--percent", help="Percent complete, 0 to 100.")] = None,
        amount: Annotated[str | None, typer.Option("--amount", help="Amount in the charge's currency.")] = None,
        note: Annotated[str, typer.Option("--note", help="Why, for the auditor.")] = "",
    ) -> None:
        """Record one event and schedule its charge line again.

        \b
        revrec event add shop/INV-1004/1 pod 2024-05-02 --note "signed by J. Roe"
        """
        from revrec.core.charge_line import EVENT_KINDS
        from revrec.jobs.record_events import add_event
        from revrec.sources import EventRow

        if kind not in EVENT_KINDS:
            fail(f"KIND {kind!r}: expected one of {', '.join(EVENT_KINDS)}", 2)
        happened = day(date, "DATE")
        assert happened is not None
        event = EventRow(
            charge,
            kind,
            happened,
            _number(quantity, "--quantity"),
            _number(percent, "--percent"),
            _number(amount, "--amount"),
            name,
            note,
        )
        fact, changes = add_event(options.context(), event)
        _show(options, fact.charge, kind, date, changes)


def _number(text: str | None, option: str) -> "Decimal | None":
    from decimal import Decimal, InvalidOperation

    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        fail(f"{option} {text!r}: not a number; write it as 12.50", 2)
    if not value.is_finite() or "e" in text.lower():
        fail(f"{option} {text!r}: not a number; write it as 12.50", 2)
    return value


def _show(options: Options, charge: str, kind: str, date: str, changes: "list[Change]") -> None:
    from revrec.cli.output import print_json
    from revrec.cli.schedule import shown_changes

    if options.json:
        print_json({"charge": charge, "kind": kind, "date": date, "changes": shown_changes(changes)})
        return
    print(f"{charge}: {kind} on {date} recorded")
    for change in changes:
        print(f"  {change.note}")
