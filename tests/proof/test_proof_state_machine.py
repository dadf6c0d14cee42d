"""The state machine of posting against a model of it, and the real store against its twin, step by step.

Two workers at a time do the real work on the real store and on the twin. Hypothesis draws what each is answered, when
one is killed or loses an entry to the other, and what a person decides; ``posting_rules`` says what must come of it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import date, datetime
from functools import cache
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import posting_rules as rules
import pytest
from greenlet import GreenletExit, getcurrent, greenlet
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from ledger_model import Clock
from memory_books import MemoryBooks, SimulatedBooks, charge
from mutants import MUTANTS
from promises import MOST_ATTEMPTS
from twin_books import TwinBooks
from twin_store import stand_in

from revrec.core.errors import RevrecError
from revrec.core.journal import DueLine, JournalEntry
from revrec.core.posting import RELEASED, UNSETTLED
from revrec.intacct.errors import GatewayUnreachable, ReadRefused
from revrec.intacct.gateway import ErrorClass, FoundEntry, FoundLine, PostingAnswer, PostingOutcome, PreparedPosting
from revrec.jobs.posting import intents, resolve
from revrec.jobs.posting.approvals import check_approvals
from revrec.jobs.posting.journal_entries import EntryPostings
from revrec.jobs.posting.poster import Poster, RunStopped, TemporaryFailure
from revrec.store.posting import due, entries, postings
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.workers import Worker

ROWS = [
    charge("INV-1", "MAG-1", "10.00"),
    charge("INV-2", "GOODS-1", "-5.00", "2024-01-08"),
    charge("INV-3", "GOODS-1", "7.00", "2024-01-09"),
]
DAY = date(2024, 1, 31)
FOLDER = TemporaryDirectory()
STATES = (*UNSETTLED, *RELEASED, "POSTED")
WORKERS = 3
"""At once: two on one entry, and one more."""
SETTLED = ("POSTED", "REJECTED", "CANCELED")
FIELDS = ("state", "attempts", "owner", "lease_until", "not_before", "record_no", "error", "advice", "posted_at")

ANSWERS: dict[str, Callable[[str, str], PostingAnswer]] = {
    "posted": lambda own, record_no: PostingAnswer(PostingOutcome.POSTED, own, record_no),
    "refused": lambda own, _: PostingAnswer(
        PostingOutcome.REJECTED, own, error_class=ErrorClass.NEEDS_DATA, advice="fix it", failure="account-unknown"
    ),
    "failed": lambda own, _: PostingAnswer(
        PostingOutcome.REJECTED, own, error_class=ErrorClass.RETRY_NOW, advice="once more"
    ),
    "lost": lambda own, _: PostingAnswer(
        PostingOutcome.IN_DOUBT, own, error_class=ErrorClass.IN_DOUBT, advice="read it back"
    ),
    "not_run": lambda own, _: PostingAnswer(
        PostingOutcome.NOT_RUN, own, error_class=ErrorClass.RETRY_LATER, advice="wait"
    ),
}
"""The possible outcomes of a request, by its control id and a new record number."""
SHOWN: dict[str, Callable[[JournalEntry, str], list[FoundEntry]]] = {
    "nothing": lambda _entry, _record_no: [],
    "equal": lambda entry, record_no: [_found(entry, record_no)],
    "other figures": lambda entry, record_no: [_found(entry, record_no, more=1)],
    "several": lambda entry, record_no: [_found(entry, record_no), _found(entry, f"{record_no}0")],
    "a draft": lambda entry, record_no: [_found(entry, record_no)._replace(state="Draft")],
    "submitted": lambda entry, record_no: [_found(entry, record_no)._replace(state="Submitted")],
    "declined": lambda entry, record_no: [_found(entry, record_no)._replace(state="Declined")],
}
"""What a read may show of an entry."""
UNREAD: dict[str, Exception] = {
    "unreadable": ReadRefused("Intacct refused a read: no permission"),
    "unreachable": GatewayUnreachable("no answer"),
}
OFTEN_ANSWERED = ("lost", "lost", "failed", "failed", "not_run", "posted", "refused")
OF_ONE = ("equal", "submitted", "nothing", "declined", "other figures")
"""What a read by record number may show."""
OFTEN_SHOWN = ("nothing", "other figures", "nothing", "several", "unreadable", *sorted([*SHOWN, *UNREAD]))


def _found(entry: JournalEntry, record_no: str, more: int = 0) -> FoundEntry:
    lines = tuple(
        FoundLine(str(at), at, line.side, line.account, line.amount + more, line.currency)
        for at, line in enumerate(entry.lines, 1)
    )
    return FoundEntry(record_no, "1", entry.journal, entry.date, entry.title, entry.reference, "Posted", "", lines)


class Run:
    """A worker on one entry, in one of the two worlds; it pauses where it waits for Intacct, and is the gateway
    that it asks."""

    def __init__(self, world: "World", owner: str, number: int) -> None:
        self.world = world
        self.owner = owner
        self.number = number
        self.waits_for = ""
        self._greenlet: Any = greenlet(self._live)
        self.go_on(None)

    def go_on(self, answer: Any) -> None:
        """Let it work with what Intacct said, until it asks again or ends."""
        self.waits_for = ""
        self._greenlet.parent = getcurrent()
        with self.world.standing():
            self._greenlet.switch(answer)

    def kill(self) -> None:
        """Its process ends."""
        self._greenlet.parent = getcurrent()
        self._greenlet.throw(GreenletExit)

    def prepare(self, entry: JournalEntry) -> PreparedPosting:
        return PreparedPosting(entry.control_id, entry.reference, b"", "<request/>")

    def send(self, prepared: PreparedPosting) -> Any:
        return self._ask("send")(prepared.control_id)

    def find_entries(self, _journal: str, _reference: str) -> Any:
        shown = self._ask("read")
        if isinstance(shown, Exception):
            raise shown
        return shown(self.world.books.body(self.number))

    def entries_numbered(self, record_nos: list[str]) -> Any:
        shown = self._ask("confirm")
        if isinstance(shown, Exception):
            raise shown
        return shown(self.world.books.body(self.number), *record_nos)

    def entries_dated(self, *_which: Any) -> list[FoundEntry]:
        return []

    def with_lines(self, heads: list[FoundEntry]) -> list[FoundEntry]:
        return heads

    def _ask(self, what: str) -> Any:
        self.waits_for = what
        return self._greenlet.parent.switch()

    def _live(self, _nothing: None) -> None:
        try:
            self.world.poster(self.owner, self).process(self.number)
        except (RunStopped, TemporaryFailure):
            """A run would wait now and take it again."""


class Shown:
    """A gateway that shows all entries that await approval in one way."""

    def __init__(self, world: "World", shown: str) -> None:
        self.world = world
        self.shown = shown

    def entries_numbered(self, record_nos: list[str]) -> list[FoundEntry]:
        with self.world.books.database.read() as connection:
            by_number = {ENTRY_TABLES.head(connection, one).record_no: one for one in self.world.numbers}
        show = SHOWN[self.shown]
        return [one for found in record_nos for one in show(self.world.books.body(by_number[found]), found)]

    def with_lines(self, heads: list[FoundEntry]) -> list[FoundEntry]:
        return heads


class World:
    """Books on one of the two stores, with entries that are READY."""

    def __init__(self, books: SimulatedBooks, standing: Callable[[], AbstractContextManager[None]]) -> None:
        self.books = books
        self.standing = standing
        self.runs: dict[str, Run] = {}
        self.context = books.context()
        with standing(), books.database.write() as connection:
            run = entries.start_run(connection, DAY, self.context.who())
            self.numbers = intents.commit_intents(connection, self.context, run, DAY, "C")
        self.image = books.database.image()

    def begin(self) -> None:
        """As it was at first."""
        self.books.clock.begin()
        self.books.database.put_back(self.image)

    def poster(self, owner: str, gateway: Any = None) -> Poster:
        return Poster(self.context, gateway, EntryPostings(), Worker(owner))

    def observed(self) -> dict[str, Any]:
        """All that can be asked of the postings."""
        tables, numbers = entries.ENTRY_TABLES, self.numbers
        with self.standing(), self.books.database.read() as connection:
            heads = [ENTRY_TABLES.head(connection, number) for number in numbers]
            return {
                "rows": [tuple(getattr(head, name) for name in FIELDS) for head in heads],
                "entries": [entries.read_entry(connection, number) for number in numbers],
                "in states": [entries.numbers_in(connection, state, until=DAY) for state in STATES],
                "free": tables.in_states(connection, numbers, ("READY", "IN_DOUBT")),
                "sending": tables.sending(connection),
                "doubtful": tables.due_read_backs(connection, self.context.timestamp()),
                "next doubtful": tables.next_read_back_at(connection),
                "may be there": [tables.may_have_posted(connection, number) for number in numbers],
                "unread": [tables.unread(connection, number) for number in numbers],
                "found": [row.id for head in heads if (row := tables.find(connection, head.reference))],
                "last control id": tables.last_control_id(connection),
                "refused": postings.rejected_entries(connection, DAY),
                "refusals": [postings.count_rejections(connection, one.id) for one in heads if one.state == "REJECTED"],
                "attempts": self.books.attempts(),
                "is due": due.has_due_lines(connection, DAY),
                "open": [(line.charge_no, line.seq, line.revision) for line, _ in due.due_lines(connection, DAY)],
            }


def due_lines(connection: Any) -> Iterator[tuple[DueLine, str]]:
    """By the name that the twin replaces."""
    return due.due_lines(connection, DAY)


@cache
def worlds() -> tuple[World, World]:
    """The real store and its twin."""
    real = MemoryBooks(Path(FOLDER.name), Clock())
    real.rules(periods=2)
    real.take(ROWS)
    twin = TwinBooks(real)
    return World(real, nullcontext), World(twin, stand_in)


class Posting(RuleBasedStateMachine):
    """Every order of what may happen to a few entries."""

    def __init__(self) -> None:
        super().__init__()
        self.worlds = worlds()
        for world in self.worlds:
            world.begin()
        self.clock = self.worlds[0].books.clock
        self.numbers = self.worlds[0].numbers
        self.model = {number: rules.Entry() for number in self.numbers}
        self.works: dict[str, rules.Work] = {}
        self.names, self.record_nos = count(1), count(1)

    # Few rules, for Hypothesis leaves some out of each example.

    @precondition(lambda self: self._to_take() and len(self.works) < WORKERS)
    @rule(data=st.data())
    def a_worker_takes_an_entry(self, data: st.DataObject) -> None:
        self._take(data.draw(st.sampled_from(self._to_take())))

    @precondition(lambda self: self.works)
    @rule(data=st.data())
    def intacct_reacts(self, data: st.DataObject) -> None:
        owner = data.draw(st.sampled_from(sorted(self.works)))
        if self.works[owner].waits_for == "send":
            self._answer(owner, data.draw(st.sampled_from(OFTEN_ANSWERED)))
        elif self.works[owner].waits_for == "confirm":
            self._confirm(owner, data.draw(st.sampled_from(("equal", "submitted", "nothing", "unreadable"))))
        else:
            self._show(owner, data.draw(st.sampled_from(OFTEN_SHOWN)))

    @rule(data=st.data())
    def meanwhile(self, data: st.DataObject) -> None:
        """A worker is killed or overtaken, a run begins, time passes, a person decides."""
        sends, held = self._waiting("send"), self._in("HELD")
        possible = [self._let_pass, *[self._suspend_others] * bool(sends), *[self._kill_one] * bool(self.works)]
        possible += [self._check_approvals] * (2 * bool(self._in("AWAITING_APPROVAL")))
        possible += [self._overtake] * (2 * bool(sends and len(self.works) < WORKERS)) + [self._settle_one] * bool(held)
        data.draw(st.sampled_from(possible))(data)

    def _take(self, number: int) -> None:
        owner = f"worker {next(self.names)}"
        work = rules.Work(self.model[number], owner, MOST_ATTEMPTS)
        work.begin(self.clock())
        self.works[owner] = work
        for world in self.worlds:
            world.runs[owner] = Run(world, owner, number)
        self._reap()

    def _answer(self, owner: str, answer: str) -> None:
        record_no = str(next(self.record_nos))
        self._go_on(owner, lambda control_id: ANSWERS[answer](control_id, record_no))
        self.works[owner].answered(answer, record_no, self.clock())
        self._reap()

    def _confirm(self, owner: str, shown: str) -> None:
        self._go_on(owner, UNREAD.get(shown) or SHOWN[shown])
        self.works[owner].confirmed(shown, self.clock())
        self._reap()

    def _check_approvals(self, data: st.DataObject) -> None:
        """A run looks at what awaits approval."""
        self._check(data.draw(st.sampled_from(OF_ONE)))

    def _check(self, shown: str) -> None:
        awaiting = self._in("AWAITING_APPROVAL")
        for number in awaiting:
            self.model[number].checked(shown, self.clock())
        for world in self.worlds:
            with world.standing():
                check_approvals(world.poster("a run", Shown(world, shown)), awaiting)

    def _show(self, owner: str, shown: str) -> None:
        record_no = str(next(self.record_nos))
        self._go_on(owner, UNREAD.get(shown) or (lambda entry: SHOWN[shown](entry, record_no)))
        self.works[owner].read(shown, record_no, self.clock())
        self._reap()

    def _kill_one(self, data: st.DataObject) -> None:
        self._kill(data.draw(st.sampled_from(sorted(self.works))))

    def _kill(self, owner: str) -> None:
        del self.works[owner]
        for world in self.worlds:
            world.runs.pop(owner).kill()

    def _let_pass(self, data: st.DataObject) -> None:
        self.clock.advance(60 * data.draw(st.sampled_from([5, 11, 17])))

    def _suspend_others(self, data: st.DataObject) -> None:
        """What others were sending is in doubt: on SQLite they are dead, for this one has their lock."""
        self._suspend(data.draw(st.sampled_from(["a new one", *sorted(self.works)])))

    def _suspend(self, owner: str) -> None:
        for entry in self.model.values():
            entry.suspended(owner, self.clock())
        for world in self.worlds:
            with world.standing():
                world.poster(owner).doubt_abandoned()

    def _overtake(self, data: st.DataObject) -> None:
        """A worker sleeps while it sends; another takes over as soon as that may be, and perhaps
        sends again; then the first may wake up."""
        sleeper = data.draw(st.sampled_from(self._waiting("send")))
        self._suspend("a new one")
        self.clock.advance(60 * 17)
        self._take(next(number for number, one in self.model.items() if one is self.works[sleeper].entry))
        second = max(self._waiting("read"), key=lambda owner: int(owner.split()[1]), default="")
        if second and data.draw(st.booleans()):
            self._show(second, "nothing")
        if data.draw(st.booleans()) and self.works[sleeper].waits_for == "send":
            self._answer(sleeper, data.draw(st.sampled_from(OFTEN_ANSWERED)))

    def _settle_one(self, data: st.DataObject) -> None:
        choice = data.draw(st.sampled_from(["again", "again", "posted", "cancel"]))
        self._decide(data.draw(st.sampled_from(self._in("HELD"))), choice)

    def _decide(self, number: int, choice: str) -> None:
        record_no = str(next(self.record_nos))
        self.model[number].decided(choice, record_no)
        for world in self.worlds:
            reference = world.books.body(number).reference
            with world.standing():
                if choice == "posted":
                    resolve.as_posted(world.context, reference, record_no, "it is there")
                elif choice == "again":
                    resolve.send_again(world.context, reference, "send it")
                else:
                    resolve.cancel(world.context, reference, "it is not there")

    @invariant()
    def all_is_as_the_model_says_and_the_same_in_both_stores(self) -> None:
        real, twin = (world.observed() for world in self.worlds)
        assert real == twin
        for row, unread, there, one in zip(
            real["rows"], real["unread"], real["may be there"], self.model.values(), strict=True
        ):
            found = dict(zip(FIELDS, row, strict=True))
            assert (found["state"], found["attempts"], found["owner"]) == (one.state, one.attempts, one.owner)
            assert found["record_no"] == one.record_no and unread == one.unread and there == bool(one.ran)
            assert _time(found["lease_until"]) == one.lease and _time(found["not_before"]) == one.doubt_until
        assert [stored.sends for stored in real["entries"]] == [one.sends for one in self.model.values()]
        # One entry has one control id for ever: the columns are id, entry, number, kind, control id.
        assert len({attempt[1:5:3] for attempt in real["attempts"]}) == len(
            {attempt[1] for attempt in real["attempts"]}
        )

    def teardown(self) -> None:
        """Whatever has happened: a few calm runs and a person settle everything."""
        for owner in sorted(self.works):
            self._kill(owner)
        for _ in range(2 * MOST_ATTEMPTS):
            self.clock.advance(60 * 17)
            self._suspend("a new one")
            for number in self._to_take():
                self._take(number)
                for owner in self._waiting("read"):
                    self._show(owner, "equal" if self.model[number].ran else "nothing")
                for owner in self._waiting("send"):
                    self._answer(owner, "posted")
                for owner in self._waiting("confirm"):
                    self._confirm(owner, "equal")
            self._check("equal")
            for number in self._in("HELD"):
                self._decide(number, "posted")
        self.all_is_as_the_model_says_and_the_same_in_both_stores()
        assert {one.state for one in self.model.values()} <= {*SETTLED}

    def _waiting(self, what: str) -> list[str]:
        return sorted(owner for owner, work in self.works.items() if work.waits_for == what)

    def _to_take(self) -> list[int]:
        return [number for number, one in self.model.items() if one.may_be_processed(self.clock())]

    def _in(self, state: str) -> list[int]:
        return [number for number, one in self.model.items() if one.state == state]

    def _go_on(self, owner: str, answer: Any) -> None:
        for world in self.worlds:
            world.runs[owner].go_on(answer)

    def _reap(self) -> None:
        """Who waits for what is as the model says; who waits for nothing has ended."""
        for owner, work in list(self.works.items()):
            assert [world.runs[owner].waits_for for world in self.worlds] == [work.waits_for] * 2, (owner, work)
            if not work.waits_for:
                self._kill(owner)


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def play(**how: Any) -> None:
    """Let Hypothesis play the machine."""
    run_state_machine_as_test(Posting, settings=settings(deadline=None, **how))


BOUNDED: dict[str, Any] = {"max_examples": 30, "stateful_step_count": 25, "derandomize": True, "database": None}
SPOILT = (
    "what is in doubt is sent again without reading Intacct back",
    "after a doubt the entry is sent under a new control id",
    "the answer is written without asking whose attempt it was",
    "an entry is claimed by its state alone, though it was sent again since Intacct was read",
    "what is read back is adopted without a look at its figures",
    "what Intacct has saved counts as posted without a look at its state",
)
"""Mutants that the model must find out; the simulator finds all."""


def test_every_order_of_events_leaves_what_the_model_says() -> None:
    play(**BOUNDED | {"max_examples": 6})


@pytest.mark.slow
def test_more_orders_leave_what_the_model_says() -> None:
    play(**BOUNDED | {"max_examples": 12})


@pytest.mark.slow
@pytest.mark.parametrize("what", SPOILT)
def test_the_model_finds_out_a_spoilt_protocol(what: str) -> None:
    with MUTANTS[what](), pytest.raises((AssertionError, RevrecError)):
        play(**BOUNDED, phases=[Phase.generate])


@pytest.mark.long
def test_many_more_orders_leave_what_the_model_says() -> None:
    play(max_examples=500, stateful_step_count=50)
