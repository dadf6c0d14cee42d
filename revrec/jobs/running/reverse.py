"""``revrec postings reverse``: post the mirror entries of posted entries, each exactly once."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from revrec.jobs.gateway import open_gateway
from revrec.jobs.posting.periods import posting_dates, refresh_closed_periods
from revrec.jobs.posting.rejections import replannable_entries, unrecognized_rejections
from revrec.jobs.posting.reversing import ReversalOrder, ReversalPlan, create_reversals, plan_reversals, renew_reversals
from revrec.jobs.posting.safe_settings import check_times
from revrec.jobs.running.result import SAVED, RunResult, entry_views
from revrec.jobs.running.run import ENTRIES, PostingRun, active_worker
from revrec.store.database.engine import discarded
from revrec.store.posting import postings, reversals
from revrec.store.posting.entries import ENTRY_TABLES

if TYPE_CHECKING:
    from revrec.core.periods import PostingDates
    from revrec.jobs.context import Context
    from revrec.jobs.gateway import Connect
    from revrec.store.connection import Connection, Row


class ReversalResult:
    """The result of an order: the run's, the reversed entry of each mirror entry by reference, and what was left out.

    ``lines`` is the number of schedule lines that are open again, or would be; the next run does not post ``blocked``
    of them, because their period is closed.
    """

    def __init__(self, run: RunResult, reverses: dict[str, str], left_out: list[str], lines: int, blocked: int) -> None:
        self.run = run
        self.reverses = reverses
        self.left_out = left_out
        self.lines = lines
        self.blocked = blocked

    @property
    def complete(self) -> bool:
        """Check that Intacct has every reversal."""
        return all(one["status"] in (*SAVED, "planned") for one in self.run.entries)


def reverse(
    context: "Context",
    order: ReversalOrder,
    dry_run: bool = False,
    wait: timedelta = timedelta(0),
    connect: "Connect | None" = None,
) -> ReversalResult:
    """Post the mirror entry of an entry, or of every entry of a run, and open their schedule lines again.

    It is recorded as a run: the mirror entries are committed, sent, and settled like any other entry, and a run that is
    cut off is finished by the same order or by the next ``revrec run``. With ``dry_run`` the mirror entries are built
    and discarded.

    Raises:
        BadInput: nothing can be reversed, or not on this day.
        Busy, BadConfiguration: as for a run.
    """
    check_times(context)
    with context.database.read() as connection:
        plan_reversals(connection, order)
    this = ReversalRun(context, order)
    if dry_run:
        return this.previewed()
    with active_worker(context, wait) as worker:
        this.post(connect or open_gateway, worker)
    return this.reported()


class ReversalRun(PostingRun):
    """A run that posts the reversals of one order, and settles what is in doubt as any run does."""

    def __init__(self, context: "Context", order: ReversalOrder) -> None:
        super().__init__(context, context.now().date(), (ENTRIES,))
        self.order = order
        self.plan = ReversalPlan([], [], [])
        self.mirrors: set[int] = set()

    def previewed(self) -> ReversalResult:
        """Build the mirror entries and discard them."""
        self.result.dry_run = True
        with discarded(self.context.database) as connection:
            self._begin(connection)
            self._commit_intents(connection)
            result = self._result_of(connection)
        self.result.run = None
        self.result.entries = [{**one, "status": "planned"} for one in self.result.entries]
        return result

    def reported(self) -> ReversalResult:
        """Return the result after the run."""
        with self.context.database.read() as connection:
            return self._result_of(connection)

    def _result_of(self, connection: "Connection") -> ReversalResult:
        found = {number: reversals.reversal_by(connection, number) for number in sorted(self.mirrors)}
        heads = {number: ENTRY_TABLES.head(connection, number) for number in found}
        live = [number for number in found if heads[number].state != "REPLACED"]
        self.result.entries = entry_views(connection, live)
        mirrored = {
            number: ENTRY_TABLES.head(connection, one.reverses) for number, one in found.items() if one is not None
        }
        reverses = {heads[number].reference: head.reference for number, head in mirrored.items()}
        done = [number for number in live if self.result.dry_run or heads[number].state == "POSTED"]
        dates = posting_dates(self.context, connection)
        blocked = [number for number in done if _blocks(dates, mirrored[number])]
        lines, held = (sum(heads[number].lines // 2 for number in some) for some in (done, blocked))
        return ReversalResult(self.result, reverses, self.plan.left_out, lines, held)

    def _commit_intents(self, connection: "Connection") -> list[int]:
        """Store the mirror entries; one that was rejected before is replaced by a new one."""
        self.plan = plan_reversals(connection, self.order)
        certain, who = replannable_entries(connection), self.context.who()
        again = []
        for number in self.plan.begun:
            if number in certain:
                postings.release_schedule_lines(connection, number, who)
                reversal = reversals.reversal_by(connection, number)
                assert reversal is not None
                again.append(reversal.reverses)
        numbers = [*self.plan.entries, *again]
        created = create_reversals(connection, self.context, self.run_id, self.order, numbers, self.company)
        self.mirrors.update(created, self.plan.begun)
        return created

    def _create_entries(self, connection: "Connection") -> list[int]:
        created = renew_reversals(connection, self.context, self.run_id, self.company)
        self.mirrors.update(created)
        self.result.created.update(created)
        return created

    def _has_entries_to_post(self, connection: "Connection") -> bool:
        return True

    def _unrecognized(self, connection: "Connection") -> list[int]:
        ours = set(plan_reversals(connection, self.order).begun)
        return [number for number in unrecognized_rejections(connection, date.max) if number in ours]

    def _ready(self, connection: "Connection") -> list[int]:
        return sorted(ENTRY_TABLES.in_states(connection, sorted(self.mirrors), ("READY",)))

    def _refresh_periods(self) -> None:
        with self.context.database.read() as connection:
            numbers = plan_reversals(connection, self.order).entries
            entities = {str(ENTRY_TABLES.head(connection, number).entity) for number in numbers}
        if self.context.settings.posting.closed_period != "fail":
            refresh_closed_periods(self.context, self.gateway, sorted(entities))


def _blocks(dates: "PostingDates", entry: "Row[Any]") -> bool:
    """Check if the policy for closed periods keeps the lines of an entry from being posted again."""
    closed = dates.periods.closed(entry.entity, date.fromisoformat(entry.date))
    return dates.policy == "hold" and closed is not None
