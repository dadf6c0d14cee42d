"""Retry what fails for a temporary reason, after growing pauses, for a limited number of times and a limited time.

The whole step is retried, starting from the posting's state in the database, with its own attempt and the same control
id. A request that may have reached Intacct is not retried here: it is in doubt, and only a read after the quarantine
can settle it.
"""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from revrec.intacct.errors import GatewayUnreachable
from revrec.jobs.posting.poster import RunStopped, TemporaryFailure

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.posting.workers import Worker

T = TypeVar("T")
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
"""The longest pause in seconds, unless Intacct asks for a longer one."""


class Retrier:
    """The retries of the steps of one run: ``[posting] retries`` times each, ``retry_within`` for all of them together.

    Each try is a turn of the ``worker``. The turn ends before a pause: if it lasted through the pause, one failing
    worker would keep all others on the same database from posting.
    """

    def __init__(self, context: "Context", worker: "Worker") -> None:
        self._context = context
        self._worker = worker
        self._max_tries = context.settings.posting.retries
        self._seconds_left = context.settings.posting.retry_within.total_seconds()
        self._growing_pause = wait_random_exponential(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE)

    def call(self, step: Callable[[], T], failure: Exception | None = None) -> T:
        """Call a step, and again after a pause while it fails for a temporary reason; return its result.

        ``failure``, if passed, is how an earlier try failed; it counts as one of the tries.

        Raises whatever the last try raised.
        """
        if failure is None:
            try:
                return self._in_turn(step)
            except Exception as error:
                if not is_temporary(error):
                    raise
                failure = error
        trying = Retrying(
            retry=retry_if_exception(is_temporary),
            wait=self._pause,
            stop=self._is_exhausted,
            before_sleep=self._announce,
            sleep=self._sleep,
            reraise=True,
        )
        return trying(partial(self._again, step, [failure]))

    def _again(self, step: Callable[[], T], failures: list[Exception]) -> T:
        """Raise the failures of earlier tries, so that they count; then call the step."""
        if failures:
            raise failures.pop()
        return self._in_turn(step)

    def _in_turn(self, step: Callable[[], T]) -> T:
        with self._worker.turn():
            return step()

    def _pause(self, state: RetryCallState) -> float:
        """Return the seconds to wait: random, so that several runs do not return at once, or what Intacct asks for."""
        wanted = retry_after_of(_error(state))
        return self._growing_pause(state) if wanted is None else wanted + random.uniform(0, FIRST_PAUSE)  # noqa: S311

    def _is_exhausted(self, state: RetryCallState) -> bool:
        return state.attempt_number > self._max_tries or state.upcoming_sleep > self._seconds_left

    def _announce(self, state: RetryCallState) -> None:
        pause = timedelta(seconds=state.upcoming_sleep)
        reason = str(_error(state)).partition(". ")[0].rstrip(".")
        self._context.say(f"{reason}; trying again at {clock_time(self._context.now() + pause)}")

    def _sleep(self, seconds: float) -> None:
        self._seconds_left -= seconds
        self._context.sleep(seconds)


def is_temporary(error: BaseException) -> bool:
    """Check if a failure passes by itself, with nothing saved."""
    if isinstance(error, RunStopped):
        return error.is_temporary
    return isinstance(error, TemporaryFailure) or (isinstance(error, GatewayUnreachable) and error.temporary)


def retry_after_of(error: BaseException | None) -> int | None:
    """Return for how many seconds Intacct asked not to be called, None if it did not ask."""
    if isinstance(error, RunStopped | TemporaryFailure):
        return error.answer.retry_after
    return error.retry_after if isinstance(error, GatewayUnreachable) else None


def clock_time(at: datetime) -> str:
    """Return a time as people at the terminal read it: in their time zone, to the second."""
    return f"{at.astimezone():%H:%M:%S}"


def _error(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome is not None else None
