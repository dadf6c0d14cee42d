"""``revrec report balance``: report contract assets, contract liabilities and deferred costs on a day."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from heapq import merge, nsmallest
from itertools import chain, groupby
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from revrec.core.contract_balance import (
    AccountMove,
    BalanceSheet,
    ContractBalance,
    LineBalance,
    LineSums,
    balance_of,
    balance_of_sums,
)
from revrec.core.errors import BadInput
from revrec.core.filters import Filters
from revrec.jobs.reports.base_amounts import about_rates, with_base_amounts
from revrec.jobs.reports.day_notes import day_notes
from revrec.jobs.reports.filters import check_account, check_entity, check_filters
from revrec.jobs.reports.late_changes import ClosedPeriod, LateChange, closed_periods, late_changes
from revrec.jobs.reports.line_balances import (
    BalanceOptions,
    charges_to_read,
    known_day,
    line_balances,
    lines_as_known,
    special_lines,
)
from revrec.jobs.reports.line_status import Netted, about_loose_credits, with_statuses
from revrec.jobs.reports.remaining import check_dimension
from revrec.store import rule_versions
from revrec.store.reports.dimensions import BY_DIMENSION
from revrec.store.reports.plain_contracts import LISTED, SEVERAL, PlainQuery, plain_contracts, summed_contracts
from revrec.store.reports.plain_lines import AccountBalance, balances

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

Line = TypeVar("Line", LineBalance, LineSums)
GROUPINGS = ("contract", "document", "customer")
NAMED = re.compile(rf"{re.escape(BY_DIMENSION)}[\w-]+")


@dataclass
class BalanceNotes:
    """The notes that explain the figures; complete once all contracts have been read.

    ``moves``: open balances on accounts that their rules no longer name. ``closed``: the closed periods that end on the
    day or before it. ``late``: what is dated in them and arrived after their close; it counts in the next open period.
    ``days``: sentences about the day.
    """

    moves: list[AccountMove] = field(default_factory=list)
    closed: list[ClosedPeriod] = field(default_factory=list)
    late: list[LateChange] = field(default_factory=list)
    days: list[str] = field(default_factory=list)


def contract_balances(
    context: "Context",
    wanted: BalanceOptions,
    sheet: BalanceSheet,
    notes: BalanceNotes | None = None,
    with_lines: bool = True,
    most: int | None = None,
) -> Iterator[ContractBalance]:
    """Yield each contract with anything billed or recognized by the day; ``sheet`` adds them up, ``notes`` explain.

    The billed amount is the price of the charge lines, with credits, new prices and refunds up to the day. It counts
    from the post date, or, if revrec invoices the source's documents, from the date of the posted invoice. Without
    ``with_lines``, most contracts are added up in SQL, and their lines are not read. With ``most``, only that many open
    contracts are yielded, the first ones, and most of the others are added up in SQL too.

    Raises:
        BadInput: ``by`` is not a way to group charge lines into contracts, or a filter names what these books do not
            know.
        BadConfiguration: ``base`` needs exchange rates, and none are configured.
        RuleErrors: A charge line has no schedule, and the rules that would give its account have errors.
    """
    if wanted.base and wanted.planned:
        raise BadInput("report balance: --base is of posted entries, which have rates: leave out --planned")
    if wanted.by not in GROUPINGS and not NAMED.fullmatch(wanted.by):
        raise BadInput(f"report balance: --by {wanted.by}: expected {', '.join(GROUPINGS)} or {BY_DIMENSION}NAME")
    with context.database.read_twice() as connection:
        check_entity(context, connection, wanted.entity)
        check_filters(context, connection, wanted.filters)
        check_dimension(connection, wanted.by)
        accounts: set[str] = set()
        with_lines = with_lines or wanted.status or wanted.base
        if most is not None and not with_lines:
            yield from _first_contracts(context, connection, wanted, accounts, sheet, most)
            contracts: Iterator[Netted] = iter(())
        else:
            contracts = _contracts(context, connection, wanted, accounts, with_lines)
        if wanted.status:
            contracts = with_statuses(context, connection, wanted, contracts)
        if wanted.base:
            contracts = with_base_amounts(context, connection, wanted, contracts)
        for contract, lines in contracts:
            if any(line.happened for line in lines):
                sheet.add(contract, lines)
                yield contract
        check_account(context, connection, wanted.account, accounts)
        if notes is not None:
            notes.days = day_notes(context, connection, wanted.until, wanted.until, not wanted.planned)
            notes.days += about_loose_credits(connection) if wanted.status else ()
            notes.days += about_rates(context) if wanted.base else ()
            notes.moves = [move._replace(reason=_reason(connection, move)) for move in sheet.moves()]
            for closed in closed_periods(connection, wanted):
                notes.closed.append(closed)
                notes.late += late_changes(context, connection, wanted, closed.days)


def _contracts(
    context: "Context", connection: "Connection", wanted: BalanceOptions, accounts: set[str], with_lines: bool
) -> Iterator[Netted]:
    """Yield the contracts with their lines, or the sums of them, in order; ``accounts`` has the accounts of all."""
    for read, plain in _days(context, connection, wanted, accounts, with_lines):
        sums = [] if plain is None else plain_contracts(connection, plain)
        yield from merge(read, *map(_contracts_summed, sums), key=_key_of)


def _first_contracts(
    context: "Context",
    connection: "Connection",
    wanted: BalanceOptions,
    accounts: set[str],
    sheet: BalanceSheet,
    most: int,
) -> Iterator[ContractBalance]:
    """Yield the first open contracts of :func:`_contracts`, at most this many, and add all of them to the sheet."""
    for read, plain in _days(context, connection, wanted, accounts, with_lines=False):
        added = _open_contracts(read, sheet)
        summed = () if plain is None else _summed_contracts(connection, plain, sheet, most)
        # Not fewer than one, or the contracts would not be read.
        first = nsmallest(max(most, 1), chain(added, summed), key=attrgetter("contract", "entity", "currency"))
        yield from first[:most]
        sheet.unlisted -= len(first[:most])
        most -= len(first[:most])


def _days(
    context: "Context", connection: "Connection", wanted: BalanceOptions, accounts: set[str], with_lines: bool
) -> Iterator[tuple[Iterator[Netted], PlainQuery | None]]:
    """Yield the contracts whose lines are read, with their ``accounts``, and the lines that SQL adds up."""
    for asked in known_day(context, connection, wanted):
        special = None if with_lines else special_lines(context, connection, [[asked]])
        every = lines_as_known(context, connection, wanted, asked.known, asked.entities, special)
        lines = (line for line in _noting_accounts(every, accounts) if wanted.account in (None, line.account))
        plain = None if special is None else PlainQuery(asked, special, wanted.account, wanted.planned)
        yield _contracts_read(lines), plain


def _open_contracts(contracts: Iterable[Netted], sheet: BalanceSheet) -> Iterator[ContractBalance]:
    """Yield the open contracts, and add all of them to the sheet; they count as not listed."""
    for contract, lines in contracts:
        if any(line.happened for line in lines):
            sheet.add(contract, lines)
        if contract.open:
            sheet.unlisted += 1
            yield contract


def _summed_contracts(
    connection: "Connection", plain: PlainQuery, sheet: BalanceSheet, most: int
) -> Iterator[ContractBalance]:
    """Yield the first open contracts of plain lines in each sum, and add all of them to the sheet."""
    rows = summed_contracts(connection, plain, most)
    for kind, some in groupby(rows, attrgetter("kind")):
        if kind == SEVERAL:
            yield from _open_contracts(_contracts_summed(one.lines for one in some), sheet)
            continue
        for one in some:
            contract = balance_of_sums([one.lines])
            if kind == LISTED:
                yield contract
            else:
                sums = contract._replace(asset=one.asset, liability=one.liability, noncurrent=one.noncurrent)
                sheet.add(sums, [one.lines])
                sheet.unlisted += one.contracts


def contracts_of_lines(
    context: "Context", connection: "Connection", wanted: BalanceOptions, numbers: Sequence[int]
) -> Iterator[ContractBalance]:
    """Yield the contracts of :func:`contract_balances` whose charge lines have these ``numbers``, in no order."""
    for contract, lines in _contracts_read(line_balances(context, connection, wanted, numbers)):
        if any(line.happened for line in lines):
            yield contract


def _contracts_read(lines: Iterable[LineBalance]) -> Iterator[Netted]:
    return ((balance_of(some), some) for some in map(list, by_contract(lines)))


def _contracts_summed(sums: Iterable[LineSums]) -> Iterator[Netted]:
    return ((balance_of_sums(some), some) for some in map(list, by_contract(sums)))


def _key_of(contract: Netted) -> tuple[str, str, str]:
    return contract[0].contract, contract[0].entity, contract[0].currency


def by_contract(lines: Iterable[Line]) -> Iterator[Iterator[Line]]:
    """Yield the lines or sums of each contract, entity and currency: they follow each other."""
    for _key, its_own in groupby(lines, attrgetter("contract", "entity", "currency")):
        yield its_own


def deferred_balances(
    context: "Context", connection: "Connection", until: date, entity: str | None = None
) -> dict[tuple[str, str], int]:
    """Return the balance of each deferred account and currency on a day, in minor units, credits positive.

    These are the balances of :func:`contract_balances`, with every charge line that is billed or recognized by the day:
    also one that waits, is held, or has no schedule.
    """
    found: Counter[tuple[str, str]] = Counter()
    wanted = BalanceOptions(until, entity=entity)
    for one in account_balances(context, connection, wanted, lines_to_read(context, connection, wanted)):
        found[one.account, one.currency] += one.balance
    return dict(found)


def account_balances(
    context: "Context", connection: "Connection", wanted: BalanceOptions, special: Sequence[int] | None
) -> Iterator[AccountBalance]:
    """Yield the balances of the charge lines with anything billed, recognized or planned by a day: sums by account and
    currency, and single lines beside them.

    An account and currency of which nothing has happened yet has no balance, not a balance of zero. ``special`` are the
    charge lines of :func:`lines_to_read`. The only filter is the entity.
    """
    if special is not None:
        day, filters = known_day(context, connection, wanted), Filters(entity=wanted.entity)
        yield from (one for one in balances(connection, day, special, filters) if one.lines)
    for line in line_balances(context, connection, wanted, special):
        if line.happened:
            figures = (1, line.balance, line.balance if line.is_billed else 0)
            yield AccountBalance(line.account, line.currency, line.is_cost, *figures)


def lines_to_read(context: "Context", connection: "Connection", wanted: BalanceOptions) -> list[int] | None:
    """Return the charge lines whose balances on a day are read one by one beside sums; None if all are."""
    return charges_to_read(context, connection, [known_day(context, connection, wanted)])


def _noting_accounts(lines: Iterable[LineBalance], accounts: set[str]) -> Iterator[LineBalance]:
    """Yield the lines, adding their accounts to ``accounts``."""
    for line in lines:
        accounts.add(line.account)
        yield line


def _reason(connection: "Connection", move: AccountMove) -> str:
    """Return why an open balance is on another account than the rest of its charge lines."""
    if move.rule_version is None:
        return f"the rules for lines without a schedule now name {move.to}"
    rule = rule_versions.read_rule_version(connection, move.rule_version)
    return f'rule "{rule.name}" version {rule.version} of {rule.recorded_at[:10]} names {move.to}'


def contract_name(key: str) -> str:
    """Return a contract's key as people read it: ``shop/INV-2001`` or ``CON-7``; with a number if later."""
    parts = json.loads(key)
    number = parts.pop("later", None)
    return "/".join(map(str, parts.values())) + (f" (later {number})" if number else "")
