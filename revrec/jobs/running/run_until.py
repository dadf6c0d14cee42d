"""``revrec run --retry-for``: repeat the run until nothing is left that passes by itself.

Between two passes neither the run lock nor a connection to Intacct is held, so that a person who has fixed something
can run at once. Each pass is a run with its own record.
"""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from revrec.core.errors import BadConfiguration, Busy
from revrec.intacct.errors import not_run_answer
from revrec.jobs.posting import rejections
from revrec.jobs.posting.poster import RunStopped
from revrec.jobs.posting.retries import clock_time, is_temporary, retry_after_of
from revrec.jobs.running.result import LATER, RunResult, refresh_counts
from revrec.jobs.running.run import run
from revrec.store.posting import adjustments, entries, invoices, postings
from revrec.store.posting.kinds import EVERY_KIND

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.gateway import Connect

JITTER = 0.1
"""The share by which a pause is made longer or shorter, so that several machines do not return at once."""
AFTER_A_QUARANTINE = timedelta(seconds=1)


def run_with_retries(
    context: "Context", day: date, span: timedelta, wait: timedelta = timedelta(0), connect: "Connect | None" = None
) -> RunResult:
    """Run a day, and repeat the run for at most ``span`` while something is left that passes by itself.

    Return the result of all passes together. Ctrl-C during a pause ends it; the result then says so.

    Raises:
        Busy: another run holds the lock at the first pass for longer than ``wait``.
        BadConfiguration: the sign-in fails, or the gateway could not be reached until the time was up.
    """
    passes = _RunPasses(context, day, context.now() + span, wait, connect)
    passes.run_once()
    while (until := passes.next_time()) is not None:
        left = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in passes.left().items() if count)
        context.say(f"{left or passes.obstacle}; trying again at {clock_time(until)}")
        try:
            context.sleep(max(0.0, (until - context.now()).total_seconds()))
        except KeyboardInterrupt:
            return passes.total(interrupted=True)
        passes.run_once()
    return passes.total()


@dataclass
class _RunPasses:
    """The passes so far, and what they left."""

    context: "Context"
    day: date
    end: datetime
    wait: timedelta
    connect: "Connect | None"
    result: RunResult | None = None
    obstacle: Busy | BadConfiguration | None = None
    """The reason why the last pass posted nothing."""

    def run_once(self) -> None:
        """Run one pass. At the first pass, an error that keeps it from posting is raised unless it is temporary."""
        earlier, self.obstacle = self.result, None
        try:
            done = run(self.context, self.day, wait=self.wait, connect=self.connect, is_retry_pass=earlier is not None)
        except (Busy, BadConfiguration) as error:
            if earlier is None and not is_temporary(error):
                raise
            self.obstacle = error
            return
        if earlier is not None:
            done.add_earlier(earlier)
        self.result = done

    def left(self) -> dict[str, int]:
        """Return how much the last pass left, by state."""
        if self.result is None:
            return {}
        result = self.result
        every = Counter(result.counts) + Counter(result.invoice_counts) + Counter(result.adjustment_counts)
        return {state: count for state, count in every.items() if state not in ("posted", LATER)}

    def next_time(self) -> datetime | None:
        """Return when to run again, None if nothing is left that passes by itself or the time is up."""
        now = self.context.now()
        soonest = min(self._times(now), default=None)
        if soonest is None or now >= self.end:
            return None
        # One more pass at the end; but not if all that is left is in quarantine, which that pass could not settle.
        return soonest if soonest <= self.end else self.end if self._can_try_any_time() else None

    def _times(self, now: datetime) -> list[datetime]:
        reason = self._reason()
        if reason is not None and not (isinstance(reason, Busy) or is_temporary(reason)):
            return []
        times = [now + self._pause()] if self._can_try_any_time() else []
        with self.context.database.read() as connection:
            doubts = [tables.next_read_back_at(connection) for tables in EVERY_KIND]
        quarantine = min((over for over in doubts if over is not None), default=None)
        if quarantine is not None:
            over = datetime.fromisoformat(quarantine) + AFTER_A_QUARANTINE if quarantine else now
            times.append(max(over, now + AFTER_A_QUARANTINE))
        return times

    def _can_try_any_time(self) -> bool:
        """Check if something is left that need not wait for the end of a quarantine."""
        with self.context.database.read() as connection:
            unsent = entries.numbers_in(connection, "READY", "SENDING", until=self.day)
            unsent += invoices.numbers_in(connection, "READY", "SENDING", until=self.day)
            unsent += adjustments.due_numbers(connection, self.day, "READY", "SENDING")
            rejected = [
                *postings.rejected_entries(connection, self.day),
                *invoices.rejected_invoices(connection, self.day),
                *adjustments.rejected_adjustments(connection, self.day),
            ]
        return bool(self.obstacle or unsent or any(map(rejections.is_temporary, rejected)))

    def _pause(self) -> timedelta:
        """Return ``[posting] retry_every``, a little more or less, or what Intacct asks for if that is longer."""
        every = self.context.settings.posting.retry_every
        wanted = retry_after_of(self._reason()) or 0
        return max(every * random.uniform(1 - JITTER, 1 + JITTER), timedelta(seconds=wanted))  # noqa: S311

    def _reason(self) -> Exception | None:
        """Return what ended the last pass early."""
        if self.obstacle is not None or self.result is None or self.result.stopped is None:
            return self.obstacle
        return RunStopped(self.result.stopped)

    def total(self, interrupted: bool = False) -> RunResult:
        """Return the result of all passes, with the present states."""
        if self.result is None:
            assert self.obstacle is not None
            raise self.obstacle
        if isinstance(self.obstacle, BadConfiguration):
            self.result.stopped = not_run_answer("", self.obstacle, str(self.obstacle))
        with self.context.database.read() as connection:
            refresh_counts(connection, self.context, self.result)
        self.result.interrupted = interrupted
        return self.result
