"""Credit lines and what they credit. A line names a document of its source, or a document and a line."""

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Subquery, and_, func, or_, select

from revrec.store.tables import charge_line


class CreditLine(NamedTuple):
    """A charge line that credits another one; its ``amount`` is in minor units of ``currency``."""

    id: str
    amount: int
    currency: str


def credited() -> Subquery:
    """Return the credit lines with ``no`` and ``home``, the number of the line that each credits; null if not stored.

    A line that credits a whole document has the first line of the document as home.
    """
    of_line, of_document = charge_line.alias("of_line"), charge_line.alias("of_document")
    named = select(of_line.c.no).where(of_line.c.id == charge_line.c.source + "/" + charge_line.c.credits)
    first = select(func.min(of_document.c.no)).where(
        of_document.c.document == charge_line.c.credits, of_document.c.source == charge_line.c.source
    )
    home = func.coalesce(named.scalar_subquery(), first.scalar_subquery())
    return select(charge_line.c.no, home.label("home")).where(charge_line.c.credits != "").subquery("credited")


def credits_of(connection: Connection, no: int) -> tuple[str, list[CreditLine]]:
    """Return the id of the line that a line credits, empty if there is none, and the lines that credit it."""
    homes, line, home = credited(), charge_line.alias("line"), charge_line.alias("home")
    own = select(home.c.id).join(homes, homes.c.home == home.c.no).where(homes.c.no == no)
    named: ColumnElement[bool] = or_(
        charge_line.c.credits == line.c.document, charge_line.c.credits == line.c.document + "/" + line.c.line
    )
    lines = (
        select(charge_line.c.id, charge_line.c.amount, charge_line.c.currency)
        .join(line, and_(line.c.source == charge_line.c.source, named))
        .where(charge_line.c.credits != "", line.c.no == no)
        .order_by(charge_line.c.no)
    )
    return connection.execute(own).scalar() or "", [CreditLine(*row) for row in connection.execute(lines)]


def unknown_credits(connection: Connection, import_id: int, most: int) -> list[tuple[int, str]]:
    """Return the row and the reference of lines of an import that credit what is not stored."""
    homes = credited()
    query: Any = (
        select(charge_line.c.row, charge_line.c.credits)
        .join(homes, homes.c.no == charge_line.c.no)
        .where(charge_line.c.import_id == import_id, homes.c.home.is_(None))
        .order_by(charge_line.c.no)
        .limit(most)
    )
    return [(row, reference) for row, reference in connection.execute(query)]
