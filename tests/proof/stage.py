"""What a simulator's scheduler moves: workers that stop at every step, and the wire between them and Intacct.

A worker is a greenlet: the real job runs in it, unchanged, and hands the word back to the scheduler wherever it would
begin a transaction or send a request. So is each thread that sends a request for it.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import ledger_model as model
from greenlet import getcurrent, greenlet
from ledger_model import Clock, Function, Violation
from memory_books import ENDPOINT

from revrec.core.errors import BadConfiguration
from revrec.intacct.client import XmlGateway
from revrec.intacct.credentials import Credentials
from revrec.intacct.gateway import PostingAnswer
from revrec.intacct.reading import ReadPolicy
from revrec.intacct.session import IntacctSession
from revrec.intacct.transport import HttpExchange
from revrec.jobs.posting.in_flight import Exchange
from revrec.store.posting import workers

CREDENTIALS = Credentials("sender", "sender-password", "C", "user", "user-password", "", ENDPOINT)


OURS = (TypeError, AttributeError, NameError, NotImplementedError)
"""Errors of the proof itself, or of a mutant that no longer fits: no finding."""


class Killed(BaseException):
    """The worker's process has ended."""


class Scheduler(Protocol):
    """What a worker asks of the world it lives in."""

    clock: Clock

    def seconds(self) -> float:
        """The simulated time."""

    def wakes(self) -> int:
        """Until which act whoever stops now sleeps."""

    def turned_away(self, function: Function) -> HttpExchange | None:
        """The answer of a gateway that does not even take the request."""

    def put_on_wire(self, mover: "Mover", function: Function) -> None:
        """A request has left."""


Connect = Callable[[object], AbstractContextManager[XmlGateway]]


class Mover:
    """A greenlet that the scheduler moves: a process, or a thread of one. ``process`` is the worker that it is in."""

    process: "Worker"

    def __init__(self, scheduler: Scheduler, name: str) -> None:
        self.scheduler = scheduler
        self.name = name
        self.label = "start"
        self.since = scheduler.seconds()
        self.wakes = 0
        self.ended = False
        self.exchange: HttpExchange | None = None
        self._greenlet: Any = greenlet(self._live)

    @property
    def can_go_on(self) -> bool:
        """Return True if it does not wait for Intacct."""
        return self.label != "wait"

    def step(self, label: str) -> None:
        """Stop here until the scheduler lets it go on, or kills it."""
        self.label = label
        self.since = self.scheduler.seconds()
        self.wakes = self.scheduler.wakes()
        self._greenlet.parent.switch()

    def go_on(self) -> None:
        """Let it do its next step, until it stops again or ends."""
        self._greenlet.parent = getcurrent()
        self._greenlet.switch()

    def kill(self) -> None:
        """End it where it is."""
        self._greenlet.parent = getcurrent()
        self.ended = True
        # One that never began has nothing to end.
        if self._greenlet:
            self._greenlet.throw(Killed)

    def is_current(self) -> bool:
        """Return True within its own code."""
        return bool(getcurrent() is self._greenlet)

    @abstractmethod
    def _live(self) -> None:
        """Do its work."""


class SendingThread(Mover):
    """A thread of a worker that sends one request. It may not use the database."""

    def __init__(self, worker: "Worker", number: int, exchange: Exchange) -> None:
        super().__init__(worker.scheduler, f"{worker.name}, thread {number}")
        self.process = worker
        self._number = number
        self._exchange = exchange

    def _live(self) -> None:
        answer: Future[PostingAnswer] = Future()
        with suppress(Killed):
            try:
                answer.set_result(self._exchange())
            except Exception as error:
                answer.set_exception(error)
            self.process.answers.append((self._number, answer))
        self.ended = True


class Worker(Mover):
    """One process that runs one command once, step by step. ``run`` is given what connects it to Intacct."""

    def __init__(self, scheduler: Scheduler, name: str, run: Callable[[Connect], object]) -> None:
        super().__init__(scheduler, name)
        self.process = self
        self.threads: list[SendingThread] = []
        self.answers: list[tuple[int, Future[PostingAnswer]]] = []
        """What its threads were answered."""
        self.broken: Exception | None = None
        self.owner = ""
        """Its name among runs that share the work, as long as its session lasts."""
        self.turns = 0
        self._run = run

    @property
    def movers(self) -> list[Mover]:
        """Its threads, and itself."""
        self.threads = [thread for thread in self.threads if not thread.ended]
        return [*self.threads, self]

    @property
    def can_go_on(self) -> bool:
        """Return True if it waits neither for Intacct nor for its threads."""
        return super().can_go_on and (self.label != "answers" or bool(self.answers))

    @property
    def in_turn(self) -> bool:
        """Return True while it has a turn."""
        return self.turns > 0

    def kill(self) -> None:
        """End the worker and its threads where they are."""
        for thread in self.movers[:-1]:
            thread.kill()
        super().kill()

    def cut_off(self) -> None:
        """Its session is lost, and with it all that showed that it lives; it may not know that yet."""
        self.owner, self.turns = "", 0

    def start(self, number: int, exchange: Exchange) -> None:
        """Start a thread, as :class:`RequestThreads` does; it stops before it sends."""
        thread = SendingThread(self, number, exchange)
        self.threads.append(thread)
        thread.go_on()

    def next_answer(self) -> tuple[int, "Future[PostingAnswer]"]:
        """Wait for a thread."""
        if not self.answers:
            self.step("answers")
        return self.answers.pop(0)

    def wake(self) -> None:
        """No signal comes."""

    def _live(self) -> None:
        try:
            self._run(self._connect)
        except (Killed, BadConfiguration):
            pass
        except (Violation, *OURS) as error:
            self.broken = error
        except BaseException as error:
            self.broken = Violation(f"ERROR: a run ended with {type(error).__name__}: {error}")
        if not self.broken and any(not thread.ended for thread in self.threads):
            self.broken = Violation("LOST: a run ended while requests were in flight")
        self.ended = True

    @contextmanager
    def _connect(self, _context: object) -> Iterator[XmlGateway]:
        with connected(self.scheduler.clock, self._post) as gateway:
            yield gateway

    def _post(self, function: Function) -> HttpExchange:
        mover = next(mover for mover in self.movers if mover.is_current())
        mover.step("send" if function.kind == "create" else "ask")
        early = self.scheduler.turned_away(function)
        if early is not None:
            return early
        self.scheduler.put_on_wire(mover, function)
        mover.step("wait")
        assert mover.exchange is not None
        return mover.exchange


