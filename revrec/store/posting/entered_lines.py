"""Schedule lines on journal entries: the rows of lines that are or were on one, and the first line that is not."""

from sqlalchemy import ColumnElement, Connection, exists, insert, literal, select, tuple_, update

from revrec.store.tables import entered_line, journal_line, plan_part, same_line, same_version, schedule

_KEY = ("charge_no", "version", "seq")


def enter(connection: Connection, entry_id: int) -> None:
    """Put the schedule lines of an entry's journal lines on the entry, before the entry itself is written.

    A line that an earlier entry released has a row already. A trigger refuses a line that is on another live entry.
    """
    its_lines = select(*(journal_line.c[name] for name in _KEY)).where(journal_line.c.entry_id == entry_id)
    row = tuple_(*(entered_line.c[name] for name in _KEY))
    connection.execute(update(entered_line).where(row.in_(its_lines)).values(entry_id=entry_id))
    entered = exists().where(same_line(entered_line, journal_line))
    first = its_lines.add_columns(literal(entry_id)).where(~entered).distinct()
    connection.execute(insert(entered_line).from_select([*_KEY, "entry_id"], first))
    _move_open_from(connection, entry_id)


def release(connection: Connection, entries: ColumnElement[bool]) -> None:
    """Open the schedule lines of entries again; ``entries`` is the condition on ``entered_line``.

    Their revision goes up, and with it the reference of the next entry that they go on.
    """
    connection.execute(update(entered_line).where(entries).values(entry_id=None, revision=entered_line.c.revision + 1))


def _move_open_from(connection: Connection, entry_id: int) -> None:
    """Set the date of the first line that was never on an entry, in the versions whose lines an entry has."""
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
    versions = select(journal_line.c.charge_no, journal_line.c.version).where(journal_line.c.entry_id == entry_id)
    changed = tuple_(schedule.c.charge_no, schedule.c.version).in_(versions)
    connection.execute(update(schedule).where(changed, schedule.c.open_from.is_not(None)).values(open_from=first))
