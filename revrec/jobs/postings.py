"""Taking entries to Intacct, one at a time: commit the intent, send, commit the outcome.

The states and the allowed ways between them are in ``revrec.core.posting``. Doubt is only ever resolved by reading
Intacct back by the entry's reference, after the quarantine; nothing is sent again on a guess.
"""

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from revrec.core.errors import BadConfiguration, RevrecError
from revrec.core.journal import JournalEntry, is_reference
from revrec.core.periods import ANSWER, CLOSED, Dates, PeriodFact
from revrec.intacct.errors import UnpostableEntry, not_run
from revrec.intacct.gateway import PERIOD_CLOSED, Answer, ErrorClass, FoundEntry, Gateway, Outcome, Prepared
from revrec.store import entries, periods, postings
from revrec.store.entries import StoredEntry
from revrec.store.workers import Worker

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from revrec.jobs.context import Context


PATIENCE = 600
"""Seconds that a run waits for another command's long transaction: an answer of Intacct's must not get lost to it."""


POSTED_STATE = "Posted"
"""The STATE of a GLBATCH that counts in Intacct's ledger; a draft, or one that waits for approval, does not."""


class Stopped(Exception):
    """Nothing ran, and no other entry would fare better: sign-in failed, or the gateway is away or wants a pause."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.advice)
        self.answer = answer

    @property
    def passes(self) -> bool:
        """Whether a pause may help."""
        return self.answer.error_class in (ErrorClass.RETRY_NOW, ErrorClass.RETRY_LATER)


class FailedForNow(Exception):
    """Intacct failed without a reason of the entry's own and saved nothing; it is READY, and read before it is sent."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.advice)
        self.answer = answer


def owner_name(context: "Context") -> str:
    """A name for a worker that no other has or had."""
    return f"{context.actor}:{os.getpid()}:{uuid4().hex[:8]}"


