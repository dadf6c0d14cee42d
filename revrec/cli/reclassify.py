"""``revrec reclassify``."""

from typing import Annotated

import typer

from revrec.cli.shared import EntityOption, Options, command, day

COLUMNS = ("entity", "currency", "account", "to", "lines", "balance")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "reclassify")
    def reclassify(
        options: Options,
        account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account that the balance is on.")],
        to: Annotated[str, typer.Argument(metavar="TO", help="The account that the rules name now.")],
        date: Annotated[str, typer.Option("--date", metavar="D", help="The date of the entry in Intacct.")],
        reason: Annotated[
            str, typer.Option("--reason", metavar="TEXT", help="The reason, such as the entry's number.")
        ],
        entity: EntityOption = None,
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the amounts; store nothing.")] = False,
    ) -> None:
        """Record that a balance was moved to another account.

        When a rule names another account, what was billed stays on the old one, and `revrec report balance` lists what
        to move. Enter that amount in Intacct, then record it here: from that date on the balance is on the new account.
        Nothing is posted.

        \b
        Examples:
          revrec reclassify 2400 2410 --date 2024-06-30 --dry-run --reason "JE-812"
          revrec reclassify 2400 2410 --date 2024-06-30 --reason "JE-812"
        """
        from revrec.cli.output import print_csv, print_json, print_table
        from revrec.core.money import decimal_string
        from revrec.jobs.reconciling.reclassify import reclassify as job

        on = day(date, "--date")
        assert on is not None
        moves = job(options.context(), account, to, on, reason, entity, dry_run)
        rows = [{**one._asdict(), "balance": decimal_string(one.balance, one.currency)} for one in moves]
        shown = [{name: row[name] for name in COLUMNS} for row in rows]
        if options.json:
            print_json({"moves": shown, "stored": not dry_run})
        elif options.csv:
            print_csv(shown, COLUMNS)
        else:
            print_table(shown, COLUMNS, right=("lines",))
            print("dry run: nothing was stored" if dry_run else f"recorded: on {to} from {on} on")
