"""``revrec report balance``: report contract assets, contract liabilities and deferred costs on a day."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.batching import batched
from revrec.core.calendar import add_months
from revrec.core.contract_balance import AccountMove, BalanceSheet, ContractBalance, LineBalance, balance_of
from revrec.core.errors import BadInput
from revrec.core.pricing import PRICE_EVENT_KINDS, price_of
from revrec.core.rules import RuleBook
from revrec.core.rules.costs import is_cost
from revrec.jobs.invoicing.settings import invoice_settings
from revrec.jobs.reports.filters import check_account, check_customer, check_entity
from revrec.jobs.rules.load import load_rules
from revrec.store import charges, events, rule_versions
from revrec.store.reports.contract_balances import BY_DIMENSION, BalanceQuery, ContractBalanceRow, balance_rows

if TYPE_CHECKING:
    from revrec.core.charge_line import ChargeLine
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

GROUPINGS = ("contract", "document", "customer")
NAMED = re.compile(rf"{re.escape(BY_DIMENSION)}[\w-]+")
AT_ONCE = 1_000


class BalanceOptions(NamedTuple):
    """The options of the report: the day, planned or posted revenue, what forms a contract, and filters."""

    until: date
    planned: bool = False
    by: str = "contract"
    account: str | None = None
    entity: str | None = None
    customer: str | None = None


@dataclass
class BalanceNotes:
    """What a reader must know beside the figures; complete once all contracts have been read.

    ``moves``: open balances on accounts that their rules no longer name.
    """

    moves: list[AccountMove] = field(default_factory=list)


def contract_balances(
    context: "Context", wanted: BalanceOptions, sheet: BalanceSheet, notes: BalanceNotes | None = None
) -> Iterator[ContractBalance]:
    """Yield each contract with anything billed or recognized by the day; ``sheet`` adds them up, ``notes`` explain.

    The billed amount is the price of the charge lines, with credits, new prices and refunds up to the day. It counts
    from the post date, or, if revrec invoices the source's documents, from the date of the posted invoice.

    Raises:
        BadInput: ``by`` is not a way to group charge lines into contracts, or a filter names what these books do not
            know.
        RuleErrors: A charge line has no schedule, and the rules that would give its account have errors.
    """
    if wanted.by not in GROUPINGS and not NAMED.fullmatch(wanted.by):
        raise BadInput(f"report balance: --by {wanted.by}: expected {', '.join(GROUPINGS)} or {BY_DIMENSION}NAME")
    with context.database.read() as connection:
        check_entity(context, connection, wanted.entity)
        check_customer(connection, wanted.customer)
        accounts: set[str] = set()
        lines = (
            line for line in _lines(context, connection, wanted, accounts) if wanted.account in (None, line.account)
        )
        for _key, its_own in groupby(lines, lambda line: (line.contract, line.entity, line.currency)):
            contract = balance_of(list(its_own))
            if contract.lines:
                sheet.add(contract)
                yield contract
        check_account(context, connection, wanted.account, accounts)
        if notes is not None:
            notes.moves = [move._replace(reason=_reason(connection, move)) for move in sheet.moves()]


def deferred_balances(
    context: "Context", connection: "Connection", until: date, entity: str | None = None
) -> dict[tuple[str, str], int]:
    """Return the balance of each deferred account and currency on a day, in minor units, credits positive.

    These are the balances of :func:`contract_balances`, with every charge line that is billed or recognized by the day:
    also one that waits, is held, or has no schedule.
    """
    balances: Counter[tuple[str, str]] = Counter()
    for line in _lines(context, connection, BalanceOptions(until, entity=entity), set()):
        if line.happened:
            balances[line.account, line.currency] += line.balance
    return dict(balances)


def _lines(
    context: "Context", connection: "Connection", wanted: BalanceOptions, found_accounts: set[str]
) -> Iterator[LineBalance]:
    """Yield the balance of each charge line; add its account to ``found_accounts``."""
    beyond, accounts = _a_year_after(wanted.until), _UnscheduledAccounts(context)
    wishes = invoice_settings(context).requests
    entities = None if wanted.entity is None else (wanted.entity,)
    asked = BalanceQuery(wanted.until, beyond, wanted.by, entities, wanted.customer, wishes)
    for some in batched(context.progress.track(balance_rows(connection, asked), "charge lines"), AT_ONCE):
        prices = _prices(connection, some, wanted.until)
        without_schedule = [row.no for row in some if row.account is None]
        unknown = dict(charges.read_charges(connection, without_schedule)) if without_schedule else {}
        for row in some:
            account = row.account if row.account is not None else accounts.of(unknown[row.no])
            for line in _line_balances(row, wanted.planned, account, prices.get(row.no, row.amount), beyond):
                found_accounts.add(line.account)
                yield line


def _a_year_after(day: date) -> date:
    try:
        return add_months(day, 12)
    except OverflowError:
        return date.max


def _prices(connection: "Connection", some: list[ContractBalanceRow], until: date) -> dict[int, int]:
    """Return the price at the end of a day of the charge lines with price changes, by number."""
    recorded = events.events_of_charges(connection, [row.no for row in some])
    changes = {
        no: [one for one in its_own if one.kind in PRICE_EVENT_KINDS and one.date <= until]
        for no, its_own in recorded.items()
    }
    changed = [no for no, its_own in changes.items() if its_own]
    lines = charges.read_charges(connection, changed) if changed else ()
    return {no: price_of(line, changes[no]) for no, line in lines}


class _UnscheduledAccounts:
    """Finds the deferred accounts of charge lines without a schedule, by the current rules."""

    def __init__(self, context: "Context") -> None:
        self._context = context
        self._book: RuleBook | None = None

    def of(self, line: "ChargeLine") -> str:
        """Return the account of the rule that matches the line; otherwise the configured one."""
        # Most reports have no such line, and then work even while the rules have errors.
        if self._book is None:
            self._book = load_rules(self._context)
        return self._book.deferred_account(line)


def _line_balances(
    row: ContractBalanceRow, planned: bool, account: str, price: int, beyond: date
) -> Iterator[LineBalance]:
    """Yield the balance of a charge line on each deferred account that it was billed on or recognized from.

    ``account`` is the one that its rule names now. What was billed or posted before stays on the account of that time.
    """
    billed_account = row.billed_account if row.billed_account is not None else account
    elsewhere = sum(amount for other, amount in row.recognized.items() if other != account)
    for one in dict.fromkeys((account, billed_account, *row.recognized)):
        recognized = row.recognized.get(one, 0)
        by_plan = row.planned - elsewhere if one == account else recognized
        billed = price if row.billed and one == billed_account else 0
        line = _line(row, one, billed, by_plan if planned else recognized, by_plan)
        yield _with_future(line, row, price, beyond) if one == account else line._replace(moves_to=account)


def _line(row: ContractBalanceRow, account: str, billed: int, recognized: int, planned: int) -> LineBalance:
    return LineBalance(
        row.contract,
        row.charge,
        row.document,
        row.customer,
        row.item,
        row.entity,
        row.currency,
        account,
        is_cost(row.line),
        billed,
        recognized,
        planned,
        recognized,
        0,
        0,
        0,
        rule_version=row.rule_version,
    )


def _with_future(line: LineBalance, row: ContractBalanceRow, price: int, beyond: date) -> LineBalance:
    """Return the balance on the account in force with what is still to be earned and billed there."""
    elsewhere = sum(amount for other, amount in row.recognized.items() if other != line.account)
    to_bill = 0 if row.billed else price
    much_later = row.post_date > beyond.isoformat()
    return line._replace(
        earns=row.earns - elsewhere,
        later=row.later,
        to_bill=0 if much_later else to_bill,
        to_bill_later=to_bill if much_later else 0,
    )


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
