"""The protocol broken on purpose, one rule at a time: each of these must be caught by the simulator.

python tests/proof/mutants.py            # plays each until it is caught, and prints by what
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from unittest import mock

from directed import SCHEDULES, broken_promise
from memory_books import SimulatedBooks
from simulator import WORLDS, first_violation, prepared_books
from sqlalchemy import update
from twin_store import State

from revrec.intacct import client, judgment
from revrec.intacct.client import XmlGateway
from revrec.intacct.gateway import PostingAnswer, PostingOutcome, PreparedPosting
from revrec.jobs.posting import intents, recovery, rejections
from revrec.jobs.posting import journal_entries as entry_postings
from revrec.jobs.posting.in_flight import FREE, PostingQueue
from revrec.jobs.posting.journal_entries import EntryPostings
from revrec.jobs.posting.poster import Poster
from revrec.jobs.posting.right_to_post import RightToPost
from revrec.jobs.running.run import PostingRun
from revrec.store.database.engine import discarded
from revrec.store.posting import entries
from revrec.store.posting import postings as store_postings
from revrec.store.posting.entries import ENTRY_TABLES, StoredEntry
from revrec.store.posting.posting_tables import LostClaim, PostingTables
from revrec.store.tables import journal_entry

Mutant = Callable[[], AbstractContextManager[Any]]
MUTANTS: dict[str, Mutant] = {}
"""By the sentence that says what is done wrong."""


def mutant(what: str) -> Callable[[Mutant], Mutant]:
    """Put a mutant in the table."""

    def put(made: Mutant) -> Mutant:
        MUTANTS[what] = made
        return made

    return put


def replaced(owner: Any, name: str) -> Callable[[Callable[..., Any]], AbstractContextManager[Any]]:
    """A patch whose function is given the original as its first argument."""
    original = getattr(owner, name)

    def patch(function: Callable[..., Any]) -> AbstractContextManager[Any]:
        def instead(*words: Any, **named: Any) -> Any:
            return function(original, *words, **named)

        return mock.patch.object(owner, name, instead)

    return patch


def without_claim() -> AbstractContextManager[Any]:
    """Runs without the claim of the posting, which would also stop what some rules have to stop alone."""
    return replaced(RightToPost, "_claim")(lambda *_: None)


def overwrite(connection: Any, number: int, values: Mapping[str, Any]) -> None:
    """Write an entry's row past every check, in whichever store this is."""
    if isinstance(connection, State):
        connection.entries[number] = connection.entries[number]._replace(**values)
    else:
        connection.execute(update(journal_entry).where(journal_entry.c.id == number).values(values))


@mutant("what is in doubt is sent again without reading Intacct back")
def _() -> AbstractContextManager[Any]:
    def settle(_original: Any, self: Poster, number: int) -> str:
        return self._send(self._load(number), "IN_DOUBT")

    return replaced(Poster, "settle")(settle)


@mutant("what Intacct has saved counts as posted without a look at its state")
def _() -> AbstractContextManager[Any]:
    return replaced(EntryPostings, "confirm")(lambda _original, _self, _gateway, _stored, answer: answer)


@mutant("what is found outside the ledger counts as posted")
def _() -> AbstractContextManager[Any]:
    return replaced(EntryPostings, "is_in_ledger")(lambda *_: True)


@mutant("Intacct's absence of an entry is believed before the quarantine is over")
@contextmanager
def _() -> Iterator[None]:
    def take(original: Any, self: Poster, number: int) -> str:
        return self.settle(number) if self._load(number).state == "IN_DOUBT" else str(original(self, number))

    with (
        replaced(Poster, "process")(take),
        replaced(PostingTables, "due_read_backs")(
            lambda original, self, connection, _now: original(self, connection, "9999")
        ),
    ):
        yield


@mutant("an entry that a dead run was sending has no quarantine")
def _() -> AbstractContextManager[Any]:
    def suspend(original: Any, self: Poster) -> int:
        self.quarantine, kept = timedelta(0), self.quarantine
        try:
            return int(original(self))
        finally:
            self.quarantine = kept

    return replaced(Poster, "doubt_abandoned")(suspend)


@mutant("an entry that a dead run was sending stays as it is")
def _() -> AbstractContextManager[Any]:
    return replaced(Poster, "doubt_abandoned")(lambda _original, _self: 0)


