"""How a run waits for what passes by itself: pauses that grow, within a number of tries and a span of time.

What is tried again is never a request alone: it is the whole step, from the entry's state in the database on, with an
attempt of its own and the same control id. What may have reached Intacct is not tried again here at all.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from revrec.intacct.errors import GatewayUnreachable
from revrec.jobs.posting.poster import FailedForNow, Stopped

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.posting.workers import Worker

T = TypeVar("T")
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""Seconds that a pause may last at most, unless Intacct asks for a longer one."""


class Patience:
    """The waiting of one run: ``[posting] retries`` for each step, ``retry_within`` for all of them together.

    Each try is a turn of the ``worker``; while it waits, others have theirs.
    """

    def __init__(self, context: "Context", worker: "Worker") -> None:
        self._context = context
        self._worker = worker
        self._tries = context.settings.posting.retries
        self._left = context.settings.posting.retry_within.total_seconds()
        self._growing = wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE)

    def with_retries(self, step: Callable[[], T]) -> T:
        """Do a step, and do it again after a pause while it fails by something that passes by itself.

        Raises whatever the last try raised.
        """
        trying = Retrying(
            retry=retry_if_exception(passes_by_itself),
            wait=self._pause,
            stop=self._enough,
            before_sleep=self._tell,
            sleep=self._sleep,
            reraise=True,
        )
        return trying(partial(self._in_turn, step))

    def _in_turn(self, step: Callable[[], T]) -> T:
        with self._worker.turn():
            return step()

    def _pause(self, state: RetryCallState) -> float:
        """Full jitter, so that several runs do not come back all at once; or what Intacct asks for, and a little."""
        wish = wish_of(_error(state))
        return self._growing(state) if wish is None else wish + random.uniform(0, FIRST_PAUSE)  # noqa: S311

    def _enough(self, state: RetryCallState) -> bool:
        return state.attempt_number > self._tries or state.upcoming_sleep > self._left

    def _tell(self, state: RetryCallState) -> None:
        pause = timedelta(seconds=state.upcoming_sleep)
        said = str(_error(state)).partition(". ")[0].rstrip(".")
        self._context.say(f"{said}; trying again at {clock(self._context.now() + pause)}")

    def _sleep(self, seconds: float) -> None:
        self._left -= seconds
        self._context.sleep(seconds)


def passes_by_itself(error: BaseException) -> bool:
    """Whether a failure passes by itself, nothing having been saved."""
    if isinstance(error, Stopped):
        return error.passes
    return isinstance(error, FailedForNow) or (isinstance(error, GatewayUnreachable) and error.temporary)


def wish_of(error: BaseException | None) -> int | None:
    """For how many seconds Intacct asked to be left alone, if it did."""
    if isinstance(error, Stopped | FailedForNow):
        return error.answer.retry_after
    return error.retry_after if isinstance(error, GatewayUnreachable) else None


def clock(at: datetime) -> str:
    """A time as people at the terminal read it: of their own zone, to the second."""
    return f"{at.astimezone():%H:%M:%S}"


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None
