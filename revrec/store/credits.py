"""Credit lines and what they credit. A line names a document of its source, with or without a line, or a whole id."""

from typing import Any, NamedTuple

from sqlalchemy import CTE, ColumnElement, Connection, Subquery, and_, func, or_, select

from revrec.store.tables import CREDITING, charge_line


class CreditLine(NamedTuple):
    """A charge line that credits another one; its ``amount`` is in minor units of ``currency``."""

    id: str
    amount: int
    currency: str


def _named(upto: int | None = None) -> CTE:
    """Return the credit lines with ``no`` and ``home``, the number of the line that each names; null if not stored.

    A line that credits a whole document names its first line. Lines with a number above ``upto`` are left out.
    """
    of_line, of_document = charge_line.alias("of_line"), charge_line.alias("of_document")
    of_id = charge_line.alias("of_id")
    whole = select(of_id.c.no).where(of_id.c.id == charge_line.c.credits)
    named = select(of_line.c.no).where(of_line.c.id == charge_line.c.source + "/" + charge_line.c.credits)
    first = select(func.min(of_document.c.no)).where(
        of_document.c.document == charge_line.c.credits, of_document.c.source == charge_line.c.source
    )
    wanted = [CREDITING]
    if upto is not None:
        named, first = named.where(of_line.c.no <= upto), first.where(of_document.c.no <= upto)
        whole = whole.where(of_id.c.no <= upto)
        wanted.append(charge_line.c.no <= upto)
    home = func.coalesce(*(one.scalar_subquery() for one in (named, first, whole)))
    return select(charge_line.c.no, home.label("home")).where(*wanted).cte("named")


def credited(upto: int | None = None) -> Subquery:
    """Return the credit lines with ``no`` and ``home``, the number of the line that each credits in the end.

    A credit of a credit line follows the chain to the line that is no credit. Left out are lines that credit nothing
    that is stored, and chains that lead back to their start.
    """
    named = _named(upto)
    chain = _chains(named)
    goes_on = select(named.c.no).where(named.c.home.is_not(None))
    return select(chain.c.no, chain.c.home).where(chain.c.home.not_in(goes_on)).subquery("credited")


def _chains(named: CTE) -> CTE:
    """Return each credit line with every line that its chain leads to; in a loop, with itself too."""
    onward = named.alias("onward")
    chain = select(named.c.no, named.c.home).where(named.c.home.is_not(None)).cte("chain", recursive=True)
    # Rows that repeat are dropped, which ends a chain that leads back to its start.
    longer = select(chain.c.no, onward.c.home).join(onward, onward.c.no == chain.c.home)
    return chain.union(longer.where(onward.c.home.is_not(None)))


def homes_of_credits(connection: Connection) -> dict[str, str]:
    """Return for each credit line that names what it credits the line that it credits in the end, by id."""
    homes, line, home = credited(), charge_line.alias("line"), charge_line.alias("home")
    query = select(line.c.id, home.c.id).select_from(homes)
    query = query.join(line, line.c.no == homes.c.no).join(home, home.c.no == homes.c.home)
    return {row[0]: row[1] for row in connection.execute(query)}


def credit_loop(connection: Connection, import_id: int) -> tuple[int, list[str]] | None:
    """Return the row of a line of an import whose chain of credits leads back to it, and the ids; None without one."""
    named = _named()
    chain = _chains(named)
    found = connection.execute(
        select(chain.c.no, charge_line.c.row)
        .join(charge_line, charge_line.c.no == chain.c.no)
        .where(chain.c.home == chain.c.no, charge_line.c.import_id == import_id)
        .order_by(chain.c.no)
        .limit(1)
    ).first()
    return None if found is None else (found.row, _ids_of_loop(connection, found.no))


def _ids_of_loop(connection: Connection, start: int) -> list[str]:
    """Return the ids of the lines of a loop, from its start back to it."""
    named = _named()
    step = select(named.c.home, charge_line.c.id).join(charge_line, charge_line.c.no == named.c.no)
    no, ids = start, list[str]()
    while True:
        home, id = connection.execute(step.where(named.c.no == no)).one()
        ids.append(id)
        if no == start and len(ids) > 1:
            return ids
        no = home


def credits_of(connection: Connection, no: int) -> tuple[str, list[CreditLine]]:
    """Return the id of the line that a line credits, empty if there is none, and the lines that credit it."""
    homes, line, home = _named(), charge_line.alias("line"), charge_line.alias("home")
    own = select(home.c.id).join(homes, homes.c.home == home.c.no).where(homes.c.no == no)
    named: ColumnElement[bool] = or_(
        and_(charge_line.c.credits == line.c.document, line.c.source == charge_line.c.source),
        and_(charge_line.c.credits == line.c.document + "/" + line.c.line, line.c.source == charge_line.c.source),
        charge_line.c.credits == line.c.id,
    )
    lines = (
        select(charge_line.c.id, charge_line.c.amount, charge_line.c.currency)
        .join(line, named)
        .where(charge_line.c.credits != "", line.c.no == no)
        .order_by(charge_line.c.no)
    )
    return connection.execute(own).scalar() or "", [CreditLine(*row) for row in connection.execute(lines)]


def unknown_credits(connection: Connection, import_id: int, most: int) -> list[tuple[int, str]]:
    """Return the row and the reference of lines of an import that credit what is not stored."""
    homes = _named()
    query: Any = (
        select(charge_line.c.row, charge_line.c.credits)
        .join(homes, homes.c.no == charge_line.c.no)
        .where(charge_line.c.import_id == import_id, homes.c.home.is_(None))
        .order_by(charge_line.c.no)
        .limit(most)
    )
    return [(row, reference) for row, reference in connection.execute(query)]
