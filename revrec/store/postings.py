"""An entry's way to Intacct: attempts and answers kept for ever, every change of state a compare-and-swap."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, func, insert, select, update

from revrec.core.errors import RevrecError
from revrec.core.posting import allowed
from revrec.store.audit import Who, canonical, record
from revrec.store.bulk import next_number
from revrec.store.digests import of_rows
from revrec.store.entries import recognised_until, sends_of
from revrec.store.tables import attempt, attempt_failure, attempt_outcome, journal_entry, journal_line, schedule_line


class Outcome(NamedTuple):
    """What became of one attempt, as it is stored; ``response`` without secrets."""

    outcome: str
    http_status: int | None
    record_no: str | None
    error: str | None
    response: str


class Failure(NamedTuple):
    """What an answer that did not post was found to mean: ``name`` and ``error_class`` of the catalogue.

    ``named`` holds what the text named, such as ``account`` and ``dimension``.
    """

    name: str
    error_class: str
    named: Mapping[str, str]


class Refused(NamedTuple):
    """An entry that was refused: ``failure`` is what the last answer meant, None if that was not kept.

    ``sent`` tells whether Intacct was spoken to about it at all.
    """

    id: int
    failure: Failure | None
    sent: bool


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


def end_attempt(
    connection: Connection, attempt_id: int, outcome: Outcome, who: Who, failure: Failure | None = None
) -> None:
    """Keep what became of an attempt, and if it failed, what that means.

    A NUL in an answer, which no text of PostgreSQL's can hold, is kept as its symbol.
    """
    response = outcome.response.replace("\0", "\N{SYMBOL FOR NULL}")
    values = {"attempt_id": attempt_id, "at": who.at, **outcome._asdict(), "response": response}
    ended = connection.execute(insert(attempt_outcome).values(values).returning(*attempt_outcome.c)).one()
    shown = {"outcome": outcome.outcome}
    digests = [of_rows(attempt_outcome, [ended])]
    if failure is not None:
        shown |= {"failure": failure.name, "class": failure.error_class}
        meant = {"attempt_id": attempt_id, **failure._asdict(), "named": canonical(failure.named)}
        kept = connection.execute(insert(attempt_failure).values(meant).returning(*attempt_failure.c)).one()
        digests.append(of_rows(attempt_failure, [kept]))
    record(connection, who, "attempt ended", f"attempt {attempt_id}", shown, digests)


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


def refused(connection: Connection, until: date, entry_id: int | None = None) -> list[Refused]:
    """Entries that were refused, recognised on or before a day, oldest first; of one entry, if it is given."""
    last = (
        select(func.max(attempt.c.id))
        .join(attempt_outcome, attempt_outcome.c.attempt_id == attempt.c.id)
        .where(attempt.c.entry_id == journal_entry.c.id, attempt.c.kind == "send")
        .where(attempt_outcome.c.outcome != "not_run")
        .correlate(journal_entry)
        .scalar_subquery()
    )
    query = (
        select(journal_entry.c.id, attempt_failure, last.label("sent"))
        .select_from(journal_entry)
        .outerjoin(attempt_failure, attempt_failure.c.attempt_id == last)
        .where(journal_entry.c.state == "REJECTED", recognised_until(until))
        .order_by(journal_entry.c.date, journal_entry.c.id)
    )
    if entry_id is not None:
        query = query.where(journal_entry.c.id == entry_id)
    return [_refused(row) for row in connection.execute(query)]


def _refused(row: Row[Any]) -> Refused:
    known = row.attempt_id is not None
    failure = Failure(row.name, row.error_class, json.loads(row.named)) if known else None
    return Refused(row.id, failure, row.sent is not None)


def refusals(connection: Connection, entry_id: int) -> int:
    """How often a schedule line of this entry was refused with its very error, since a person last gave it back."""
    line, same, other = journal_line.alias("line"), journal_line.alias("same"), journal_entry.alias("other")
    given_up = journal_line.alias("given_up")
    its_error = select(journal_entry.c.error).where(journal_entry.c.id == entry_id).scalar_subquery()

    def on_the_line(alias: Any) -> Any:
        return (
            (alias.c.charge_no == line.c.charge_no) & (alias.c.version == line.c.version) & (alias.c.seq == line.c.seq)
        )

    cancelled = (
        select(func.coalesce(func.max(given_up.c.entry_id), 0))
        .join(journal_entry, journal_entry.c.id == given_up.c.entry_id)
        .where(on_the_line(given_up), journal_entry.c.state == "CANCELLED")
        .scalar_subquery()
    )
    counted = (
        select(func.count().label("times"))
        .select_from(line)
        .join(same, on_the_line(same) & (same.c.side == line.c.side))
        .join(other, other.c.id == same.c.entry_id)
        .where(line.c.entry_id == entry_id, line.c.side == "debit", other.c.state.in_(("REJECTED", "REPLACED")))
        .where(other.c.error == its_error, other.c.id > cancelled)
        .group_by(line.c.charge_no, line.c.version, line.c.seq)
        .subquery()
    )
    return int(connection.execute(select(func.coalesce(func.max(counted.c.times), 0))).scalar_one())


def next_doubtful(connection: Connection) -> str | None:
    """When the first quarantine ends; None if no entry is in doubt, empty if one has none."""
    query = select(func.min(func.coalesce(journal_entry.c.not_before, ""))).where(journal_entry.c.state == "IN_DOUBT")
    return connection.execute(query).scalar()