@mutant("after a doubt the entry is sent under a new control id")
def _() -> AbstractContextManager[Any]:
    def send(original: Any, self: Poster, stored: StoredEntry, state: str) -> str:
        if stored.attempts:
            control_id = f"{stored.entry.control_id}-{stored.attempts}"
            stored = replace(stored, entry=stored.entry._replace(control_id=control_id))
        return str(original(self, stored, state))

    return replaced(Poster, "_send")(send)


def _judging_duplicates(outcome: PostingOutcome, record_no: str) -> AbstractContextManager[Any]:
    def judge(original: Any, *words: Any) -> judgment.PostingVerdict:
        verdict: judgment.PostingVerdict = original(*words)
        if verdict.meaning is not None and verdict.meaning.name == "already-recorded":
            return verdict._replace(outcome=outcome, record_no=record_no)
        return verdict

    return replaced(client, "judge_posting")(judge)


@mutant("'already recorded' counts as posted")
def _() -> AbstractContextManager[Any]:
    return _judging_duplicates(PostingOutcome.POSTED, "0")


@mutant("'already recorded' counts as a refusal")
def _() -> AbstractContextManager[Any]:
    return _judging_duplicates(PostingOutcome.REJECTED, "")


@mutant("SENDING is committed only after sending")
def _() -> AbstractContextManager[Any]:
    def send(_original: Any, self: Poster, stored: StoredEntry, state: str) -> str:
        prepared = self.gateway.prepare(stored.entry)
        answer = self.gateway.send(prepared)
        try:
            attempt = self.begin_request(stored, lambda connection: self._claim(connection, stored, state, prepared))
        except LostClaim:
            return str(self._load(stored.id).state)
        return self._write_answer(stored, attempt, answer)

    return replaced(Poster, "_send")(send)


@mutant("entries are committed only after they were sent")
def _() -> AbstractContextManager[Any]:
    def post(original: Any, self: PostingRun, connect: Any, worker: Any) -> Any:
        with discarded(self.context.database) as connection:
            run_id = entries.start_run(connection, self.day, self.context.who())
            numbers = intents.commit_intents(connection, self.context, run_id, self.day, "C")
            made = [entries.read_entry(connection, number).entry for number in numbers]
        with connect(self.context) as gateway:
            for entry in made:
                gateway.send(gateway.prepare(entry))
        return original(self, connect, worker)

    return replaced(PostingRun, "post")(post)


@mutant("the answer is written whatever became of the entry in the meantime")
def _() -> AbstractContextManager[Any]:
    def change(
        original: Any, self: PostingTables, connection: Any, number: int, old: str, *words: Any, **named: Any
    ) -> None:
        if named.pop("held_by", None) is not None:
            old = self.head(connection, number).state
        original(self, connection, number, old, *words, **named)

    return replaced(PostingTables, "change_state")(change)


@mutant("the answer is written without asking whose attempt it was")
def _() -> AbstractContextManager[Any]:
    def change(original: Any, *words: Any, **named: Any) -> None:
        named.pop("held_by", None)
        original(*words, **named)

    return replaced(PostingTables, "change_state")(change)


@mutant("an entry is claimed without asking whether it is still free")
def _() -> AbstractContextManager[Any]:
    def claim(
        _original: Any, self: Poster, connection: Any, stored: StoredEntry, _state: str, prepared: PreparedPosting
    ) -> int:
        values = {"state": "SENDING", "owner": self.owner, "attempts": stored.attempts + 1}
        overwrite(connection, stored.id, values)
        who = self.context.who()
        return ENTRY_TABLES.begin_attempt(connection, stored.id, "send", prepared.control_id, "", who)[0]

    return replaced(Poster, "_claim")(claim)


@mutant("an entry is claimed by its state alone, though it was sent again since Intacct was read")
@contextmanager
def _() -> Iterator[None]:
    def change(original: Any, *words: Any, **named: Any) -> None:
        named.pop("sends", None)
        original(*words, **named)

    with without_claim(), replaced(PostingTables, "change_state")(change):
        yield


@mutant("an answer for another control id counts")
def _() -> AbstractContextManager[Any]:
    def own(_original: Any, response: Any, _control_id: str) -> Any:
        return (response.results[0], "") if response.results else (None, "contradiction")

    return replaced(judgment, "result_for")(own)


@mutant("an entry in doubt gives its lines back for a new one")
def _() -> AbstractContextManager[Any]:
    def commit(original: Any, connection: Any, context: Any, *words: Any) -> Any:
        for number in entries.numbers_in(connection, "IN_DOUBT"):
            who = context.who()
            ENTRY_TABLES.change_state(connection, number, "IN_DOUBT", "HELD", who)
            store_postings.release_schedule_lines(connection, number, who, "HELD", "CANCELED")
        return original(connection, context, *words)

    return replaced(intents, "commit_intents")(commit)


