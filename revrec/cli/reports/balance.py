"""``revrec report balance``."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.shared import Options, command, day

if TYPE_CHECKING:
    from revrec.core.contract_balance import BalanceSheet, ContractBalance

CONTRACTS = (
    "contract", "entity", "currency", "customer", "billed", "recognised", "planned", "liability", "asset", "noncurrent",
    "costs",
)  # fmt: skip
LINES = (
    "contract", "charge", "document", "customer", "item", "entity", "currency", "account", "of", "billed", "recognised",
    "planned", "balance",
)  # fmt: skip
ACCOUNTS = (
    "entity", "currency", "account", "of", "billed", "recognised", "credit", "debit", "balance", "reclassify",
    "presented",
)  # fmt: skip
TOTALS = ("entity", "currency", "liability", "liability_noncurrent", "asset", "asset_noncurrent", "costs")
TABLES = {"contracts": CONTRACTS, "lines": LINES, "accounts": ACCOUNTS}
WORDS = frozenset(
    ("contract", "charge", "document", "customer", "item", "entity", "currency", "account", "of", "lines")
)
AMOUNTS = frozenset((*CONTRACTS, *LINES, *ACCOUNTS, *TOTALS)) - WORDS


class Shown(StrEnum):
    """What is listed."""

    contracts = "contracts"
    lines = "lines"
    accounts = "accounts"


def register(group: typer.Typer) -> None:
    """Add the report."""

    @command(group, "balance", "report")
    def balance(
        options: Options,
        date: Annotated[str, typer.Option("--date", metavar="D", help="The day of the balance sheet.")],
        planned: Annotated[
            bool, typer.Option("--planned", help="Recognized by schedule until D, not by posted entries.")
        ] = False,
        by: Annotated[
            str,
            typer.Option(
                "--by", metavar="WHAT", help="Makes a contract: contract, document, customer or dimensions.NAME."
            ),
        ] = "contract",
        show: Annotated[
            Shown, typer.Option("--show", metavar="contracts|lines|accounts", help="What is listed.")
        ] = Shown.contracts,
        account: Annotated[
            str | None, typer.Option("--account", metavar="A", help="Only lines deferred on this account.")
        ] = None,
        entity: Annotated[str | None, typer.Option("--entity", metavar="E", help="Only this entity.")] = None,
        customer: Annotated[str | None, typer.Option("--customer", metavar="C", help="Only this customer.")] = None,
        all: Annotated[bool, typer.Option("--all", help="Also what is billed and recognized to the cent.")] = False,
        limit: Annotated[
            int, typer.Option("--limit", metavar="N", help="Most rows in the table; 0 for all.", min=0)
        ] = 50,
        output: Annotated[
            Path | None, typer.Option("--output", metavar="FILE", help="Write the result here, not to the terminal.")
        ] = None,
    ) -> None:
        """Contract liabilities, contract assets and deferred costs on a day.

        What was billed until D less what was recognized until D: line by line, netted by contract to one liability
        or one asset, and by account what is to be reclassified so that the balance sheet shows them apart. Reads only.

        \b
        Examples:
          revrec report balance --date 2024-03-31
          revrec report balance --date 2024-03-31 --show lines --format csv --output lines.csv
          revrec report balance --date 2024-03-31 --by customer --planned --format json
        """
        from revrec.cli.output import writing_to
        from revrec.core.contract_balance import BalanceSheet
        from revrec.jobs.reports.contract_balances import BalanceOptions, contract_balances

        until = day(date, "--date")
        assert until is not None
        wanted, sheet = BalanceOptions(until, planned, by, account, entity, customer), BalanceSheet()
        found = contract_balances(options.context(), wanted, sheet)
        listed = _begun(one for one in found if all or one.open)
        with writing_to(output):
            if options.json:
                _show_json(wanted, show, listed, sheet)
            elif options.csv:
                _show_csv(show, listed, sheet)
            else:
                _show_tables(show, listed, sheet, limit)


def _begun(found: "Iterator[ContractBalance]") -> "Iterator[ContractBalance]":
    """The contracts, of which the first is read at once: what is wrong is told before anything is written."""
    return chain(list(islice(found, 1)), found)


def _show_json(wanted: Any, show: Shown, listed: "Iterator[ContractBalance]", sheet: "BalanceSheet") -> None:
    from revrec.cli.output import print_json_list

    head = {"date": wanted.until, "planned": wanted.planned, "by": wanted.by}
    contracts = (_told(one, show) for one in listed)
    print_json_list(
        "contracts", contracts, head, lambda: {"accounts": _plain(sheet.accounts()), "totals": _plain(sheet.totals())}
    )


def _show_csv(show: Shown, listed: "Iterator[ContractBalance]", sheet: "BalanceSheet") -> None:
    from revrec.cli.output import print_csv

    print_csv(_rows(show, listed, sheet), TABLES[show])


def _show_tables(show: Shown, listed: "Iterator[ContractBalance]", sheet: "BalanceSheet", limit: int) -> None:
    from revrec.cli.output import print_table

    if show is not Shown.accounts:
        rows = _rows(show, listed, sheet)
        shown = list(islice(rows, limit)) if limit else list(rows)
        print_table(shown, TABLES[show], spare=("document", "item", "customer", "planned"), amounts=AMOUNTS)
        more = sum(1 for _row in rows)
        if more:
            print(f"... and {more:,} more {show} (--limit 0 shows all)")
        if not shown:
            print("nothing is deferred, and nothing unbilled")
    accounts = _rows(Shown.accounts, listed, sheet)
    print_table(list(accounts), ACCOUNTS, "Accounts, credits positive", spare=("billed", "recognised"), amounts=AMOUNTS)
    print_table(_plain(sheet.totals()), TOTALS, "Balance sheet", amounts=AMOUNTS)


def _rows(show: Shown, listed: "Iterator[ContractBalance]", sheet: "BalanceSheet") -> Iterator[dict[str, Any]]:
    if show is Shown.accounts:
        for _contract in listed:
            pass
        yield from _plain(sheet.accounts())
    for contract in listed:
        told = _told(contract, show)
        yield from told["lines"] if show is Shown.lines else (told,)


def _told(contract: "ContractBalance", show: Shown) -> dict[str, Any]:
    from revrec.jobs.reports.contract_balances import contract_name

    name = contract_name(contract.contract)
    told = {**_decimal(contract), "contract": name}
    del told["lines"]
    if show is not Shown.lines:
        return told
    lines = [
        {**_decimal(line, LINES), "contract": name, "of": "costs" if line.is_cost else "revenue"}
        for line in contract.lines
    ]
    return {**told, "lines": lines}


def _plain(rows: Iterable[Any]) -> list[dict[str, Any]]:
    return [_decimal(row) for row in rows]


def _decimal(row: Any, names: Iterable[str] = ()) -> dict[str, Any]:
    """A row with its amounts as decimal text."""
    from revrec.core.money import decimal_string

    values = {name: getattr(row, name, 0) for name in names or row._fields}
    return {name: value if name in WORDS else decimal_string(value, row.currency) for name, value in values.items()}
