"""The master data that open schedule lines will name in Intacct: a bounded sample, for ``revrec doctor``."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from revrec.store.charges import dimensions_of
from revrec.store.tables import charge_line, open_line

LINES = 20_000
"""The number of open schedule lines that are read, the earliest first."""

PARTIES = 1_000
"""The number of customers, and of items, that are read."""


class WaitingPlace(NamedTuple):
    """An entity, a set of dimensions and a currency of open schedule lines, and the first date of those lines."""

    entity: str
    dimensions: Mapping[str, str]
    first: str
    currency: str


def waiting_places(connection: Connection, lines: int = LINES) -> list[WaitingPlace]:
    """Return each entity, set of dimensions and currency of the first ``lines`` open schedule lines, by date."""
    early = select(open_line.c.charge_no, open_line.c.date).order_by(open_line.c.date).limit(lines).subquery()
    first = func.min(early.c.date)
    query = (
        select(charge_line.c.entity, charge_line.c.dimensions, first, charge_line.c.currency)
        .join(early, early.c.charge_no == charge_line.c.no)
        .group_by(charge_line.c.entity, charge_line.c.dimensions, charge_line.c.currency)
        .order_by(first, charge_line.c.entity, charge_line.c.dimensions, charge_line.c.currency)
    )
    rows = connection.execute(query)
    return [WaitingPlace(entity or "", dimensions_of(text), date, currency) for entity, text, date, currency in rows]


def waiting_parties(connection: Connection, lines: int = LINES) -> dict[str, list[str]]:
    """Return the customers and items of the first ``lines`` open schedule lines, at most :data:`PARTIES` of each."""
    early = select(open_line.c.charge_no).order_by(open_line.c.date).limit(lines).subquery()
    found = {}
    for name, column in (("customer", charge_line.c.customer), ("item", charge_line.c.item)):
        query = select(column).join(early, early.c.charge_no == charge_line.c.no).distinct().order_by(column)
        found[name] = [value for value in connection.scalars(query.limit(PARTIES)) if value]
    return found
