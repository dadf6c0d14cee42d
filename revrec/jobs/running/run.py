"""``revrec run``: put everything that is due on journal entries and post them to Intacct, each exactly once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING

from revrec.core.errors import BadConfiguration, RevrecError
from revrec.core.posting import UNCONFIRMED
from revrec.core.rules import RuleErrors
from revrec.intacct.errors import ReadRefused
from revrec.jobs.adjusting.adjustments import AdjustmentRun, has_adjustments_to_post
from revrec.jobs.adjusting.posting_type import AdjustmentPostings
from revrec.jobs.adjusting.presentation import is_posted_by_run, propose_presentation
from revrec.jobs.collecting import seldom_collected
from revrec.jobs.gateway import company, open_gateway
from revrec.jobs.invoicing.invoicing import InvoiceRun, has_invoices_to_post
from revrec.jobs.invoicing.posting_type import InvoicePostings
from revrec.jobs.invoicing.settings import invoice_settings
from revrec.jobs.posting import intents, recovery
from revrec.jobs.posting.approvals import check_approvals
from revrec.jobs.posting.canceled_entries import put_lines_in_review
from revrec.jobs.posting.in_flight import InFlightLimit, PostingQueue
from revrec.jobs.posting.journal_entries import EntryPostings
from revrec.jobs.posting.periods import posting_dates, refresh_due_periods
from revrec.jobs.posting.poster import AWAITING, WRITE_LOCK_TIMEOUT, Poster, RunStopped, worker_name
from revrec.jobs.posting.rejections import (
    releasable_entries,
    review_repeated_rejections,
    unrecognized_rejections,
)
from revrec.jobs.posting.repairs import RepairRunner
from revrec.jobs.posting.retries import Retrier
from revrec.jobs.posting.right_to_post import RightToPost
from revrec.jobs.posting.safe_settings import check_clock, check_company, check_quarantine, check_times
from revrec.jobs.reports.presentation import presentation_not_posted
from revrec.jobs.running.result import RunResult, adjustment_views, plan_counts, refresh_counts
from revrec.jobs.scheduling.pick_up import pick_up_unscheduled
from revrec.store.database.engine import discarded
from revrec.store.posting import adjustments, entries, invoices, postings
from revrec.store.posting.adjustments import ADJUSTMENT_TABLES
from revrec.store.posting.entries import ENTRY_TABLES, EntriesToSend
from revrec.store.posting.invoices import INVOICE_TABLES
from revrec.store.posting.posting_tables import LostClaim
from revrec.store.posting.shared_runs import shared_runs
from revrec.store.posting.workers import Worker, active_run

if TYPE_CHECKING:
    from revrec.intacct.gateway import Gateway
    from revrec.jobs.context import Context
    from revrec.jobs.gateway import Connect
    from revrec.store.connection import Connection


INVOICES, ENTRIES, ADJUSTMENTS = "invoices", "entries", "adjustments"
PARTS = (INVOICES, ENTRIES, ADJUSTMENTS)
"""The parts of a run, in the order in which it posts them."""


def run(
    context: "Context",
    day: date,
    dry_run: bool = False,
    wait: timedelta = timedelta(0),
    connect: "Connect | None" = None,
    is_retry_pass: bool = False,
    parts: Sequence[str] = PARTS,
) -> RunResult:
    """Post every open schedule line dated on or before ``day``, and settle what earlier runs left until then.

    Documents whose sources want it are invoiced first; ``parts`` limits the run to invoices or entries. An entry in
    doubt is settled whatever its date, because it may be in the ledger already.

    Dates come from the schedule and from ``day``, never from the clock. With ``dry_run`` the same entries are built
    and discarded, and no request is sent. ``connect`` replaces the gateway of the settings. ``is_retry_pass`` marks a
    later pass of the same command, which tries again only those rejections that pass by themselves.

    Raises:
        Busy: on SQLite, another run holds the lock for longer than ``wait``. On PostgreSQL runs share the work.
        BadConfiguration: the gateway cannot be reached or the sign-in fails; nothing is marked as sent.
    """
    check_times(context)
    this = PostingRun(context, day, parts, is_retry_pass)
    if dry_run:
        return this.preview()
    with seldom_collected(), active_worker(context, wait) as worker:
        return this.post(connect or open_gateway, worker)


def active_worker(context: "Context", wait: timedelta) -> AbstractContextManager[Worker]:
    """Return a worker that is active while the context is open.

    Raises:
        Busy: on SQLite, another run holds the lock for longer than ``wait``.
    """
    slots, lease = context.settings.posting.max_in_flight, context.settings.posting.lease
    return active_run(context.database, worker_name(context), wait.total_seconds(), slots, lease.total_seconds())


class PostingRun:
    """One pass of ``revrec run``, with everything that its steps share."""

    company = ""
    """The Intacct company that is posted to; empty in a dry run, which needs no credentials."""
    run_id = 0
    gateway: "Gateway"
    worker: Worker
    retrier: Retrier

    def __init__(self, context: "Context", day: date, parts: Sequence[str] = PARTS, is_retry_pass: bool = False):
        self.context = context
        self.day = day
        self.parts = parts
        self.is_retry_pass = is_retry_pass
        self.repairs = RepairRunner(context)
        self.to_send = EntriesToSend()
        self.limit = InFlightLimit(context.settings.posting.max_in_flight)
        self.result = RunResult(day, dry_run=False, repaired=self.repairs.repaired)

    def preview(self) -> RunResult:
        """Build what a run would post, and discard it."""
        self.result.dry_run = True
        with discarded(self.context.database) as connection:
            self._begin(connection)
            invoiced = self._invoice_run().create(connection) if INVOICES in self.parts else []
            if ENTRIES in self.parts:
                self._commit_intents(connection)
            plan_counts(connection, self.context, self.result, invoiced, ENTRIES in self.parts)
            if ADJUSTMENTS in self.parts:
                planned = adjustment_views(connection, self._propose_adjustments(connection))
                self.result.adjustments = [{**one, "status": "planned"} for one in planned]
        self.result.run, self.result.runs = None, []
        return self.result

    def post(self, connect: "Connect", worker: Worker) -> RunResult:
        """Post what is due through a gateway, as one worker among perhaps several."""
        self.company, self.worker = company(self.context), worker
        check_quarantine(self.context)
        with self.context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
            check_company(connection, self.company)
            self._begin(connection)
        result = self.result
        try:
            self._post_parts(connect)
            review_repeated_rejections(self.context, ENTRY_TABLES, result.processed, postings.count_rejections)
            review_repeated_rejections(
                self.context, INVOICE_TABLES, result.invoices_processed, invoices.count_rejections
            )
            processed = result.adjustments_processed
            review_repeated_rejections(self.context, ADJUSTMENT_TABLES, processed, adjustments.count_rejections)
        except (RevrecError, KeyboardInterrupt) as error:
            reason = error if isinstance(error, RevrecError) else "interrupted"
            with self.context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
                entries.finish_run(connection, self.run_id, self.context.who(), f"stopped: {reason}")
            raise
        with self.context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
            refresh_counts(connection, self.context, result)
            entries.finish_run(connection, self.run_id, self.context.who(), ", ".join(_outcome(result)))
            if worker.shares_runs:
                result.shared = shared_runs(connection, self.run_id, worker.is_last())
        recovery.keep_head(self.context)
        return result

    def _begin(self, connection: "Connection") -> None:
        self.run_id = entries.start_run(connection, self.day, self.context.who())
        self.result.run, self.result.runs = self.run_id, [self.run_id]
        if ENTRIES in self.parts:
            self._pick_up(connection)

    def _pick_up(self, connection: "Connection") -> None:
        """Schedule charge lines that changed rules can schedule now. Rules with errors must not stop the posting."""
        try:
            self.result.picked_up = pick_up_unscheduled(self.context, connection)
        except (RuleErrors, BadConfiguration) as error:
            self.context.say(f"no charge line is scheduled: {error}")

    def _invoice_run(self) -> InvoiceRun:
        processed = self.result.invoices_processed
        invoice_run = InvoiceRun(self.context, self.day, self.run_id, self.company, self.is_retry_pass, processed)
        self.result.invoices_created, self.result.invoices_posted = invoice_run.created, invoice_run.posted
        return invoice_run

    def _propose_adjustments(self, connection: "Connection") -> list[int]:
        """Store the adjusting entries that this run wants, as READY; return their numbers.

        The entries of the day are posted by now; for a dry run, they count as planned. What cannot be proposed is
        reported, and does not stop the run.
        """
        if not self._presents(connection):
            return []
        try:
            planned = self.result.dry_run
            return propose_presentation(connection, self.context, self.run_id, self.company, self.day, planned)
        except RevrecError as error:
            self.context.say(f"no presentation entry is posted: {error}")
            return []

    def _presents(self, connection: "Connection") -> bool:
        """Check if this run posts presentation entries: only once all entries until the day are posted.

        Before that, the figures are about to change. Books that are put back from a copy meanwhile would propose other
        figures under the reference that Intacct has.
        """
        if not is_posted_by_run(self.context, self.day):
            return False
        unsettled = entries.numbers_in(connection, *UNCONFIRMED, until=self.day)
        if unsettled and not self.result.dry_run:
            left = f"entries until {self.day} that are not posted yet: {len(unsettled)}"
            self.context.say(f"no presentation entry is posted before these: {left}")
            return False
        return True

    def _wants_adjustments(self) -> bool:
        """Check if :meth:`_propose_adjustments` would store anything. Nothing is written."""
        with self.context.database.read() as connection:
            if not self._presents(connection):
                return False
        try:
            return bool(presentation_not_posted(self.context, self.day))
        except RevrecError as error:
            self.context.say(f"no presentation entry is posted: {error}")
            return False

    def _has_adjustments(self) -> bool:
        """Check if this run has any adjusting entry to propose, send or settle."""
        if ADJUSTMENTS not in self.parts:
            return False
        with self.context.database.read() as connection:
            has_some = has_adjustments_to_post(connection, self.day)
        return has_some or self._wants_adjustments()

    def _commit_intents(self, connection: "Connection") -> list[int]:
        return intents.commit_intents(
            connection,
            self.context,
            self.run_id,
            self.day,
            self.company,
            self.is_retry_pass,
            self.repairs,
            self.to_send,
        )

    def _create_entries(self, connection: "Connection") -> list[int]:
        created = intents.create_entries(connection, self.context, self.run_id, self.day, self.company, self.repairs)
        self.result.created.update(created)
        return created

    def _post_parts(self, connect: "Connect") -> None:
        """Post invoices, then entries, whose lines may have waited for their invoice, then adjusting entries.

        Adjusting entries are about the balances that the entries lead to.
        """
        with self.context.database.read() as connection:
            to_invoice = INVOICES in self.parts and has_invoices_to_post(self.context, connection, self.day)
            to_post = ENTRIES in self.parts and self._has_entries_to_post(connection)
        if not to_invoice and not to_post and not self._has_adjustments():
            # Without a request there is no sign-in, so that a run with nothing to do needs no working password.
            return
        self.retrier = Retrier(self.context, self.worker)
        with connect(self.context) as self.gateway:
            self.retrier.call(self.gateway.sign_in)
            check_clock(self.context, self.gateway)
            right = RightToPost(self.context, self.gateway, self.worker, self.company)
            self.worker.confirm = right.confirm
            try:
                self.retrier.call(partial(right.begin, self.run_id))
                if to_invoice or ENTRIES not in self.parts:
                    recovery.detect_restored_copy(self.context, self.run_id)
                if to_invoice:
                    self._post_invoices()
                if ENTRIES in self.parts:
                    self._post_entries(to_post)
                if ADJUSTMENTS in self.parts:
                    self._post_adjustments()
            except RunStopped as stop:
                self.result.stopped = stop.answer
            if self.worker.waits_for_others():
                # Otherwise an entry that a killed worker was sending would stay SENDING until the next day's run.
                kinds = (EntryPostings(), InvoicePostings(invoice_settings(self.context)), AdjustmentPostings())
                for posting_type in kinds:
                    Poster(self.context, self.gateway, posting_type, self.worker).doubt_abandoned()

    def _post_invoices(self) -> None:
        """Post invoices. If Intacct refuses to show what they need, report that; entries are posted all the same."""
        try:
            self._invoice_run().post_all(self.gateway, self.worker, self.retrier, self.limit)
        except ReadRefused as error:
            reason = f"no more invoices are sent, because Intacct does not show what they need: {error}"
            self.result.stopped = RunStopped.before_sending(reason).answer

    def _post_adjustments(self) -> None:
        processed = self.result.adjustments_processed
        adjusting = AdjustmentRun(self.context, self.day, self.run_id, self.company, self.is_retry_pass, processed)
        self.result.adjustments_created, self.result.adjustments_posted = adjusting.created, adjusting.posted
        with self.context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
            adjusting.created.update(self._propose_adjustments(connection))
            to_post = has_adjustments_to_post(connection, self.day)
        if to_post:
            adjusting.post_all(self.gateway, self.worker, self.retrier, self.limit)

    def _has_entries_to_post(self, connection: "Connection") -> bool:
        rejected = self._unrecognized(connection) or releasable_entries(connection, self.day, self.is_retry_pass)
        # Restored books may lack entries that Intacct has. Without a scan, reports would be wrong until a line is due.
        return (
            intents.unsettled_to_post(connection, self.day, rejected)
            or bool(entries.numbers_in(connection, AWAITING))
            or recovery.is_scan_due(self.context, connection)
        )

    def _unrecognized(self, connection: "Connection") -> list[int]:
        return [] if self.is_retry_pass else unrecognized_rejections(connection, self.day)

    def _ready(self, connection: "Connection") -> list[int]:
        return entries.numbers_in(connection, "READY", until=self.day)

    def _post_entries(self, has_entries: bool) -> None:
        """Scan the ledger, create entries, settle doubts, look up unrecognized rejections, and send what is READY.

        Unless the run ``has_entries`` to post, that is checked again: invoices that were posted may have released some.
        Workers that share a database take turns, one entry a turn.
        """
        now = self.context.timestamp()
        with self.context.database.read() as connection:
            if not has_entries and not self._has_entries_to_post(connection):
                return
            unrecognized = self._unrecognized(connection)
        is_draft = self.context.settings.posting.state == "draft"
        poster = Poster(self.context, self.gateway, EntryPostings(is_draft, self.to_send), self.worker)
        poster.posted = self.result.posted
        self._check_approvals(poster)
        self._scan_and_create()
        with self.context.database.read() as connection:
            poster.dates = posting_dates(self.context, connection)
        poster.doubt_abandoned()
        self._process_all(poster, lambda one: ENTRY_TABLES.due_read_backs(one, now), "reading back entries in doubt")
        for number in self.context.progress.track(unrecognized, "looking for rejected entries"):
            self.result.processed.add(number)
            if self.retrier.call(partial(poster.confirm_absent, number)):
                self._replace(number)
        more = True
        while more:
            self._process_all(poster, self._ready, "posting entries")
            more = self._redate(poster)
        self._confirm_absent(poster, unrecognized)
        if not is_draft:
            # An entry that Intacct did not show when it was new may have appeared meanwhile.
            self._check_approvals(poster)

    def _check_approvals(self, poster: Poster) -> None:
        with self.context.database.read() as connection:
            awaiting = entries.numbers_in(connection, AWAITING)
        self.result.processed |= self.retrier.call(partial(check_approvals, poster, awaiting))

    def _scan_and_create(self) -> None:
        """Account for entries in the ledger that this database does not know, then create entries of what is due.

        The order matters: the lines of an unknown entry must be on its rebuilt copy before due lines are collected,
        or they would be posted a second time under another reference.
        """
        context, result = self.context, self.result
        scan = self.retrier.call(partial(recovery.scan_journals, context, self.gateway, self.run_id))
        recover = partial(recovery.recover_lost_entries, context, self.gateway, self.run_id, scan, self.company)
        result.created.update(self.retrier.call(recover))
        self.retrier.call(self._refresh_periods)
        with context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
            result.created.update(
                put_lines_in_review(context, connection, self.run_id, self.day, scan.canceled, self.company)
            )
            result.created.update(self._commit_intents(connection))
            recovery.record_scan(connection, context, scan)
        # An older copy of the database is recognized by this head. Sending before it is kept would lose that.
        recovery.keep_head(context)

    def _refresh_periods(self) -> None:
        refresh_due_periods(self.context, self.gateway, self.day)

    def _process_all(self, poster: Poster, waiting: "Callable[[Connection], list[int]]", label: str) -> None:
        """Process the waiting entries that this run has not processed, until there are no more."""
        processed = self.result.processed
        queue = PostingQueue(poster, self.retrier, self.limit, processed)
        while True:
            with self.context.database.read() as connection:
                numbers = [number for number in waiting(connection) if number not in processed]
            if not numbers:
                return
            for number, state in queue.process(numbers, label).items():
                if state == "REJECTED":
                    self._repair(poster, number)

    def _repair(self, poster: Poster, number: int) -> None:
        """Put the lines of a rejected entry on new ones with repaired values, if a repair applies to it."""
        with self.context.database.read() as connection:
            rejected = next(iter(postings.rejected_entries(connection, self.day, number)), None)
        if rejected is None or not self.repairs.applies_to(rejected):
            return
        self.retrier.call(partial(self.repairs.refresh_closed_periods, poster.gateway, rejected))
        with (
            suppress(LostClaim),
            self.context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection,
        ):
            if self.repairs.repair(connection, rejected):
                self._create_entries(connection)

    def _redate(self, poster: Poster) -> bool:
        """Create new entries for those whose period turned out to be closed; return True if there are any.

        This ends, because each turn learns of at least one closed month.
        """
        numbers, poster.rejected_for_period = poster.rejected_for_period, []
        if not numbers or poster.dates.policy == "fail":
            return False
        with self.context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
            for number in numbers:
                # Another worker may have released it already.
                with suppress(LostClaim):
                    postings.release_schedule_lines(connection, number, self.context.who())
            return bool(self._create_entries(connection))

    def _confirm_absent(self, poster: Poster, before: list[int]) -> None:
        """Look up entries that this run saw rejected with an unrecognized error.

        One that Intacct has after all needs review now. The lines of one that it does not have can be planned again.
        """
        with self.context.database.read() as connection:
            unrecognized = set(unrecognized_rejections(connection, self.day)) - set(before)
        for number in sorted(unrecognized & self.result.processed):
            self.retrier.call(partial(poster.confirm_absent, number))

    def _replace(self, number: int) -> None:
        """Release a rejected entry's lines and put them on new ones, unless another worker was faster."""
        with (
            suppress(LostClaim),
            self.context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection,
        ):
            postings.release_schedule_lines(connection, number, self.context.who())
            self._create_entries(connection)


def _outcome(result: RunResult) -> Iterator[str]:
    """Yield the outcome of a run in words, for its record; that it stopped for a person comes first."""
    if result.needs_person and result.stopped is not None:
        yield f"stopped: {result.stopped.explanation.splitlines()[0]}"
    yield from (f"{count} {state}" for state, count in result.counts.items())
    if result.invoices or any(result.invoice_counts.values()):
        yield from (f"invoices {state}: {count}" for state, count in result.invoice_counts.items())
    if any(result.adjustment_counts.values()):
        yield from (f"adjusting entries {state}: {count}" for state, count in result.adjustment_counts.items() if count)
