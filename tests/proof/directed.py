"""Schedules for the simulator: who goes on when is written down, where chance would need thousands of seeds to find it.

The protocol keeps its promises in each of them, and a mutant of ``mutants.py`` breaks one.
"""

from collections.abc import Callable
from typing import Any

from ledger_model import Violation
from memory_books import SimulatedBooks
from simulator import DAYS, WORLDS, Simulator
from stage import Request, Worker

TWO_RUNS = next(seed for seed, world in enumerate(WORLDS) if not world.lock)
LONG = 4000.0
"""Seconds after which both the lease and the quarantine of an entry have ended."""


class Directed(Simulator):
    """A simulator in which nothing happens by chance: a schedule directs it until the faults stop."""

    def __init__(self, books: SimulatedBooks, image: Any, schedule: "Schedule") -> None:
        super().__init__(books, image, TWO_RUNS, in_flight=(1,))
        self._schedule = schedule
        self.day = DAYS[0]
        self.books.settings = self.books.policies["fail"]
        self._let_in_flight(1)
        self.trouble = self.deadly = self.sleepy = self.refusing = self.turns = self.careless = 0.0
        self.known_words, self.ledger.forgetful = True, False

    def act_by_chance(self) -> None:
        """Follow the schedule instead."""
        self._schedule(self)

    def begin(self) -> Worker:
        """Start a run, which stops before its first step."""
        self._start()
        return self.workers[-1]

    def finish(self, worker: Worker) -> None:
        """Let a run go on until it ends."""
        while worker in self.workers:
            self._one_step(worker)

    def send_entry(self, worker: Worker) -> Request:
        """Let a run go on until its first entry is on the wire, and return the request."""
        while True:
            self._one_step(worker)
            for request in self.wire:
                if request.worker is worker and request.function.kind == "create":
                    return request

    def refuse(self, request: Request) -> None:
        """Let Intacct refuse a request. The run that waits for the answer does not go on yet."""
        self.refusing = 1.0
        while request in self.wire:
            self._arrive(request)
        self.refusing = 0.0

    def lose_answer(self, request: Request) -> None:
        """Let Intacct process a request, and lose the answer."""
        while self._processed(request) is None:
            pass
        self._lose(request)

    def enter_by_hand(self) -> None:
        """Let a person enter by hand what Intacct got first; Intacct lists that entry before the other."""
        self._other_entry(next(iter(self.ledger.entries.values())))
        self.ledger.entries = dict(reversed(self.ledger.entries.items()))

    def wait(self) -> None:
        """Let a long time pass."""
        self._pass(LONG)

    def _one_step(self, worker: Worker) -> None:
        assert worker in self.workers, "the run has ended: the schedule no longer fits the protocol"
        if worker.can_go_on:
            self._tell(f"{worker.name} goes on: {worker.label}")
            self._go_on(worker)
        else:
            self._arrive(next(one for one in self.wire if one.worker is worker))
        self._reap()


Schedule = Callable[[Directed], None]


def late_refusal(simulator: Directed) -> None:
    """A run learns that its request was refused while another run sends the entry again."""
    slow = simulator.begin()
    simulator.refuse(simulator.send_entry(slow))
    simulator.wait()
    simulator.finish(simulator.begin())
    simulator.wait()
    second = simulator.begin()
    simulator.send_entry(second)
    simulator.finish(slow)
    simulator.finish(second)


def second_entry_by_hand(simulator: Directed) -> None:
    """The answer is lost, and when Intacct is read back, it has two entries with the reference."""
    run = simulator.begin()
    simulator.lose_answer(simulator.send_entry(run))
    simulator.finish(run)
    simulator.enter_by_hand()
    simulator.wait()
    simulator.finish(simulator.begin())


SCHEDULES: dict[str, Schedule] = {
    "the answer is written without asking whose attempt it was": late_refusal,
    "the first of several entries with the reference is adopted": second_entry_by_hand,
}
"""By the mutant that breaks a promise in it."""


def broken_promise(schedule: Schedule, books: SimulatedBooks, image: Any) -> str | None:
    """The promise that is broken in a schedule; None if all hold."""
    try:
        Directed(books, image, schedule).play()
    except Violation as violation:
        return str(violation)
    return None
