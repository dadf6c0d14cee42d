"""Post with several requests in flight: threads wait for Intacct, one thread uses the database.

The thread that calls :meth:`PostingQueue.process` commits that a posting is SENDING before another thread sends its
request, and records each answer when it arrives. If the process is killed, every posting whose request was in flight is
SENDING, and the next run reads Intacct back for each.

Only postings that were never sent are in flight together. One that has to be read back, or that is tried again, is
processed when nothing else is in flight, like every posting of a run with one request at a time.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue

from revrec.intacct.gateway import RATE_LIMITED, PostingAnswer
from revrec.jobs.posting.interrupts import interrupts_held
from revrec.jobs.posting.poster import PendingRequest, Poster, RunStopped, TemporaryFailure
from revrec.jobs.posting.retries import Retrier, is_temporary
from revrec.store.posting.posting_tables import PostingSize

FREE = ("READY", "IN_DOUBT")
"""States of a posting that no worker is sending."""
PAGE = 100
"""Postings whose states are read together."""
ANSWERS_PER_INCREASE = 100
"""Answers in a row after which one more request may be in flight again."""

Exchange = Callable[[], PostingAnswer]
Failure = RunStopped | TemporaryFailure


class RequestThreads:
    """Threads that each send one request and wait for its answer."""

    def __init__(self) -> None:
        self._answers: SimpleQueue[tuple[int, Future[PostingAnswer]] | None] = SimpleQueue()

    def start(self, number: int, exchange: Exchange) -> None:
        """Send the request of a posting in a thread."""
        # A daemon: an interrupted command must not wait for it at its end.
        threading.Thread(target=self._send, args=(number, exchange), daemon=True).start()

    def next_answer(self) -> tuple[int, "Future[PostingAnswer]"] | None:
        """Wait for an answer and return it with its posting's number; return None after :meth:`wake`."""
        return self._answers.get()

    def wake(self) -> None:
        """End a wait. A signal handler may call this."""
        self._answers.put(None)

    def _send(self, number: int, exchange: Exchange) -> None:
        answer: Future[PostingAnswer] = Future()
        try:
            answer.set_result(exchange())
        except BaseException as error:
            answer.set_exception(error)
        self._answers.put((number, answer))


