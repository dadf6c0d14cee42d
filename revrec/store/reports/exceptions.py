"""Query negative charge lines that no contract, document or credited line joins to a sale."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection, exists, select

from revrec.store.bulk import stream_rows
from revrec.store.charges import IS_REVENUE, NOT_VOIDED
from revrec.store.posting.invoices import SOLD
from revrec.store.tables import charge_line, contract_line


class LooseCredit(NamedTuple):
    """A negative charge line without a sale that it belongs to; ``amount`` is in minor units."""

    charge: str
    customer: str
    post_date: str
    amount: int
    currency: str


def loose_credits(connection: Connection) -> Iterator[LooseCredit]:
    """Yield the credits that are in no contract, name no line that they credit, and have no sale in their document."""
    sale, line = charge_line.alias(), charge_line.c
    its_sale = exists().where(sale.c.source == line.source, sale.c.document == line.document, sale.c.amount > 0)
    joined = exists().where(contract_line.c.charge_no == line.no)
    query = (
        select(line.id, line.customer, line.post_date, line.amount, line.currency)
        .where(line.amount < 0, line.credits == "", SOLD, IS_REVENUE, NOT_VOIDED, ~its_sale, ~joined)
        .order_by(line.no)
    )
    yield from (LooseCredit(*row) for row in stream_rows(connection, query))
