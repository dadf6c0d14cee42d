"""Propose adjusting entries and post them, each exactly once, with their reversals.

A kind of adjusting entries needs only this::

    wanted = [Adjustment(EXCHANGE, "monetary 2400", day, entity, "USD", journal, lines, reason, reversed_on=None)]
    with context.database.write() as connection:
        numbers = propose(connection, context, run_id, company, EXCHANGE, day, wanted)

``kind``, ``subject``, ``day``, ``entity`` and ``currency`` make an adjustment unique. ``lines`` are
:class:`AdjustingLine`: an account and an amount in minor units of ``currency``, above zero for a debit, below zero for
a credit; they add up to zero. ``reason`` explains them in words, and is the memo of lines without one.

``wanted`` has everything that the kind wants the ledger to have for this day. :func:`propose` compares it with the
entries of that kind and day that are in the ledger or on their way to it, and stores the difference as READY entries.
So the same figures propose nothing, changed figures propose the difference, and an adjustment that is no longer in
``wanted`` is taken back. With ``reversed_on``, each entry is stored together with its reversal of that date, which is
sent once the entry is posted.

:func:`revrec.jobs.running.adjust.adjust` makes a run of it: it calls a function that proposes, and sends the entries.
Every ``revrec run`` sends what is left of earlier ones and settles what is in doubt.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

from revrec.core.adjusting import AdjustingEntry, Adjustment, build_adjusting_entry, difference, reversal_of_adjusting
from revrec.core.errors import BadInput
from revrec.core.periods import Periods, PostingDates
from revrec.intacct.gateway import Gateway
from revrec.jobs.adjusting.posting_type import AdjustmentPostings
from revrec.jobs.posting.approvals import check_approvals
from revrec.jobs.posting.in_flight import InFlightLimit, PostingQueue
from revrec.jobs.posting.periods import posting_dates, refresh_closed_periods
from revrec.jobs.posting.poster import AWAITING, WRITE_LOCK_TIMEOUT, Poster
from revrec.jobs.posting.recovery import keep_head
from revrec.jobs.posting.rejections import is_absent, is_temporary
from revrec.jobs.posting.retries import Retrier
from revrec.store.database.engine import deployment
from revrec.store.posting import adjustments
from revrec.store.posting.adjustments import ADJUSTMENT_TABLES
from revrec.store.posting.posting_tables import LostClaim
from revrec.store.posting.workers import Worker

if TYPE_CHECKING:
    from revrec.core.adjusting import AdjustingLine, Key
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection, Row
    from revrec.store.posting.adjustments import StoredAdjustment
    from revrec.store.posting.postings import RejectedPosting


def propose(
    connection: "Connection",
    context: "Context",
    run_id: int,
    company: str,
    kind: str,
    day: date,
    wanted: Sequence[Adjustment],
) -> list[int]:
    """Store the entries that bring the ledger to what is wanted, as READY; return their numbers, with reversals.

    Rejected entries of this day of which Intacct saved nothing are given up, so that their amounts are proposed again.

    Raises:
        BadInput: the period of the day is closed for an entity whose figures changed.
    """
    _give_up_rejected(connection, context, kind, day)
    before: dict[Key, list[StoredAdjustment]] = {}
    for stored in adjustments.live_adjustments(connection, kind, day):
        before.setdefault(stored.adjusting.key, []).append(stored)
    keys = {one.key for one in wanted}
    gone = [_nothing_wanted(connection, some[-1]) for key, some in before.items() if key not in keys]
    dates = posting_dates(context, connection)
    changes = [(one, lines) for one in (*wanted, *gone) if (lines := difference(one.lines, _there(before, one)))]
    for one, _lines in changes:
        _check_period(dates, one)
    added = [_add(connection, context, run_id, company, one, lines) for one, lines in changes]
    return [number for numbers in added for number in numbers]


def _there(before: "Mapping[Key, list[StoredAdjustment]]", one: Adjustment) -> "list[AdjustingLine]":
    """Return the lines of the live entries of an adjustment."""
    return [line for stored in before.get(one.key, ()) for line in stored.adjusting.lines]


def _nothing_wanted(connection: "Connection", last: "StoredAdjustment") -> Adjustment:
    """Return the adjustment of an entry with no lines: what it posted is to be taken back."""
    one = _adjustment_of(connection, last)
    return one._replace(lines=(), reason=f"{one.reason}; it is zero now")


def _adjustment_of(connection: "Connection", stored: "StoredAdjustment") -> Adjustment:
    """Return an entry as the adjustment that it is from, with the date of its reversal."""
    one, reversal = stored.adjusting, adjustments.reversal_of(connection, stored.id)
    reversed_on = None if reversal is None else date.fromisoformat(reversal.date)
    head = (one.kind, one.subject, one.day, one.entity, one.currency, one.journal)
    return Adjustment(*head, one.lines, one.reason, reversed_on)


def _check_period(dates: PostingDates, one: Adjustment) -> None:
    closed = dates.periods.closed(one.entity, one.day)
    if closed is not None:
        raise BadInput(
            f"{one.kind} of {one.subject} on {one.day}: its figures changed, and the period is closed: {closed.words}. "
            "Open it (revrec periods open), or leave the figures as they were posted"
        )


def _add(
    connection: "Connection",
    context: "Context",
    run_id: int,
    company: str,
    one: Adjustment,
    lines: "tuple[AdjustingLine, ...]",
) -> list[int]:
    who, ours = context.who(), deployment(connection)
    sequence = adjustments.next_sequence(connection, one)
    entry = build_adjusting_entry(one, lines, sequence, ours, company)
    number = adjustments.add_adjusting_entry(connection, run_id, entry, who)
    if one.reversed_on is None:
        return [number]
    return [number, _add_reversal(connection, context, run_id, company, entry, one.reversed_on, number)]


def _add_reversal(
    connection: "Connection",
    context: "Context",
    run_id: int,
    company: str,
    entry: AdjustingEntry,
    day: date,
    number: int,
) -> int:
    """Store the reversal of the entry with this number, dated ``day``; return its number."""
    sequence = adjustments.next_sequence(connection, entry)
    reversal = reversal_of_adjusting(entry, day, sequence, deployment(connection), company)
    return adjustments.add_adjusting_entry(connection, run_id, reversal, context.who(), number)


def _give_up_rejected(connection: "Connection", context: "Context", kind: str, day: date) -> None:
    for rejected in adjustments.rejected_adjustments(connection, day):
        stored = adjustments.load_adjustment(connection, rejected.id)
        ours = (stored.adjusting.kind, stored.adjusting.day) == (kind, day) and not stored.adjusting.reverses
        if ours and is_absent(rejected):
            adjustments.release_adjustment(connection, rejected.id, context.who())


def has_adjustments_to_post(connection: "Connection", day: date) -> bool:
    """Check if a run has any adjusting entry to send or read back."""
    return bool(
        adjustments.numbers_in(connection, "READY", until=day, sendable=True)
        or adjustments.numbers_in(connection, "SENDING", "IN_DOUBT", AWAITING)
        or adjustments.rejected_adjustments(connection, day)
        or adjustments.unreversed_adjustments(connection)
    )


class AdjustmentRun:
    """The adjusting entries of one run. ``created``, ``processed`` and ``posted`` collect their numbers."""

    def __init__(
        self, context: "Context", day: date, run_id: int, company: str, is_retry_pass: bool, processed: set[int]
    ) -> None:
        self._context = context
        self._day = day
        self._run_id = run_id
        self._company = company
        self._is_retry_pass = is_retry_pass
        self.created: set[int] = set()
        self.posted: set[int] = set()
        self.processed = processed

    def post_all(self, gateway: Gateway, worker: Worker, retrier: Retrier, limit: InFlightLimit) -> None:
        """Post what is READY, and settle what is in doubt, awaits approval, or was rejected.

        Raises as :meth:`revrec.jobs.posting.poster.Poster.process`.
        """
        is_draft = self._context.settings.posting.state == "draft"
        poster = Poster(self._context, gateway, AdjustmentPostings(is_draft), worker)
        poster.posted = self.posted
        poster.doubt_abandoned()
        self._refresh_periods(poster, retrier)
        self._check_approvals(poster, retrier)
        self._look_up_unrecognized(poster, retrier)
        with self._context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
            self.created.update(self._renew(connection, poster.dates.periods))
        # An older copy of the database is recognized by this head. Sending before it is kept would lose that.
        keep_head(self._context)
        self._doubt_known_references(gateway, retrier)
        queue = PostingQueue(poster, retrier, limit, self.processed)
        self._process(queue, self._doubtful(), "reading back adjusting entries in doubt")
        # An entry that Intacct did not show when it was new may have appeared meanwhile; its reversal is sent after it.
        more = True
        while more:
            while numbers := self._ready(poster.dates.periods):
                self._process(queue, numbers, "posting adjusting entries")
            more = not is_draft and self._check_approvals(poster, retrier)

    def _refresh_periods(self, poster: Poster, retrier: Retrier) -> None:
        """Ask Intacct which periods are closed: an entry of a closed one waits, and is never dated with another day."""
        with self._context.database.read() as connection:
            unsent = adjustments.numbers_in(connection, "READY", "REJECTED", until=self._day)
            entities = {str(ADJUSTMENT_TABLES.head(connection, number).entity) for number in unsent}
        retrier.call(partial(refresh_closed_periods, self._context, poster.gateway, sorted(entities)))
        with self._context.database.read() as connection:
            poster.dates = PostingDates("fail", posting_dates(self._context, connection).periods)

    def _check_approvals(self, poster: Poster, retrier: Retrier) -> bool:
        """Check what awaits approval in Intacct; return True if anything no longer does."""
        with self._context.database.read() as connection:
            awaiting = adjustments.numbers_in(connection, AWAITING)
        changed: set[int] = retrier.call(partial(check_approvals, poster, awaiting))
        self.processed |= changed
        return bool(changed)

    def _look_up_unrecognized(self, poster: Poster, retrier: Retrier) -> None:
        """Look up entries rejected with an unrecognized error, before they are sent under another reference."""
        with self._context.database.read() as connection:
            unrecognized = [one.id for one in self._rejected(connection) if not is_absent(one)]
        for number in unrecognized:
            retrier.call(partial(poster.confirm_absent, number))

    def _rejected(self, connection: "Connection") -> "list[RejectedPosting]":
        """Return the rejected entries that this pass tries again."""
        every = adjustments.rejected_adjustments(connection, self._day)
        return [one for one in every if is_temporary(one) or not self._is_retry_pass]

    def _renew(self, connection: "Connection", periods: Periods) -> list[int]:
        """Give up the rejected entries and reversals, and store each again under a new reference.

        Under the old control id Intacct could take the new one for a repeat of the rejected one.
        """
        created: list[int] = []
        for rejected in self._rejected(connection):
            is_open = _is_open(periods, ADJUSTMENT_TABLES.head(connection, rejected.id))
            if is_open and is_absent(rejected) and rejected.id not in self.processed:
                created += self._store_again(connection, rejected.id)
        for number, day in adjustments.unreversed_adjustments(connection):
            entry = adjustments.load_adjustment(connection, number).adjusting
            created.append(_add_reversal(connection, self._context, self._run_id, self._company, entry, day, number))
        return created

    def _store_again(self, connection: "Connection", number: int) -> list[int]:
        """Give up a rejected entry; store it again, unless it is a reversal."""
        stored = adjustments.load_adjustment(connection, number)
        one = _adjustment_of(connection, stored)
        adjustments.release_adjustment(connection, number, self._context.who())
        if stored.adjusting.reverses:
            return []
        return _add(connection, self._context, self._run_id, self._company, one, one.lines)

    def _doubt_known_references(self, gateway: Gateway, retrier: Retrier) -> None:
        """Put each unsent entry in doubt whose reference Intacct already has.

        This database may be a copy that does not have its own earlier request on record.
        """
        with self._context.database.read() as connection:
            numbers = adjustments.numbers_in(connection, "READY", until=self._day)
            unsent = {ADJUSTMENT_TABLES.head(connection, number).reference: number for number in numbers}
        if not unsent:
            return
        for reference in {one.reference for one in retrier.call(partial(gateway.entries_referenced, list(unsent)))}:
            with suppress(LostClaim), self._context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
                who, reason = self._context.who(), "Intacct has an entry of this reference"
                ADJUSTMENT_TABLES.change_state(connection, unsent[reference], "READY", "IN_DOUBT", who, reason=reason)

    def _process(self, queue: PostingQueue, numbers: list[int], label: str) -> None:
        queue.process([number for number in numbers if number not in self.processed], label)

    def _ready(self, periods: Periods) -> list[int]:
        """Return what can be sent now: in open periods, and reversals only of entries that are posted."""
        with self._context.database.read() as connection:
            ready = adjustments.numbers_in(connection, "READY", until=self._day, sendable=True)
            heads = [ADJUSTMENT_TABLES.head(connection, number) for number in ready if number not in self.processed]
        return [head.id for head in heads if _is_open(periods, head)]

    def _doubtful(self) -> list[int]:
        with self._context.database.read() as connection:
            return ADJUSTMENT_TABLES.due_read_backs(connection, self._context.timestamp())


def _is_open(periods: Periods, head: "Row[Any]") -> bool:
    """Check if the period of an adjusting entry's date is open."""
    return periods.closed(head.entity, date.fromisoformat(head.date)) is None
