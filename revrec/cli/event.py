"""``revrec event``."""

from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.shared import Options, add_group, command, day, fail

if TYPE_CHECKING:
    from decimal import Decimal

    from revrec.jobs.scheduling.scheduler import ScheduleChange


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "event", "Record fulfillment events, such as deliveries and usage.")

    @command(group, "add", "event")
    def add(
        options: Options,
        charge: Annotated[str, typer.Argument(metavar="CHARGE", help="Charge id: SOURCE/DOCUMENT/LINE.")],
        kind: Annotated[
            str,
            typer.Argument(
                metavar="KIND",
                help="pod, milestone, percent, usage, estimate, credit, price, cancel, constraint, hold, release or "
                "service_dates.",
            ),
        ],
        date: Annotated[str, typer.Argument(metavar="DATE", help="The day it happened: 2024-05-02, yesterday.")],
        name: Annotated[
            str,
            typer.Option("--name", metavar="NAME", help="Name, such as the name of a milestone.", show_default=False),
        ] = "",
        quantity: Annotated[
            str | None, typer.Option("--quantity", metavar="N", help="Units used or delivered.")
        ] = None,
        percent: Annotated[
            str | None, typer.Option("--percent", metavar="N", help="Percent complete, or constrained, 0 to 100.")
        ] = None,
        amount: Annotated[
            str | None, typer.Option("--amount", metavar="N", help="Amount in the charge's currency.")
        ] = None,
        note: Annotated[
            str, typer.Option("--note", metavar="TEXT", help="The reason, for the audit trail.", show_default=False)
        ] = "",
    ) -> None:
        """Record one fulfillment event and schedule its charge line again.

        The last event of a kind and name counts, so correct a wrong one by recording the right one.

        \b
        Examples:
          revrec event add shop/INV-1005/1 pod 2024-05-02 --note "signed by J. Roe"
          revrec event add shop/INV-1006/1 milestone 2024-06-30 --name go-live
          revrec event add shop/INV-1001/1 credit 2024-06-30 --amount 5.00 --name CRN-7
        """
        from revrec.core.charge_line import EVENT_KINDS
        from revrec.jobs.importing.events import add_event
        from revrec.sources import EventRow
        from revrec.sources.events import lacking

        if kind not in EVENT_KINDS:
            fail(f"KIND {kind!r}: expected one of {', '.join(EVENT_KINDS)}", 2)
        happened = day(date, "DATE", whole="")
        assert happened is not None
        for option, text in (("--name", name), ("--note", note)):
            if not text.isprintable():
                fail(f"{option} {text!r}: has a control character or a line break; write it on one line", 2)
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
        if problems := lacking(event._asdict()):
            fail("\n".join(f"--{problem}" for problem in problems), 2)
        fact, changes = add_event(options.context(), event)
        _show(options, fact.charge, kind, happened.isoformat(), changes)


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


def _show(options: Options, charge: str, kind: str, date: str, changes: "list[ScheduleChange]") -> None:
    from revrec.cli.output import print_csv, print_json
    from revrec.cli.schedule import COLUMNS, brief, shown_changes

    if options.json:
        print_json({"charge": charge, "kind": kind, "date": date, "changes": shown_changes(changes)})
        return
    if options.csv:
        print_csv(brief(shown_changes(changes)), COLUMNS)
        return
    print(f"{charge}: {kind} on {date} recorded")
    for change in changes:
        print(f"  {change.note}")
    if not changes:
        print("  its schedule is unchanged")
