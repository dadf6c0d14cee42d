"""``revrec report balance``: contract assets, contract liabilities and deferred costs on a day."""

import json
import re
from collections.abc import Iterator
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.batching import batched
from revrec.core.calendar import add_months
from revrec.core.contract_balance import BalanceSheet, ContractBalance, LineBalance, balance_of
from revrec.core.errors import BadInput
from revrec.core.pricing import PRICE_EVENT_KINDS, price_of
from revrec.core.rules import Rule, RuleBook
from revrec.core.rules.costs import is_cost
from revrec.jobs.invoicing.settings import invoice_settings
from revrec.jobs.rules.load import load_rules
from revrec.store import charges, events
from revrec.store.reports.contract_balances import BY_DIMENSION, BalanceQuery, ContractBalanceRow, balance_rows

if TYPE_CHECKING:
    from revrec.core.charge_line import ChargeLine
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

WAYS = ("contract", "document", "customer")
NAMED = re.compile(rf"{re.escape(BY_DIMENSION)}[\w-]+")
AT_ONCE = 1_000


class Wanted(NamedTuple):
    """What is asked for: the day, whether by plan or by entries, how contracts are told, and what is left out."""

    until: date
    planned: bool = False
    by: str = "contract"
    account: str | None = None
    entity: str | None = None
    customer: str | None = None


def contract_balances(context: "Context", wanted: Wanted, sheet: BalanceSheet) -> Iterator[ContractBalance]:
    """Each contract of which anything was billed or recognized until the day, as it is read; ``sheet`` adds them up.

    What was billed is what charge lines say with their credits, new prices and refunds until the day, on their post
    date, or where their source has its documents invoiced from here, on the day of the posted invoice.

    Raises:
        BadInput: contracts cannot be told ``by`` that.
        RuleErrors: a charge line has no schedule, and the rules that tell its account have mistakes.
    """
    if wanted.by not in WAYS and not NAMED.fullmatch(wanted.by):
        raise BadInput(f"report balance: --by {wanted.by}: expected {', '.join(WAYS)} or {BY_DIMENSION}NAME")
    with context.database.read() as connection:
        lines = (line for line in _lines(context, connection, wanted) if wanted.account in (None, line.account))
        for _key, its_own in groupby(lines, lambda line: (line.contract, line.entity, line.currency)):
            contract = balance_of(list(its_own))
            if contract.lines:
                sheet.add(contract)
                yield contract


def _lines(context: "Context", connection: "Connection", wanted: Wanted) -> Iterator[LineBalance]:
    beyond, accounts = _a_year_after(wanted.until), _Accounts(context)
    wishes = invoice_settings(context).requests
    found = balance_rows(
        connection, BalanceQuery(wanted.until, beyond, wanted.by, wanted.entity, wanted.customer, wishes)
    )
    shown = context.progress.track(found, "charge lines")
    for some in batched(shown, AT_ONCE):
        prices = _prices(connection, some, wanted.until)
        strange = [row.no for row in some if row.account is None]
        unknown = dict(charges.read_charges(connection, strange)) if strange else {}
        for row in some:
            account = row.account if row.account is not None else accounts.of(unknown[row.no])
            yield _line(row, wanted.planned, account, prices.get(row.no, row.amount), beyond)


def _a_year_after(day: date) -> date:
    try:
        return add_months(day, 12)
    except OverflowError:
        return date.max


def _prices(connection: "Connection", some: list[ContractBalanceRow], until: date) -> dict[int, int]:
    """What those of the charge lines that have changes of price cost by the end of a day."""
    recorded = events.events_of_charges(connection, [row.no for row in some])
    told = {
        no: [one for one in its_own if one.kind in PRICE_EVENT_KINDS and one.date <= until]
        for no, its_own in recorded.items()
    }
    changed = [no for no, its_own in told.items() if its_own]
    lines = charges.read_charges(connection, changed) if changed else ()
    return {no: price_of(line, told[no]) for no, line in lines}


class _Accounts:
    """The deferred accounts of charge lines that have no schedule, by the rules of now."""

    def __init__(self, context: "Context") -> None:
        self._context = context
        self._book: RuleBook | None = None

    def of(self, line: "ChargeLine") -> str:
        """That of the rule that takes the line; else the configured one."""
        if self._book is None:
            self._book = load_rules(self._context)
        rule = self._book.match(line)
        post = rule.posting_target(line) if isinstance(rule, Rule) else ""
        return self._context.settings.accounts.deferred if isinstance(post, str) else post.deferred


def _line(row: ContractBalanceRow, planned: bool, account: str, price: int, beyond: date) -> LineBalance:
    to_bill = 0 if row.billed else price
    much_later = row.post_date > beyond.isoformat()
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
        price if row.billed else 0,
        row.planned if planned else row.recognized,
        row.planned,
        row.earns,
        row.later,
        0 if much_later else to_bill,
        to_bill if much_later else 0,
    )


def contract_name(key: str) -> str:
    """What makes a contract, for people: ``shop/INV-2001``, ``CON-7``; with its number, if it is a later one."""
    told = json.loads(key)
    number = told.pop("later", None)
    return "/".join(map(str, told.values())) + (f" (later {number})" if number else "")
