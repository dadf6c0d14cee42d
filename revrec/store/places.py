"""What waiting schedule lines will name when they are posted: entities and dimensions, of a bounded sample."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from revrec.store.charges import dimensions_of
from revrec.store.tables import OPEN, charge_line, schedule_line

LINES = 20_000
"""Open schedule lines that are looked at, the earliest first."""


class Place(NamedTuple):
    """An entity and a set of dimensions that open lines carry, and the first date of those lines."""

    entity: str
    dimensions: Mapping[str, str]
    first: str


def waiting_places(connection: Connection, lines: int = LINES) -> list[Place]:
    """Every entity and set of dimensions among the first ``lines`` open schedule lines, earliest first."""
    early = (
        select(schedule_line.c.charge_no, schedule_line.c.date)
        .where(OPEN)
        .order_by(schedule_line.c.date)
        .limit(lines)
        .subquery()
    )
    first = func.min(early.c.date)
    query = (
        select(charge_line.c.entity, charge_line.c.dimensions, first)
        .join(early, early.c.charge_no == charge_line.c.no)
        .group_by(charge_line.c.entity, charge_line.c.dimensions)
        .order_by(first, charge_line.c.entity, charge_line.c.dimensions)
    )
    return [Place(entity or "", dimensions_of(text), date) for entity, text, date in connection.execute(query)]
