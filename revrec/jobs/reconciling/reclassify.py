"""``revrec reclassify``: record that an open balance was moved to the account that the rules name now."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from revrec.core.batching import batched
from revrec.core.contract_balance import AccountMove, LineBalance
from revrec.core.errors import BadInput, check_reason
from revrec.core.periods import Periods, month_of
from revrec.jobs.posting.periods import check_known_entity
from revrec.jobs.reports.line_balances import AT_ONCE, BalanceOptions, line_balances
from revrec.store import charges, periods
from revrec.store.audit import record
from revrec.store.posting import ledger_changes

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


def reclassify(
    context: "Context",
    account: str,
    to: str,
    day: date,
    reason: str,
    entity: str | None = None,
    dry_run: bool = False,
) -> list[AccountMove]:
    """Record that the open balances of a day on ``account`` that belong on ``to`` are there from that day on.

    These are the balances that ``revrec report balance`` lists to be moved. A person has entered the amounts in
    Intacct; nothing is posted. Return them by entity and currency.

    Raises:
        BadInput: nothing is to be moved, the day is in a closed period, the reason is missing, or these books do not
            know the entity.
    """
    check_reason("reclassify: a move", reason)
    with context.database.write() as connection:
        entities = periods.all_entities(connection)
        _check_open(connection, entities if entity is None else [check_known_entity(context, connection, entity)], day)
        every = line_balances(context, connection, BalanceOptions(day, entity=entity))
        lines = [one for one in every if (one.account, one.moves_to) == (account, to) and one.balance]
        if not lines:
            raise BadInput(f"reclassify: on {day}, no balance on {account} belongs on {to}; see: revrec report balance")
        moves = _moves(lines, account, to)
        if not dry_run:
            _keep(context, connection, lines, day, reason)
    return moves


def _check_open(connection: "Connection", entities: Sequence[str], day: date) -> None:
    known = Periods(periods.facts(connection))
    for entity in entities:
        fact = known.closed(entity, day)
        if fact:
            raise BadInput(
                f"reclassify: {month_of(day)} is closed ({fact.words}); enter the move in an open period, and record "
                "it with that date"
            )


def _moves(lines: Sequence[LineBalance], account: str, to: str) -> list[AccountMove]:
    """Return the sums of the lines by entity and currency."""
    sums: Counter[tuple[str, str]] = Counter()
    counts: Counter[tuple[str, str]] = Counter()
    for one in lines:
        sums[one.entity, one.currency] += one.balance
        counts[one.entity, one.currency] += 1
    return [AccountMove(*key, account, to, None, counts[key], sums[key]) for key in sorted(sums)]


def _keep(context: "Context", connection: "Connection", lines: Sequence[LineBalance], day: date, reason: str) -> None:
    who = context.who()
    first = lines[0]
    detail = {"to": first.moves_to, "date": day.isoformat(), "lines": len(lines), "reason": reason}
    audit_seq = record(connection, who, "balance reclassified", f"account {first.account}", detail)
    numbers = {
        charge: known.no
        for some in batched([one.charge for one in lines], AT_ONCE)
        for charge, known in charges.known_charges(connection, some).items()
    }
    # The balance leaves the old account as if it were recognized from there, and arrives on the new one.
    amounts = {
        (numbers[one.charge], account, day.isoformat()): sign * one.balance
        for one in lines
        for account, sign in ((one.account, 1), (one.moves_to, -1))
    }
    ledger_changes.keep_moves(connection, who, amounts, audit_seq)
