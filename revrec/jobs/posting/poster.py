"""Taking postings to Intacct, one at a time: commit the intent, send, commit the outcome.

The states and the allowed by_tables between them are in ``revrec.core.posting``. Doubt is only ever resolved by reading
Intacct back, after the quarantine; nothing is sent again on a guess. What a journal entry and an invoice do not have
in common is their ``Kind``.
"""

import os
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from uuid import uuid4

from revrec.core.errors import BadConfiguration, RevrecError
from revrec.core.periods import ANSWER, CLOSED, PeriodFact, PostingDates
from revrec.intacct.errors import UnpostableEntry, not_run_answer
from revrec.intacct.gateway import PERIOD_CLOSED, ErrorClass, Gateway, PostingAnswer, PostingOutcome, PreparedPosting
from revrec.store import periods
from revrec.store.posting.posting_tables import AttemptFailure, AttemptOutcome, LostClaim, PostingTables
from revrec.store.posting.workers import Worker

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


PATIENCE = 600
"""Seconds that a run waits for another command's long transaction: an answer of Intacct's must not get lost to it."""


class Stopped(Exception):
    """Nothing ran, and no other entry would fare better: sign-in failed, or the gateway is away or wants a pause."""

    def __init__(self, answer: PostingAnswer) -> None:
        super().__init__(answer.advice)
        self.answer = answer

    @property
    def passes(self) -> bool:
        """Whether a pause may help."""
        return self.answer.error_class in (ErrorClass.RETRY_NOW, ErrorClass.RETRY_LATER)


class FailedForNow(Exception):
    """Intacct failed without a reason of the entry's own and saved nothing; it is READY, and read before it is sent."""

    def __init__(self, answer: PostingAnswer) -> None:
        super().__init__(answer.advice)
        self.answer = answer


class Stored(Protocol):
    """A posting with its number here, its state, and how often it was sent: since a person last let it, and ever."""

    @property
    def id(self) -> int: ...
    @property
    def state(self) -> str: ...
    @property
    def attempts(self) -> int: ...
    @property
    def sends(self) -> int: ...
    @property
    def reference(self) -> str: ...
    @property
    def control_id(self) -> str: ...


class Found(Protocol):
    """What Intacct has; ``str`` of it is kept as evidence."""

    @property
    def record_no(self) -> str: ...


class Kind(Protocol):
    """A kind of posting: how it is loaded and sent, found in Intacct, and known to be ours."""

    tables: PostingTables
    closed_advice: str
    """What to do about one whose period is closed."""

    def load(self, connection: "Connection", number: int) -> Any:
        """The posting with its whole content: a :class:`Stored`."""

    def period(self, stored: Any) -> tuple[str, date]:
        """The entity and the day whose period has to be open for it."""

    def prepare(self, gateway: Gateway, stored: Any) -> PreparedPosting:
        """Its request. Raises UnpostableEntry for one that must not be sent, or as reads do."""

    def asked(self, stored: Any) -> str:
        """How Intacct is read back for it, in words for the record."""

    def find(self, gateway: Gateway, stored: Any) -> Sequence[Found]:
        """What Intacct has under its name. Raises as reads do."""

    def alike(self, context: "Context", gateway: Gateway, stored: Any) -> Sequence[Found]:
        """What Intacct has under another name, and which is perhaps ours. Raises as reads do."""

    def told_of_likeness(self, stored: Any, found: Any) -> tuple[str, str]:
        """What a person is told of that: error and advice."""

    def doubt(self, context: "Context", stored: Any, found: Sequence[Any]) -> str:
        """Why what was found cannot be adopted; empty if it is ours and in Intacct's ledger."""


def owner_name(context: "Context") -> str:
    """A name for a worker that no other has or had."""
    return f"{context.actor}:{os.getpid()}:{uuid4().hex[:8]}"


