"""A deterministic simulator of posting: real jobs and store, two workers, a lossy gateway, one clock, and a seed.

Each worker is a thread that runs ``revrec run`` and stops before every transaction and every request. A scheduler
draws, from the seed alone, what happens next: a worker goes on or is killed, a request arrives, is lost or repeated,
an answer is spoilt, time passes, a person decides. At the end the faults stop, and within a few runs each schedule
line that is due must stand in the ledger exactly once.

    python tests/proof/simulator.py --seeds 50000            # on demand, on all cores
    python tests/proof/simulator.py --start 1234 --seeds 1 --verbose
"""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import ledger_model as model
from ledger_model import Clock, Function, Ledger, Violation
from memory_books import ENDPOINT, MemoryBooks, charge

from revrec.core.errors import BadConfiguration
from revrec.intacct.client import XmlGateway
from revrec.intacct.credentials import Credentials
from revrec.intacct.reading import ReadPolicy
from revrec.intacct.transport import Exchange
from revrec.jobs import resolve
from revrec.jobs import run as run_module
from revrec.store import continuity, workers

CREDENTIALS = Credentials("sender", "sender-password", "C", "user", "user-password", "", ENDPOINT)
ROWS = [charge("INV-1", "MAG-1", "10.00"), charge("INV-2", "GOODS-1", "-5.00", "2024-01-07")]
DAYS = (date(2024, 1, 31), date(2024, 1, 31), date(2024, 12, 31))
PERIODS = 2
BOUND = 300.0
"""Seconds within which a bounded request has left, arrived and ended; two of them are less than the quarantine."""
QUARANTINE = 16 * 60.0
MOST_RUNS = 40
FINAL = ("POSTED", "REPLACED", "CANCELLED")


class World(NamedTuple):
    """What may go wrong together, so that the protocol must still hold (RELIABILITY: each is a column or a pair)."""

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


WORLDS = (
    World("one run at a time, poor gateway", True, True, False, True),
    World("two runs at once, poor gateway", False, True, False, True),
    World("two runs at once, forgetful gateway", False, True, False, False),
    World("two runs at once, sleepers and late requests", False, False, True, False),
    World("late requests, restored backups, lost commits", True, False, True, False, True),
    World("restored backups, lost commits, forgetful gateway, lines that join", True, True, False, False, True),
)


class Killed(BaseException):
    """The worker's process has ended."""


@dataclass(eq=False)
class Request:
    """A request on the wire; ``worker`` is None if nobody waits for its answer any more."""

    function: Function
    worker: "Worker | None"
    deadline: float
    wakes: int
    """The number of the act before which it does not move."""
    checked: bool = False


class Worker:
    """One process that runs ``revrec run`` once, step by step."""

    def __init__(self, simulator: "Simulator", name: str, day: date) -> None:
        self.simulator = simulator
        self.name = name
        self.day = day
        self.label = "start"
        self.since = simulator.seconds()
        self.wakes = 0
        self.killed = False
        self.ended = False
        self.exchange: Exchange | None = None
        self._go = threading.Lock()
        self._go.acquire()
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()

    def step(self, label: str) -> None:
        """Stop here until the scheduler lets the worker go on, or kills it."""
        self.label = label
        self.since = self.simulator.seconds()
        self.wakes = self.simulator.wakes()
        self.simulator.baton.release()
        self._go.acquire()
        if self.killed:
            raise Killed

    def go_on(self) -> None:
        """Let the worker do its next step, and wait until it stops again or ends."""
        self.simulator.active = self
        self._go.release()
        self.simulator.baton.acquire()
        self.simulator.active = None
        if self.ended:
            self._thread.join()

    def kill(self) -> None:
        """End the worker where it stands."""
        self.killed = True
        self.go_on()

    def _live(self) -> None:
        self._go.acquire()
        try:
            if not self.killed:
                context = self.simulator.books.context("run", self.name)
                run_module.run(context, self.day, connect=self._connect)
        except (Killed, BadConfiguration):
            pass
        except Violation as violation:
            self.simulator.broken = violation
        except BaseException as error:
            self.simulator.broken = Violation(f"ERROR: a run ended with {type(error).__name__}: {error}")
        self.ended = True
        self.simulator.baton.release()

    @contextmanager
    def _connect(self, _context: object) -> Iterator[XmlGateway]:
        with connected(self.simulator.clock, self._post) as gateway:
            yield gateway

    def _post(self, function: Function) -> Exchange:
        self.step("send" if function.kind == "create" else "ask")
        early = self.simulator.turned_away(function)
        if early is not None:
            return early
        self.simulator.put_on_wire(self, function)
        self.step("wait")
        assert self.exchange is not None
        return self.exchange


