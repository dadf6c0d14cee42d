"""``revrec event``."""

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.filters import ALL, LIMIT, LimitOption, list_command
from revrec.cli.shared import Options, ReasonOption, add_group, command, confirmed, day, fail
from revrec.core.filters import Filters
from revrec.core.harmless import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from revrec.jobs.context import Context
    from revrec.jobs.scheduling.scheduler import ScheduleChange
    from revrec.sources import EventRow

EVENTS = (
    "id", "charge", "kind", "date", "name", "quantity", "percent", "amount", "scope", "state", "note", "recorded_at",
    "actor",
    "file", "row", "withdrawn_for", "withdrawn_by", "withdrawn_at",
)  # fmt: skip
SPARE = (
    "withdrawn_at", "withdrawn_by", "row", "file", "actor", "recorded_at", "note", "scope", "percent", "quantity",
    "withdrawn_for",
)  # fmt: skip
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show the schedule before and after, and save nothing.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "event", "Record, list and withdraw fulfillment events, such as deliveries.")

    @command(group, "add", "event")
    def add(
        options: Options,
        charge: Annotated[str, typer.Argument(metavar="CHARGE", help="Charge id: SOURCE/DOCUMENT/LINE.")],
        kind: Annotated[
            str,
            typer.Argument(
                metavar="KIND",
                help="pod, notice, milestone, percent, usage, estimate, credit, price, cancel, constraint, hold, "
                "release, service_dates or impair.",
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
        scope: Annotated[
            str,
            typer.Option(
                "--scope",
                metavar="contract|line",
                help="What a credit, price or constraint belongs to: the whole contract, or the line.",
                show_default=False,
            ),
        ] = "",
        prorate: Annotated[
            bool,
            typer.Option(
                "--prorate",
                help="Compute the refund of a cancel or credit, or the price in force, by what is not earned yet.",
            ),
        ] = False,
        dry_run: DryRunOption = False,
        yes: Annotated[bool, typer.Option("--yes", help="Record a prorated amount without asking.")] = False,
    ) -> None:
        """Record one fulfillment event and schedule its charge line again.

        The last event of a kind and name counts, so correct a wrong one by recording the right one. If an event never
        happened, use `revrec event withdraw`.

        With --prorate, a cancel or credit refunds what the line has not earned by the end of the day, by its plan. A
        price event then states the new price of the whole service in --amount, such as of an upgrade; it counts for
        what is not earned yet. The amount is shown and must be confirmed: on a terminal, or with --yes. Exit code 2 if
        it is not.

        \b
        Examples:
          revrec event add shop/INV-1003/1 cancel 2024-04-30 --prorate --dry-run
          revrec event add shop/INV-1005/1 pod 2024-05-02 --note "signed by J. Roe"
          revrec event add shop/INV-1006/1 milestone 2024-06-30 --name go-live --dry-run
          revrec event add shop/INV-1001/1 credit 2024-06-30 --amount 5.00 --name CRN-7
        """
        from revrec.core.charge_line import EVENT_KINDS, SCOPES
        from revrec.jobs.importing.events import add_event
        from revrec.sources import EventRow
        from revrec.sources.events import lacking

        if kind not in EVENT_KINDS:
            fail(f"KIND {kind!r}: expected one of {', '.join(EVENT_KINDS)}", 2)
        if scope and scope not in SCOPES:
            fail(f"--scope {scope!r}: expected {' or '.join(SCOPES)}", 2)
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
            scope,
        )
        if prorate:
            _check_prorated(event)
        lacks = lacking(event._asdict())
        if problems := [one for one in lacks if not (prorate and one.field == "amount")]:
            fail("\n".join(f"--{problem}" for problem in problems), 2)
        context = options.context()
        prorated = _prorated(options, context, event, dry_run or yes) if prorate else None
        warnings: list[str] = []
        fact, changes = add_event(context, prorated[0] if prorated else event, dry_run, warnings.extend)
        done = f"{kind} on {happened} {'would be recorded' if dry_run else 'recorded'}"
        facts: dict[str, Any] = {"charge": fact.charge, "kind": kind, "date": happened.isoformat()}
        if prorated:
            facts["prorated"] = prorated[1]
        show_changes(options, facts, done, changes, dry_run, warnings)

    _add_list(group)
    _add_withdraw(group)


def _check_prorated(event: "EventRow") -> None:
    from revrec.jobs.importing.prorated_events import PRORATED

    if event.kind not in PRORATED:
        fail(f"--prorate: is for {', '.join(PRORATED)}; write the amount of a {event.kind}", 2)
    if event.kind == "price" and event.amount is None:
        fail("--prorate: needs --amount, the new price of the whole service", 2)
    if event.kind != "price" and event.amount is not None:
        fail("--prorate: computes the amount; leave --amount out", 2)


def _prorated(options: Options, context: "Context", event: "EventRow", sure: bool) -> "tuple[EventRow, dict[str, Any]]":
    """Return the event with its computed amount, and the computation for JSON, after it is shown and confirmed."""
    from revrec.core.money import decimal_string
    from revrec.jobs.importing.prorated_events import prorate_event

    event, found = prorate_event(context, event)
    amount = f"{event.amount or 0}"
    what = f"the price becomes {amount}" if event.kind == "price" else f"the refund is {amount}"
    reason = f"{event.charge}: {found.words} {found.currency}; {what}"
    if not sure:
        confirmed([reason], "Record it?", "recorded")
    elif not (options.json or options.csv):
        print(reason)
    shares = {name: decimal_string(getattr(found, name), found.currency) for name in ("price", "earned", "unearned")}
    return event, {**shares, "amount": amount, "currency": found.currency}


def _add_list(group: typer.Typer) -> None:
    @list_command(group, "list", "event", filters=ALL)
    def list_(options: Options, filters: Filters, limit: LimitOption = LIMIT) -> None:
        """List recorded events, also withdrawn ones, the newest first.

        A period, --from and --to select by the day of the event.

        \b
        Examples:
          revrec event list --charge shop/INV-1005/1
          revrec event list --period 2024-05 --format csv
        """
        from revrec.cli.listing import show_list, when
        from revrec.jobs.reports.lists import recorded_events

        def shown(row: Mapping[str, Any]) -> dict[str, Any]:
            return {**row, "recorded_at": when(row["recorded_at"]), "withdrawn_at": when(row["withdrawn_at"])}

        found = recorded_events(options.context(), filters)
        show_list(options, "events", found, EVENTS, ("event", "events"), limit, shown, SPARE, ("id",))


def _add_withdraw(group: typer.Typer) -> None:
    @command(group, "withdraw", "event")
    def withdraw(
        options: Options,
        number: Annotated[int, typer.Argument(metavar="ID", help="The event's id, as revrec event list shows it.")],
        reason: ReasonOption,
        dry_run: DryRunOption = False,
    ) -> None:
        """Withdraw an event that was recorded by mistake.

        Its charge line is scheduled as if the event had never been recorded. Amounts that are on entries already are
        corrected by the next run. The event and the reason stay in the trace.

        \b
        Examples:
          revrec event withdraw 17 --reason "another shipment" --dry-run
          revrec event withdraw 17 --reason "another shipment"
        """
        from revrec.jobs.importing.withdrawals import withdraw_event

        warnings: list[str] = []
        event, changes = withdraw_event(options.context(), number, reason, dry_run, warnings.extend)
        done = f"{event.kind} on {event.date} {'would be withdrawn' if dry_run else 'withdrawn'}"
        facts = {"event": event.id, "charge": event.charge, "kind": event.kind, "date": event.date}
        show_changes(options, facts, done, changes, dry_run, warnings)


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


def show_changes(
    options: Options,
    facts: dict[str, Any],
    done: str,
    changes: "list[ScheduleChange]",
    dry_run: bool,
    warnings: "Sequence[str]" = (),
) -> None:
    """Print what was done, or would be, how it changes the schedules, and the warnings."""
    from revrec.cli.output import print_csv, print_json
    from revrec.cli.schedule import COLUMNS, brief, effect_rows, show_effect, shown_changes
    from revrec.jobs.scheduling.effect import ScheduleEffect

    effect, context = ScheduleEffect(), options.context()
    effect.add(changes)
    for warning in () if options.json else warnings:
        print(one_line(f"warning: {warning}"), file=sys.stderr)
    if options.json:
        rows = effect_rows(effect, context)
        shown = {"changes": shown_changes(changes), "warnings": list(warnings)}
        print_json({**facts, "dry_run": dry_run, **shown, **rows})
        return
    if options.csv:
        print_csv(brief(shown_changes(changes)), COLUMNS)
        return
    print(f"{facts['charge']}: {done}")
    for change in changes:
        print(f"  {change.note}")
    if not (changes or warnings):
        print(f"  no schedule changes; to see why: revrec explain {facts['charge']}")
    elif changes and dry_run:
        show_effect(effect, context)
    if dry_run:
        print("dry run: nothing was saved")