@mutant("a refused entry keeps its lines, and they go on to a new one all the same")
def _() -> AbstractContextManager[Any]:
    def release(
        _original: Any, connection: Any, number: int, who: Any, old: str = "REJECTED", new: str = "REPLACED", *_: Any
    ) -> None:
        ENTRY_TABLES.change_state(connection, number, old, new, who)

    return replaced(store_postings, "release_schedule_lines")(release)


def _consequence(state: str) -> AbstractContextManager[Any]:
    def consequence(original: Any, self: Poster, answer: PostingAnswer, *more: Any) -> tuple[str, Mapping[str, Any]]:
        found, values = original(self, answer, *more)
        return (state if found == "IN_DOUBT" else found), values

    return replaced(Poster, "_interpret")(consequence)


@mutant("a lost answer counts as a refusal")
def _() -> AbstractContextManager[Any]:
    return _consequence("REJECTED")


@mutant("a lost answer leaves the entry READY")
def _() -> AbstractContextManager[Any]:
    return _consequence("READY")


@mutant("a server error counts as proof that nothing ran")
def _() -> AbstractContextManager[Any]:
    def judge(original: Any, exchange: Any, *words: Any) -> judgment.PostingVerdict:
        verdict: judgment.PostingVerdict = original(exchange, *words)
        return verdict._replace(outcome=PostingOutcome.NOT_RUN) if exchange.status >= 500 else verdict

    return replaced(client, "judge_posting")(judge)


@mutant("a lost answer is followed at once by another try")
def _() -> AbstractContextManager[Any]:
    def send(original: Any, self: XmlGateway, prepared: PreparedPosting) -> PostingAnswer:
        answer: PostingAnswer = original(self, prepared)
        return original(self, prepared) if answer.outcome is PostingOutcome.IN_DOUBT else answer

    return replaced(XmlGateway, "send")(send)


@mutant("uniqueid is off")
def _() -> AbstractContextManager[Any]:
    def exchange(original: Any, self: XmlGateway, session: Any, control_id: str, body: bytes, unique: bool) -> Any:
        return original(self, session, control_id, body, False)

    return replaced(XmlGateway, "_exchange")(exchange)


@mutant("what is read back is adopted without a look at its figures")
def _() -> AbstractContextManager[Any]:
    return replaced(entry_postings, "same_content")(lambda _original, _entry, _found: True)


@mutant("the first of several entries with the reference is adopted")
def _() -> AbstractContextManager[Any]:
    def adopt(original: Any, self: Poster, stored: StoredEntry, attempt: int, found: list[Any], *rest: Any) -> str:
        return str(original(self, stored, attempt, found[:1], *rest))

    return replaced(Poster, "_adopt_or_review")(adopt)


@mutant("what a person lets be sent again is neither doubted by a look nor read back first")
@contextmanager
def _() -> Iterator[None]:
    def post(_original: Any, self: Poster, number: int) -> str:
        return self._send(self._load(number), "READY")

    with replaced(Poster, "post")(post), _doubting_nothing():
        yield


@mutant("no person is asked, however often it was sent")
def _() -> AbstractContextManager[Any]:
    def prepare(original: Any, self: Poster, *words: Any) -> None:
        original(self, *words)
        self.max_attempts = 1_000_000

    return replaced(Poster, "__init__")(prepare)


@mutant("nothing is looked for by its shape")
def _() -> AbstractContextManager[Any]:
    return replaced(entry_postings.EntryPostings, "find_lookalikes")(lambda _original, *_: None)


@mutant("the ledger is not looked at before anything is sent")
def _() -> AbstractContextManager[Any]:
    def look(_original: Any, context: Any, *_: Any) -> recovery.JournalScan:
        return recovery.JournalScan(context.timestamp(), (), (), (), False)

    return replaced(recovery, "scan_journals")(look)


@mutant("what a scan shows and the books do not know is not rebuilt")
def _() -> AbstractContextManager[Any]:
    return replaced(recovery, "recover_lost_entries")(lambda _original, *_: [])


@mutant("what a look shows puts nothing in doubt")
def _() -> AbstractContextManager[Any]:
    return _doubting_nothing()


