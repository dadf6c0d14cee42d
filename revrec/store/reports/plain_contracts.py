"""Add up the plain charge lines of each contract in SQL, so that only contracts are read, and not their lines."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, case, cast, func, or_

from revrec.core.contract_balance import LineSums
from revrec.store.bulk import sort_on_disk, stream_rows
from revrec.store.posting.invoices import SOLD
from revrec.store.reports.contract_balances import BalanceQuery, contract_key, imported_by_then, in_code_order
from revrec.store.reports.filters import charge_conditions, schedule_conditions
from revrec.store.reports.plain_lines import IS_ENTERED, WHOLE, PlainLines, is_billed, is_dated, of_entities, price_on
from revrec.store.tables import charge_line, rule_version, schedule


def plain_contracts(
    connection: Connection,
    asked: BalanceQuery,
    special: Sequence[int],
    account: str | None = None,
    by_plan: bool = False,
) -> Iterator[LineSums]:
    """Yield the sums of the plain lines on a day, by contract, entity, currency, account, and costs apart.

    ``special`` are the numbers of the other lines, with all lines of their contracts. ``account`` limits the lines;
    ``by_plan``: what is planned until the day counts as recognized, posted or not.
    """
    sort_on_disk(connection)
    lines = _lines(asked, special, account, by_plan).subquery()
    line, amounts = lines.c, ("billed", "recognized", "planned", "earns", "later", "to_bill", "to_bill_later")
    by = [line.contract, line.entity, line.currency, line.account, line.is_cost]
    balance = line.billed - line.recognized
    happened = or_(line.billed != 0, line.recognized != 0, line.planned != 0)
    sums = (
        *(case((happened, 1), else_=0), case((balance > 0, balance), else_=0), case((balance < 0, -balance), else_=0)),
        *(line[name] for name in amounts),
    )
    query = lines.select().with_only_columns(
        *by, func.min(line.customer), func.max(line.customer), *(cast(func.sum(one), BigInteger) for one in sums)
    )
    for row in stream_rows(connection, query.group_by(*by).order_by(*by)):
        yield LineSums(*row)


def _lines(asked: BalanceQuery, special: Sequence[int], account: str | None, by_plan: bool) -> Any:
    """Return the query of the amounts of each plain line."""
    until = is_dated(asked.until)
    soon = is_dated(asked.beyond)
    plain = PlainLines(special, {"posted": IS_ENTERED & until, "planned": until, "soon": soon, "all": WHOLE})
    line, billed, price = charge_line.c, is_billed([asked]), price_on(asked.until)
    much_later = line.post_date > asked.beyond.isoformat()
    query = plain.select(
        in_code_order(contract_key(asked.by, charge_line)).label("contract"),
        *(in_code_order(line[name]).label(name) for name in ("entity", "currency", "customer")),
        rule_version.c.deferred.label("account"),
        case((SOLD, 0), else_=1).label("is_cost"),
        case((billed, price), else_=0).label("billed"),
        plain.amount("planned" if by_plan else "posted").label("recognized"),
        plain.amount("planned").label("planned"),
        schedule.c.amount.label("earns"),
        (plain.amount("all") - plain.amount("soon")).label("later"),
        case((billed | much_later, 0), else_=price).label("to_bill"),
        case((~billed & much_later, price), else_=0).label("to_bill_later"),
    )
    filters = [*charge_conditions(asked.filters), *schedule_conditions(asked.filters)]
    filters += [*of_entities(asked), *imported_by_then(charge_line, asked)]
    if account is not None:
        filters.append(rule_version.c.deferred == account)
    # An offset keeps the databases from computing each amount again for every sum that it is in.
    return query.where(*filters).offset(0)
