"""``revrec report balance``."""

import datetime
import sys
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.adjustments import PostDryRunOption, show_adjustments
from revrec.cli.filters import CHARGE_FILTERS, LIMIT, LimitOption, list_command
from revrec.cli.posting_results import WaitOption
from revrec.cli.report_output import AgainstOption, BaseOption, DrillOption, end_with_checks, show_report
from revrec.cli.shared import LAST_DAY, Options, YesOption, confirmed, day, fail, span
from revrec.core.filters import Filters

if TYPE_CHECKING:
    from revrec.core.base_amounts import BaseAmounts, BaseBalance
    from revrec.core.contract_balance import BalanceSheet, ContractBalance, LineBalance
    from revrec.core.report import Check, Report
    from revrec.jobs.context import Context
    from revrec.jobs.reports.contract_balances import BalanceNotes
    from revrec.jobs.reports.late_changes import ClosedPeriod
    from revrec.jobs.reports.line_balances import BalanceOptions

CONTRACTS = (
    "contract", "entity", "currency", "customer", "billed", "recognized", "planned", "liability", "asset", "noncurrent",
    "refund_liability", "costs", "return_asset", "payable",
)  # fmt: skip
LINES = (
    "contract", "charge", "document", "customer", "item", "entity", "currency", "account", "of", "billed", "recognized",
    "planned", "balance", "refund",
)  # fmt: skip
ACCOUNTS = (
    "entity", "currency", "account", "of", "billed", "recognized", "credit", "debit", "balance", "refund",
    "reclassify", "presented",
)  # fmt: skip
LATE = ("entity", "currency", "account", "charge", "date", "change", "amount", "stored", "reason")
MOVES = ("entity", "currency", "account", "to", "lines", "balance", "reason")
TOTALS = (
    "entity", "currency", "liability", "liability_noncurrent", "asset", "asset_noncurrent", "refund_liability", "costs",
    "return_asset", "payable",
)  # fmt: skip
SINGULAR = {"contracts": "contract", "lines": "charge line", "accounts": "account"}
TABLES = {"contracts": CONTRACTS, "lines": LINES, "accounts": ACCOUNTS}
SPARE = {
    "contracts": (
        "payable",
        "return_asset",
        "refund_liability",
        "costs",
        "noncurrent",
        "entity",
        "recognized",
        "billed",
        "customer",
        "planned",
    ),
    "lines": ("refund", "contract", "entity", "recognized", "billed", "of", "document", "item", "customer", "planned"),
    "accounts": ("refund", "of", "debit", "credit", "recognized", "billed"),
}
"""Columns that a terminal may be too narrow for, the last one drops first; the name of a row and its balance stay."""
NOTHING = "nothing is deferred, and nothing is unbilled"
STATUS = ("status", "next_date", "open_since", "age")
BASE_TOTALS = (
    "base_liability", "base_asset", "base_refund_liability", "base_costs", "base_return_asset", "base_payable",
)  # fmt: skip
BASE_LINES = ("base_billed", "base_recognized", "base_exchange", "base_balance")
BASE: dict[str, tuple[str, ...]] = {
    "contracts": ("base_currency", *BASE_TOTALS),
    "lines": ("base_currency", "rate", *BASE_LINES),
    "accounts": ("base_currency", "base_balance"),
}
"""The columns of amounts in base currency."""
RATED = ("base_currency", "rate")
IN_BASE = frozenset((*BASE_TOTALS, *BASE_LINES))
WORDS = frozenset((
    *STATUS,
    *("contract", "charge", "document", "customer", "item", "entity", "currency", "account", "of", "lines", "to"),
    *("reason", "date", "change", "stored"),
))  # fmt: skip
AMOUNTS = frozenset((*CONTRACTS, *LINES, *ACCOUNTS, *TOTALS)) - WORDS


class BalanceRows(StrEnum):
    """The kinds of rows that the report can list."""

    contracts = "contracts"
    lines = "lines"
    accounts = "accounts"


