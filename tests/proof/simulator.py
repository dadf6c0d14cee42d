"""A deterministic simulator of posting: real jobs and store, two workers, a lossy gateway, one clock, and a seed.

Each worker runs ``revrec run`` and stops before every transaction and every request. A scheduler draws, from the seed
alone, what happens next: a worker goes on or is killed, a request arrives, is lost or repeated, an answer is spoilt,
time passes, a person decides. At the end the faults stop, and within a few runs each schedule line that is due must
stand in the ledger exactly once.

The store is its twin in memory (``twin_store``), or the real one with all its triggers; a seed plays the same story on
both.

    python tests/proof/simulator.py --seeds 50000                    # on demand, on all cores
    python tests/proof/simulator.py --seeds 1000 --store sqlite      # the whole stack
    python tests/proof/simulator.py --start 1234 --verbose           # the story of one seed
"""

import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock
from uuid import UUID

import ledger_model as model
from ledger_model import Clock, Function, Ledger, Violation
from memory_books import MOST_JOINED, MemoryBooks, SimulatedBooks, charge
from stage import CREDENTIALS, HTML, SPOILT, Connect, Mover, Request, SendingThread, Worker, at_work_with_others
from twin_books import TwinBooks
from twin_store import stand_in

from revrec.core.errors import RevrecError
from revrec.core.periods import OPEN, POLICIES, Periods
from revrec.core.redaction import secret_pattern
from revrec.intacct import reading, redact
from revrec.intacct.transport import HttpExchange
from revrec.jobs.admin.database import note_restored
from revrec.jobs.posting import in_flight, resolve
from revrec.jobs.posting.periods import decide
from revrec.jobs.posting.retries import Retrier
from revrec.jobs.rules import load as rules_module
from revrec.jobs.running import run as run_module
from revrec.store import periods
from revrec.store.posting import continuity, workers

ROWS = [charge("INV-1", "MAG-1", "10.00"), charge("INV-2", "GOODS-1", "-5.00", "2024-01-07")]
DAYS = (date(2024, 1, 31), date(2024, 1, 31), date(2024, 12, 31))
PERIODS = 2
BOUND = 300.0
"""Seconds within which a bounded request has left, arrived and ended; two of them are less than the quarantine."""
QUARANTINE = 16 * 60.0
MOST_RUNS = 40
IN_FLIGHT = (1, 3)
"""The most requests at the same time, in each seed one of these."""
FINAL = ("POSTED", "REPLACED", "CANCELED")


class World(NamedTuple):
    """Faults that may happen together, under which the protocol must still hold."""

    name: str
    lock: bool
    """One run at a time. Without it two workers meet on the same entries, as after a lost lock."""
    bounded: bool
    """No request outlives the quarantine, and without the lock no worker sleeps between its commit and its send."""
    memory: bool
    """The gateway keeps control ids for ever and checks them atomically."""
    refusals: bool
    rollback: bool = False
    """The database may be put back to an older copy, or lose its last commit."""
    approval: bool = False
    """Intacct only submits entries; an approver posts, declines or deletes them."""
    sharing: bool = False
    """Runs share the work by turns, as on PostgreSQL; each has a session that may be lost."""


WORLDS = (
    World("one run at a time, poor gateway", True, True, False, True),
    World("two runs at once, poor gateway", False, True, False, True),
    World("two runs at once, forgetful gateway", False, True, False, False),
    World("two runs at once, sleepers and late requests", False, False, True, False),
    World("late requests, restored backups, lost commits", True, False, True, False, True),
    World("restored backups, lost commits, forgetful gateway, lines that join", True, True, False, False, True),
    World("runs that share the work, poor gateway", False, True, False, True, sharing=True),
    World("two runs at once, entries that need approval", False, True, False, True, approval=True),
    World("restored backups, entries that need approval", True, True, True, False, True, approval=True),
)


Act = tuple[float, Callable[[Any], None], Any, str]
"""How likely it is against others, what is done, to whom, and how it is told."""


