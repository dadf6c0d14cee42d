"""The posting states of all kinds of postings, and the attempts to post them, which are kept forever.

Every change of state is a compare-and-swap: an UPDATE that names the state, and often the owner and the number of
sends, that the decision was based on. Two workers that read the same READY entry would otherwise both send it, and the
ledger would have it twice. The loser's UPDATE matches no row and raises :class:`LostClaim` before anything is sent.
"""

from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Integer,
    Row,
    ScalarSelect,
    Table,
    bindparam,
    exists,
    func,
    select,
    update,
)

from revrec.core.batching import batched
from revrec.core.errors import RevrecError
from revrec.core.posting import is_allowed
from revrec.store.audit import AuditStamp, canonical, record
from revrec.store.bulk import first_row, insert_row, next_number
from revrec.store.digests import digest_rows

if TYPE_CHECKING:
    from sqlalchemy.sql.dml import ReturningUpdate

KNOWN_AT_ONCE = 500
SIZES_AT_ONCE = 500
"""Postings whose sizes are read together."""
_row_type: Any = namedtuple
_POSTING = bindparam("posting", type_=BigInteger())


class AttemptOutcome(NamedTuple):
    """The outcome of one attempt, as it is stored; ``response`` has no secrets."""

    outcome: str
    http_status: int | None
    record_no: str | None
    error: str | None
    response: str


class AttemptFailure(NamedTuple):
    """The meaning of an answer that did not post: ``name`` and ``error_class`` of the error catalog.

    ``named`` has the values that Intacct's message names, such as ``account`` and ``dimension``.
    """

    name: str
    error_class: str
    named: Mapping[str, str]


@dataclass(frozen=True)
class PostingProgress:
    """The progress of a posting: its number here, its state, and Intacct's last answer.

    ``sends`` counts every time it was sent; ``attempts`` starts again when a person releases it for sending.
    """

    id: int
    state: str
    attempts: int
    sends: int
    record_no: str | None
    error_no: str | None
    error: str | None
    advice: str | None


class PostingSize(NamedTuple):
    """The size of a posting: its lines, and its amount in minor units of ``currency``."""

    lines: int
    amount: int
    currency: str


class LostClaim(RevrecError):
    """Another worker changed the posting first; nothing was written."""


