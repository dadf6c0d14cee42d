"""The entries that several runs posted together at the same time; only PostgreSQL allows that."""

from typing import NamedTuple

from sqlalchemy import Connection, func, select

from revrec.store.tables import journal_entry, posting_run


class SharedRuns(NamedTuple):
    """Runs that shared the work, by number, with the entries that they posted, and their sums by currency.

    ``sums`` are in minor units, one side of each entry.
    """

    runs: tuple[int, ...]
    posted: int
    sums: dict[str, int]


def shared_runs(connection: Connection, run: int, is_last: bool) -> SharedRuns | None:
    """Return what a run and those that worked at the same time have posted, once all of them have finished.

    ``is_last`` says that no other run is active: one that was killed never finishes. Return None if no other run
    shared the work, or one still does and will report the total.
    """
    began = select(posting_run.c.started_at).where(posting_run.c.id == run).scalar_subquery()
    others = select(posting_run.c.id, posting_run.c.started_at).where(posting_run.c.id != run)
    together = connection.execute(others.where(posting_run.c.finished_at >= began)).all()
    unfinished = connection.execute(others.where(posting_run.c.finished_at.is_(None)).limit(1)).first()
    if not together or (unfinished and not is_last):
        return None
    start = min(connection.execute(select(began)).scalar_one(), *(one.started_at for one in together))
    sums = (
        select(journal_entry.c.currency, func.count(), func.sum(journal_entry.c.amount))
        .where(journal_entry.c.state == "POSTED", journal_entry.c.posted_at >= start)
        .group_by(journal_entry.c.currency)
        .order_by(journal_entry.c.currency)
    )
    found = connection.execute(sums).all()
    amounts = {currency: int(amount) for currency, _count, amount in found}
    runs = sorted([run, *(one.id for one in together)])
    return SharedRuns(tuple(runs), sum(count for _currency, count, _amount in found), amounts)