class Poster:
    """Posts the entries of one run through one gateway, as one worker with a name of its own.

    ``dates`` is what is known of periods; it learns of those that Intacct refuses as closed. ``misdated`` are the
    entries that were refused for it, in Intacct or here, and saved nothing.
    """

    def __init__(self, context: "Context", gateway: Gateway, worker: Worker | None = None) -> None:
        self.context = context
        self.gateway = gateway
        self.dates = Dates()
        self.misdated: list[int] = []
        self.worker = worker or Worker(owner_name(context))
        self.owner = self.worker.owner
        self.quarantine = context.settings.duration("posting", "quarantine")
        self.lease = context.settings.duration("posting", "lease")
        self.most_attempts = context.settings.number("posting", "attempts")

    def take(self, number: int) -> str:
        """Do for an entry what its state allows now: send it, or read it back; returns its state afterwards.

        Raises:
            Stopped, FailedForNow: as :meth:`post` and :meth:`settle`; after a pause it may be taken again.
        """
        with self.context.database.read() as connection:
            head = entries.head(connection, number)
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
            stored = entries.entry(connection, number)
            may_be_there = postings.may_be_there(connection, number)
        if not may_be_there:
            closed = self.dates.refuses(stored.entry.entity, stored.entry.date)
            return self._misdate(number, closed) if closed else self._send(stored, "READY")
        try:
            with self._write() as connection:
                postings.change_state(connection, number, "READY", "IN_DOUBT", self.context.who())
        except postings.LostClaim:
            return self._load(number).state
        return self.settle(number)

    def settle(self, number: int) -> str:
        """Read Intacct back for an entry in doubt; returns its state afterwards.

        Raises:
            Stopped: Intacct cannot be asked, or the entry was sent again and the gateway turned us away.
            FailedForNow: it was sent again, and Intacct failed by something that passes by itself.
        """
        stored = self._load(number)
        entry = stored.entry
        attempt = self._begin_read_back(stored)
        try:
            found = self.gateway.find_entries(entry.journal, entry.reference)
            alike = [] if found else self._alike(stored)
        except RevrecError as error:
            return self._not_read_back(attempt, stored, error)
        if alike:
            told = {
                "error": _ALIKE.format(alike[0]),
                "advice": _ALIKE_ADVICE.format(entry.reference, alike[0].record_no),
            }
            self._note_read_back(attempt, alike, "differs", (stored, "HELD", told))
            return self._load(number).state
        if not found and stored.attempts < self.most_attempts:
            self._note_read_back(attempt, found, "absent")
            return self._send(stored, "IN_DOUBT")
        return self._adopt_or_hold(stored, attempt, found)

    def _alike(self, stored: StoredEntry) -> list[FoundEntry]:
        """Entries of the same journal, date and lines that nobody claims: ours perhaps, its reference edited away.

        Two entries of ours may be alike, and another revrec's may be like ours: those have references of their own.
        Once a person has looked and let the entry be sent again, likeness counts no more.
        """
        with self.context.database.read() as connection:
            if not stored.attempts and postings.may_be_there(connection, stored.id):
                return []
        entry = stored.entry
        heads = list(self.gateway.entries_dated(entry.journal, entry.date, entry.date))
        with self.context.database.read() as connection:
            claimed = entries.known(connection, "record_no", {head.record_no for head in heads})
        free = [head for head in heads if head.record_no not in claimed and not is_reference(head.reference)]
        return [found for found in self.gateway.with_lines(free) if same_content(entry, found)]

    def look_for(self, number: int) -> bool:
        """Read Intacct back for an entry whose refusal is not understood; whether it is not there, as it should be.

        One that is there is held; one that cannot be read stays refused.

        Raises:
            Stopped: Intacct cannot be asked.
        """
        stored = self._load(number)
        attempt = self._begin_read_back(stored)
        try:
            found = self.gateway.find_entries(stored.entry.journal, stored.entry.reference)
        except RevrecError as error:
            self._note_unread(attempt, stored, error)
            return False
        told = {"error": _REFUSED_BUT_THERE, "advice": _DOUBT_ADVICE.format(stored.entry.reference)}
        change = (stored, "HELD", told) if found else None
        self._note_read_back(attempt, found, "differs" if found else "absent", change, "REJECTED")
        return not found

    def _begin_read_back(self, stored: StoredEntry) -> int:
        entry = stored.entry
        request = f"find GLBATCH where JOURNAL = {entry.journal} and REFERENCENO = {entry.reference}"
        with self._write() as connection:
            who = self.context.who()
            return postings.begin_attempt(connection, stored.id, "read_back", entry.control_id, request, who)[0]

    def _not_read_back(self, attempt: int, stored: StoredEntry, error: RevrecError) -> str:
        """A read-back that failed settles nothing; it stops the run only if no other read could succeed.

        One that Intacct refuses again and again comes before a person, who alone can then settle it.
        """
        self._note_unread(attempt, stored, error)
        with self._write() as connection:
            if postings.unread(connection, stored.id) >= self.most_attempts:
                told = {"error": str(error), "advice": _DOUBT_ADVICE.format(stored.entry.reference)}
                self._settled(connection, stored, "HELD", told)
        return self._load(stored.id).state

    def _note_unread(self, attempt: int, stored: StoredEntry, error: RevrecError) -> None:
        with self._write() as connection:
            outcome = postings.Outcome(_UNREAD, None, None, str(error), "")
            postings.end_attempt(connection, attempt, outcome, self.context.who())
        if isinstance(error, BadConfiguration):
            raise Stopped(not_run(stored.entry.control_id, error, str(error)))

    def suspend_stale(self) -> int:
        """Put entries in doubt that a worker was sending which is dead or lost the right to send; returns how many.

        It lost that with its lock, or as its lease ran out; a request that is still under way is what the quarantine
        waits for.
        """
        with self._write() as connection:
            who = self.context.who()
            sending = postings.sending(connection)
            lost = self.worker.lost({owner for _number, owner, _until in sending})
            stale = [number for number, owner, until in sending if owner in lost or until <= who.at]
            for number in stale:
                values = {"not_before": self._later(self.quarantine), "error": "the run that was sending it ended"}
                postings.change_state(connection, number, "SENDING", "IN_DOUBT", who, **_freed(values))
        return len(stale)

    def _write(self) -> "AbstractContextManager[Connection]":
        return self.context.database.write(patience=PATIENCE)

    def _load(self, number: int) -> StoredEntry:
        with self.context.database.read() as connection:
            return entries.entry(connection, number)

    def _later(self, span: timedelta) -> str:
        return (self.context.now() + span).isoformat(timespec="microseconds")

    def _send(self, stored: StoredEntry, state: str) -> str:
        try:
            prepared = self.gateway.prepare(stored.entry)
        except UnpostableEntry as error:
            return self._refuse(stored.id, state, str(error))
        attempt = self._claim(stored, state, prepared)
        if attempt is None:
            return self._load(stored.id).state
        answer = self.gateway.send(prepared)
        new_state = self._write_answer(stored, attempt, answer)
        if answer.outcome is Outcome.NOT_RUN:
            raise Stopped(answer)
        if new_state == "READY":
            raise FailedForNow(answer)
        return new_state

    def _claim(self, stored: StoredEntry, state: str, prepared: Prepared) -> int | None:
        """Commit that this worker is about to send; returns the attempt's id, None if another worker was faster."""
        values: dict[str, Any] = {"lease_until": self._later(self.lease), "attempts": stored.attempts + 1}
        try:
            with self._write() as connection:
                who = self.context.who()
                # Nobody sent it since it was loaded, or what was read back then no longer counts.
                postings.claim(connection, stored.id, state, who, self.owner, stored.sends, **values)
                control_id, request = prepared.control_id, prepared.redacted
                return postings.begin_attempt(connection, stored.id, "send", control_id, request, who)[0]
        except postings.LostClaim:
            return None

    def _misdate(self, number: int, reason: str) -> str:
        self.misdated.append(number)
        return self._refuse(number, "READY", reason, _CLOSED_ADVICE)

    def _refuse(self, number: int, state: str, reason: str, advice: str | None = None) -> str:
        """An entry that cannot be written for Intacct is refused by us; one that may be there needs a person."""
        refused = "REJECTED" if state == "READY" else "HELD"
        try:
            with self._write() as connection:
                who = self.context.who()
                postings.change_state(connection, number, state, refused, who, error=reason, advice=advice)
        except postings.LostClaim:
            return self._load(number).state
        return refused

    def _write_answer(self, stored: StoredEntry, attempt: int, answer: Answer) -> str:
        number = stored.id
        attempts = stored.attempts + (answer.outcome is not Outcome.NOT_RUN)
        state, values = self._consequence(answer, attempts)
        error = "; ".join(one.text for one in answer.errors) or None
        outcome = postings.Outcome(
            str(answer.outcome), answer.http_status or None, answer.record_no or None, error, answer.redacted_response
        )
        meant = postings.Failure(answer.failure, str(answer.error_class), answer.named) if answer.failure else None
        with self._write() as connection:
            who = self.context.who()
            postings.end_attempt(connection, attempt, outcome, who, meant)
            try:
                postings.change_state(
                    connection, number, "SENDING", state, who, held_by=self.owner, attempts=attempts, **_freed(values)
                )
            except postings.LostClaim:
                # The lease ran out and another worker reads Intacct back; the answer is kept as evidence for it.
                state = entries.entry(connection, number).state
            if state == "REJECTED" and answer.failure == PERIOD_CLOSED:
                self._learn_of_closing(connection, stored, values)
        return state

    def _learn_of_closing(self, connection: "Connection", stored: StoredEntry, told: Mapping[str, str | None]) -> None:
        """Intacct's refusal says that the entry's period is closed; under ``fail`` it is left at that."""
        if self.dates.policy == "fail":
            return
        month = stored.entry.date.replace(day=1)
        fact = PeriodFact(stored.entry.entity, CLOSED, month, ANSWER, str(told["error"]))
        for kept in periods.add(connection, [fact], self.context.who()):
            self.dates.take(kept)
        self.misdated.append(stored.id)

    def _consequence(self, answer: Answer, attempts: int) -> tuple[str, dict[str, str | None]]:
        """The state that follows from an answer, and what is kept with it; ``attempts`` counts this one too."""
        if answer.outcome is Outcome.POSTED:
            at = self.context.timestamp()
            return "POSTED", {"record_no": answer.record_no, "posted_at": at, **_NOTHING_SAID}
        failure = {
            "error_no": next((one.error_id or one.errorno for one in answer.errors), None),
            "error": answer.errors[0].text if answer.errors else answer.advice,
            "advice": answer.advice,
        }
        if answer.outcome is Outcome.REJECTED:
            passes = answer.error_class is ErrorClass.RETRY_NOW and attempts < self.most_attempts
            return "READY" if passes else "REJECTED", failure
        if answer.outcome is Outcome.NOT_RUN:
            return "READY", failure
        return "IN_DOUBT", {**failure, "not_before": self._later(self.quarantine)}

    def _adopt_or_hold(self, stored: StoredEntry, attempt: int, found: list[FoundEntry]) -> str:
        if len(found) == 1 and found[0].state == POSTED_STATE and same_content(stored.entry, found[0]):
            posted = {"record_no": found[0].record_no, "posted_at": self.context.timestamp(), **_NOTHING_SAID}
            self._note_read_back(attempt, found, "found", (stored, "POSTED", posted))
        else:
            told = {"error": _doubt(found), "advice": _DOUBT_ADVICE.format(stored.entry.reference)}
            self._note_read_back(attempt, found, "differs" if found else "absent", (stored, "HELD", told))
        return self._load(stored.id).state

    def _note_read_back(
        self,
        attempt: int,
        found: list[FoundEntry],
        outcome: str,
        change: tuple[StoredEntry, str, Mapping[str, str | None]] | None = None,
        old: str = "IN_DOUBT",
    ) -> None:
        seen = "\n".join(str(one) for one in found) or "nothing found"
        record_no = found[0].record_no if outcome == "found" else None
        with self._write() as connection:
            who = self.context.who()
            postings.end_attempt(connection, attempt, postings.Outcome(outcome, None, record_no, None, seen), who)
            if change:
                self._settled(connection, *change, old)

    def _settled(
        self,
        connection: "Connection",
        stored: StoredEntry,
        state: str,
        values: Mapping[str, str | None],
        old: str = "IN_DOUBT",
    ) -> None:
        """End a doubt by what was read, unless another worker has settled it or sent the entry again meanwhile."""
        with suppress(postings.LostClaim):
            who, sends = self.context.who(), stored.sends
            postings.change_state(connection, stored.id, old, state, who, sends=sends, **_freed(values))