def register(group: typer.Typer) -> None:
    """Add the report."""

    @list_command(group, "balance", "report", filters=CHARGE_FILTERS)
    def balance(
        options: Options,
        filters: Filters,
        date: Annotated[str, typer.Option("--date", metavar="D", help=f"The balance sheet date; {LAST_DAY}")],
        planned: Annotated[
            bool, typer.Option("--planned", help="Count revenue recognized by schedule, not by posted entries.")
        ] = False,
        by: Annotated[
            str,
            typer.Option(
                "--by", metavar="WHAT", help="What forms a contract: contract, document, customer or dimensions.NAME."
            ),
        ] = "contract",
        show: Annotated[
            BalanceRows, typer.Option("--show", metavar="contracts|lines|accounts", help="The rows to list.")
        ] = BalanceRows.contracts,
        status: Annotated[
            bool,
            typer.Option("--status", help="Also show the status, the next date, and the age of the balance in days."),
        ] = False,
        base: BaseOption = False,
        all: Annotated[bool, typer.Option("--all", help="Also show contracts with a balance of zero.")] = False,
        drill: DrillOption = None,
        against: AgainstOption = None,
        post: Annotated[
            bool,
            typer.Option("--post", help="Post the presentation entries to Intacct, reversed on the next day."),
        ] = False,
        dry_run: PostDryRunOption = False,
        wait: WaitOption = "0 s",
        yes: YesOption = False,
        limit: LimitOption = LIMIT,
    ) -> None:
        """Show contract liabilities, contract assets and deferred costs.

        The balance is what was billed up to the date less what was recognized: for each line, netted by contract to one
        liability or one asset, and for each account the amount to reclassify so that the balance sheet presents them
        separately. Filters narrow the lines, contracts and totals; --account selects the lines deferred on it, and
        --date takes the place of a period.

        With --status, a line or contract is not started, in progress, complete, held, or waiting for an event.

        --post posts what the report reclassifies to the accounts that [presentation] names, dated with the day, and
        reverses it on the next day. Running it again posts the difference, and nothing if no figure changed. Without
        --post, the report only reads.

        \b
        Examples:
          revrec report balance --date 2024-03-31
          revrec report balance --date 2024-03-31 --show lines --format csv --output lines.csv
          revrec report balance --date 2024-03-31 --by customer --planned --format json
          revrec report balance --date 2024-03-31 --show lines --status
          revrec report balance --date 2024-03-31 --drill contract=shop/INV-1003,column=liability
          revrec report balance --date 2024-03-31 --post --dry-run
        """
        from revrec.cli.listing import first_read
        from revrec.core.contract_balance import BalanceSheet
        from revrec.jobs.reports.contract_balances import BalanceNotes, contract_balances
        from revrec.jobs.reports.line_balances import BalanceOptions, balances_of

        until = day(date, "--date")
        assert until is not None
        wanted = balances_of(until, filters)._replace(planned=planned, by=by, status=status, base=base)
        sheet = BalanceSheet()
        notes = BalanceNotes()
        context = options.context()
        if post:
            whole = wanted == BalanceOptions(until, by=by) and show is BalanceRows.contracts
            if not whole or all or against or drill or by not in ("contract", context.settings.presentation.by):
                fail("--post presents all contracts: it goes with --date, --dry-run, --wait and --yes only", 2)
            _post(options, context, until, dry_run, wait, yes)
            return
        if dry_run:
            fail("--dry-run is for --post", 2)
        if status and show is BalanceRows.accounts:
            fail("--status is of contracts and lines, and not of accounts", 2)
        if drill:
            show_report(options, _behind(context, wanted, show, all, drill, against), limit, None)
            return
        is_table = not (options.is_file or options.json or options.csv)
        most = (limit or None) if is_table and show is BalanceRows.contracts and not all else None
        found = contract_balances(context, wanted, sheet, notes, with_lines=show is BalanceRows.lines, most=most)
        listed = first_read(one for one in found if all or one.open)
        checks = _against_frozen(context, until) if against else []
        if options.is_file:
            report = _as_report(context, wanted, show, listed, sheet)
            _warn(notes)
            show_report(options, report._replace(checks=checks), limit, None)
        elif options.json:
            _show_json(context, wanted, show, listed, sheet, notes, checks)
        elif options.csv:
            _show_csv(wanted, show, listed, sheet)
            _warn(notes)
        else:
            _show_tables(wanted, show, listed, sheet, limit)
            _show_notes(notes, limit)
        end_with_checks(options, checks)