Post = Callable[[Function], Exchange]


class Wire:
    """Stands where the HTTP transport stands."""

    def __init__(self, post: Post) -> None:
        self._post = post

    def post(self, _url: str, body: bytes) -> Exchange:
        """One request; signing in always works."""
        function = model.function_of(body)
        if function.kind == "getAPISession":
            return Exchange(True, 200, model.session(function, ENDPOINT))
        return self._post(function)

    def close(self) -> None:
        """Nothing to close."""


@contextmanager
def connected(clock: Clock, post: Post) -> Iterator[XmlGateway]:
    """The real client over a simulated wire."""
    policy = ReadPolicy(2, 0.0, lambda _seconds: None)
    with XmlGateway(CREDENTIALS, reads=policy, now=clock) as gateway:
        wire: Any = Wire(post)
        gateway._transport = gateway._sessions._transport = wire
        yield gateway


HTML = b"<!DOCTYPE html><html><body>Try later</body></html>"
SPOILT: tuple[Callable[[bytes, bytes], Exchange], ...] = (
    lambda _body, _other: Exchange(True, reason="broken_off"),
    lambda _body, _other: Exchange(True, reason="timeout"),
    lambda _body, _other: Exchange(True, 502, HTML),
    lambda _body, _other: Exchange(True, 524, HTML),
    lambda _body, _other: Exchange(True, 200, HTML),
    lambda _body, _other: Exchange(True, 200, b""),
    lambda body, _other: Exchange(True, 200, body[: len(body) * 2 // 3]),
    lambda body, _other: Exchange(True, 200, body.replace(b"<controlid>", b"<controlid>x")),
    lambda _body, other: Exchange(True, 200, other),
)
"""What may come instead of an answer; the last one is an answer that belongs to an earlier request."""

Act = tuple[float, Callable[[], None], str]


@dataclass
class Simulator:
    """One seed's world."""

    books: MemoryBooks
    image: bytes
    seed: int
    verbose: bool = False
    log: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.world = WORLDS[self.seed % len(WORLDS)]
        self.clock = self.books.clock
        self.clock.time = model.START
        self.books.database.put_back(self.image)
        self.books.step = self._at_transaction
        self.ledger = Ledger(self.clock)
        self.baton = threading.Lock()
        self.baton.acquire()
        self.active: Worker | None = None
        self.workers: list[Worker] = []
        self.wire: list[Request] = []
        self.broken: Violation | None = None
        self.backup = self.before_last = self.image
        self.restored = False
        self.joined = 0
        self.last_answer = HTML
        self.day = self.random.choice(DAYS)
        # Every seed has moods of its own, so that together they reach what the same moderate mixture never would.
        self.trouble = self.random.choice((0.1, 0.3, 0.6))
        self.deadly = self.random.choice((0.0, 0.1, 0.5))
        self.sleepy = self.random.choice((0.0, 0.1, 0.3))
        self.acts = 0
        self.asleep: list[int] = []
        self.hours = self.random.choice((1.0, 3.0))
        self.refusing = self.random.choice((0.0, 0.2, 0.5)) if self.world.refusals else 0.0
        self.ledger.forgetful = not self.world.memory and self.random.random() < 0.5
        self.names = 0
        self.ended_quietly = False

    def seconds(self) -> float:
        """The simulated time."""
        return (self.clock() - model.START).total_seconds()

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
            for _ in range(self.random.randint(15, 100)):
                self._act()
                if self.ended_quietly and not (self.world.rollback and self.random.random() < 0.5):
                    break
            self._settle()
        finally:
            for worker in list(self.workers):
                worker.kill()
            self.books.step = lambda _label: None

    # --- what workers ask of the world ---

    def _at_transaction(self, label: str) -> None:
        if self.active is None or label == "read":
            # Between a read and the write that builds on it there is the stop before that write.
            return
        self.active.step(label)
        if self.world.rollback:
            self.before_last = self.books.database.image()

    def turned_away(self, function: Function) -> Exchange | None:
        """The answer of a gateway that does not even take the request, if it is in such a mood."""
        if self.random.random() > 0.15 * self.trouble:
            return None
        turned_away = (
            Exchange(False, reason="not_connected"),
            Exchange(True, 429, b""),
            Exchange(True, 200, model.session_ended(function)),
        )
        return self.random.choice(turned_away)

    def put_on_wire(self, worker: Worker, function: Function) -> None:
        """A request has left."""
        if function.kind == "create":
            self.ledger.note_sent(function)
        self.wire.append(Request(function, worker, self.seconds() + BOUND, self.wakes()))

    # --- the scheduler ---

    def _act(self) -> None:
        self.acts += 1
        acts = list(self._possible())
        _weight, act, told = self.random.choices(acts, [weight for weight, _act, _told in acts])[0]
        self._tell(told)
        act()
        self._reap()

    def _tell(self, text: str) -> None:
        self.log.append(f"{self.seconds():8.0f} s  {text}")

    def _reap(self) -> None:
        ended = [worker for worker in self.workers if worker.ended]
        self.workers = [worker for worker in self.workers if not worker.ended]
        if self.broken is not None:
            raise self.broken
        self.ended_quietly = bool(ended) and not self.wire and not self.workers and self._settled()
        if ended:
            self.books.check_entries(self.ledger, quiet=not self.wire and not self.workers)

    def _settled(self) -> bool:
        states = self.books.states().values()
        return bool(states) and all(state in FINAL for state in states)

    def _possible(self) -> Iterator[Act]:
        for worker in self.workers:
            if worker.label == "wait":
                yield 0.5 * self.trouble, lambda w=worker: self._give_up(w), f"{worker.name} waits no longer"
            elif worker.wakes <= self.acts:
                yield 8, worker.go_on, f"{worker.name} goes on: {worker.label}"
            yield self.deadly, lambda w=worker: self._kill(w), f"{worker.name} is killed at {worker.label}"
        for request in self.wire:
            named = f"{request.function.kind} {request.function.control_id[-6:]}"
            if request.wakes <= self.acts:
                yield 8, lambda r=request: self._arrive(r), f"{named} arrives"
            yield 0.7 * self.trouble, lambda r=request: self._lose(r), f"{named} is lost"
            if not self.world.bounded and request.function.kind == "create":
                yield 0.3, lambda r=request: self._repeat(r), f"{named} is repeated on the way"
        if len(self.workers) < (1 if self.world.lock else 2):
            yield 2, self._start, "a run starts"
        yield self.hours, lambda: self._pass(self.random.choice((20, 200, 1000, 2000, 4000))), "time passes"
        yield 0.5, self._person, "a person looks"
        if not self.world.memory and self.ledger.remembered:
            yield 1, self._forget, "the gateway forgets a control id"
        if self.ledger.entries:
            yield 0.1, self._outsider, "somebody changes the ledger by hand"
        if self.world.rollback and not self.workers:
            yield 0.3, self._back_up, "a backup is made"
            yield 0.3, self._restore, "the backup is put back"
            if not self.world.memory:
                yield 0.3, self._join, "a charge line comes in"

    def _start(self) -> None:
        self.names += 1
        self.workers.append(Worker(self, f"run {self.names}", self.day))

    def _kill(self, worker: Worker) -> None:
        for request in self.wire:
            request.worker = None if request.worker is worker else request.worker
        worker.kill()
        if self.world.rollback and self.random.random() < 0.3:
            self._tell("the last commit is lost with the power")
            self.restored = True
            self._put_back(self.before_last)

    def _pass(self, seconds: float) -> None:
        """Let time pass, but in a bounded world not beyond what must happen before."""
        if self.world.bounded:
            bounds = [request.deadline for request in self.wire if request.function.kind == "create"]
            if not self.world.lock:
                bounds += [worker.since + BOUND for worker in self.workers if worker.label == "send"]
            seconds = max(0.0, min([seconds, *(bound - self.seconds() for bound in bounds)]))
        self.clock.advance(seconds)

    def _arrive(self, request: Request) -> None:
        body = self._processed(request)
        if body is None:
            return
        self.wire.remove(request)
        spoil = self.random.random() < 0.5 * self.trouble
        exchange = Exchange(True, 200, body)
        if spoil:
            exchange = self.random.choice(SPOILT)(body, self.last_answer)
        self.last_answer = body
        self._tell(f"  answered {'spoilt: ' if spoil else ''}{body[-160:-40]!r}")
        self._answer(request, exchange)

    def _processed(self, request: Request) -> bytes | None:
        """The gateway's answer; None if it has only looked at the control id yet."""
        function = request.function
        if function.kind != "create":
            return self.ledger.read(function)
        if not request.checked and self.ledger.known(function):
            return model.duplicate(function)
        if not request.checked and not self.world.memory:
            request.checked = True
            return None
        if self.random.random() < self.refusing:
            return model.refused(function)
        latest = 200 if self.world.bounded else 3000
        self.ledger.delay = self.random.choice((0, 0, latest))
        return self.ledger.commit(function)

    def _lose(self, request: Request) -> None:
        self.wire.remove(request)
        self._answer(request, Exchange(True, reason="broken_off"))

    def _answer(self, request: Request, exchange: Exchange) -> None:
        if request.worker is not None:
            request.worker.exchange = exchange
            request.worker.label = "answered"

    def _give_up(self, worker: Worker) -> None:
        for request in self.wire:
            if request.worker is worker:
                request.worker = None
        worker.exchange = Exchange(True, reason="timeout")
        worker.go_on()

    def _repeat(self, request: Request) -> None:
        self.wire.append(Request(request.function, None, request.deadline, self.wakes()))

    def _forget(self) -> None:
        self.ledger.remembered.discard(self.random.choice(sorted(self.ledger.remembered)))

    def _outsider(self) -> None:
        """Somebody changes an amount, or enters the same once more."""
        entry = self.random.choice(list(self.ledger.entries.values()))
        entry.foreign = True
        if self.random.random() < 0.5:
            entry.lines = [(side, account, "1.00", currency) for side, account, _amount, currency in entry.lines]
        else:
            number = str(len(self.ledger.entries) + 1)
            now = self.clock()
            twin = model.Entry(
                number, entry.reference, entry.journal, entry.date, entry.lines, [], now, now, foreign=True
            )
            self.ledger.entries[number] = twin

    def _back_up(self) -> None:
        self.backup = self.books.database.image()

    def _restore(self) -> None:
        self.restored = True
        self._put_back(self.backup)

    def _put_back(self, image: bytes) -> None:
        """Put the database back. Where control ids are forgotten, as `revrec db restore` does, or as a run does that
        notices; and what was imported since is imported again."""
        self.books.database.put_back(image)
        if self.world.memory:
            return
        context = self.books.context("db restore")
        with context.database.write() as connection:
            continuity.raise_epoch(connection, context.who(), {"why": "put back"})
        self._import()

    def _import(self) -> None:
        if self.joined:
            rows = [charge(f"INV-J{number}", "GOODS-1", "3.00", "2024-01-07") for number in range(self.joined)]
            self.books.take(rows, "joined.csv")

    def _join(self) -> None:
        """One more charge line comes in, recognised on the day of another."""
        self.joined += 1
        self._import()

    def _person(self) -> None:
        """A person settles what is held: by what the ledger shows, or by letting it be sent again without looking."""
        for reference, state in self.books.states().items():
            if state != "HELD":
                continue
            found = self.ledger.of(reference)
            context = self.books.context("postings resolve")
            careless = self.random.random() < 0.3 and not any(entry.foreign for entry in found)
            if found and not careless:
                resolve.as_posted(context, reference, found[0].record_no, "it is there")
            elif found or not self.world.bounded or self.random.random() < 0.5:
                resolve.send_again(context, reference, "read it and send it again")
            else:
                resolve.cancel(context, reference, "it is not there")
            self._tell(f"  {reference} is {self.books.states()[reference]}")

    # --- the end ---

    def _settle(self) -> None:
        """No more faults: all must be settled within a few runs."""
        self._tell("the faults stop")
        self._calm_down()
        for _ in range(MOST_RUNS):
            self._start()
            while self.workers:
                worker = self.workers[0]
                if worker.label == "wait":
                    self._arrive(self.wire[0])
                else:
                    self._tell(f"{worker.name} goes on: {worker.label}")
                    worker.go_on()
                self._reap()
            if self._settled():
                break
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
                self._tell(f"{self.workers[0].name} goes on")
                self.workers[0].go_on()
            self._reap()
        self._pass(QUARANTINE + 60)
        self.trouble = self.refusing = 0.0

    def _check_end(self) -> None:
        unsettled = {reference: state for reference, state in self.books.states().items() if state not in FINAL}
        if unsettled:
            raise Violation(f"STUCK: {unsettled}")
        known = model.contents(self.ledger.live())
        foreign = model.contents(entry for entry in self.ledger.entries.values() if entry.foreign)
        for part in self.books.scheduled(self.day):
            if known[part] != 1 and not foreign[part]:
                raise Violation(f"LOST: {part} stands {known[part]} times in the ledger")
        if not self.restored:
            self.books.check_attempts()
        self.books.check_lines()
        self.books.check_sums()


@contextmanager
def prepared_books() -> Iterator[tuple[MemoryBooks, bytes]]:
    """Books with charges that are due, and their image to start each seed from; the run lock is the scheduler's."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        books = MemoryBooks(Path(folder), Clock())
        books.rules(periods=PERIODS)
        books.take(ROWS)
        kept = run_module.at_work
        run_module.at_work = lambda _database, owner, *_times: nullcontext(workers.Worker(owner))
        try:
            yield books, books.database.image()
        finally:
            run_module.at_work = kept


def first_violation(
    seeds: range, books: MemoryBooks, image: bytes, told: Callable[[int], None] = lambda _seed: None
) -> tuple[int, str, list[str]] | None:
    """The first seed that breaks a promise, the promise, and what happened; None if all hold."""
    for seed in seeds:
        simulator = Simulator(books, image, seed)
        try:
            simulator.play()
        except Violation as violation:
            return seed, str(violation), simulator.log
        told(seed)
    return None


def _share(seeds: range) -> tuple[int, str, list[str]] | None:
    with prepared_books() as (books, image):
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
    parser.add_argument("--verbose", action="store_true", help="show what happened in the last seed played")
    given = parser.parse_args()
    started = time.monotonic()
    if given.verbose:
        with prepared_books() as (books, image):
            simulator = Simulator(books, image, given.start)
            try:
                simulator.play()
            finally:
                print("\n".join([simulator.world.name, *simulator.log]))
        return
    end = given.start + given.seeds
    parts = [range(at, min(at + 500, end)) for at in range(given.start, end, 500)]
    with ProcessPoolExecutor(given.processes) as pool:
        for found in as_completed(pool.submit(_share, part) for part in parts):
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