@dataclass
class Simulator:
    """One seed's world."""

    books: SimulatedBooks
    image: Any
    seed: int
    worlds: Sequence[World] = WORLDS
    """The worlds of which the seed plays one."""
    duels: bool = False
    """Every seed is a duel."""
    known: float = 0.8
    """How probably the gateway says "already recorded" in words that revrec knows."""
    in_flight: Sequence[int] = IN_FLIGHT
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.world = self.worlds[self.seed % len(self.worlds)]
        self.clock = self.books.clock
        self.clock.begin()
        self.books.database.put_back(self.image)
        self.books.settings = self.books.policies[self.random.choice((*POLICIES, "fail"))]
        self.books.step = self._at_transaction
        self.books.database.at_work = self._at_work
        self.ledger = Ledger(self.clock)
        self.active: Mover | None = None
        self.workers: list[Worker] = []
        self.wire: list[Request] = []
        self.backup: tuple[Any, continuity.TrailHead | None] = (self.image, None)
        self.before_last = self.image
        self.books.database.kept = None
        self.restored = self.refused_as_copy = False
        self.joined = MACHINE.boot = 0
        self.unlooked: set[str] = set()
        """References of what a person let be sent again without looking."""
        self.last_answer = HTML
        self.day = self.random.choice(DAYS)
        # Every seed has moods of its own, so that together they reach what the same moderate mixture never would.
        self.trouble = self.random.choice((0.1, 0.3, 0.6))
        self.deadly = self.random.choice((0.0, 0.1, 0.5))
        self.sleepy = self.random.choice((0.0, 0.1, 0.3))
        # A duel: one worker pauses wherever it is, while the other goes on for a good while.
        self.turns = self.random.choice((0.02, 0.05, 0.1) if self.duels else (0.0, 0.02, 0.05, 0.1))
        if self.world.lock:
            self.turns = 0.0
        if self.turns:
            self.deadly, self.sleepy, self.trouble = 0.0, 0.0, 0.6
        self.still: Worker | None = None
        # Of a lost future nothing is looked for by its words, so there the gateway speaks a known language.
        self.known_words = (self.world.rollback and not self.world.bounded) or self.random.random() < self.known
        self.meddling = self.random.choice((0.1, 0.5))
        self.restoring = self.random.choice((0.3, 1.5))
        self.careless = self.random.choice((0.1, 0.5, 0.9))
        self.persons = self.random.choice((0.5, 2.0))
        self.acts = 0
        self.asleep: list[int] = []
        self.hours = self.random.choice((1.0, 3.0))
        self.refusing = self.random.choice((0.0, 0.2, 0.5)) if self.world.refusals else 0.0
        self.ledger.approval = self.world.approval
        self.ledger.forgetful = not self.world.memory and self.random.random() < 0.5
        self.names = NAMES.last = 0
        self.ended_quietly = False
        # Apart from the other draws, so that those of a seed stay what they were.
        self._let_in_flight(random.Random(f"in flight {self.seed}").choice(self.in_flight))

    def _let_in_flight(self, most: int) -> None:
        settings = self.books.settings
        self.books.settings = replace(settings, posting=replace(settings.posting, max_in_flight=most))

    def seconds(self) -> float:
        """The simulated time."""
        return self.clock.seconds

    def wakes(self) -> int:
        """Until when a worker or a request sleeps from now on. Two at a time, or all would only be slow."""
        self.asleep = [until for until in self.asleep if until > self.acts]
        if len(self.asleep) == 2 or self.random.random() >= self.sleepy:
            return 0
        self.asleep.append(self.acts + self.random.randint(5, 80))
        return self.asleep[-1]

    def play(self) -> None:
        """Play the seed; raises Violation."""
        try:
            self.act_by_chance()
            self._settle()
        finally:
            for worker in list(self.workers):
                worker.kill()
            self.books.step = lambda _label: None

    def act_by_chance(self) -> None:
        """Draw what happens until the faults stop."""
        for _ in range(self.random.randint(40, 200)):
            self._act()
            if self.ended_quietly and not (self.world.rollback and self.random.random() < 0.5):
                break

    # --- what workers ask of the world ---

    def _at_transaction(self, label: str) -> None:
        if isinstance(self.active, SendingThread):
            raise Violation("ERROR: a thread that sends a request used the database")
        if self.active is None or label == "read":
            # Between a read and the write that builds on it there is the stop before that write.
            return
        self.active.step(label)
        if self.world.rollback:
            self.before_last = self.books.database.image()

    def turned_away(self, function: Function) -> HttpExchange | None:
        """The answer of a gateway that does not even take the request, if it is in such a mood."""
        if self.random.random() > 0.15 * self.trouble:
            return None
        turned_away = (
            HttpExchange(False, reason="not_connected"),
            HttpExchange(True, 429, b""),
            HttpExchange(True, 200, model.session_ended(function)),
        )
        return self.random.choice(turned_away)

    def put_on_wire(self, mover: Mover, function: Function) -> None:
        """A request has left."""
        if function.kind == "create":
            self.ledger.note_sent(function, one_history=not self.restored)
        self.wire.append(Request(function, mover, self.seconds() + BOUND, self.wakes()))

    def _at_work(self, owner: str) -> AbstractContextManager[workers.Worker]:
        assert isinstance(self.active, Worker)
        if self.world.sharing:
            return at_work_with_others(self.active, lambda: self.workers, owner)
        return nullcontext(workers.Worker(owner))

    # --- the scheduler ---

    def _act(self) -> None:
        self.acts += 1
        if self.turns and (self.still not in self.workers or self.random.random() < self.turns):
            self.still = self.random.choice(self.workers) if self.workers else None
        acts = list(self._possible())
        _weight, act, subject, description = self.random.choices(acts, [one[0] for one in acts])[0]
        self._tell(description.format(subject))
        act(subject)
        self._reap()

    def _tell(self, text: str) -> None:
        self.log.append(f"{self.seconds():8.0f} s  {text}")

    def _reap(self) -> None:
        ended = [worker for worker in self.workers if worker.ended]
        self.workers = [worker for worker in self.workers if not worker.ended]
        for worker in ended:
            if worker.broken is not None:
                raise worker.broken
        self.ended_quietly = bool(ended) and not self.wire and not self.workers and self._settled()
        if ended:
            refused: tuple[str, ...] = ("REJECTED", "REPLACED") if self.known_words else ("REPLACED",)
            refused = () if self.wire or self.workers else refused
            self.books.check_entries(self.ledger, refused, one_history=not self.restored)

    def _settled(self) -> bool:
        states = self.books.states().values()
        return bool(states) and all(state in FINAL for state in states)

    def _possible(self) -> Iterator[Act]:
        for mover in self._movers():
            if mover.label == "wait":
                yield 0.5 * self.trouble, self._give_up, mover, "{0.name} waits no longer"
            elif self._may_go_on(mover):
                yield 8, self._go_on, mover, "{0.name} goes on: {0.label}"
        for worker in self.workers:
            yield self.deadly, self._kill, worker, "{0.name} is killed at {0.label}"
            if worker.owner:
                yield 0.1, Worker.cut_off, worker, "{0.name} loses its session"
        for request in self.wire:
            if request.wakes <= self.acts:
                yield 8, self._arrive, request, "{0.function.description} arrives"
            yield 0.7 * self.trouble, self._lose, request, "{0.function.description} is lost"
            if not self.world.bounded and request.function.kind == "create":
                yield 0.3, self._repeat, request, "{0.function.description} is repeated on the way"
        yield from self._possible_for_the_world()

    def _possible_for_the_world(self) -> Iterator[Act]:
        if len(self.workers) < (1 if self.world.lock else 2):
            yield 2, self._start, None, "a run starts"
        yield self.hours, self._let_pass, None, "time passes"
        yield self.persons, self._person, None, "a person looks"
        if not self.world.memory and self.ledger.remembered:
            yield 1, self._forget, None, "the gateway forgets a control id"
        if self.world.refusals:
            yield 0.2, self._close_or_open, None, "a period is closed or opened"
        if self._submitted():
            yield 1.0, self._approver, None, "an approver looks"
        if self.ledger.entries:
            yield self.meddling, self._outsider, None, "a person changes the ledger by hand"
        if self.world.rollback and not self.workers:
            yield self.restoring, self._back_up, None, "a backup is made"
            yield self.restoring, self._restore, None, "the backup is put back"
            if not self.world.memory and self.joined < MOST_JOINED:
                yield 0.3, self._join, None, "a charge line comes in"

    def _movers(self) -> list[Mover]:
        return [mover for worker in self.workers for mover in worker.movers]

    def _may_go_on(self, mover: Mover) -> bool:
        awake = mover.wakes <= self.acts and mover.process is not self.still
        return awake and mover.can_go_on and self._has_its_turn(mover)

    def _has_its_turn(self, mover: Mover) -> bool:
        return mover.label != "turn" or not any(other.in_turn for other in self.workers)

    def _start(self, _nothing: None = None) -> None:
        self.names += 1
        name = f"run {self.names}"

        def run(connect: Connect) -> None:
            done = run_module.run(self.books.context("run", name), self.day, connect=connect)
            self.refused_as_copy = done.stopped is not None and "Only one copy" in done.stopped.advice

        self.workers.append(Worker(self, name, run))

    def _go_on(self, mover: Mover) -> None:
        self.active = MACHINE.active = mover
        mover.go_on()
        self.active = None

    def _kill(self, worker: Worker) -> None:
        for request in self.wire:
            request.worker = None if request.worker in worker.movers else request.worker
        worker.kill()
        if self.world.rollback and self.random.random() < 0.3:
            self._tell("the machine goes down, and the last commit is lost with the power")
            self.restored = True
            MACHINE.boot += 1
            self.books.database.put_back(self.before_last)
            self.books.join(self.joined)

    def _let_pass(self, _nothing: None) -> None:
        self._pass(self.random.choice((20, 200, 1000, 2000, 4000)))

    def _pass(self, seconds: float) -> None:
        """Let time pass, but in a bounded world not beyond what must happen before."""
        if self.world.bounded:
            bounds = [request.deadline for request in self.wire if request.function.kind == "create"]
            if not self.world.lock:
                bounds += [mover.since + BOUND for mover in self._movers() if mover.label == "send"]
            seconds = max(0.0, min([seconds, *(bound - self.seconds() for bound in bounds)]))
        self.clock.advance(seconds)

    def _arrive(self, request: Request) -> None:
        body = self._processed(request)
        if body is None:
            return
        self.wire.remove(request)
        spoil = self.random.random() < 0.5 * self.trouble
        exchange = HttpExchange(True, 200, body)
        if spoil:
            exchange = self.random.choice(SPOILT)(body, self.last_answer)
        self.last_answer = body
        self._tell(f"  answered {'spoilt: ' if spoil else ''}{body[-160:-40]!r}")
        self._answer(request, exchange)

    def _processed(self, request: Request) -> bytes | None:
        """The gateway's answer; None if it has only looked at the control id yet."""
        function = request.function
        if function.kind != "create":
            return self.ledger.claim(function, self.known_words) if function.unique else self.ledger.read(function)
        if not request.checked and self.ledger.known(function):
            return model.duplicate(function, self.known_words)
        if not request.checked and not self.world.memory:
            request.checked = True
            return None
        if self.ledger.closed_for(function):
            return model.period_closed(function)
        if self.random.random() < self.refusing:
            return self.random.choice((model.refused, model.account_unknown))(function)
        latest = 200 if self.world.bounded else 3000 * self.known_words
        self.ledger.delay = self.random.choice((0, 0, latest))
        return self.ledger.commit(function)

    def _lose(self, request: Request) -> None:
        self.wire.remove(request)
        self._answer(request, HttpExchange(True, reason="broken_off"))

    def _answer(self, request: Request, exchange: HttpExchange) -> None:
        if request.worker is not None:
            request.worker.exchange = exchange
            request.worker.label = "answered"

    def _give_up(self, mover: Mover) -> None:
        for request in self.wire:
            if request.worker is mover:
                request.worker = None
        mover.exchange = HttpExchange(True, reason="timeout")
        self._go_on(mover)

    def _repeat(self, request: Request) -> None:
        self.wire.append(Request(request.function, None, request.deadline, self.wakes()))

    def _forget(self, _nothing: None = None) -> None:
        self.ledger.remembered.discard(self.random.choice(sorted(self.ledger.remembered)))

    def _close_or_open(self, _nothing: None = None) -> None:
        self.ledger.closed = self.random.choice((model.OPEN_AGAIN, date(2024, 1, 31), date(2024, 2, 29)))

    def _submitted(self) -> list[model.Entry]:
        return [entry for entry in self.ledger.entries.values() if entry.state == "Submitted"]

    def _approver(self, _nothing: None = None) -> None:
        """Approves most entries, declines some, and deletes some."""
        entry = self.random.choice(self._submitted())
        entry.state = self.random.choice(("Posted", "Posted", "Posted", "Declined", "Deleted"))
        self._tell(f"  {entry.reference} is {entry.state}")

    def _outsider(self, _nothing: None = None) -> None:
        """Somebody changes an amount, edits the reference away, or enters the same once more."""
        entry = self.random.choice(list(self.ledger.entries.values()))
        # Where the first may be declined, the one that was entered by hand would be the one that counts.
        once_more = () if self.world.approval else (self._other_entry,)
        self.random.choice((self._other_amount, self._other_reference, *once_more))(entry)

    def _other_amount(self, entry: model.Entry) -> None:
        entry.foreign = True
        entry.lines = [(side, account, "1.00", currency) for side, account, _amount, currency in entry.lines]

    def _other_reference(self, entry: model.Entry) -> None:
        # What a person lets be sent again without looking is not looked for by its shape either. And an entry of a
        # history that is lost has another shape than the same lines with others that have joined them.
        lost_shape = self.world.rollback and not self.world.memory
        # Nor is what was refused in unknown words, when a late request may be what made the entry.
        by_name_alone = entry.reference in self.unlooked or not (self.known_words or self.world.bounded)
        if not entry.sent_as and not entry.foreign and not by_name_alone and not lost_shape:
            entry.sent_as, entry.reference = entry.reference, f"EDITED-{entry.record_no}"

    def _other_entry(self, entry: model.Entry) -> None:
        number = str(len(self.ledger.entries) + 1)
        now = self.clock()
        twin = model.Entry(number, entry.reference, entry.journal, entry.date, entry.lines, [], now, now, foreign=True)
        self.ledger.entries[number] = twin

    def _back_up(self, _nothing: None = None) -> None:
        self.backup = (self.books.database.image(), self.books.database.kept)

    def _restore(self, _nothing: None = None) -> None:
        """The database is put back: by the command, by hand, or by hand with the folder that it is in.

        The last of these shows only in the claim of the posting, so it is only played where the gateway remembers. What
        was imported since is imported again.
        """
        self.restored = True
        image, kept = self.backup
        database = self.books.database
        way = self.random.choice(("by the command", "by hand", *["with its folder"] * self.world.memory))
        self._tell(f"  {way}")
        database.put_back(image)
        if way == "with its folder":
            database.kept = kept
        elif way == "by the command":
            who = self.books.context("db restore").who()
            with database.write() as connection:
                continuity.raise_epoch(connection, who, {"why": "restored"})
                database.kept = continuity.trail_head(connection)
        self.books.join(self.joined)

    def _join(self, _nothing: None = None) -> None:
        """One more charge line comes in, recognized on the day of another."""
        self.joined += 1
        self.books.join(self.joined)

    def _person(self, _nothing: None = None) -> None:
        """A person settles what needs review, and takes over where the books are refused as a copy."""
        if self.refused_as_copy and not self.workers:
            self._tell("  takes over")
            note_restored(self.books.context("db restored"), "there is no other copy")
            self.refused_as_copy = False
        for reference, state in self.books.states().items():
            if state == "HELD":
                try:
                    self._decide(reference)
                except RevrecError as error:
                    raise Violation(f"ERROR: a decision is refused: {error}") from error
                self._tell(f"  {reference} is {self.books.states()[reference]}")

    def _decide(self, reference: str) -> None:
        """By what the ledger shows, or by letting it be sent again without looking."""
        found = self.ledger.of(reference)
        context = self.books.context("postings resolve")
        touched = any(entry.foreign or entry.sent_as for entry in found)
        if found and found[0].state != "Posted":
            self._decide_outside_ledger(reference, found[0])
            return
        careless = self.random.random() < self.careless and not touched
        if careless and found:
            self.unlooked.add(reference)
        if found and not careless:
            resolve.as_posted(context, reference, found[0].record_no, "it is there")
        elif found or not self.world.bounded or self.random.random() < 0.5:
            resolve.send_again(context, reference, "read it and send it again")
        else:
            resolve.cancel(context, reference, "it is not there")

    def _decide_outside_ledger(self, reference: str, found: model.Entry) -> None:
        """What was declined is given up; what is only submitted is looked at again by the next run."""
        context = self.books.context("postings resolve")
        if found.state == "Declined":
            resolve.cancel(context, reference, "it was declined")
        else:
            resolve.send_again(context, reference, "it is there, and not approved yet")

    # --- the end ---

    def _settle(self) -> None:
        """No more faults: all must be settled within a few runs."""
        self._tell("the faults stop")
        self._calm_down()
        for _ in range(MOST_RUNS):
            self._start()
            while self.workers:
                mover = next((mover for mover in self._movers() if mover.can_go_on), None)
                if mover is None:
                    self._arrive(self.wire[0])
                else:
                    self._tell(f"{mover.name} goes on: {mover.label}")
                    self._go_on(mover)
                self._reap()
            if self._settled() and not self.books.open_lines(self.day):
                break
            for entry in self._submitted():
                entry.state = "Posted"
            self._person()
            self._pass(QUARANTINE + 60)
        self._check_end()

    def _calm_down(self) -> None:
        while self.workers or self.wire:
            if self.wire:
                self._arrive(self.wire[0])
            elif self.random.random() < 0.5:
                self._tell(f"{self.workers[0].name} is killed")
                self._kill(self.workers[0])
            else:
                mover = next(mover for mover in self._movers() if mover.can_go_on)
                self._tell(f"{mover.name} goes on")
                self._go_on(mover)
            self._reap()
        self._pass(QUARANTINE + 60)
        self.trouble = self.refusing = 0.0
        self._open_all()

    def _open_all(self) -> None:
        """All periods are opened, in Intacct and here."""
        self.ledger.closed = model.OPEN_AGAIN
        months = [date(2024, month, 1) for month in (1, 2, 3)]
        decided = self.books.context("periods open")
        with self.books.database.read() as connection:
            known = Periods(periods.facts(connection))
        closed = [month for month in months if known.closed("", month)]
        decide(decided, closed, OPEN, "opened again", opened=True)

    def _check_end(self) -> None:
        unsettled = {reference: state for reference, state in self.books.states().items() if state not in FINAL}
        if unsettled:
            raise Violation(f"STUCK: {unsettled}")
        known = model.contents(self.ledger.live())
        foreign = model.contents(entry for entry in self.ledger.entries.values() if entry.foreign)
        for part in self.books.scheduled(self.day):
            if known[part] != 1 and not foreign[part]:
                raise Violation(f"LOST: {part} is {known[part]} times in the ledger")
        if not self.restored:
            self.books.check_attempts()
        self.books.check_lines()
        self.books.check_sums()