def _post(options: Options, context: "Context", until: datetime.date, dry_run: bool, wait: str, yes: bool) -> None:
    """Post the presentation entries of a day, and print them."""
    from revrec.jobs.running.guards import after_today
    from revrec.jobs.running.present import present

    if options.known is not None:
        fail("--post cannot be combined with --known: it posts the balances as they are known now", 2)
    confirmed([] if dry_run or yes else after_today(context, until))
    result, unposted = present(context, until, dry_run, span(wait, "--wait"))
    if unposted:
        print(
            f"revrec: warning: {unposted}; after revrec run --date {until}, repeat this: it posts the difference",
            file=sys.stderr,
        )
    show_adjustments(options, result)


def _against_frozen(context: "Context", until: datetime.date) -> "list[Check]":
    from revrec.core.typed_dates import DateSpan
    from revrec.jobs.reports.frozen import BALANCE, frozen_checks

    return frozen_checks(context, BALANCE, DateSpan(until.replace(day=1), until))[1]


def _behind(
    context: "Context", wanted: "BalanceOptions", show: BalanceRows, all: bool, drill: str, against: Any
) -> "Report":
    """Return what is behind a figure, with the comparison of the whole month if it is wanted."""
    from revrec.jobs.reports.balance_drill import drill_balance

    report = balance_report(context, wanted._replace(status=False), show, all)
    found = drill_balance(context, wanted._replace(status=False, base=False), report, drill, all)
    checks = _against_frozen(context, wanted.until) if against else []
    return found._replace(checks=[*found.checks, *checks])


def balance_report(
    context: "Context", wanted: "BalanceOptions", show: BalanceRows, with_settled: bool = False
) -> "Report":
    """Return the open contract balances of a day, or all ``with_settled``, as a report."""
    from revrec.core.contract_balance import BalanceSheet
    from revrec.jobs.reports.contract_balances import contract_balances

    sheet = BalanceSheet()
    found = contract_balances(context, wanted, sheet, with_lines=show is BalanceRows.lines)
    listed = (one for one in found if with_settled or one.open)
    return _as_report(context, wanted, show, listed, sheet)


def _as_report(
    context: "Context",
    wanted: "BalanceOptions",
    show: BalanceRows,
    listed: "Iterator[ContractBalance]",
    sheet: "BalanceSheet",
) -> "Report":
    from revrec.jobs.reports.report_header import listed_report

    columns, title = _columns(wanted, show), f"Contract balances by {SINGULAR[show]} as of {wanted.until}"
    amounts = [one for one in columns if one in AMOUNTS]
    rows = _rows(show, listed, sheet)
    report = listed_report(context, "balance", title, _parameters(context, wanted, show), columns, rows, amounts)
    spare = [one for one in columns if one in (*STATUS, *RATED)]
    return report._replace(spare=spare, base=[one for one in columns if one in IN_BASE], empty=NOTHING)


def _parameters(context: "Context", wanted: "BalanceOptions", show: BalanceRows) -> dict[str, Any]:
    """Return the options that the header names."""
    from revrec.jobs.reports.base_amounts import source_of_rates

    named = {"date" if name == "until" else name: value for name, value in wanted._asdict().items() if value}
    return named | {"show": show.value, **({"rates": source_of_rates(context)} if wanted.base else {})}


def _show_json(
    context: "Context",
    wanted: "BalanceOptions",
    show: BalanceRows,
    listed: "Iterator[ContractBalance]",
    sheet: "BalanceSheet",
    notes: "BalanceNotes",
    checks: "Sequence[Check]",
) -> None:
    from revrec.cli.streamed_report import StreamedReport
    from revrec.jobs.reports.report_header import listed_header

    report = StreamedReport([one for one in TABLES[show] if one in AMOUNTS], "contracts")
    for row in (_contract_row(one, show) for one in listed):
        report.add_former(row)
        for line in _rows_of_contract(row, show):
            report.add_row(line)
    # Accounts and totals are summed while the contracts pass.
    accounts = _account_rows(sheet)
    for account in accounts if show is BalanceRows.accounts else ():
        report.add_row(account)
    report.show(
        listed_header(context, "balance", _parameters(context, wanted, show)),
        checks,
        first={"date": wanted.until, "planned": wanted.planned, "by": wanted.by},
        accounts=accounts,
        totals=_total_rows(sheet),
        moves=[_decimal(one, MOVES) for one in notes.moves],
        closed=[_closed(one) for one in notes.closed],
        late=[_decimal(one, LATE) for one in notes.late],
        notes=notes.days,
    )


