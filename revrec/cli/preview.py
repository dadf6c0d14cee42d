"""``revrec preview``."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.filters import ALL, LIMIT, BasisOption, LimitOption, list_command
from revrec.cli.output import print_more
from revrec.cli.shared import LAST_DAY, Options, day, fail
from revrec.core.filters import Basis, Filters
from revrec.core.harmless import harmless

if TYPE_CHECKING:
    from revrec.jobs.reports.preview import PreviewLine, SchedulePreview

COLUMNS = (
    "charge", "document", "customer", "item", "rule", "method", "seq", "of", "date", "period", "amount", "currency",
    "deferred", "revenue", "status", "entity", "entry_date", "reason",
)  # fmt: skip
SHORT = ("date", "charge", "customer", "item", "rule", "part", "amount", "currency", "deferred", "revenue", "status")
UNDATED = ("charge", "customer", "item", "amount", "currency", "since", "age", "reason")
BILLING = ("charge", "bills", "customer", "item", "post_date", "amount", "currency")
SUMMARIZED = (
    "date", "journal", "entity", "line", "account", "side", "amount", "currency", "customer", "item", "schedule_lines",
)  # fmt: skip
SPARE = ("item", "customer", "part", "rule", "status", "revenue", "deferred")


STATES = ("posted", "awaiting_approval", "planned", "in_doubt", "needs_review", "blocked", "rejected")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @list_command(app, "preview", filters=ALL)
    def preview(
        options: Options,
        filters: Filters,
        date: Annotated[
            str | None,
            typer.Option("--date", metavar="D", help=f"Show what a run of this day would post; {LAST_DAY}"),
        ] = None,
        basis: BasisOption = Basis.earned,
        file: Annotated[
            Path | None,
            typer.Option("--file", metavar="F", help="Read this file of charge lines instead of imported ones."),
        ] = None,
        mapping: Annotated[
            str | None, typer.Option("--map", metavar="NAME", help="The [mapping.NAME] to read --file with.")
        ] = None,
        limit: LimitOption = LIMIT,
    ) -> None:
        """Show what would be recognized and posted; writes nothing.

        Charge lines without a recognition date are listed with their amount, their age in days and the reason. With
        --date, show exactly the lines that a run of that day would post, and what rules that summarize add them up to.
        Where a period is closed, show the date that the entry would have, or that its lines are blocked, and why.

        Totals are by month of recognition. With --basis ledger, lines and totals go by the dates of the entries, so
        that what is posted equals the ledger.

        \b
        Examples:
          revrec preview --date 2024-03-31
          revrec preview --from 2024-01-01 --to 2024-12-31 --format json
          revrec preview --period 2024-03 --basis ledger
          revrec preview --charge shop/INV-1001/1
          revrec preview --file new-charges.csv
        """
        from revrec.jobs.reports import preview as job

        if date:
            if filters.first or filters.last:
                fail("--date cannot be combined with --period, --from and --to: a run posts all that is due by then", 2)
            filters = replace(filters, last=day(date, "--date"))
        context = options.context()
        if file:
            if filters != Filters(first=filters.first, last=filters.last):
                fail("--file shows lines that are not imported: only --period, --from, --to and --date narrow it", 2)
            from revrec.jobs.importing.import_files import mapping_of

            read_with = mapping_of(context, mapping, events=False)
            found = job.preview_file(context, file, read_with, filters.first, filters.last, basis)
        else:
            found = job.preview(context, filters, date is not None, basis)
        _show(options, found, limit)


def _show(options: Options, found: "SchedulePreview", limit: int) -> None:
    from revrec.cli.output import as_data, print_csv, print_json, print_shares, print_table
    from revrec.jobs.rules.files import RULES_ADVICE

    unscheduled, waiting = as_data(found.unscheduled), as_data(found.waiting)
    undated = as_data(found.undated_totals())
    totals, costs = as_data(found.totals()), as_data(found.costs())
    allocations = as_data(found.allocations)
    if options.json:
        span = {"from": found.first, "to": found.last, "basis": found.basis}
        rest = {"unscheduled": unscheduled, "waiting": waiting, "undated": undated, "allocations": allocations}
        rest["summarized"], rest["billing"] = as_data(found.summarized), as_data(found.billing)
        rest["rule_changes"] = as_data(found.rule_changes)
        print_json({**span, "lines": as_data(found.lines), "totals": totals, "costs": costs, **rest})
        return
    if found.rule_changes:
        print(harmless(f"revrec: warning: {found.rule_changes}; {RULES_ADVICE}"), file=sys.stderr)
    if options.csv:
        print_csv((line._asdict() for line in found.lines), COLUMNS)
        return
    shown = found.lines[:limit] if limit else found.lines
    rows = [{**line._asdict(), "part": f"{line.seq}/{line.of}", "status": _status(line)} for line in shown]
    is_ledger = found.basis is Basis.ledger
    moved = ("entry_date", "reason") if is_ledger or any(line.reason for line in shown) else ()
    print_table(rows, (*SHORT, *moved), right=("part",), spare=SPARE)
    if not rows:
        print("nothing to recognize")
    print_more(len(found.lines) - len(shown), "line")
    journal_lines = as_data(found.summarized)
    print_table(
        journal_lines, SUMMARIZED, title="Summarized journal lines", right=("line", "schedule_lines"),
        spare=("customer", "item", "entity", "journal"), limit=limit, noun=("line", "lines"),
    )  # fmt: skip
    by = f"by {'ledger' if is_ledger else 'recognition'} date"
    _show_totals(totals, f"Totals {by}")
    _show_totals(costs, f"Costs {by}")
    spare, noun = ("item", "customer", "since"), ("line", "lines")
    for title, some in (("Unscheduled", unscheduled), ("Waiting", waiting)):
        print_table(some, UNDATED, title=title, right=("age",), spare=spare, limit=limit, noun=noun)
    costs_too = ("costs",) if any(one.is_cost for one in found.undated) else ()
    columns = ("kind", "currency", "charges", "amount", *costs_too)
    print_table(undated, columns, title="Without a date", right=("charges",))
    print_shares(allocations, "Allocation")
    print_table(as_data(found.billing), BILLING, title="Bills contract lines", spare=("item",), limit=limit, noun=noun)


def _show_totals(totals: list[dict[str, str]], title: str) -> None:
    """Print the totals with the states that occur, and the whole amount if there is more than one."""
    from revrec.cli.output import print_table

    states = [state for state in STATES if any(one[state].strip("0.") for one in totals)]
    shown = (*states, "amount") if len(states) > 1 else states or ("amount",)
    names = {"amount": "total"} | {state: state.replace("_", " ") for state in STATES}
    rows = [{names.get(key, key): value for key, value in one.items()} for one in totals]
    columns = ("period", "currency", *(names.get(one, one) for one in shown))
    print_table(rows, columns, title=title, amounts=columns[2:])


def _status(line: "PreviewLine") -> str:
    """Return the status as people read it; a held line without an entry date is blocked, not on an entry to review."""
    from revrec.core.posting import state_in_words

    is_blocked = line.status == "held" and line.entry_date is None
    return "blocked" if is_blocked else state_in_words(line.status)
