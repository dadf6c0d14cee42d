"""Post the adjusting entries of one command as a run."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING

from revrec.jobs.gateway import open_gateway
from revrec.jobs.posting.safe_settings import check_times
from revrec.jobs.running.result import RunResult
from revrec.jobs.running.run import ADJUSTMENTS, PostingRun, active_worker
from revrec.store.database.engine import discarded

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.gateway import Connect
    from revrec.store.connection import Connection

Propose = Callable[["Connection", int, str], list[int]]
"""A function of connection, run and company that stores adjusting entries and returns their numbers, as
:func:`revrec.jobs.adjusting.adjustments.propose` does."""


def adjust(
    context: "Context",
    day: date,
    propose: Propose,
    dry_run: bool = False,
    wait: timedelta = timedelta(0),
    connect: "Connect | None" = None,
) -> RunResult:
    """Propose adjusting entries and post them, with what earlier runs left of them until ``day``.

    It is recorded as a run. With ``dry_run`` the entries are built and discarded, and no request is sent.

    Raises:
        BadInput: something cannot be proposed.
        Busy, BadConfiguration: as for a run.
    """
    check_times(context)
    this = AdjustingRun(context, day, propose)
    if dry_run:
        return this.preview()
    with active_worker(context, wait) as worker:
        return this.post(connect or open_gateway, worker)


class AdjustingRun(PostingRun):
    """A run that posts adjusting entries only."""

    def __init__(self, context: "Context", day: date, propose: Propose) -> None:
        super().__init__(context, day, (ADJUSTMENTS,))
        self._propose = propose

    def _propose_adjustments(self, connection: "Connection") -> list[int]:
        return self._propose(connection, self.run_id, self.company)

    def _wants_adjustments(self) -> bool:
        with discarded(self.context.database) as connection:
            return bool(self._propose_adjustments(connection))
