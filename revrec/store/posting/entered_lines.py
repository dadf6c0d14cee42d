"""Schedule lines on journal entries: the rows of lines that are or were on one, and the first line that is not."""

from sqlalchemy import ColumnElement, Connection, exists, insert, select, tuple_, update

from revrec.store.tables import entered_line, journal_line, plan_part, same_line, same_version, schedule

_KEY = ("charge_no", "version", "seq")


def enter(connection: Connection, first: int, last: int, count: int) -> None:
    """Put ``count`` schedule lines on the new entries ``first`` to ``last``, whose journal lines are stored.

    The entries themselves are written later. A line that an earlier entry released has a row already. A trigger refuses
    a line that is on another live entry.
    """
    new = journal_line.c.entry_id.between(first, last) & (journal_line.c.side == "debit")
    lines = select(*(journal_line.c[name] for name in _KEY)).where(new)
    entered = exists().where(same_line(entered_line, journal_line))
    first_time = insert(entered_line).from_select(
        [*_KEY, "entry_id"], lines.add_columns(journal_line.c.entry_id).where(~entered)
    )
    inserted = connection.execute(first_time, execution_options={"preserve_rowcount": True}).rowcount
    if inserted < count:
        row = tuple_(*(entered_line.c[name] for name in _KEY))
        its_entry = select(journal_line.c.entry_id).where(new, same_line(entered_line, journal_line)).scalar_subquery()
        connection.execute(update(entered_line).where(row.in_(lines)).values(entry_id=its_entry))
    _move_open_from(connection, first, last)


def release(connection: Connection, entries: ColumnElement[bool]) -> None:
    """Open the schedule lines of entries again; ``entries`` is the condition on ``entered_line``.

    Their revision goes up, and with it the reference of the next entry that they go on.
    """
    connection.execute(update(entered_line).where(entries).values(entry_id=None, revision=entered_line.c.revision + 1))


def _move_open_from(connection: Connection, first_entry: int, last_entry: int) -> None:
    """Set the date of the first line that was never on an entry, in the versions that have a line on these entries."""
    its_row = same_version(entered_line, schedule) & (entered_line.c.seq == schedule.c.first_seq + plan_part.c.seq - 1)
    on_entry = exists().where(its_row).correlate(schedule, plan_part)
    first = (
        select(plan_part.c.date)
        .where(plan_part.c.plan_id == schedule.c.plan_id, plan_part.c.date >= schedule.c.open_from, ~on_entry)
        .order_by(plan_part.c.seq)
        .limit(1)
        .correlate(schedule)
        .scalar_subquery()
    )
    # Each version once: PostgreSQL looks for its first line once for each row that it is joined with.
    entered = entered_line.c.entry_id.between(first_entry, last_entry)
    new = select(entered_line.c.charge_no, entered_line.c.version).where(entered).distinct().subquery("new")
    changed = same_version(new, schedule) & schedule.c.open_from.is_not(None)
    connection.execute(update(schedule).where(changed).values(open_from=first))
