"""Find the status of charge lines and contracts on a day, for ``revrec report balance --status``."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from revrec.core.batching import batched
from revrec.core.contract_balance import ContractBalance, LineBalance, LineSums
from revrec.core.line_status import LineStatus, age_on, status_of, status_of_contract
from revrec.jobs.reports.line_balances import AT_ONCE, BalanceOptions, balance_query
from revrec.store.reports.exceptions import loose_credits
from revrec.store.reports.progress import LineProgress, progress_of

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

Netted = tuple[ContractBalance, Sequence[LineBalance | LineSums]]
"""A contract, and its lines or the sums of them."""


def with_statuses(
    context: "Context", connection: "Connection", wanted: BalanceOptions, contracts: Iterable[Netted]
) -> Iterator[Netted]:
    """Yield the contracts with their status and the status of each line, as they are known now.

    The ``contracts`` have their lines: they are not sums.
    """
    asked = balance_query(context, wanted, None)
    for some in batched(contracts, AT_ONCE):
        lines = [one for contract, _lines in some for one in contract.lines]
        facts = progress_of(connection, asked, sorted({one.no for one in lines}), wanted.planned)
        recognized, earns = Counter[int](), Counter[int]()
        for one in lines:
            recognized[one.no] += one.recognized
            earns[one.no] += one.earns
        for contract, its_lines in some:
            found = [
                one._replace(status=_status(one, facts.get(one.no, LineProgress()), recognized, earns, wanted))
                for one in contract.lines
            ]
            yield _with_status(contract._replace(lines=found), wanted), its_lines


def _status(
    line: LineBalance, facts: LineProgress, recognized: Counter[int], earns: Counter[int], wanted: BalanceOptions
) -> LineStatus:
    """Return the status of a line; ``recognized`` and ``earns`` are the sums over its accounts, by number."""
    since = (facts.billed or facts.recognized) if line.balance else ""
    complete = recognized[line.no] == earns[line.no]
    status = "" if line.is_billing else status_of(bool(recognized[line.no]), complete, facts.next, facts.waits)
    return LineStatus(status, facts.next, since, age_on(wanted.until, since))


def _with_status(contract: ContractBalance, wanted: BalanceOptions) -> ContractBalance:
    is_asset = bool(contract.asset)
    statuses = [
        (one.status, not one.is_cost and (one.balance < 0) == is_asset)
        for one in contract.lines
        if one.status is not None and not one.is_payable
    ]
    return contract._replace(status=status_of_contract(statuses, wanted.until))


def about_loose_credits(connection: "Connection") -> list[str]:
    """Return in a sentence how many credits no contract, document or credited line joins to a sale; nothing if none."""
    count = sum(1 for _credit in loose_credits(connection))
    lines = "1 credit line belongs" if count == 1 else f"{count} credit lines belong"
    return [f"{lines} to no sale, and each is a contract asset; see revrec report exceptions"] if count else []