class Sharing(workers.Worker):
    """A run among others: what the advisory locks of PostgreSQL tell, the simulated workers tell here."""

    def __init__(self, worker: Worker, others: Callable[[], list[Worker]], owner: str) -> None:
        super().__init__(owner)
        self._worker = worker
        self._others = others

    def begin_turn(self, wait: bool = True) -> str | None:
        """Begin the time for one entry, when no one else has a turn."""
        if not wait and self._worker.owner and self._is_others_turn():
            return None
        self._wait()
        self._worker.turns += 1
        return "the one"

    def end_turn(self, slot: str) -> None:
        """End it."""
        self._worker.turns = max(0, self._worker.turns - 1)

    def lost(self, owners: Iterable[str]) -> set[str]:
        """Those whose session has ended."""
        return set(owners) - {worker.owner for worker in self._others()}

    def waits_for_others(self) -> bool:
        """Wait until no one else has a turn."""
        self._wait()
        return True

    def _wait(self) -> None:
        while self._worker.owner and self._is_others_turn():
            self._worker.step("turn")
        if not self._worker.owner:
            raise BadConfiguration("the session was lost, and with it the right to send")

    def _is_others_turn(self) -> bool:
        return any(other.in_turn for other in self._others() if other is not self._worker)


@contextmanager
def at_work_with_others(worker: Worker, others: Callable[[], list[Worker]], owner: str) -> Iterator[Sharing]:
    """Be at work beside other workers."""
    worker.owner = owner
    try:
        yield Sharing(worker, others, owner)
    finally:
        worker.owner = ""


@dataclass(eq=False)
class Request:
    """A request on the wire; ``worker`` is None if no one waits for its answer any more."""

    function: Function
    worker: Mover | None
    deadline: float
    wakes: int
    """The number of the act before which it does not move."""
    checked: bool = False


class Wire:
    """Takes the place of the HTTP transport."""

    def __init__(self, post: Callable[[Function], HttpExchange]) -> None:
        self._post = post

    def post(self, _url: str, body: bytes) -> HttpExchange:
        """One request; signing in always works."""
        function = model.function_of(body)
        if function.kind == "getAPISession":
            return HttpExchange(True, 200, model.session(function, ENDPOINT))
        return self._post(function)

    def close(self) -> None:
        """Nothing to close."""


@contextmanager
def connected(clock: Clock, post: Callable[[Function], HttpExchange]) -> Iterator[XmlGateway]:
    """The real client over a simulated wire, signed in; it signs in again when its session is over."""
    policy = ReadPolicy(2, 0.0, lambda _seconds: None)
    with XmlGateway(CREDENTIALS, reads=policy, now=clock) as gateway:
        wire: Any = Wire(post)
        gateway._transport = gateway._sessions._transport = wire
        gateway._sessions._sessions = {"": IntacctSession("s-1", ENDPOINT, datetime.max.replace(tzinfo=UTC))}
        yield gateway


HTML = b"<!DOCTYPE html><html><body>Try later</body></html>"
SPOILT: tuple[Callable[[bytes, bytes], HttpExchange], ...] = (
    lambda _body, _other: HttpExchange(True, reason="broken_off"),
    lambda _body, _other: HttpExchange(True, reason="timeout"),
    lambda _body, _other: HttpExchange(True, 502, HTML),
    lambda _body, _other: HttpExchange(True, 524, HTML),
    lambda _body, _other: HttpExchange(True, 200, HTML),
    lambda _body, _other: HttpExchange(True, 200, b""),
    lambda body, _other: HttpExchange(True, 200, body[: len(body) * 2 // 3]),
    lambda body, _other: HttpExchange(True, 200, body.replace(b"<controlid>", b"<controlid>x")),
    lambda _body, other: HttpExchange(True, 200, other),
)
"""What may come instead of an answer; the last one is an answer that belongs to an earlier request."""
