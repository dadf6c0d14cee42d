"""``revrec explain``."""

from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.shared import Options, command

if TYPE_CHECKING:
    from revrec.jobs.reports.explain_amounts import ChargeExplanation

LIMIT = 20
"""Charge lines that are shown unless --limit says otherwise."""
PART = ("charge", "date", "amount", "currency", "status", "reference", "comes_from")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "explain")
    def explain(
        options: Options,
        reference: Annotated[
            str,
            typer.Argument(
                metavar="CHARGE", help="Charge id (SOURCE/DOCUMENT/LINE), or anything that revrec trace accepts."
            ),
        ],
        limit: Annotated[
            int, typer.Option("--limit", metavar="N", help="Maximum number of charge lines; 0 for all.", min=0)
        ] = LIMIT,
    ) -> None:
        """Explain where each amount of a charge line comes from.

        Use it to see why an amount is what it is. To see what happened to it until now, use `revrec trace`; to see
        why other rules do not cover the line, use `revrec rules explain`. Shows the arithmetic of each amount, the
        price change that caused it, or why it was scheduled again, with the rule and the paragraph of the standard
        that its method follows. With -v, the rule's text is shown too.

        \b
        Examples:
          revrec explain shop/INV-1001/1
          revrec explain shop/INV-1001/1 --format json
        """
        from revrec.cli.output import as_data, print_csv, print_json, print_more
        from revrec.jobs.reports.explain_amounts import explain_amounts
        from revrec.jobs.reports.trace import count_traced

        context = options.context()
        explained = explain_amounts(context, reference)
        found = list(islice(explained, limit) if limit and not (options.json or options.csv) else explained)
        if options.json:
            print_json(as_data(found[0] if len(found) == 1 else found))
        elif options.csv:
            print_csv([part for one in found for part in _rows(one)], PART)
        else:
            for one in found:
                _show(one, options.verbose)
            if len(found) == limit:
                print_more(count_traced(context, reference) - limit, "charge line")


def _rows(found: "ChargeExplanation") -> list[dict[str, Any]]:
    charge = found.charge
    return [{**part._asdict(), "charge": charge.id, "currency": charge.currency} for part in found.parts]


def _show(found: "ChargeExplanation", verbose: bool) -> None:
    from revrec.cli.output import grouped, print_table
    from revrec.core.harmless import harmless

    charge, rule = found.charge, found.rule
    what = f"{grouped(charge.amount)} {charge.currency}, {charge.item}, customer {charge.customer}"
    print(harmless(f"{charge.id}: {what}"))
    print(harmless(f"why: {found.why}"))
    if found.standard:
        print(f"standard: {found.standard}")
    if found.waits:
        print(harmless(f"waits: {grouped(found.waiting)} {charge.currency}, {found.waits}"))
    rows = [{**row, "amount": grouped(row["amount"])} for row in _rows(found)]
    print_table(rows, PART[1:], right=("amount",), spare=("currency", "reference"))
    if rule and verbose:
        print(harmless(f"rule {rule.name}, version {rule.version} ({rule.file}):\n{rule.text.strip()}"))
    if not found.current:
        print("under the current rules and events this schedule would differ; see: revrec schedule")