class PostingTables:
    """The tables of one kind of posting: entries, invoices or adjusting entries; and the operations that all share."""

    def __init__(self, what: str, postings: Table, attempts: Table, outcomes: Table, failures: Table) -> None:
        self.what = what
        self.postings = postings
        self.attempts = attempts
        self.outcomes = outcomes
        self.failures = failures
        self._row = _row_type("PostingRow", postings.columns.keys())
        self._attempt = "attempt" if what == "entry" else f"{what} attempt"
        # A run executes these for each posting. To build them each time would take longer than the database needs.
        ours = postings.c
        self._head = select(postings).where(ours.id == _POSTING)
        self._in_states = select(ours.id).where(
            ours.id.in_(bindparam("numbers", expanding=True)), ours.state.in_(bindparam("states", expanding=True))
        )
        self._count_sends = select(self.count_sends(_POSTING))
        self._count_attempts = select(func.count()).select_from(attempts).where(self.of == _POSTING)
        self._free = select(ours.id).where(ours.id == _POSTING).with_for_update(skip_locked=True)
        self._may_have_posted = (
            select(attempts.c.id)
            .outerjoin(outcomes, outcomes.c.attempt_id == attempts.c.id)
            .where(self.of == _POSTING, attempts.c.kind == "send")
            .where(outcomes.c.outcome.is_(None) | (outcomes.c.outcome != "not_run"))
            .limit(1)
        )
        self._change = cache(self._change_statement)

    @property
    def of(self) -> "Column[int]":
        """The column of an attempt that refers to its posting."""
        found: Column[int] = self.attempts.c[f"{self.what}_id"]
        return found

    def head(self, connection: Connection, number: int) -> Any:
        """Return the row of one posting by its number, without its lines: its values, named as the columns."""
        return self._row._make(first_row(connection, self._head, posting=number))

    def find(self, connection: Connection, reference: str) -> Row[Any] | None:
        """Return the row of the posting with this reference; None without one."""
        return connection.execute(select(self.postings).where(self.postings.c.reference == reference)).first()

    def posted_as(self, connection: Connection, record_no: str) -> str | None:
        """Return the reference of the posting with this Intacct key; None without one."""
        query = select(self.postings.c.reference).where(self.postings.c.record_no == record_no)
        return connection.execute(query.limit(1)).scalar()

    def known(self, connection: Connection, column: str, values: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Return (reference, state) of the postings whose ``reference`` or ``record_no`` is in ``values``, by value."""
        found: dict[str, tuple[str, str]] = {}
        wanted = self.postings.c[column]
        query = select(wanted, self.postings.c.reference, self.postings.c.state)
        for some in batched(values, KNOWN_AT_ONCE):
            rows = connection.execute(query.where(wanted.in_(some)))
            found |= {value: (reference, state) for value, reference, state in rows}
        return found

    def in_states(self, connection: Connection, numbers: Sequence[int], states: Sequence[str]) -> set[int]:
        """Return the postings that are in one of these states."""
        return set(connection.execute(self._in_states, {"numbers": numbers, "states": states}).scalars())

    def sizes(self, connection: Connection, numbers: Sequence[int]) -> dict[int, PostingSize]:
        """Return the sizes of postings by number."""
        ours = self.postings.c
        query = select(ours.id, ours.lines, ours.amount, ours.currency)
        rows = (connection.execute(query.where(ours.id.in_(some))) for some in batched(numbers, SIZES_AT_ONCE))
        return {number: PostingSize(*size) for found in rows for number, *size in found}

    def last_control_id(self, connection: Connection) -> str | None:
        """Return the control id of the newest posting; None without one."""
        query = select(self.postings.c.control_id).order_by(self.postings.c.id.desc())
        return connection.execute(query.limit(1)).scalar()

    def count_sends(self, number: "int | ColumnElement[int]") -> ScalarSelect[int]:
        """Return a subquery that counts how often a posting was ever sent; the count never falls."""
        query = select(func.count()).select_from(self.attempts)
        return query.where(self.of == number, self.attempts.c.kind == "send").scalar_subquery()

    def begin_attempt(
        self, connection: Connection, number: int, kind: str, control_id: str, request: str, who: AuditStamp
    ) -> tuple[int, int]:
        """Record a request before it is sent; return the attempt's id and its number for this posting.

        A process that is killed during the request leaves an attempt without an outcome. So it is known that something
        may have been posted, and the posting is read back instead of being sent again.
        """
        (before,) = first_row(connection, self._count_attempts, posting=number)
        attempt_id = next_number(connection, self.attempts.c.id)
        values = {
            "id": attempt_id,
            self.of.name: number,
            "number": before + 1,
            "kind": kind,
            "control_id": control_id,
            "at": who.at,
            "actor": who.actor,
            "request": request,
        }
        digests = [digest_rows(self.attempts, [insert_row(connection, self.attempts, values)])]
        shown = {"kind": kind, self.what: number}
        record(connection, who, "attempt begun", f"{self._attempt} {attempt_id}", shown, digests)
        return attempt_id, before + 1

    def end_attempt(
        self,
        connection: Connection,
        attempt_id: int,
        outcome: AttemptOutcome,
        who: AuditStamp,
        failure: AttemptFailure | None = None,
    ) -> None:
        """Record the outcome of an attempt, and if it failed, what the failure means.

        A NUL in an answer is stored as its symbol, since PostgreSQL cannot store it in text.
        """
        response = outcome.response.replace("\0", "\N{SYMBOL FOR NULL}")
        values = {"attempt_id": attempt_id, "at": who.at, **outcome._asdict(), "response": response}
        shown = {"outcome": outcome.outcome}
        digests = [digest_rows(self.outcomes, [insert_row(connection, self.outcomes, values)])]
        if failure is not None:
            shown |= {"failure": failure.name, "class": failure.error_class}
            meant = {"attempt_id": attempt_id, **failure._asdict(), "named": canonical(failure.named)}
            digests.append(digest_rows(self.failures, [insert_row(connection, self.failures, meant)]))
        record(connection, who, "attempt ended", f"{self._attempt} {attempt_id}", shown, digests)

    def change_state(
        self,
        connection: Connection,
        number: int,
        old: str,
        new: str,
        who: AuditStamp,
        held_by: str | None = None,
        sends: int | None = None,
        reason: str = "",
        **values: Any,
    ) -> None:
        """Move a posting from state ``old`` to ``new``, if it is still as the caller read it.

        ``held_by``, if passed, must be the worker that owns it. ``sends``, if passed, must be how often it was sent: a
        worker that read Intacct, found nothing, and was then stopped for a while must not send on that answer, because
        another worker may have sent since, and its request may still be on the way. ``reason`` is a person's, for the
        audit trail. ``values`` are further columns to set.

        Raises:
            LostClaim: another worker changed it first.
        """
        if not is_allowed(old, new):
            raise ValueError(f"{old} -> {new} is not a posting transition")
        known = {"posting": number, "old": old, "holder": held_by, "sends": sends}
        change = self._change(held_by is not None, sends is not None)
        done = first_row(connection, change, state=new, **values, **known)
        if done is None:
            raise LostClaim(f"{self.what} {number} is no longer {old}: another worker changed it first")
        set_values = {name: value for name, value in values.items() if value is not None and name != "attempts"}
        why = {"reason": reason} if reason else {}
        shown = {"from": old, "to": new, **set_values, **why}
        reference = self._row._make(done).reference
        record(connection, who, f"{self.what} {new}", reference, shown, [digest_rows(self.postings, [done])])

    def _change_statement(self, is_held: bool, is_counted: bool) -> "ReturningUpdate[Any]":
        """Return the statement of :meth:`change_state`, which sets the columns that its parameters name."""
        ours = self.postings.c
        where = [ours.id == _POSTING, ours.state == bindparam("old")]
        if is_held:
            where.append(ours.owner == bindparam("holder"))
        if is_counted:
            where.append(self.count_sends(_POSTING) == bindparam("sends", type_=Integer()))
        return update(self.postings).where(*where).returning(*ours)

    def claim(
        self, connection: Connection, number: int, old: str, who: AuditStamp, owner: str, sends: int, **values: Any
    ) -> None:
        """Claim a posting for sending, as :meth:`change_state` does, without waiting for one that is locked.

        The lock means that another worker is claiming it now. To wait would keep this worker's turn, and with it one of
        the few requests that may be out, for an entry that it will not get.

        Raises:
            LostClaim: another worker changed it first.
        """
        if first_row(connection, self._free, posting=number) is None:
            raise LostClaim(f"another worker is claiming {self.what} {number}")
        self.change_state(connection, number, old, "SENDING", who, sends=sends, owner=owner, **values)

    def sending(self, connection: Connection) -> list[tuple[int, str, str]]:
        """Return the postings that are being sent, each with its worker and the end of its lease, oldest first."""
        ours = self.postings.c
        query = select(ours.id, ours.owner, ours.lease_until).where(ours.state == "SENDING").order_by(ours.id)
        return [(number, owner or "", until or "") for number, owner, until in connection.execute(query)]

    def due_read_backs(self, connection: Connection, now: str) -> list[int]:
        """Return the postings in doubt whose quarantine is over, so that Intacct can be read back for them."""
        ours = self.postings.c
        over = ours.not_before.is_(None) | (ours.not_before <= now)
        return list(connection.execute(select(ours.id).where(ours.state == "IN_DOUBT", over)).scalars())

    def shorten_quarantines(self, connection: Connection, until: str, who: AuditStamp) -> int:
        """End quarantines at ``until`` that end later, as a clock that was ahead made them; return how many."""
        ours = self.postings.c
        late = [ours.state == "IN_DOUBT", ours.not_before > until]
        changed = connection.execute(update(self.postings).where(*late).values(not_before=until).returning(*ours)).all()
        for row in changed:
            shown = {"not_before": until, "why": "it ended later than a quarantine lasts: a clock was ahead"}
            record(
                connection,
                who,
                f"{self.what} quarantine shortened",
                row.reference,
                shown,
                [digest_rows(self.postings, [row])],
            )
        return len(changed)

    def next_read_back_at(self, connection: Connection) -> str | None:
        """Return when the first quarantine ends; None if nothing is in doubt, empty if a posting has no quarantine."""
        query = select(func.min(func.coalesce(self.postings.c.not_before, "")))
        return connection.execute(query.where(self.postings.c.state == "IN_DOUBT")).scalar()

    def progress(self, connection: Connection, row: Any) -> PostingProgress:
        """Return what is stored of a posting beside its content."""
        (sends,) = first_row(connection, self._count_sends, posting=row.id)
        return PostingProgress(
            row.id, row.state, row.attempts, sends, row.record_no, row.error_no, row.error, row.advice
        )

    def may_have_posted(self, connection: Connection, number: int) -> bool:
        """Check whether a posting was sent before and Intacct may have processed it."""
        return first_row(connection, self._may_have_posted, posting=number) is not None

    def unread(self, connection: Connection, number: int) -> int:
        """Count how often reading Intacct back for a posting has failed."""
        query = (
            select(func.count())
            .select_from(self.attempts)
            .join(self.outcomes, self.outcomes.c.attempt_id == self.attempts.c.id)
            .where(self.of == number, self.outcomes.c.outcome == "unread")
        )
        return int(connection.execute(query).scalar_one())

    def last_answered(self) -> ScalarSelect[int]:
        """Return a subquery for the last send of an outer query's posting that reached Intacct; null without one."""
        return (
            select(func.max(self.attempts.c.id))
            .join(self.outcomes, self.outcomes.c.attempt_id == self.attempts.c.id)
            .where(self.of == self.postings.c.id, self.attempts.c.kind == "send", self.outcomes.c.outcome != "not_run")
            .correlate(self.postings)
            .scalar_subquery()
        )

    def absent_after(self, attempt: ScalarSelect[int]) -> ColumnElement[bool]:
        """Return the condition that a read-back after an attempt did not find an outer query's posting in Intacct."""
        return exists(
            select(self.attempts.c.id)
            .join(self.outcomes, self.outcomes.c.attempt_id == self.attempts.c.id)
            .where(self.of == self.postings.c.id, self.attempts.c.id > attempt, self.outcomes.c.outcome == "absent")
            .correlate(self.postings)
        )
