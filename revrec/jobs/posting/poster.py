"""Post entries, invoices and adjusting entries to Intacct in three steps: commit the intent, send, commit the outcome.

The states and the transitions between them are in ``revrec.core.posting``. A doubt is settled only by reading Intacct
back after the quarantine. Nothing is sent again on a guess. A ``PostingType`` supplies what differs between the kinds.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar
from uuid import uuid4

from revrec.core.errors import BadConfiguration, Busy, RevrecError
from revrec.core.periods import ANSWER, CLOSED, PeriodFact, PostingDates
from revrec.intacct.errors import UnpostableEntry, not_run_answer
from revrec.intacct.gateway import (
    PERIOD_CLOSED,
    ErrorClass,
    Gateway,
    PostingAnswer,
    PostingOutcome,
    PreparedPosting,
    errors_in_words,
)
from revrec.store import periods
from revrec.store.posting.posting_tables import AttemptFailure, AttemptOutcome, LostClaim, PostingTables
from revrec.store.posting.workers import Worker

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection


AWAITING = "AWAITING_APPROVAL"
"""The state of an entry that Intacct has outside its ledger, as a draft or waiting for approval."""
WRITE_LOCK_TIMEOUT = 600
"""Seconds that a run waits for another command's long transaction. If it gave up early, Intacct's answer to an entry
that was just posted would be lost."""

T = TypeVar("T")


class RunStopped(Exception):
    """The end of a run at a point where nothing ran and no other posting would fare better.

    The sign-in failed, the gateway is down or asks for a pause, or a person has to decide first.
    """

    def __init__(self, answer: PostingAnswer) -> None:
        super().__init__(answer.explanation)
        self.answer = answer

    @classmethod
    def before_sending(cls, advice: str, error_class: ErrorClass = ErrorClass.NEEDS_PERSON) -> "RunStopped":
        """Return the end of a run before anything was sent."""
        return cls(PostingAnswer(PostingOutcome.NOT_RUN, "", error_class=error_class, advice=advice))

    @property
    def is_temporary(self) -> bool:
        """Check if a pause may help."""
        return self.answer.error_class in (ErrorClass.RETRY_NOW, ErrorClass.RETRY_LATER)


class TemporaryFailure(Exception):
    """A failure of Intacct that has nothing to do with the posting, and that saved nothing.

    The posting is READY again, and Intacct is read before it is sent again.
    """

    def __init__(self, answer: PostingAnswer) -> None:
        super().__init__(answer.advice)
        self.answer = answer


class StoredPosting(Protocol):
    """A posting as it is stored.

    ``attempts`` counts how often it was sent since a person last allowed it, ``sends`` how often it ever was.
    """

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


class FoundPosting(Protocol):
    """A record that Intacct has. Its ``str`` is kept as evidence."""

    @property
    def record_no(self) -> str: ...


class PendingRequest(NamedTuple):
    """A posting that is SENDING, with its attempt and the request that was not sent yet."""

    stored: StoredPosting
    attempt: int
    prepared: PreparedPosting


class Lookalikes(NamedTuple):
    """Records of Intacct, at least one, that may be a posting under another name; and what to do about the first."""

    found: Sequence[FoundPosting]
    error: str
    advice: str


class PostingType(Protocol):
    """The differences of journal entries and invoices: how each is loaded, sent, found in Intacct and identified."""

    tables: PostingTables
    closed_advice: str
    """The advice for a posting whose period is closed."""

    def load(self, connection: "Connection", number: int) -> Any:
        """Return the posting with its whole content, as a :class:`StoredPosting`."""

    def period(self, stored: Any) -> tuple[str, date]:
        """Return the entity and the day whose period must be open."""

    def before_send(self, poster: "Poster", stored: Any) -> tuple[str, str] | None:
        """Create in Intacct what the posting needs; return the error and the advice if that fails."""

    def needs_other_requests(self, stored: Any) -> bool:
        """Check if other requests have to succeed before the posting can be sent."""

    def prepare(self, gateway: Gateway, stored: Any) -> PreparedPosting:
        """Return its request.

        Raises:
            UnpostableEntry: it must not be sent.
            RevrecError: a read that it needs fails.
        """

    def interpret(self, answer: PostingAnswer, state: str, values: dict[str, str | None]) -> str:
        """Return the state that follows from an answer, ``state`` unless this type knows better; may change values."""

    def confirm(self, gateway: Gateway, stored: Any, answer: PostingAnswer) -> PostingAnswer:
        """Return an answer that reports success, with ``in_ledger`` as Intacct shows it. Raises nothing."""

    def is_in_ledger(self, found: Any) -> bool:
        """Check if a record that :meth:`mismatch` accepts is in Intacct's ledger, not outside it as a draft is."""

    def is_number_conflict(self, head: Any) -> bool:
        """Check if a posting is in doubt because Intacct rejected its number as used. That needs no quarantine."""

    def describe_lookup(self, stored: Any) -> str:
        """Return the query by which Intacct is read back, in words for the record."""

    def find(self, gateway: Gateway, stored: Any) -> Sequence[FoundPosting]:
        """Return what Intacct has under its name. Raises as reads do."""

    def find_lookalikes(self, context: "Context", gateway: Gateway, stored: Any) -> Lookalikes | None:
        """Return what Intacct has under another name and may be this posting. Raises as reads do."""

    def mismatch(self, context: "Context", stored: Any, found: Sequence[Any]) -> str:
        """Return why what was found cannot be adopted; empty if it is this posting."""