def _doubting_nothing() -> AbstractContextManager[Any]:
    def account_for(original: Any, connection: Any, context: Any, seen: recovery.JournalScan) -> None:
        original(connection, context, seen._replace(heads=(), unknown_entries=()))

    return replaced(recovery, "record_scan")(account_for)


@mutant("no one notices that the books were put back")
@contextmanager
def _() -> Iterator[None]:
    with without_claim(), replaced(recovery, "_raise_epoch_if_restored")(lambda _original, *_: False):
        yield


@mutant("after the books were put back there is no quarantine")
@contextmanager
def _() -> Iterator[None]:
    with without_claim(), replaced(recovery, "_check_quarantine")(lambda _original, *_: None):
        yield


@mutant("a refusal in unknown words counts as one that saved nothing")
def _() -> AbstractContextManager[Any]:
    return replaced(rejections, "saved_nothing")(lambda _original, _refused: True)


@mutant("what may be in Intacct already is sent along with other entries without reading Intacct back")
def _() -> AbstractContextManager[Any]:
    def begin(_original: Any, self: Poster, number: int) -> Any:
        stored = self._load(number)
        return self._begin_send(stored, stored.state) if stored.state in FREE else stored.state

    return replaced(Poster, "begin")(begin)


@mutant("a run that must stop does not wait for the requests in flight")
@contextmanager
def _() -> Iterator[None]:
    def record(original: Any, self: PostingQueue, interrupts: list[int]) -> None:
        original(self, interrupts)
        for _number, failure in self._alone:
            if failure is not None:
                raise failure

    with replaced(PostingQueue, "_record_next")(record), replaced(PostingQueue, "_record_others")(lambda *_: None):
        yield


TWO_RUNS = [world for world in WORLDS if not world.lock]
FORGETFUL = [world for world in WORLDS if not world.memory and not world.rollback]
LATE = [world for world in WORLDS if not world.bounded and not world.rollback]
PUT_BACK = [world for world in WORLDS if world.rollback and not world.memory]
WHERE: dict[str, dict[str, Any]] = {
    "an entry is claimed by its state alone, though it was sent again since Intacct was read": {
        "worlds": TWO_RUNS,
        "duels": True,
    },
    "an answer for another control id counts": {"worlds": TWO_RUNS, "duels": True},
    "Intacct's absence of an entry is believed before the quarantine is over": {"worlds": FORGETFUL},
    "an entry that a dead run was sending has no quarantine": {"worlds": FORGETFUL},
    "a server error counts as proof that nothing ran": {"worlds": FORGETFUL},
    "a refusal in unknown words counts as one that saved nothing": {"worlds": LATE, "known": 0.0},
    "an entry is claimed without asking whether it is still free": {"worlds": TWO_RUNS, "duels": True},
    "what a person lets be sent again is neither doubted by a look nor read back first": {"worlds": PUT_BACK},
    "what a scan shows and the books do not know is not rebuilt": {"worlds": PUT_BACK},
    "what a look shows puts nothing in doubt": {"worlds": PUT_BACK},
    "no one notices that the books were put back": {"worlds": PUT_BACK},
    "after the books were put back there is no quarantine": {"worlds": PUT_BACK},
    "what may be in Intacct already is sent along with other entries without reading Intacct back": {"in_flight": (3,)},
    "a run that must stop does not wait for the requests in flight": {"in_flight": (3,)},
}
"""Where to look for mutants that show only in some worlds; the others are looked for in all, one request at a time."""


def caught_within(most: int, what: str, books: SimulatedBooks, image: Any) -> str | None:
    """The seed or the schedule that catches a mutant, and the promise that it broke; None if it survives."""
    with MUTANTS[what]():
        if what in SCHEDULES:
            promise = broken_promise(SCHEDULES[what], books, image)
            return promise and f"{SCHEDULES[what].__name__}: {promise}"
        found = first_violation(range(most), books, image, **{"in_flight": (1,), **WHERE.get(what, {})})
    return None if found is None else f"seed {found[0]}: {found[1]}"


def main() -> None:
    """Tell by what each mutant is caught."""
    import sys
    import time

    words = sys.argv[1:] or [""]
    for what in [what for what in MUTANTS if any(word in what for word in words)]:
        started = time.process_time()
        with prepared_books() as (books, image):
            found = caught_within(8000, what, books, image)
        print(f"{time.process_time() - started:5.1f} s  {what}\n         {found or 'SURVIVES'}", flush=True)


if __name__ == "__main__":
    main()