class Poster:
    """Posts what is of one kind in one run through one gateway, as one worker with a name of its own.

    ``dates`` is what is known of periods; it learns of those that Intacct refuses as closed. ``misdated`` are the
    postings that were refused for it, in Intacct or here, and saved nothing.
    """

    def __init__(self, context: "Context", gateway: Gateway, kind: Kind, worker: Worker | None = None) -> None:
        self.context = context
        self.gateway = gateway
        self.kind = kind
        self.tables = kind.tables
        self.dates = PostingDates()
        self.misdated: list[int] = []
        self.worker = worker or Worker(owner_name(context))
        self.owner = self.worker.owner
        self.quarantine = context.settings.posting.quarantine
        self.lease = context.settings.posting.lease
        self.most_attempts = context.settings.posting.attempts

    def take(self, number: int) -> str:
        """Do for an entry what its state allows now: send it, or read it back; returns its state afterwards.

        Raises:
            Stopped, FailedForNow: as :meth:`post` and :meth:`settle`; after a pause it may be taken again.
        """
        with self.context.database.read() as connection:
            head = self.tables.head(connection, number)
        if head.state == "READY":
            return self.post(number)
        if head.state == "IN_DOUBT" and (head.not_before or "") <= self.context.timestamp():
            return self.settle(number)
        return str(head.state)

    def post(self, number: int) -> str:
        """Send an entry that is READY; returns its state afterwards.

        One that may have reached Intacct before (a person let it be sent again) is read back first. One whose period
        was closed since it was made is refused here.

        Raises:
            Stopped: the gateway turned us away before anything ran; the entry is READY again.
            FailedForNow: Intacct failed by something that passes by itself; the entry is READY again.
        """
        with self.context.database.read() as connection:
            stored = self.kind.load(connection, number)
            may_be_there = self.tables.may_have_posted(connection, number)
        if not may_be_there:
            closed = self.dates.refuses(*self.kind.period(stored))
            return self._misdate(number, closed) if closed else self._send(stored, "READY")
        try:
            with self._write() as connection:
                self.tables.change_state(connection, number, "READY", "IN_DOUBT", self.context.who())
        except LostClaim:
            return str(self._load(number).state)
        return self.settle(number)

    def settle(self, number: int) -> str:
        """Read Intacct back for an entry in doubt; returns its state afterwards.

        One that is not there is sent again, unless a person has closed its period here since: it is held.

        Raises:
            Stopped: Intacct cannot be asked, or the entry was sent again and the gateway turned us away.
            FailedForNow: it was sent again, and Intacct failed by something that passes by itself.
        """
        stored = self._load(number)
        attempt = self._begin_read_back(stored)
        try:
            found = self.kind.find(self.gateway, stored)
            alike = [] if found else self.kind.alike(self.context, self.gateway, stored)
        except RevrecError as error:
            return self._not_read_back(attempt, stored, error)
        if alike:
            told = dict(zip(("error", "advice"), self.kind.told_of_likeness(stored, alike[0]), strict=True))
            self._note_read_back(attempt, alike, "differs", (stored, "HELD", told))
            return str(self._load(number).state)
        if not found and stored.attempts < self.most_attempts:
            closed = self.dates.closed_here(*self.kind.period(stored))
            told = {"error": closed, "advice": _CLOSED_AND_ABSENT.format(stored.reference)}
            self._note_read_back(attempt, found, "absent", (stored, "HELD", told) if closed else None)
            return str(self._load(number).state) if closed else self._send(stored, "IN_DOUBT")
        return self._adopt_or_hold(stored, attempt, found)

    def look_for(self, number: int) -> bool:
        """Read Intacct back for an entry whose refusal is not understood; whether it is not there, as it should be.

        One that is there is held; one that cannot be read stays refused.

        Raises:
            Stopped: Intacct cannot be asked.
        """
        stored = self._load(number)
        attempt = self._begin_read_back(stored)
        try:
            found = self.kind.find(self.gateway, stored)
        except RevrecError as error:
            self._note_unread(attempt, stored, error)
            return False
        told = {"error": _REFUSED_BUT_THERE, "advice": _DOUBT_ADVICE.format(stored.reference)}
        change = (stored, "HELD", told) if found else None
        self._note_read_back(attempt, found, "differs" if found else "absent", change, "REJECTED")
        return not found

    def _begin_read_back(self, stored: Stored) -> int:
        with self._write() as connection:
            told = (stored.control_id, self.kind.asked(stored), self.context.who())
            return self.tables.begin_attempt(connection, stored.id, "read_back", *told)[0]

    def _not_read_back(self, attempt: int, stored: Stored, error: RevrecError) -> str:
        """A read-back that failed settles nothing; it stops the run only if no other read could succeed.

        One that Intacct refuses again and again comes before a person, who alone can then settle it.
        """
        self._note_unread(attempt, stored, error)
        with self._write() as connection:
            if self.tables.unread(connection, stored.id) >= self.most_attempts:
                told = {"error": str(error), "advice": _DOUBT_ADVICE.format(stored.reference)}
                self._settled(connection, stored, "HELD", told)
        return str(self._load(stored.id).state)

    def _note_unread(self, attempt: int, stored: Stored, error: RevrecError) -> None:
        with self._write() as connection:
            outcome = AttemptOutcome(_UNREAD, None, None, str(error), "")
            self.tables.end_attempt(connection, attempt, outcome, self.context.who())
        if isinstance(error, BadConfiguration):
            raise Stopped(not_run_answer(stored.control_id, error, str(error)))

    def suspend_stale(self) -> int:
        """Put entries in doubt that a worker was sending which is dead or lost the right to send; returns how many.

        It lost that with its lock, or as its lease ran out; a request that is still under way is what the quarantine
        waits for.
        """
        with self._write() as connection:
            who = self.context.who()
            sending = self.tables.sending(connection)
            lost = self.worker.lost({owner for _number, owner, _until in sending})
            stale = [number for number, owner, until in sending if owner in lost or until <= who.at]
            self.tables.shorten_quarantines(connection, self._later(self.quarantine), who)
            for number in stale:
                values = {"not_before": self._later(self.quarantine), "error": "the run that was sending it ended"}
                self.tables.change_state(connection, number, "SENDING", "IN_DOUBT", who, **_freed(values))
        return len(stale)

    def _write(self) -> "AbstractContextManager[Connection]":
        return self.context.database.write(patience=PATIENCE)

    def _load(self, number: int) -> Any:
        with self.context.database.read() as connection:
            return self.kind.load(connection, number)

    def _later(self, span: timedelta) -> str:
        return (self.context.now() + span).isoformat(timespec="microseconds")

    def _send(self, stored: Stored, state: str) -> str:
        try:
            prepared = self.kind.prepare(self.gateway, stored)
        except UnpostableEntry as error:
            return self._refuse(stored.id, state, str(error))
        except BadConfiguration as error:
            raise Stopped(not_run_answer(stored.control_id, error, str(error))) from error
        self.worker.confirm()
        attempt = self._claim(stored, state, prepared)
        if attempt is None:
            return str(self._load(stored.id).state)
        answer = self.gateway.send(prepared)
        new_state = self._write_answer(stored, attempt, answer)
        if answer.outcome is PostingOutcome.NOT_RUN:
            raise Stopped(answer)
        if new_state == "READY":
            raise FailedForNow(answer)
        return new_state

    def _claim(self, stored: Stored, state: str, prepared: PreparedPosting) -> int | None:
        """Commit that this worker is about to send; returns the attempt's id, None if another worker was faster."""
        values: dict[str, Any] = {"lease_until": self._later(self.lease), "attempts": stored.attempts + 1}
        try:
            with self._write() as connection:
                who = self.context.who()
                # Nobody sent it since it was loaded, or what was read back then no longer counts.
                self.tables.claim(connection, stored.id, state, who, self.owner, stored.sends, **values)
                control_id, request = prepared.control_id, prepared.redacted
                return self.tables.begin_attempt(connection, stored.id, "send", control_id, request, who)[0]
        except LostClaim:
            return None

    def _misdate(self, number: int, reason: str) -> str:
        self.misdated.append(number)
        return self._refuse(number, "READY", reason, self.kind.closed_advice)

    def _refuse(self, number: int, state: str, reason: str, advice: str | None = None) -> str:
        """An entry that cannot be written for Intacct is refused by us; one that may be there needs a person."""
        refused = "REJECTED" if state == "READY" else "HELD"
        try:
            with self._write() as connection:
                who = self.context.who()
                self.tables.change_state(connection, number, state, refused, who, error=reason, advice=advice)
        except LostClaim:
            return str(self._load(number).state)
        return refused

    def _write_answer(self, stored: Stored, attempt: int, answer: PostingAnswer) -> str:
        number = stored.id
        attempts = stored.attempts + (answer.outcome is not PostingOutcome.NOT_RUN)
        state, values = self._consequence(answer, attempts)
        error = "; ".join(one.text for one in answer.errors) or None
        outcome = AttemptOutcome(
            str(answer.outcome), answer.http_status or None, answer.record_no or None, error, answer.redacted_response
        )
        meant = AttemptFailure(answer.failure, str(answer.error_class), answer.named) if answer.failure else None
        with self._write() as connection:
            who = self.context.who()
            self.tables.end_attempt(connection, attempt, outcome, who, meant)
            try:
                self.tables.change_state(
                    connection, number, "SENDING", state, who, held_by=self.owner, attempts=attempts, **_freed(values)
                )
            except LostClaim:
                # The lease ran out and another worker reads Intacct back; the answer is kept as evidence for it.
                state = str(self.tables.head(connection, number).state)
            if state == "REJECTED" and answer.failure == PERIOD_CLOSED:
                self._learn_of_closing(connection, stored, values)
        return state

    def _learn_of_closing(self, connection: "Connection", stored: Stored, told: Mapping[str, str | None]) -> None:
        """Intacct's refusal says that the entry's period is closed; under ``fail`` it is left at that."""
        if self.dates.policy == "fail":
            return
        entity, day = self.kind.period(stored)
        fact = PeriodFact(entity, CLOSED, day.replace(day=1), ANSWER, str(told["error"]))
        for kept in periods.add_facts(connection, [fact], self.context.who()):
            self.dates.take(kept)
        self.misdated.append(stored.id)

    def _consequence(self, answer: PostingAnswer, attempts: int) -> tuple[str, dict[str, str | None]]:
        """The state that follows from an answer, and what is kept with it; ``attempts`` counts this one too."""
        if answer.outcome is PostingOutcome.POSTED:
            at = self.context.timestamp()
            return "POSTED", {"record_no": answer.record_no, "posted_at": at, **_NOTHING_SAID}
        failure = {
            "error_no": next((one.error_id or one.errorno for one in answer.errors), None),
            "error": answer.errors[0].text if answer.errors else answer.advice,
            "advice": answer.advice,
        }
        if answer.outcome is PostingOutcome.REJECTED:
            passes = answer.error_class is ErrorClass.RETRY_NOW and attempts < self.most_attempts
            return "READY" if passes else "REJECTED", failure
        if answer.outcome is PostingOutcome.NOT_RUN:
            return "READY", failure
        return "IN_DOUBT", {**failure, "not_before": self._later(self.quarantine)}

    def _adopt_or_hold(self, stored: Stored, attempt: int, found: Sequence[Found]) -> str:
        doubt = self.kind.doubt(self.context, stored, found) if found else _ABSENT
        if not doubt:
            posted = {"record_no": found[0].record_no, "posted_at": self.context.timestamp(), **_NOTHING_SAID}
            self._note_read_back(attempt, found, "found", (stored, "POSTED", posted))
        else:
            told = {"error": doubt, "advice": _DOUBT_ADVICE.format(stored.reference)}
            self._note_read_back(attempt, found, "differs" if found else "absent", (stored, "HELD", told))
        return str(self._load(stored.id).state)

    def _note_read_back(
        self,
        attempt: int,
        found: Sequence[Found],
        outcome: str,
        change: tuple[Stored, str, Mapping[str, str | None]] | None = None,
        old: str = "IN_DOUBT",
    ) -> None:
        seen = "\n".join(str(one) for one in found) or "nothing found"
        record_no = found[0].record_no if outcome == "found" else None
        with self._write() as connection:
            who = self.context.who()
            self.tables.end_attempt(connection, attempt, AttemptOutcome(outcome, None, record_no, None, seen), who)
            if change:
                self._settled(connection, *change, old)

    def _settled(
        self,
        connection: "Connection",
        stored: Stored,
        state: str,
        values: Mapping[str, str | None],
        old: str = "IN_DOUBT",
    ) -> None:
        """End a doubt by what was read, unless another worker has settled it or sent the entry again meanwhile."""
        with suppress(LostClaim):
            who, sends = self.context.who(), stored.sends
            self.tables.change_state(connection, stored.id, old, state, who, sends=sends, **_freed(values))


_UNREAD = "unread"
_REFUSED_BUT_THERE = "Intacct refused it in words that revrec does not know, and yet has an entry with this reference"
_NOTHING_SAID = {"error_no": None, "error": None, "advice": None}
"""What stood beside an entry on its way is no longer true of a posted one, which never changes again."""
_CLOSED_AND_ABSENT = (
    "Intacct does not have it, and its period was closed here since it was sent. Give it up, so that "
    "its lines are decided on anew: revrec postings resolve {0} --cancel --reason TEXT; or open the period "
    "(revrec periods open) and send it: --resend"
)
_DOUBT_ADVICE = (
    "look for {0} in Intacct. If it is there and right: revrec postings resolve {0} --as-posted KEY --reason TEXT. "
    "If it is wrong there, delete it, then --cancel: its lines go on under a new reference. If it was never there: "
    "--resend"
)


_ABSENT = "sent as often as allowed, and Intacct does not show it"


def _freed(values: Mapping[str, str | None]) -> dict[str, Any]:
    return {"owner": None, "lease_until": None, **values}
