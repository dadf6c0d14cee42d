"""Reversals of posted entries: one in force for each entry, and the release of the lines once it is posted."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
)

from revrec.core.posting import RELEASED
from revrec.store.audit import AuditStamp, record
from revrec.store.bulk import next_number, rows_of
from revrec.store.digests import RowDigest, digest_rows
from revrec.store.posting import entered_lines
from revrec.store.tables import entered_line, entry_reversal, journal_entry

_mirror = journal_entry.alias("mirror")
_ours, _mirrors = entry_reversal.c, _mirror.c

IS_MIRROR = exists(select(_ours.id).where(_ours.entry_id == journal_entry.c.id).correlate(journal_entry))
"""The condition that an entry is the reversal of another one."""


_its_mirror = select(_mirrors.id).where(_mirrors.id == _ours.entry_id, _mirrors.state == "POSTED")
IS_IN_LEDGER = or_(_ours.entry_id.is_(None), exists(_its_mirror.correlate(entry_reversal)))
"""The condition that a reversal is in the ledger: its mirror entry is posted, or a person made it in Intacct."""


IS_REVERSED_FOR_GOOD = exists(
    select(_ours.id)
    .where(_ours.reverses == journal_entry.c.id, _ours.final == 1, IS_IN_LEDGER)
    .correlate(journal_entry)
)
"""The condition that the schedule lines of an entry are on it and never posted again, although it is reversed."""


_ENTRY = bindparam("entry", type_=BigInteger())
_REOPENED = (
    select(_ours.reverses)
    .join(journal_entry, journal_entry.c.id == _ours.reverses)
    .where(or_(_ours.reverses == _ENTRY, _ours.entry_id == _ENTRY), _ours.final == 0, IS_IN_LEDGER)
    .where(journal_entry.c.state == "POSTED")
)
_MADE_BY = select(entry_reversal).where(_ours.entry_id == _ENTRY)
"""Statements that a run executes for each entry. To build them each time would take longer than the database needs."""


class Reversal(NamedTuple):
    """A reversal of the entry ``reverses``, both by their numbers here.

    ``entry_id`` is the mirror entry; None if a person reversed or deleted the entry in Intacct, where ``record_no`` is
    the reversing entry, if there is one. ``date`` is the first day on which the entry is not recognized. ``final``:
    its schedule lines are not posted again. ``times`` counts the reversals of the entry that were given up before.
    """

    reverses: int
    times: int
    entry_id: int | None
    record_no: str | None
    date: str
    final: bool
    reason: str


class ReversalInForce(NamedTuple):
    """The reversal of an entry that is in force, with reference and state of its mirror entry, if it has one."""

    reversal: Reversal
    reference: str | None
    state: str | None
    record_no: str | None


def add_reversal(connection: Connection, reversal: Reversal, reference: str, who: AuditStamp) -> RowDigest:
    """Store a reversal of the entry with this reference; a mirror entry is stored after it. Return its digest."""
    number = next_number(connection, _ours.id)
    values = {**reversal._asdict(), "id": number, "final": int(reversal.final), "at": who.at, "actor": who.actor}
    added = connection.execute(insert(entry_reversal).values(values).returning(*_ours)).one()
    shown = {"date": added.date, "final": reversal.final, "reason": added.reason, "record_no": added.record_no}
    digest = digest_rows(entry_reversal, [added])
    record(connection, who, "entry reversed", reference, shown, [digest])
    return digest


def release_lines_of_reversed(connection: Connection, number: int) -> None:
    """Open the schedule lines of an entry again once its reversal is posted; ``number`` is either of the two."""
    reopened = [one for (one,) in rows_of(connection, _REOPENED, entry=number)]
    if reopened:
        entered_lines.release(connection, entered_line.c.entry_id.in_(reopened))


def _in_force() -> Select[Any]:
    """Return the reversals that are in the ledger or on their way to it."""
    query = select(entry_reversal).outerjoin(_mirror, _mirrors.id == _ours.entry_id)
    return query.where(or_(_ours.entry_id.is_(None), _mirrors.state.not_in(RELEASED)))


def reversals_in_force(connection: Connection, numbers: Sequence[int]) -> dict[int, ReversalInForce]:
    """Return the reversals in force of these entries, by the number of the reversed entry."""
    query = _in_force().add_columns(_mirrors.reference, _mirrors.state, _mirrors.record_no.label("mirror_record_no"))
    found = {}
    for row in connection.execute(query.where(_ours.reverses.in_(numbers))):
        key = row.mirror_record_no or row.record_no
        found[row.reverses] = ReversalInForce(_reversal(row), row.reference, row.state, key)
    return found


def reopened_in_intacct(connection: Connection, references: Sequence[str]) -> set[str]:
    """Return which of these entries were reversed or deleted in Intacct, so that their schedule lines are due again."""
    query = select(journal_entry.c.reference).join(entry_reversal, _ours.reverses == journal_entry.c.id)
    by_a_person = (_ours.entry_id.is_(None), _ours.final == 0)
    return set(connection.execute(query.where(journal_entry.c.reference.in_(references), *by_a_person)).scalars())


def reversal_by(connection: Connection, number: int) -> Reversal | None:
    """Return the reversal that an entry makes; None if it is no reversal."""
    row = connection.execute(_MADE_BY, {"entry": number}).first()
    return _reversal(row) if row else None


def given_up_reversals(connection: Connection) -> list[Reversal]:
    """Return the reversals whose mirror entry was rejected and replaced, and that have no successor yet."""
    later = entry_reversal.alias("later")
    newer = exists(select(later.c.id).where(later.c.reverses == _ours.reverses, later.c.times > _ours.times))
    query = select(entry_reversal).join(_mirror, _mirrors.id == _ours.entry_id)
    rows = connection.execute(query.where(_mirrors.state == "REPLACED", ~newer).order_by(_ours.id))
    return [_reversal(row) for row in rows]


def entries_of_run(connection: Connection, run: int) -> list[int]:
    """Return the entries that a run made and that were not given up, without reversals, oldest date first."""
    live = journal_entry.c.state.not_in(RELEASED)
    query = select(journal_entry.c.id).where(journal_entry.c.run_id == run, live, ~IS_MIRROR)
    return list(connection.execute(query.order_by(journal_entry.c.date, journal_entry.c.id)).scalars())


def next_times(connection: Connection, number: int) -> int:
    """Return the ``times`` of the next reversal of an entry."""
    last = select(func.coalesce(func.max(_ours.times), -1)).where(_ours.reverses == number)
    return int(connection.execute(last).scalar_one()) + 1


def _reversal(row: Any) -> Reversal:
    values = {name: getattr(row, name) for name in Reversal._fields}
    return Reversal(**{**values, "final": bool(values["final"])})


def entries_that_count(connection: Connection, numbers: Sequence[int]) -> list[str]:
    """Return the references of the entries that schedule lines of these charges are on, except if reversed for good."""
    query = (
        select(journal_entry.c.reference)
        .join(entered_line, entered_line.c.entry_id == journal_entry.c.id)
        .where(entered_line.c.charge_no.in_(numbers), ~IS_REVERSED_FOR_GOOD)
        .distinct()
    )
    return list(connection.execute(query.order_by(journal_entry.c.reference)).scalars())
