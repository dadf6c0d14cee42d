"""``revrec run --retry-for``: keep at it, pass after pass, until nothing is left that passes by itself.

Between two passes nothing is held: neither the run lock nor a connection to Intacct, so that whoever has mended
something can run at once. Each pass is a run with a record of its own.
"""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from revrec.core.errors import BadConfiguration, Busy
from revrec.intacct.errors import not_run_answer
from revrec.jobs.posting.poster import Stopped
from revrec.jobs.posting.rejections import passes
from revrec.jobs.posting.retries import clock, passes_by_itself, wish_of
from revrec.jobs.running.result import RunResult, sum_up
from revrec.jobs.running.run import run
from revrec.store.posting import entries, invoices, postings
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.invoices import INVOICE_TABLES

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.gateway import Connect

JITTER = 0.1
"""The part of a pause by which it is longer or shorter, so that several machines do not come back together."""
AFTER_A_QUARANTINE = timedelta(seconds=1)


def run_for(
    context: "Context", day: date, span: timedelta, wait: timedelta = timedelta(0), connect: "Connect | None" = None
) -> RunResult:
    """Run a day, and run it again for at most ``span`` while something is left that passes by itself.

    The result is that of all passes together. Ctrl-C while it waits ends it; the result then says so.

    Raises:
        Busy: another run holds the lock at the first pass for longer than ``wait``.
        BadConfiguration: the sign-in fails, or the gateway could not be reached until the time was up.
    """
    passed = _Passes(context, day, context.now() + span, wait, connect)
    passed.do()
    while (until := passed.next_time()) is not None:
        left = ", ".join(f"{count} {state.replace('_', ' ')}" for state, count in passed.left().items() if count)
        context.say(f"{left or passed.trouble}; trying again at {clock(until)}")
        try:
            context.sleep(max(0.0, (until - context.now()).total_seconds()))
        except KeyboardInterrupt:
            return passed.whole(interrupted=True)
        passed.do()
    return passed.whole()


@dataclass
class _Passes:
    """The passes so far, and what they left."""

    context: "Context"
    day: date
    end: datetime
    wait: timedelta
    connect: "Connect | None"
    result: RunResult | None = None
    trouble: Busy | BadConfiguration | None = None
    """What kept the last pass from posting anything."""

    def do(self) -> None:
        """One pass; what keeps it from posting is raised at the first one, unless it passes by itself."""
        earlier, self.trouble = self.result, None
        try:
            done = run(self.context, self.day, wait=self.wait, connect=self.connect, again=earlier is not None)
        except (Busy, BadConfiguration) as error:
            if earlier is None and not passes_by_itself(error):
                raise
            self.trouble = error
            return
        if earlier is not None:
            done.made |= earlier.made
            done.taken |= earlier.taken
            done.invoices_made |= earlier.invoices_made
            done.invoices_taken |= earlier.invoices_taken
            done.repaired += earlier.repaired
            done.runs = [*earlier.runs, *done.runs]
        self.result = done

    def left(self) -> dict[str, int]:
        """What the last pass left, by state."""
        if self.result is None:
            return {}
        both = Counter(self.result.counts) + Counter(self.result.invoice_counts)
        return {state: count for state, count in both.items() if state != "posted"}

    def next_time(self) -> datetime | None:
        """When to try again; None if nothing is left that passes by itself, or the time is up."""
        now = self.context.now()
        soonest = min(self._times(now), default=None)
        if soonest is None or now >= self.end:
            return None
        # A last look at the end, unless that is before any quarantine is over.
        return soonest if soonest <= self.end else self.end if self._waits_for_intacct() else None

    def _times(self, now: datetime) -> list[datetime]:
        why = self._why()
        if why is not None and not (isinstance(why, Busy) or passes_by_itself(why)):
            return []
        times = [now + self._pause()] if self._waits_for_intacct() else []
        with self.context.database.read() as connection:
            doubts = [tables.next_read_back_at(connection) for tables in (ENTRY_TABLES, INVOICE_TABLES)]
        quarantine = min((over for over in doubts if over is not None), default=None)
        if quarantine is not None:
            over = datetime.fromisoformat(quarantine) + AFTER_A_QUARANTINE if quarantine else now
            times.append(max(over, now + AFTER_A_QUARANTINE))
        return times

    def _waits_for_intacct(self) -> bool:
        """Whether something could be tried at any time."""
        with self.context.database.read() as connection:
            waiting = entries.numbers_in(connection, "READY", "SENDING", until=self.day)
            waiting += invoices.numbers_in(connection, "READY", "SENDING", until=self.day)
            refused = [
                *postings.rejected_entries(connection, self.day),
                *invoices.rejected_invoices(connection, self.day),
            ]
        return bool(self.trouble or waiting or any(map(passes, refused)))

    def _pause(self) -> timedelta:
        """``[posting] retry_every``, a little more or less; or what Intacct asks for, if that is longer."""
        every = self.context.settings.posting.retry_every
        wish = wish_of(self._why()) or 0
        return max(every * random.uniform(1 - JITTER, 1 + JITTER), timedelta(seconds=wish))  # noqa: S311

    def _why(self) -> Exception | None:
        """What ended the last pass early."""
        if self.trouble is not None or self.result is None or self.result.stopped is None:
            return self.trouble
        return Stopped(self.result.stopped)

    def whole(self, interrupted: bool = False) -> RunResult:
        """The result of all passes, as things are now."""
        if self.result is None:
            assert self.trouble is not None
            raise self.trouble
        if isinstance(self.trouble, BadConfiguration):
            self.result.stopped = not_run_answer("", self.trouble, str(self.trouble))
        with self.context.database.read() as connection:
            sum_up(connection, self.context, self.result)
        self.result.interrupted = interrupted
        return self.result