def _columns(wanted: "BalanceOptions", show: BalanceRows) -> tuple[str, ...]:
    """Return the columns of the rows, with those that are asked for."""
    status = STATUS if wanted.status and show is not BalanceRows.accounts else ()
    return (*TABLES[show], *status, *(BASE[show] if wanted.base else ()))


def _show_csv(
    wanted: "BalanceOptions", show: BalanceRows, listed: "Iterator[ContractBalance]", sheet: "BalanceSheet"
) -> None:
    from revrec.cli.output import print_csv

    print_csv(_rows(show, listed, sheet), _columns(wanted, show))


def _show_tables(
    wanted: "BalanceOptions",
    show: BalanceRows,
    listed: "Iterator[ContractBalance]",
    sheet: "BalanceSheet",
    limit: int,
) -> None:
    from revrec.cli.output import print_more, print_table

    if show is not BalanceRows.accounts:
        rows = _rows(show, listed, sheet)
        shown = list(islice(rows, limit or None))
        amounts = AMOUNTS | IN_BASE
        print_table(shown, _columns(wanted, show), right=("age", "rate"), spare=SPARE[show], amounts=amounts)
        # Rows of contracts are not made only to be counted.
        more = listed if show is BalanceRows.contracts else rows
        print_more(sum(1 for _row in more) + sheet.unlisted, show.removesuffix("s"))
        if not shown:
            print(NOTHING)
    accounts = _rows(BalanceRows.accounts, listed, sheet)
    columns, amounts = _columns(wanted, BalanceRows.accounts), AMOUNTS | IN_BASE
    print_table(list(accounts), columns, "Accounts, credits positive", spare=SPARE["accounts"], amounts=amounts)
    columns = (*TOTALS, *(BASE["contracts"] if wanted.base else ()))
    print_table(_total_rows(sheet), columns, "Balance sheet", amounts=amounts)


def _closed(one: "ClosedPeriod") -> dict[str, Any]:
    """Return a closed period as data."""
    return {
        "entities": list(one.days.entities),
        "through": one.days.until,
        "since": one.fact.at,
        "reason": one.fact.words,
        "figures_as_reported": one.reported,
    }


def _about_closed(one: "ClosedPeriod") -> str:
    """Describe in one sentence how the figures treat a closed period."""
    from revrec.cli.listing import when

    entities = ", ".join(filter(None, one.days.entities))
    whose = f" ({entities})" if entities else ""
    figures = "these are the figures of the close" if one.reported else "what arrived later counts from the next day on"
    return f"closed through {one.days.until}{whose} since {when(one.fact.at)}, {one.fact.words}: {figures}"


def _late_title(notes: "BalanceNotes") -> str:
    as_reported = any(one.reported for one in notes.closed)
    return "Arrived after the close: " + ("not counted here" if as_reported else "counted here, not in closed months")


def _show_notes(notes: "BalanceNotes", limit: int) -> None:
    from revrec.cli.listing import when
    from revrec.cli.output import print_table

    moves = [_decimal(one, MOVES) for one in notes.moves]
    late = [_decimal(one._replace(stored=when(one.stored)), LATE) for one in notes.late]
    print_table(moves, MOVES, "Move to the account that the rules name now", right=("lines",), amounts=AMOUNTS)
    spare, noun = ("entity", "stored", "reason"), ("late change", "late changes")
    print_table(late, LATE, _late_title(notes), spare=spare, amounts=AMOUNTS, limit=limit, noun=noun)
    for one in notes.closed:
        if one.reported or late:
            print(_about_closed(one))
    for line in notes.days:
        print(f"note: {line}")