@contextmanager
def prepared_books(store: str = "twin") -> Iterator[tuple[SimulatedBooks, Any]]:
    """Books with charges that are due, and their image to start each seed from; the run lock is the scheduler's."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        real = MemoryBooks(Path(folder), Clock())
        real.rules(periods=PERIODS)
        real.take(ROWS)
        with ExitStack() as patches:
            _settle_what_must_not_change(patches, real)
            books: SimulatedBooks = real
            if store == "twin":
                books = TwinBooks(real)
                patches.enter_context(stand_in())
            yield books, books.database.image()


def _settle_what_must_not_change(patches: ExitStack, books: MemoryBooks) -> None:
    """The scheduler alone locks; the names of reads follow from the seed; secrets are the same in every run."""
    pattern, rules = lru_cache(secret_pattern), rules_module.load_rules(books.context())
    for owner, name, instead in (
        (run_module, "active_run", _at_work),
        (in_flight, "RequestThreads", _threads),
        (run_module, "company", _company),
        (continuity, "read_kept_head", lambda database: database.kept),
        (continuity, "write_kept_head", _keep_head),
        (continuity, "_boot", lambda: str(MACHINE.boot)),
        (reading, "uuid4", NAMES),
        (Retrier, "_pause", _pause),
        (rules_module, "load_rules", lambda _context: rules),
        (redact, "secret_pattern", lambda secrets: pattern(frozenset(secrets))),
    ):
        patches.enter_context(mock.patch.object(owner, name, instead))


def _at_work(database: Any, owner: str, *_times: float) -> AbstractContextManager[workers.Worker]:
    found: AbstractContextManager[workers.Worker] = database.at_work(owner)
    return found


def _threads() -> Mover | None:
    """The threads of the worker that goes on now."""
    return MACHINE.active


def _company(_context: object) -> str:
    return CREDENTIALS.company_id


def _keep_head(database: Any, known: continuity.TrailHead) -> None:
    database.kept = known


def _pause(_patience: object, _state: object) -> float:
    return 1.0


class Machine:
    """The one machine of a seed: how often it was switched on again, and what goes on there now."""

    boot = 0
    active: Mover | None = None


MACHINE = Machine()


class Names:
    """Numbers instead of random ids, counted from the beginning of each seed."""

    def __init__(self) -> None:
        self.last = 0

    def __call__(self) -> UUID:
        self.last += 1
        return UUID(int=self.last)


NAMES = Names()


def first_violation(
    seeds: Iterable[int], books: SimulatedBooks, image: Any, **how: Any
) -> tuple[int, str, list[str]] | None:
    """The first seed that breaks a promise, the promise, and what happened; None if all hold.

    ``how`` the seeds are played is for :class:`Simulator`.
    """
    for seed in seeds:
        simulator = Simulator(books, image, seed, **how)
        try:
            simulator.play()
        except Violation as violation:
            return seed, str(violation), simulator.log
    return None


def _share(seeds: range, store: str) -> tuple[int, str, list[str]] | None:
    with prepared_books(store) as (books, image):
        return first_violation(seeds, books, image)


def main() -> None:
    """Play many seeds on all cores."""
    import argparse
    import os
    import sys
    import time
    from concurrent.futures import ProcessPoolExecutor, as_completed

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=50_000)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--store", choices=("twin", "sqlite"), default="twin")
    parser.add_argument("--verbose", action="store_true", help="show what happened in the last seed played")
    given = parser.parse_args()
    started = time.monotonic()
    if given.verbose:
        with prepared_books(given.store) as (books, image):
            simulator = Simulator(books, image, given.start)
            try:
                simulator.play()
            finally:
                print("\n".join([simulator.world.name, *simulator.log]))
        return
    end = given.start + given.seeds
    parts = [range(at, min(at + 500, end)) for at in range(given.start, end, 500)]
    with ProcessPoolExecutor(given.processes) as pool:
        for found in as_completed(pool.submit(_share, part, given.store) for part in parts):
            violation = found.result()
            if violation is not None:
                seed, promise, log = violation
                print("\n".join(log), f"\nseed {seed}: {promise}", sep="\n")
                pool.shutdown(cancel_futures=True)
                sys.exit(1)
    took = time.monotonic() - started
    print(f"{given.seeds} seeds, no violation, {took:.0f} s, {given.seeds / took * 60:.0f} seeds a minute")


if __name__ == "__main__":
    main()