def worker_name(context: "Context") -> str:
    """Return a name that no other worker has or ever had."""
    return f"{context.actor}:{os.getpid()}:{uuid4().hex[:8]}"


def end_attempt(
    tables: PostingTables, connection: "Connection", attempt: int, answer: PostingAnswer, who: "AuditStamp"
) -> None:
    """Store Intacct's answer to a request as the outcome of its attempt."""
    error = errors_in_words(answer.errors) or None
    outcome = AttemptOutcome(
        str(answer.outcome), answer.http_status or None, answer.record_no or None, error, answer.redacted_response
    )
    failure = AttemptFailure(answer.failure, str(answer.error_class), answer.named) if answer.failure else None
    tables.end_attempt(connection, attempt, outcome, who, failure)


class Poster:
    """A worker that posts one type of postings in one run through one gateway.

    ``dates`` is what is known of accounting periods; a period that Intacct reports as closed is added to it.
    ``rejected_for_period`` are the postings that were rejected for a closed period, by Intacct or here. ``posted`` are
    those that this worker itself sent, or found in Intacct.
    """

    def __init__(
        self, context: "Context", gateway: Gateway, posting_type: PostingType, worker: Worker | None = None
    ) -> None:
        self.context = context
        self.gateway = gateway
        self.posting_type = posting_type
        self.tables = posting_type.tables
        self.dates = PostingDates()
        self.rejected_for_period: list[int] = []
        self.posted: set[int] = set()
        self.worker = worker or Worker(worker_name(context))
        self.owner = self.worker.owner
        self.quarantine = context.settings.posting.quarantine
        self.lease = context.settings.posting.lease
        self.max_attempts = context.settings.posting.attempts

    def process(self, number: int) -> str:
        """Send a posting or read it back, as its state allows; return its state afterwards.

        Raises:
            RunStopped, TemporaryFailure: as :meth:`post` and :meth:`settle`; after a pause it may be processed again.
        """
        begun = self.begin(number)
        if begun is None:
            state = self._process_alone(number)
        else:
            state = begun if isinstance(begun, str) else self.finish(begun, self.exchange(begun))
        while state == "IN_DOUBT" and self.has_number_conflict(number):
            state = self.settle(number)
        return state

    def _process_alone(self, number: int) -> str:
        with self.context.database.read() as connection:
            head = self.tables.head(connection, number)
        if head.state == "READY":
            return self.post(number)
        if head.state == "IN_DOUBT" and (head.not_before or "") <= self.context.timestamp():
            return self.settle(number)
        return str(head.state)

    def has_number_conflict(self, number: int) -> bool:
        """Check if a posting is in doubt only because Intacct has its number, so that it can be settled at once."""
        with self.context.database.read() as connection:
            return self.posting_type.is_number_conflict(self.tables.head(connection, number))

    def post(self, number: int) -> str:
        """Send a posting that is READY; return its state afterwards.

        One that may have reached Intacct before, because a person let it be sent again, is read back first. One whose
        period was closed since it was created is rejected here.

        Raises:
            RunStopped: the gateway refused before anything ran; the posting is READY again.
            TemporaryFailure: Intacct failed for a temporary reason; the posting is READY again.
        """
        with self.context.database.read() as connection:
            stored = self.posting_type.load(connection, number)
            may_be_there = self.tables.may_have_posted(connection, number)
        failed = self.posting_type.before_send(self, stored)
        if failed:
            return self._reject(number, "READY", *failed)
        if not may_be_there:
            closed = self._period_refusal(stored)
            return self._reject_closed(number, closed) if closed else self._send(stored, "READY")
        try:
            with self._write() as connection:
                self.tables.change_state(connection, number, "READY", "IN_DOUBT", self.context.who())
        except LostClaim:
            return str(self._load(number).state)
        return self.settle(number)

    def begin(self, number: int) -> "PendingRequest | str | None":
        """Begin to send a posting that is READY: commit that it is SENDING, and return its request.

        The caller passes it to :meth:`exchange`, in any thread, and the answer to :meth:`finish`. Return the state of a
        posting that cannot be sent. Return None if Intacct has to be read, or something has to be created there, first:
        :meth:`process` does that.

        Raises:
            RunStopped: nothing can be sent.
        """
        with self.context.database.read() as connection:
            stored = self.posting_type.load(connection, number)
            may_be_there = self.tables.may_have_posted(connection, number)
        if stored.state not in ("READY", "IN_DOUBT"):
            return str(stored.state)
        if stored.state == "IN_DOUBT" or may_be_there or self.posting_type.needs_other_requests(stored):
            return None
        closed = self._period_refusal(stored)
        return self._reject_closed(number, closed) if closed else self._begin_send(stored, "READY")

    def _period_refusal(self, stored: Any) -> str:
        """Return why a posting cannot be sent with its date; empty if it can."""
        return self.dates.refuses(*self.posting_type.period(stored))

    def settle(self, number: int) -> str:
        """Read Intacct back for a posting in doubt; return its state afterwards.

        One that is absent is sent again. If a person has closed its period here since, it needs review instead.

        Raises:
            RunStopped: Intacct cannot be read, or the posting was sent again and the gateway refused it.
            TemporaryFailure: it was sent again, and Intacct failed for a temporary reason.
        """
        stored = self._load(number)
        attempt = self._begin_lookup(stored)
        try:
            found = self.posting_type.find(self.gateway, stored)
            alike = None if found else self.posting_type.find_lookalikes(self.context, self.gateway, stored)
        except RevrecError as error:
            return self._lookup_failed(attempt, stored, error)
        if alike:
            # A person may have edited its reference in Intacct. Sending it again would post it twice.
            reason = {"error": alike.error, "advice": alike.advice}
            self._end_lookup(attempt, alike.found, "differs", (stored, "HELD", reason))
            return str(self._load(number).state)
        if not found and stored.attempts < self.max_attempts:
            closed = self.dates.closed_here(*self.posting_type.period(stored))
            reason = {"error": closed, "advice": _CLOSED_AND_ABSENT.format(stored.reference)}
            self._end_lookup(attempt, found, "absent", (stored, "HELD", reason) if closed else None)
            return str(self._load(number).state) if closed else self._send(stored, "IN_DOUBT")
        return self._adopt_or_review(stored, attempt, found)

    def confirm_absent(self, number: int) -> bool:
        """Read Intacct back for a posting rejected with an unrecognized error; return True if Intacct does not have it.

        The error may say "already recorded" in another language. If Intacct has the posting, it needs review. If
        Intacct cannot be read for it, it stays rejected.

        Raises:
            RunStopped: Intacct cannot be read at all.
        """
        stored = self._load(number)
        attempt = self._begin_lookup(stored)
        try:
            found = self.posting_type.find(self.gateway, stored)
        except RevrecError as error:
            self._note_failed_lookup(attempt, stored, error)
            return False
        reason = {"error": _REJECTED_BUT_THERE, "advice": _DOUBT_ADVICE.format(stored.reference)}
        change = (stored, "HELD", reason) if found else None
        self._end_lookup(attempt, found, "differs" if found else "absent", change, "REJECTED")
        return not found

    def _begin_lookup(self, stored: StoredPosting) -> int:
        with self._write() as connection:
            request = (stored.control_id, self.posting_type.describe_lookup(stored), self.context.who())
            return self.tables.begin_attempt(connection, stored.id, "read_back", *request)[0]

    def _lookup_failed(self, attempt: int, stored: StoredPosting, error: RevrecError) -> str:
        """Record a failed lookup, which settles nothing; the run stops only if no other read could succeed.

        A posting that Intacct refuses to show again and again needs review, because only a person can settle it then.
        """
        self._note_failed_lookup(attempt, stored, error)
        with self._write() as connection:
            if self.tables.unread(connection, stored.id) >= self.max_attempts:
                reason = {"error": str(error), "advice": _DOUBT_ADVICE.format(stored.reference)}
                self._end_doubt(connection, stored, "HELD", reason)
        return str(self._load(stored.id).state)

    def _note_failed_lookup(self, attempt: int, stored: StoredPosting, error: RevrecError) -> None:
        with self._write() as connection:
            outcome = AttemptOutcome(_UNREAD, None, None, str(error), "")
            self.tables.end_attempt(connection, attempt, outcome, self.context.who())
        if isinstance(error, BadConfiguration):
            raise RunStopped(not_run_answer(stored.control_id, error, str(error)))

    def doubt_abandoned(self) -> int:
        """Put postings in doubt whose worker is dead or has lost the right to send; return how many.

        A worker loses that right with its lock, or when its lease ends. Its last request may still be on its way, so
        that Intacct's answer counts only after the quarantine.
        """
        with self._write() as connection:
            who = self.context.who()
            sending = self.tables.sending(connection)
            lost = self.worker.lost({owner for _number, owner, _until in sending})
            stale = [number for number, owner, until in sending if owner in lost or until <= who.at]
            self.tables.shorten_quarantines(connection, self._later(self.quarantine), who)
            for number in stale:
                values = {"not_before": self._later(self.quarantine), "error": "the run that was sending it ended"}
                self.tables.change_state(connection, number, "SENDING", "IN_DOUBT", who, **_released(values))
        return len(stale)

    def _write(self) -> "AbstractContextManager[Connection]":
        return self.context.database.write(patience=WRITE_LOCK_TIMEOUT)

    def _load(self, number: int) -> Any:
        with self.context.database.read() as connection:
            return self.posting_type.load(connection, number)

    def _later(self, span: timedelta) -> str:
        return (self.context.now() + span).isoformat(timespec="microseconds")

    def _send(self, stored: StoredPosting, state: str) -> str:
        begun = self._begin_send(stored, state)
        return begun if isinstance(begun, str) else self.finish(begun, self.exchange(begun))

    def _begin_send(self, stored: StoredPosting, state: str) -> PendingRequest | str:
        """Commit that a posting is SENDING and return its request; return its state if it cannot be sent."""
        try:
            prepared = self.posting_type.prepare(self.gateway, stored)
        except UnpostableEntry as error:
            return self._reject(stored.id, state, str(error))
        except BadConfiguration as error:
            raise RunStopped(not_run_answer(stored.control_id, error, str(error))) from error
        try:
            attempt = self.begin_request(stored, lambda connection: self._claim(connection, stored, state, prepared))
        except LostClaim:
            return str(self._load(stored.id).state)
        return PendingRequest(stored, attempt, prepared)

    def exchange(self, request: PendingRequest) -> PostingAnswer:
        """Send a request and return Intacct's answer. Threads may call this; it does not use the database."""
        answer = self.gateway.send(request.prepared)
        if answer.outcome is PostingOutcome.POSTED:
            answer = self.posting_type.confirm(self.gateway, request.stored, answer)
        return answer

    def finish(self, request: PendingRequest, answer: PostingAnswer) -> str:
        """Record Intacct's answer to a request; return the state of the posting.

        Raises:
            RunStopped, TemporaryFailure: as :meth:`post`; the answer is recorded.
        """
        new_state = self._write_answer(request.stored, request.attempt, answer)
        if answer.outcome is PostingOutcome.NOT_RUN:
            raise RunStopped(answer)
        if new_state == "READY":
            raise TemporaryFailure(answer)
        return new_state

    def begin_request(self, stored: StoredPosting, begin: "Callable[[Connection], T]") -> T:
        """Confirm that these books own the posting, then commit what precedes a request that changes Intacct.

        A confirmation is valid for a short time. After each wait for another command's transaction it is renewed,
        because another copy of these books may have taken over meanwhile.

        Raises:
            RunStopped: another copy owns the posting, or the database stays locked.
        """
        until = time.monotonic() + WRITE_LOCK_TIMEOUT
        while True:
            self.worker.confirm()
            try:
                with self.context.database.write() as connection:
                    return begin(connection)
            except Busy as error:
                if time.monotonic() >= until:
                    advice = _LOCKED.format(stored.reference, WRITE_LOCK_TIMEOUT // 60, error)
                    raise RunStopped.before_sending(advice, ErrorClass.RETRY_LATER) from error

    def _claim(self, connection: "Connection", stored: StoredPosting, state: str, prepared: PreparedPosting) -> int:
        """Record that this worker is about to send; return the attempt's id.

        This is committed before the request leaves. If the process is killed in between, the next run finds SENDING
        and reads Intacct back; it would send READY again without looking.

        Raises:
            LostClaim: another worker was faster.
        """
        who = self.context.who()
        values: dict[str, Any] = {"lease_until": self._later(self.lease), "attempts": stored.attempts + 1}
        # By the number of sends, not by the state alone: another worker may have sent it since it was loaded
        # and put it back, and then the absence that was read before says nothing about that request.
        self.tables.claim(connection, stored.id, state, who, self.owner, stored.sends, **values)
        request = (prepared.control_id, prepared.redacted, who)
        return self.tables.begin_attempt(connection, stored.id, "send", *request)[0]

    def _reject_closed(self, number: int, reason: str) -> str:
        self.rejected_for_period.append(number)
        return self._reject(number, "READY", reason, self.posting_type.closed_advice)

    def _reject(self, number: int, state: str, reason: str, advice: str | None = None) -> str:
        """Reject a posting that cannot be sent; it needs review if it, and so its lines, may be in Intacct."""
        new_state = "REJECTED" if state == "READY" else "HELD"
        try:
            with self._write() as connection:
                who = self.context.who()
                self.tables.change_state(connection, number, state, new_state, who, error=reason, advice=advice)
        except LostClaim:
            return str(self._load(number).state)
        return new_state

    def _write_answer(self, stored: StoredPosting, attempt: int, answer: PostingAnswer) -> str:
        number = stored.id
        attempts = stored.attempts + (answer.outcome is not PostingOutcome.NOT_RUN)
        state, values = self._interpret(answer, attempts)
        with self._write() as connection:
            who = self.context.who()
            end_attempt(self.tables, connection, attempt, answer, who)
            try:
                self.tables.change_state(
                    connection,
                    number,
                    "SENDING",
                    state,
                    who,
                    held_by=self.owner,
                    attempts=attempts,
                    **_released(values),
                )
                if state == "POSTED":
                    self.posted.add(number)
            except LostClaim:
                # The lease ended and another worker reads Intacct back; the answer is kept as evidence for it.
                state = str(self.tables.head(connection, number).state)
            if state == "REJECTED" and answer.failure == PERIOD_CLOSED:
                self._note_closed_period(connection, stored, values)
        return state

    def _note_closed_period(
        self, connection: "Connection", stored: StoredPosting, values: Mapping[str, str | None]
    ) -> None:
        """Record a period that Intacct reported as closed, unless the policy is ``fail``."""
        if self.dates.policy == "fail":
            return
        entity, day = self.posting_type.period(stored)
        fact = PeriodFact(entity, CLOSED, day.replace(day=1), ANSWER, str(values["error"]))
        for kept in periods.add_facts(connection, [fact], self.context.who(), self.context.settings.invoiced_sources):
            self.dates.take(kept)
        self.rejected_for_period.append(stored.id)

    def _interpret(self, answer: PostingAnswer, attempts: int) -> tuple[str, dict[str, str | None]]:
        """Return the state that follows from an answer, and the values to store; ``attempts`` includes this one."""
        if answer.outcome is PostingOutcome.POSTED:
            return self._saved(answer.record_no, answer.in_ledger)
        values = {
            "error_no": next((one.error_id or one.errorno for one in answer.errors), None),
            "error": next((one.text for one in answer.errors if one.text), answer.advice),
            "advice": answer.advice,
        }
        if answer.outcome is PostingOutcome.REJECTED:
            retry = answer.error_class is ErrorClass.RETRY_NOW and attempts < self.max_attempts
            return self.posting_type.interpret(answer, "READY" if retry else "REJECTED", values), values
        if answer.outcome is PostingOutcome.NOT_RUN:
            return "READY", values
        return "IN_DOUBT", {**values, "not_before": self._later(self.quarantine)}

    def _saved(self, record_no: str, in_ledger: bool) -> tuple[str, dict[str, str | None]]:
        """Return the state of a posting that Intacct has under a record number, and the values to store."""
        if in_ledger:
            return "POSTED", {"record_no": record_no, "posted_at": self.context.timestamp(), **_NO_ERROR}
        until = {"not_before": self._later(self.quarantine)}
        return AWAITING, {"record_no": record_no, **until, **_NO_ERROR, "advice": _OUTSIDE_LEDGER.format(record_no)}

    def settle_approval(self, number: int, found: Sequence[FoundPosting]) -> str:
        """Record what Intacct has now of a posting that awaited approval there; return its state afterwards."""
        stored = self._load(number)
        if stored.state != AWAITING:
            return str(stored.state)
        return self._adopt_or_review(stored, self._begin_lookup(stored), found, AWAITING)

    def _adopt_or_review(
        self, stored: StoredPosting, attempt: int, found: Sequence[FoundPosting], old: str = "IN_DOUBT"
    ) -> str:
        absent, advice = (_ABSENT, _DOUBT_ADVICE) if old == "IN_DOUBT" else (_GONE, _DECLINED_ADVICE)
        mismatch = self.posting_type.mismatch(self.context, stored, found) if found else absent
        if not mismatch:
            state, values = self._saved(found[0].record_no, self.posting_type.is_in_ledger(found[0]))
            self._end_lookup(attempt, found, "found", (stored, state, values), old)
        else:
            reason = {"error": mismatch, "advice": advice.format(stored.reference), "record_no": None}
            self._end_lookup(attempt, found, "differs" if found else "absent", (stored, "HELD", reason), old)
        return str(self._load(stored.id).state)

    def _end_lookup(
        self,
        attempt: int,
        found: Sequence[FoundPosting],
        outcome: str,
        change: tuple[StoredPosting, str, Mapping[str, str | None]] | None = None,
        old: str = "IN_DOUBT",
    ) -> None:
        evidence = "\n".join(str(one) for one in found) or "nothing found"
        record_no = found[0].record_no if outcome == "found" else None
        with self._write() as connection:
            who = self.context.who()
            self.tables.end_attempt(connection, attempt, AttemptOutcome(outcome, None, record_no, None, evidence), who)
            if change:
                self._end_doubt(connection, *change, old)

    def _end_doubt(
        self,
        connection: "Connection",
        stored: StoredPosting,
        state: str,
        values: Mapping[str, str | None],
        old: str = "IN_DOUBT",
    ) -> None:
        """End a doubt by what was read, unless another worker has settled it or sent the posting again meanwhile."""
        with suppress(LostClaim):
            who, sends = self.context.who(), stored.sends
            self.tables.change_state(connection, stored.id, old, state, who, sends=sends, **_released(values))
            if state == "POSTED":
                self.posted.add(stored.id)


_LOCKED = (
    "{0} was not sent, because another command kept the database locked for {1} minutes. Wait for that command or end "
    "it, then run again ({2})"
)
_UNREAD = "unread"
_REJECTED_BUT_THERE = (
    "Intacct rejected it with an error that revrec does not know, yet has an entry with this reference"
)
_NO_ERROR = {"error_no": None, "error": None, "advice": None}
"""Clears the error of an earlier attempt. A posted row never changes again, so that it would be shown for ever."""
_CLOSED_AND_ABSENT = (
    "Intacct does not have it, and its period was closed here since it was sent. To plan its lines again: revrec "
    "postings resolve {0} --cancel --reason TEXT. To send it after all, open the period (revrec periods open), then "
    "--resend"
)
_DOUBT_ADVICE = (
    "look for {0} in Intacct. If it is there and right: revrec postings resolve {0} --as-posted KEY --reason TEXT. "
    "If it is wrong there, delete it, then --cancel: its lines go on under a new reference. If it was never there: "
    "--resend"
)
_ABSENT = "sent as often as allowed, and Intacct does not show it"
_OUTSIDE_LEDGER = (
    "Intacct has it as entry {0}, but not in its ledger: as a draft, or waiting for approval. Post, approve or decline "
    "it in Intacct; the next revrec run records what happened"
)
_GONE = "it was not in Intacct's ledger yet, and Intacct does not have it any more"
_DECLINED_ADVICE = (
    "correct what the approver objected to, then: revrec postings resolve {0} --cancel --reason TEXT. Its lines go on "
    "under a new reference. If it was corrected and submitted again in Intacct: --resend, which reads it there first"
)


def _released(values: Mapping[str, str | None]) -> dict[str, Any]:
    return {"owner": None, "lease_until": None, **values}
