"""List the charge lines behind a figure of ``revrec report balance``: of a contract, a charge line or an account."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from revrec.core.contract_balance import BalanceSheet, ContractBalance, LineBalance
from revrec.core.report import Report, key_names
from revrec.jobs.reports.contract_balances import contract_balances, contract_name
from revrec.jobs.reports.drill import drill_rows, figure_at, has_values

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.reports.line_balances import BalanceOptions

COLUMNS = ("contract", "charge", "document", "customer", "item", "entity", "account", "of", "currency", "amount")
SPARE = ("entity", "document", "of", "item", "customer")
CONTRACTS, ACCOUNTS = "contracts", "accounts"
"""What the rows of the report are; otherwise, they are charge lines."""
Behind = tuple[Mapping[str, Any], int]
"""The values of a row behind a figure, with its amount in minor units."""


def drill_balance(
    context: "Context", wanted: "BalanceOptions", report: Report, address: str, with_settled: bool
) -> Report:
    """Return the charge lines behind a figure of the balances, which ``wanted`` describes.

    ``with_settled``: the report also has contracts with a balance of zero.

    Raises:
        BadInput: the report has no such column or row.
    """
    keys, column, _rows = figure_at(report, address)
    names, show = key_names(report), report.header["show"]
    found: defaultdict[tuple[str, ...], list[Behind]] = defaultdict(list)
    for contract in contract_balances(context, wanted, BalanceSheet()):
        if show != ACCOUNTS and not with_settled and not contract.open:
            continue
        for line, amount in _amounts(contract, column, show):
            values = _values(contract, line)
            whose = values | {"customer": contract.customer} if show == CONTRACTS else values
            if amount and has_values(whose, keys):
                found[tuple(whose[name] for name in names)].append((values, amount))
    return drill_rows(report, address, lambda row, _column: found[tuple(row[name] for name in names)], COLUMNS, SPARE)


def _values(contract: ContractBalance, line: LineBalance) -> dict[str, Any]:
    values = {name: getattr(line, name) for name in (*COLUMNS[1:-1], "currency")}
    return values | {"contract": contract_name(contract.contract)}


def _amounts(contract: ContractBalance, column: str, show: str) -> Iterator[tuple[LineBalance, int]]:
    """Yield the lines of a contract with their part of a column, in minor units."""
    if show == CONTRACTS and column == "noncurrent":
        yield from contract.noncurrent_lines
        return
    part_of = {CONTRACTS: _part_of_contract, ACCOUNTS: _part_of_account}.get(show)
    for line in contract.lines:
        yield line, part_of(contract, line, column) if part_of else getattr(line, column)


def _part_of_contract(contract: ContractBalance, line: LineBalance, column: str) -> int:
    """Return what a line adds to an amount of its contract, which has either a liability or an asset."""
    net = 0 if line.is_cost else line.balance - line.refund
    amounts = {
        "liability": 0 if contract.asset else net,
        "asset": -net if contract.asset else 0,
        "refund_liability": line.refund_liability,
        "costs": -line.balance - line.return_asset if line.is_cost and not line.is_payable else 0,
        "return_asset": line.return_asset,
        "payable": line.balance if line.is_payable else 0,
    }
    if column in amounts:
        return amounts[column]
    return 0 if line.is_cost or line.is_interest else int(getattr(line, column))


def _part_of_account(contract: ContractBalance, line: LineBalance, column: str) -> int:
    """Return what a line adds to an amount of its deferred account."""
    reclassified = line.refund - line.balance if contract.asset and not line.is_cost else 0
    amounts = {"reclassify": reclassified, "presented": line.balance - line.refund + reclassified}
    return amounts[column] if column in amounts else int(getattr(line, column))