_UNREAD = "unread"
_REFUSED_BUT_THERE = "Intacct refused it in words that revrec does not know, and yet has an entry with this reference"
_NOTHING_SAID = {"error_no": None, "error": None, "advice": None}
"""What stood beside an entry on its way is no longer true of a posted one, which never changes again."""
_CLOSED_ADVICE = "open it again (revrec periods), or let the policy decide: closed_period in [posting] of revrec.toml"
_DOUBT_ADVICE = "look at {0} in Intacct, then settle it: revrec postings resolve {0} --help"


_ALIKE = (
    "Intacct does not show this reference, but its entry {0.record_no}, which no entry here claims, has the same date "
    "and lines; its reference is {0.reference!r}"
)
_ALIKE_ADVICE = (
    "look at entry {1} in Intacct; if it is this one with its reference changed: revrec postings resolve {0} "
    "--as-posted {1} --reason TEXT; if it is another's: revrec postings resolve {0} --resend --reason TEXT"
)


def _doubt(found: list[FoundEntry]) -> str:
    if not found:
        return "sent as often as allowed, and Intacct does not show it"
    if len(found) > 1:
        return f"Intacct has {len(found)} entries with this reference: {', '.join(one.record_no for one in found)}"
    (one,) = found
    if one.state != POSTED_STATE:
        return f"Intacct's entry {one.record_no} with this reference is not posted there: its state is {one.state}"
    return f"Intacct's entry {one.record_no} with this reference has other figures"


def _freed(values: Mapping[str, str | None]) -> dict[str, Any]:
    return {"owner": None, "lease_until": None, **values}


def same_content(entry: JournalEntry, found: FoundEntry) -> bool:
    """Whether Intacct's entry is ours: the date and every line's side, account, amount and currency."""
    ours = Counter((line.side, line.account, line.amount, line.currency) for line in entry.lines)
    theirs = Counter((line.side, line.account, line.amount, line.currency) for line in found.lines)
    return found.date == entry.date and ours == theirs