def _warn(notes: "BalanceNotes") -> None:
    """Print the notes on standard error, beside the rows of a CSV file."""
    for move in (_decimal(one, MOVES) for one in notes.moves):
        where = " ".join(filter(None, (move["entity"], move["currency"], move["account"])))
        print(f"{where}: {move['balance']} belongs on {move['to']}: {move['reason']}", file=sys.stderr)
    for one in (_decimal(one, LATE) for one in notes.late):
        what = f"{one['charge']}: {one['change']} of {one['date']}, {one['amount']} {one['currency']}"
        print(f"{_late_title(notes)}: {what}; {one['reason']}", file=sys.stderr)
    for closed in notes.closed:
        if closed.reported:
            print(_about_closed(closed), file=sys.stderr)
    for line in notes.days:
        print(f"note: {line}", file=sys.stderr)


def _rows(show: BalanceRows, listed: "Iterator[ContractBalance]", sheet: "BalanceSheet") -> Iterator[dict[str, Any]]:
    if show is BalanceRows.accounts:
        for _contract in listed:
            pass
        yield from _account_rows(sheet)
    for contract in listed:
        yield from _rows_of_contract(_contract_row(contract, show), show)


def _rows_of_contract(row: dict[str, Any], show: BalanceRows) -> Sequence[dict[str, Any]]:
    """Return the rows of the report that a contract has; accounts are added up over all contracts."""
    if show is BalanceRows.lines:
        lines: Sequence[dict[str, Any]] = row["lines"]
        return lines
    return () if show is BalanceRows.accounts else (row,)


def _contract_row(contract: "ContractBalance", show: BalanceRows) -> dict[str, Any]:
    from revrec.jobs.reports.contract_balances import contract_name

    name = contract_name(contract.contract)
    row = {**_decimal(contract, CONTRACTS), "contract": name, **_facts(contract)}
    if show is not BalanceRows.lines:
        return row
    lines = [{**_decimal(line, LINES), "contract": name, **_facts(line)} for line in contract.lines]
    return {**row, "lines": lines}


def _facts(one: "ContractBalance | LineBalance") -> dict[str, Any]:
    """Return the facts of a contract or line that are asked for."""
    return ({} if one.status is None else one.status._asdict()) | _in_base(one.base)


def _in_base(base: "BaseAmounts | BaseBalance | None") -> dict[str, Any]:
    """Return the columns of amounts in base currency, if they are asked for."""
    from revrec.core.money import decimal_string

    if base is None:
        return {}
    names = [one for one in (*BASE_TOTALS, *BASE_LINES) if hasattr(base, one.removeprefix("base_"))]
    rate = getattr(base, "rate", None)
    amounts = {one: decimal_string(getattr(base, one.removeprefix("base_")), base.currency) for one in names}
    return {"base_currency": base.currency, **({} if rate is None else {"rate": rate}), **amounts}


def _account_rows(sheet: "BalanceSheet") -> list[dict[str, Any]]:
    """Return the accounts with their balances in base currency, if these are asked for."""
    from revrec.core.money import decimal_string

    rows = []
    for one in sheet.accounts():
        base = sheet.base_total(one.entity, one.currency)
        amount = {} if base is None else {"base_balance": decimal_string(sheet.base_of_account(one), base.currency)}
        rows.append({**_decimal(one), **({} if base is None else {"base_currency": base.currency}), **amount})
    return rows


def _total_rows(sheet: "BalanceSheet") -> list[dict[str, Any]]:
    """Return the balance sheet amounts, also in base currency if these are asked for."""
    return [_decimal(one) | _in_base(sheet.base_total(one.entity, one.currency)) for one in sheet.totals()]


def _decimal(row: Any, names: Iterable[str] = ()) -> dict[str, Any]:
    """Return a row with its amounts as decimal strings."""
    from revrec.core.money import decimal_string

    currency, zero = row.currency, decimal_string(0, row.currency)
    found = {name: getattr(row, name, 0) for name in names or row._fields}
    for name, value in found.items():
        if name not in WORDS:
            # Most amounts of a long list are zero.
            found[name] = decimal_string(value, currency) if value else zero
    return found