class InFlightLimit:
    """The most requests that may be in flight now.

    It is halved when Intacct rejects requests as too many, and grows by one after :data:`ANSWERS_PER_INCREASE` answers
    in a row, to at most the value of the settings.
    """

    def __init__(self, most: int) -> None:
        self.now = most
        self._most = most
        self._answers = 0

    def count_answer(self) -> None:
        """Count an answer that was no rejection of too many requests."""
        self._answers += 1
        if self._answers >= ANSWERS_PER_INCREASE and self.now < self._most:
            self.now, self._answers = self.now + 1, 0

    def lower(self) -> None:
        """Lower the limit after a rejection."""
        self.now, self._answers = max(1, self.now // 2), 0


class PostingQueue:
    """Processes postings of one type in their order, as many at the same time as ``limit`` allows.

    ``processed`` collects the numbers of those that were begun.
    """

    def __init__(self, poster: Poster, retrier: Retrier, limit: InFlightLimit, processed: set[int]) -> None:
        self._poster = poster
        self._worker = poster.worker
        self._retrier = retrier
        self._limit = limit
        self._processed = processed
        self._states: dict[int, str] = {}
        self._show_done: Callable[[int], None] = lambda _number: None
        self._threads = RequestThreads()
        self._in_flight: dict[int, tuple[PendingRequest, str]] = {}
        """The requests in flight by posting, each with the slot of its turn."""
        self._alone: list[tuple[int, Failure | None]] = []
        """Postings to process when nothing is in flight, each with its failure if it was tried."""

    def process(self, numbers: Sequence[int], label: str) -> Mapping[int, str]:
        """Process postings, except those that another worker has. Return the new states of those that were processed.

        One that fails for a temporary reason stays READY. When this returns or raises, nothing is in flight, and every
        answer is recorded. ``label`` names the progress bar.

        Raises:
            RunStopped: no other posting would fare better now.
            KeyboardInterrupt: Ctrl-C or SIGTERM. After a second one, some answers may not be recorded.
        """
        waiting, self._states = list(numbers), {}
        with self._poster.context.progress.postings(label, partial(self._sizes, numbers)) as self._show_done:
            while waiting:
                failure = self._send_several(waiting) if self._limit.now > 1 else None
                if failure or self._alone or self._limit.now == 1:
                    self._process_first(waiting, failure)
        return self._states

    def _sizes(self, numbers: Sequence[int]) -> dict[int, PostingSize]:
        with self._poster.context.database.read() as connection:
            return self._poster.tables.sizes(connection, numbers)

    def _settle(self, number: int, state: str) -> None:
        """Note the new state of a posting, and show it as done."""
        self._states[number] = state
        self._show_done(number)

    # --- one at a time

    def _process_first(self, waiting: list[int], failure: Failure | None) -> None:
        """Process the first posting that no other worker has, and remove it and those before it from ``waiting``.

        It is tried again while it fails for a temporary reason. ``failure`` is the one of an earlier try.
        """
        with suppress(TemporaryFailure):
            state = self._retrier.call(partial(self._process_first_free, waiting), failure)
            if waiting:
                self._limit.count_answer()
                self._settle(waiting[0], state)
        del waiting[:1]

    def _process_first_free(self, waiting: list[int]) -> str:
        """Process the first free posting, which stays in ``waiting`` for another try; return its state.

        The choice is made within the worker's turn. If it were made before, several workers would choose the same
        posting, and all but one would waste their turn on it.
        """
        self._drop_busy(waiting)
        if not waiting:
            return ""
        self._processed.add(waiting[0])
        with interrupts_held():
            return self._poster.process(waiting[0])

    def _drop_busy(self, waiting: list[int]) -> None:
        """Remove the postings before the first free one, all if none is free."""
        if not self._worker.shares_runs:
            # No other worker can have one of them.
            return
        with self._poster.context.database.read() as connection:
            while waiting:
                page = waiting[:PAGE]
                free = self._poster.tables.in_states(connection, page, FREE)
                busy = next((at for at, number in enumerate(page) if number in free), None)
                del waiting[: len(page) if busy is None else busy]
                if busy is not None:
                    return

    # --- several at the same time

    def _send_several(self, waiting: list[int]) -> Failure | None:
        """Send until nothing waits, or until a posting fails or has to be processed alone.

        Then record the answers to all requests in flight, and put those postings back in front of the others, the one
        to process first in front of all. Return its failure.
        """
        self._alone = []
        with interrupts_held(self._threads.wake) as interrupts:
            try:
                self._begin_several(waiting, interrupts)
                while self._in_flight:
                    self._record_next(interrupts)
                    self._begin_several(waiting, interrupts)
            except Exception:
                self._record_others()
                raise
        # One that stops the run comes first: a pause would be in vain.
        self._alone.sort(key=lambda one: one[1] is None or is_temporary(one[1]))
        if any(failure and failure.answer.failure == RATE_LIMITED for _number, failure in self._alone):
            self._limit.lower()
            self._poster.context.say(_FEWER.format(self._limit.now))
        waiting[:0] = [number for number, _failure in self._alone]
        return self._alone[0][1] if self._alone else None

    def _begin_several(self, waiting: list[int], interrupts: list[int]) -> None:
        """Begin as many postings as may be in flight."""
        while waiting and not self._alone and not interrupts and self._has_room():
            slot = self._worker.begin_turn(wait=not self._in_flight)
            if slot is None:
                return
            begun = False
            try:
                begun = self._begin_first_free(waiting, slot)
            finally:
                if not begun:
                    self._worker.end_turn(slot)

    def _has_room(self) -> bool:
        flying = len(self._in_flight)
        return not flying or (flying < self._limit.now and self._poster.gateway.has_room(flying + 1))

    def _begin_first_free(self, waiting: list[int], slot: str) -> bool:
        """Begin the first posting that no other worker has; return True if its request is in flight."""
        self._drop_busy(waiting)
        if not waiting:
            return False
        number = waiting.pop(0)
        self._processed.add(number)
        try:
            begun = self._poster.begin(number)
        except RunStopped as failure:
            self._alone.append((number, failure))
            return False
        if begun is None:
            self._alone.append((number, None))
        elif isinstance(begun, str):
            self._settle(number, begun)
        else:
            self._threads.start(number, partial(self._poster.exchange, begun))
            self._in_flight[number] = (begun, slot)
            return True
        return False

    def _record_next(self, interrupts: list[int]) -> None:
        """Wait for an answer and record it."""
        answered = self._threads.next_answer()
        if answered is None:
            self._poster.context.say(_STOPPING.format(len(self._in_flight)))
            return
        number, answer = answered
        request, slot = self._in_flight.pop(number)
        try:
            state = self._poster.finish(request, answer.result())
        except (RunStopped, TemporaryFailure) as failure:
            self._alone.append((number, failure))
        else:
            self._limit.count_answer()
            if state == "IN_DOUBT" and self._poster.has_number_conflict(number):
                self._alone.append((number, None))
            else:
                self._settle(number, state)
        finally:
            self._worker.end_turn(slot)

    def _record_others(self) -> None:
        """Record the answers to all requests in flight after an error, as far as that is possible."""
        while self._in_flight:
            with suppress(Exception):
                self._record_next([])


_FEWER = "Intacct rejects so many requests at the same time; going on with {0}"
_STOPPING = "stopping when Intacct has answered the requests in flight ({0}); press Ctrl-C again to stop at once"
