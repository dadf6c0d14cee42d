"""``revrec explain``."""

from typing import Annotated, Any

import typer

from revrec.cli.shared import Options, command

PART = ("charge", "date", "amount", "currency", "status", "reference", "comes_from")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "explain")
    def explain(
        options: Options,
        reference: Annotated[
            str,
            typer.Argument(metavar="CHARGE", help="Charge id (SOURCE/DOCUMENT/LINE), or what revrec trace takes."),
        ],
    ) -> None:
        """Say where each amount of a charge line comes from.

        The part of the whole that it is, the change of the price that made it, or why it was planned anew; with the
        rule, and the paragraph of the standard that its method follows. With -v the rule's text is shown.

        \b
        Examples:
          revrec explain shop/INV-1001/1
          revrec explain shop/INV-1001/1 --format json
        """
        from revrec.cli.output import print_csv, print_json
        from revrec.jobs.reports.explain_amounts import explain_amounts

        told = list(explain_amounts(options.context(), reference))
        if options.json:
            print_json(told[0] if len(told) == 1 else told)
        elif options.csv:
            print_csv([part for one in told for part in _rows(one)], PART)
        else:
            for one in told:
                _show(one, options.verbose)


def _rows(told: dict[str, Any]) -> list[dict[str, Any]]:
    charge = told["charge"]
    return [{**part, "charge": charge["id"], "currency": charge["currency"]} for part in told["parts"]]


def _show(told: dict[str, Any], verbose: bool) -> None:
    from revrec.cli.output import grouped, print_table
    from revrec.core.harmless import harmless

    charge, rule = told["charge"], told["rule"]
    what = f"{grouped(charge['amount'])} {charge['currency']}, {charge['item']}, customer {charge['customer']}"
    print(harmless(f"{charge['id']}: {what}"))
    print(harmless(f"why: {told['why']}"))
    if told["standard"]:
        print(f"standard: {told['standard']}")
    if told["waits"]:
        print(harmless(f"waits: {grouped(told['waiting'])} {charge['currency']}, {told['waits']}"))
    rows = [{**row, "amount": grouped(row["amount"])} for row in _rows(told)]
    print_table(rows, PART[1:], right=("amount",), spare=("currency", "reference"))
    if rule and verbose:
        print(harmless(f"rule {rule['name']}, version {rule['version']} ({rule['file']}):\n{rule['text'].strip()}"))
    if not told["current"]:
        print("the rules and events of now would plan this otherwise; see: revrec schedule")
