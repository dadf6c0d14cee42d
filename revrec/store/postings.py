"""An entry's way to Intacct: attempts and answers kept for ever, every change of state a compare-and-swap."""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, insert, select, update

from revrec.core.errors import RevrecError
from revrec.core.posting import allowed
from revrec.store.audit import Who, record
from revrec.store.bulk import next_number
from revrec.store.digests import of_rows
from revrec.store.entries import sends_of
from revrec.store.tables import attempt, attempt_outcome, journal_entry, schedule_line


class Outcome(NamedTuple):
    """What became of one attempt, as it is stored; ``response`` without secrets."""

    outcome: str
    http_status: int | None
    record_no: str | None
    error: str | None
    response: str


class LostClaim(RevrecError):
    """Another worker changed the entry first; nothing was written."""


def begin_attempt(
    connection: Connection, entry_id: int, kind: str, control_id: str, request: str, who: Who
) -> tuple[int, int]:
    """Keep a request before it leaves; returns the attempt's id and its number for this entry."""
    same = attempt.c.entry_id == entry_id
    number = connection.execute(select(func.count()).select_from(attempt).where(same)).scalar_one() + 1
    values = {
        "id": next_number(connection, attempt.c.id),
        "entry_id": entry_id,
        "number": number,
        "kind": kind,
        "control_id": control_id,
        "at": who.at,
        "actor": who.actor,
        "request": request,
    }
    begun = connection.execute(insert(attempt).values(values).returning(*attempt.c)).one()
    shown = {"kind": kind, "entry": entry_id}
    record(connection, who, "attempt begun", f"attempt {begun.id}", shown, [of_rows(attempt, [begun])])
    return begun.id, number


def end_attempt(connection: Connection, attempt_id: int, outcome: Outcome, who: Who) -> None:
    """Keep what became of an attempt."""
    values = {"attempt_id": attempt_id, "at": who.at, **outcome._asdict()}
    ended = connection.execute(insert(attempt_outcome).values(values).returning(*attempt_outcome.c)).one()
    shown = {"outcome": outcome.outcome}
    record(connection, who, "attempt ended", f"attempt {attempt_id}", shown, [of_rows(attempt_outcome, [ended])])


def change_state(
    connection: Connection,
    entry_id: int,
    old: str,
    new: str,
    who: Who,
    held_by: str | None = None,
    sends: int | None = None,
    reason: str = "",
    **values: Any,
) -> None:
    """Move an entry from one posting state to another, if it is still in the first and still ours.

    ``held_by``, where given, must be the worker that holds the entry. ``sends``, where given, must be how often the
    entry was sent: what was decided when it was less often came before a doubt that is not settled. ``reason`` is a
    person's, for the audit trail. ``values`` are further columns to set.

    Raises:
        LostClaim: another worker was faster.
    """
    if not allowed(old, new):
        raise ValueError(f"{old} -> {new} is not a posting transition")
    where = [journal_entry.c.id == entry_id, journal_entry.c.state == old]
    if held_by is not None:
        where.append(journal_entry.c.owner == held_by)
    if sends is not None:
        where.append(sends_of(entry_id) == sends)
    done = connection.execute(
        update(journal_entry).where(*where).values(state=new, **values).returning(*journal_entry.c)
    ).first()
    if done is None:
        raise LostClaim(f"entry {entry_id} is no longer {old}: another worker changed it first")
    told = {name: value for name, value in values.items() if value is not None and name != "attempts"}
    why = {"reason": reason} if reason else {}
    shown = {"from": old, "to": new, **told, **why}
    record(connection, who, f"entry {new}", done.reference, shown, [of_rows(journal_entry, [done])])


def claim(connection: Connection, entry_id: int, old: str, who: Who, owner: str, sends: int, **values: Any) -> None:
    """Take an entry for sending, as :func:`change_state` does; one that another transaction holds is not waited for.

    Raises:
        LostClaim: another worker was faster.
    """
    free = select(journal_entry.c.id).where(journal_entry.c.id == entry_id).with_for_update(skip_locked=True)
    if connection.execute(free).first() is None:
        raise LostClaim(f"entry {entry_id} is in the hands of another worker")
    change_state(connection, entry_id, old, "SENDING", who, sends=sends, owner=owner, **values)


def sending(connection: Connection) -> list[tuple[int, str, str]]:
    """The entries that are being sent, each with its worker and the end of its lease, oldest first."""
    query = select(journal_entry.c.id, journal_entry.c.owner, journal_entry.c.lease_until)
    found = connection.execute(query.where(journal_entry.c.state == "SENDING").order_by(journal_entry.c.id))
    return [(number, owner or "", until or "") for number, owner, until in found]


def release(
    connection: Connection, entry_id: int, who: Who, old: str = "REJECTED", new: str = "REPLACED", reason: str = ""
) -> None:
    """Give an entry's schedule lines back, to go on under a new reference: a refused one's, or a cancelled one's."""
    change_state(connection, entry_id, old, new, who, reason=reason)
    connection.execute(
        update(schedule_line)
        .where(schedule_line.c.entry_id == entry_id)
        .values(entry_id=None, revision=schedule_line.c.revision + 1)
    )


def doubtful(connection: Connection, now: str) -> list[int]:
    """Entries in doubt whose quarantine is over, so that Intacct's answer counts."""
    query = select(journal_entry.c.id).where(
        journal_entry.c.state == "IN_DOUBT",
        (journal_entry.c.not_before.is_(None)) | (journal_entry.c.not_before <= now),
    )
    return list(connection.execute(query).scalars())


def may_be_there(connection: Connection, entry_id: int) -> bool:
    """Whether an entry was sent before and it is not certain that nothing ran."""
    sent = (
        select(attempt.c.id)
        .outerjoin(attempt_outcome, attempt_outcome.c.attempt_id == attempt.c.id)
        .where(attempt.c.entry_id == entry_id, attempt.c.kind == "send")
        .where(attempt_outcome.c.outcome.is_(None) | (attempt_outcome.c.outcome != "not_run"))
    )
    return connection.execute(sent.limit(1)).first() is not None


def unread(connection: Connection, entry_id: int) -> int:
    """How often reading Intacct back for an entry has failed."""
    query = (
        select(func.count())
        .select_from(attempt)
        .join(attempt_outcome, attempt_outcome.c.attempt_id == attempt.c.id)
        .where(attempt.c.entry_id == entry_id, attempt_outcome.c.outcome == "unread")
    )
    return int(connection.execute(query).scalar_one())


def refused(connection: Connection, until: date) -> list[int]:
    """Entries that Intacct refused, dated on or before a day: their lines may try again."""
    query = select(journal_entry.c.id).where(
        journal_entry.c.state == "REJECTED", journal_entry.c.date <= until.isoformat()
    )
    return list(connection.execute(query).scalars())
