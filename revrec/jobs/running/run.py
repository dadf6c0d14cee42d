"""``revrec run``: put all that is due on journal entries and take them to Intacct, exactly once."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from revrec.core.closed_periods import ClosedPeriodBlock
from revrec.core.errors import RevrecError
from revrec.core.journal import DueLine, build_entries, set_redated_aside
from revrec.core.periods import PostingDates
from revrec.intacct.errors import ReadRefused
from revrec.intacct.gateway import ErrorClass
from revrec.jobs.gateway import company, open_gateway
from revrec.jobs.invoicing.invoicing import Invoicing, anything_to_invoice
from revrec.jobs.invoicing.poster import Invoices
from revrec.jobs.invoicing.settings import invoice_settings
from revrec.jobs.posting import recovery as look
from revrec.jobs.posting.canceled_entries import hold_lines
from revrec.jobs.posting.due import due_with_memos
from revrec.jobs.posting.journal_entries import Entries
from revrec.jobs.posting.ownership import Ownership
from revrec.jobs.posting.periods import dates, held_lines, learn_what_is_due
from revrec.jobs.posting.poster import PATIENCE, FailedForNow, Poster, Stopped, owner_name
from revrec.jobs.posting.rejections import give_back, not_understood, set_aside, to_give_back
from revrec.jobs.posting.repairs import Mender
from revrec.jobs.posting.retries import Patience
from revrec.jobs.posting.safe_settings import check_clock, check_company, check_quarantine, check_times
from revrec.jobs.running.result import RunResult, awaiting, shown, shown_held, shown_invoices, sum_up
from revrec.store.database.engine import deployment, discarded
from revrec.store.posting import entries, invoices, postings
from revrec.store.posting.due import due_lines
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.invoices import INVOICE_TABLES
from revrec.store.posting.posting_tables import LostClaim
from revrec.store.posting.workers import Worker, at_work

if TYPE_CHECKING:
    from revrec.intacct.gateway import Gateway
    from revrec.jobs.context import Context
    from revrec.jobs.gateway import Connect
    from revrec.store.connection import Connection


FREE = ("READY", "IN_DOUBT")
"""States of an entry that no worker has in hand."""
INVOICES, ENTRIES = "invoices", "entries"
PARTS = (INVOICES, ENTRIES)
"""What a run posts, in this order."""
PAGE = 100
"""Entries that are asked about together."""


def run(
    context: "Context",
    day: date,
    dry_run: bool = False,
    wait: timedelta = timedelta(0),
    connect: "Connect | None" = None,
    again: bool = False,
    parts: Sequence[str] = PARTS,
) -> RunResult:
    """Post every open schedule line dated on or before ``day``; also what earlier runs left unsettled until then.

    Before that, the documents that their sources want invoiced; ``parts`` names one of the two, to do it alone.
    An entry in doubt is settled whatever its date, for it may be in the ledger already.

    Dates come from the schedule and from ``day``, never from the clock. With ``dry_run`` the same entries are made
    and thrown away, and Intacct is not spoken to. ``connect`` opens another gateway than the one of the settings.
    ``again`` is a later pass of the same command: of what was refused, only what passes by itself is tried.

    Raises:
        Busy: on SQLite, another run holds the lock for longer than ``wait``; on PostgreSQL runs share the work.
        BadConfiguration: the gateway cannot be reached or the sign-in fails; nothing is marked as sent.
    """
    check_times(context)
    if dry_run:
        return _dry_run(context, day, parts)
    slots, lease = context.settings.posting.max_in_flight, context.settings.posting.lease
    times = (wait.total_seconds(), slots, lease.total_seconds())
    with at_work(context.database, owner_name(context), *times) as worker:
        return _run(context, day, connect or open_gateway, worker, again, parts)


def _dry_run(context: "Context", day: date, parts: Sequence[str] = PARTS) -> RunResult:
    result = RunResult(day, True)
    with discarded(context.database) as connection:
        result.run = entries.start_run(connection, day, context.who())
        if INVOICES in parts:
            made = Invoicing(context, result, "").make(connection)
            result.invoices = shown_invoices(connection, made)
            result.invoice_counts = {"posted": 0, "held": sum(one["status"] == "rejected" for one in result.invoices)}
        if ENTRIES in parts:
            _commit_intents(connection, context, result.run, day, "")
            planned = [{**one, "status": "planned"} for one in shown(connection, _ready(connection, day))]
            result.held, result.awaiting = held_lines(connection, context, day), awaiting(connection, day)
            held = shown_held(result.held, result.awaiting)
            result.entries = planned + held
            result.counts = {"posted": 0, "held": len(held)}
    result.run = None
    return result


def _run(
    context: "Context",
    day: date,
    connect: "Connect",
    worker: Worker,
    again: bool = False,
    parts: Sequence[str] = PARTS,
) -> RunResult:
    to = company(context)
    check_quarantine(context)
    with context.database.write(patience=PATIENCE) as connection:
        check_company(connection, to)
        run_id = entries.start_run(connection, day, context.who())
    mender = Mender(context)
    result = RunResult(day, False, run_id, runs=[run_id], repaired=mender.mended)
    try:
        _post_all(context, result, connect, worker, again, mender, parts)
        set_aside(context, ENTRY_TABLES, result.taken, postings.count_rejections)
        set_aside(context, INVOICE_TABLES, result.invoices_taken, invoices.count_rejections)
    except (RevrecError, KeyboardInterrupt) as error:
        said = error if isinstance(error, RevrecError) else "interrupted"
        with context.database.write(patience=PATIENCE) as connection:
            entries.finish_run(connection, run_id, context.who(), f"stopped: {said}")
        raise
    with context.database.write(patience=PATIENCE) as connection:
        sum_up(connection, context, result)
        words = ", ".join(_told(result))
        entries.finish_run(connection, run_id, context.who(), words)
    look.keep_head(context)
    return result


def _commit_intents(
    connection: "Connection",
    context: "Context",
    run_id: int,
    day: date,
    to: str,
    again: bool = False,
    mender: Mender | None = None,
) -> list[int]:
    """Release what was refused and put every due line on an entry: durable before any byte leaves."""
    mender = mender or Mender(context)
    give_back(connection, context, day, again, mender)
    return put_on_entries(connection, context, run_id, day, to, mender)


def put_on_entries(
    connection: "Connection", context: "Context", run_id: int, day: date, to: str, mender: Mender
) -> list[int]:
    """Put every open line that is due, and not held by the policy for closed periods, on an entry that is READY;
    returns the entries' numbers."""
    per_entry = context.settings.posting.lines_per_entry
    dated = dates(context, connection)
    due = ClosedPeriodBlock(dated).unblocked(mender.repaired(connection, day, due_with_memos(connection, day)))
    redated: list[DueLine] = []
    ours = deployment(connection)
    made = build_entries(set_redated_aside(due, redated), ours, to, per_entry, dated)
    later = build_entries(redated, ours, to, per_entry, PostingDates("next_open", dated.periods, "a repair"))
    return entries.add_entries(connection, run_id, chain(made, later), context.who())


def _told(result: RunResult) -> Iterator[str]:
    """Yield the outcome of a run in words, for its record; that it stopped for a person comes first."""
    if result.stopped is not None and result.stopped.error_class is ErrorClass.NEEDS_PERSON:
        yield f"stopped: {result.stopped.advice.splitlines()[0]}"
    yield from (f"{count} {state}" for state, count in result.counts.items())
    if result.invoices or any(result.invoice_counts.values()):
        yield from (f"invoices {state}: {count}" for state, count in result.invoice_counts.items())


def _post_all(
    context: "Context",
    result: RunResult,
    connect: "Connect",
    worker: Worker,
    again: bool,
    mender: Mender,
    parts: Sequence[str],
) -> None:
    """Post invoices, then entries, which may have waited for them."""
    with context.database.read() as connection:
        to_invoice = INVOICES in parts and anything_to_invoice(context, connection, result.date)
        to_enter = ENTRIES in parts and _anything_to_enter(connection, result.date, again)
    if not to_invoice and not to_enter:
        return
    patience = Patience(context, worker)
    with connect(context) as gateway:
        patience.with_retries(gateway.sign_in)
        check_clock(context, gateway)
        ownership = Ownership(context, gateway, worker, company(context))
        worker.confirm = ownership.confirm
        try:
            patience.with_retries(partial(ownership.begin, result.runs[0]))
            if to_invoice:
                look.beware(context, result.runs[0])
                _post_invoices(context, gateway, result, worker, patience, again)
            if ENTRIES in parts:
                _post_entries(context, gateway, result, worker, patience, again, mender)
        except Stopped as stop:
            result.stopped = stop.answer
        if worker.waits_for_others():
            for kind in (Entries(), Invoices(invoice_settings(context))):
                Poster(context, gateway, kind, worker).suspend_stale()


def _post_invoices(
    context: "Context", gateway: "Gateway", result: RunResult, worker: Worker, patience: Patience, again: bool
) -> None:
    """Post invoices. Where Intacct does not show what they need, that is told, and entries are posted all the same."""
    try:
        Invoicing(context, result, company(context), again).post_all(gateway, worker, patience)
    except ReadRefused as error:
        told = f"no more invoices are sent, for Intacct does not show what they need: {error}"
        result.stopped = look.stopped(told).answer


def _anything_to_enter(connection: "Connection", day: date, again: bool) -> bool:
    strange = [] if again else not_understood(connection, day)
    left = strange or to_give_back(connection, day, again) or _ready(connection, day)
    unclear = entries.numbers_in(connection, "SENDING", "IN_DOUBT")
    return bool(left or unclear) or next(due_lines(connection, day), None) is not None


def _ready(connection: "Connection", day: date) -> list[int]:
    return entries.numbers_in(connection, "READY", until=day)


def _post_entries(
    context: "Context",
    gateway: "Gateway",
    result: RunResult,
    worker: Worker,
    patience: Patience,
    again: bool,
    mender: Mender,
) -> None:
    """Look at the ledger, make entries, settle doubts, look for what was refused in unknown words, send what is READY.

    Workers that share the database share the entries: each takes one a turn. None leaves while another has one in
    hand, so that what a worker that was killed held is in doubt at the end.
    """
    now = context.timestamp()
    with context.database.read() as connection:
        if not _anything_to_enter(connection, result.date, again):
            return
        strange = [] if again else not_understood(connection, result.date)
    poster = Poster(context, gateway, Entries(), worker)
    _look_and_make(context, gateway, patience, result, again, mender)
    with context.database.read() as connection:
        poster.dates = dates(context, connection)
    poster.suspend_stale()
    _take_all(
        poster,
        patience,
        result,
        mender,
        lambda one: ENTRY_TABLES.due_read_backs(one, now),
        "reading back entries in doubt",
    )
    for number in context.progress.track(strange, "looking for refused entries"):
        result.taken.add(number)
        if patience.with_retries(partial(poster.look_for, number)):
            _put_on_anew(context, result, number, mender)
    more = True
    while more:
        _take_all(poster, patience, result, mender, lambda one: _ready(one, result.date), "posting entries")
        more = _date_again(context, result, poster, mender)
    _look_for_refused(poster, patience, result, strange)


def _look_and_make(
    context: "Context", gateway: "Gateway", patience: Patience, result: RunResult, again: bool, mender: Mender
) -> None:
    """Account for what the ledger has that these books do not know, then make the entries of what is due."""
    run_id, to = result.runs[0], company(context)
    seen = patience.with_retries(partial(look.look, context, gateway, run_id))
    result.made.update(patience.with_retries(partial(look.recover, context, gateway, run_id, seen, to)))
    patience.with_retries(partial(learn_what_is_due, context, gateway, result.date))
    with context.database.write(patience=PATIENCE) as connection:
        result.made.update(hold_lines(context, connection, run_id, seen.canceled, to))
        result.made.update(_commit_intents(connection, context, run_id, result.date, to, again, mender))
        look.account_for(connection, context, seen)
    # From here on an older copy of the database is known by it; so nothing is sent before.
    look.keep_head(context)


def _take_all(
    poster: Poster,
    patience: Patience,
    result: RunResult,
    mender: Mender,
    waiting: "Callable[[Connection], list[int]]",
    what: str,
) -> None:
    """Take the entries that wait and that this run has not taken, until there are no others."""
    context = poster.context
    while True:
        with context.database.read() as connection:
            numbers = [number for number in waiting(connection) if number not in result.taken]
        if not numbers:
            return
        for _turn in context.progress.track(list(numbers), what):
            if numbers:
                _take_next(poster, patience, result, mender, numbers)


def _take_next(poster: Poster, patience: Patience, result: RunResult, mender: Mender, numbers: list[int]) -> None:
    """Take the first entry that no other worker has as far as it goes; one that fails for now is left for later.

    It is chosen when the turn has come, and taken off ``numbers`` with those before it, which others have.
    """
    chosen: list[int] = []

    def take() -> str:
        chosen.extend([] if chosen else _first_free(poster.context, numbers))
        result.taken.update(chosen)
        return poster.take(chosen[0]) if chosen else ""

    with suppress(FailedForNow):
        if patience.with_retries(take) == "REJECTED":
            _repair(poster, patience, result, chosen[0], mender)


def _first_free(context: "Context", numbers: list[int]) -> list[int]:
    with context.database.read() as connection:
        while numbers:
            page = numbers[:PAGE]
            free = ENTRY_TABLES.in_states(connection, page, FREE)
            found = [number for number in page if number in free][:1]
            del numbers[: page.index(found[0]) + 1 if found else len(page)]
            if found:
                return found
    return []


def _repair(poster: Poster, patience: Patience, result: RunResult, number: int, mender: Mender) -> None:
    """Put the lines of a refused entry on new ones with repaired values, if a repair is for it."""
    assert result.run is not None
    context = poster.context
    with context.database.read() as connection:
        refused = next(iter(postings.rejected_entries(connection, result.date, number)), None)
    if refused is None or not mender.may_mend(refused):
        return
    patience.with_retries(partial(mender.learn, poster.gateway, refused))
    with suppress(LostClaim), context.database.write(patience=PATIENCE) as connection:
        if mender.mend(connection, refused):
            made = put_on_entries(connection, context, result.run, result.date, company(context), mender)
            result.made.update(made)


def _date_again(context: "Context", result: RunResult, poster: Poster, mender: Mender) -> bool:
    """Make new entries for the lines of those whose period turned out to be closed; whether the policy made any.

    It ends, for every turn learns of one closed month at least.
    """
    misdated, poster.misdated = poster.misdated, []
    if not misdated or poster.dates.policy == "fail":
        return False
    with context.database.write(patience=PATIENCE) as connection:
        for number in misdated:
            # Another worker may have released it already.
            with suppress(LostClaim):
                postings.release_schedule_lines(connection, number, context.who())
        made = put_on_entries(connection, context, result.runs[0], result.date, company(context), mender)
    result.made.update(made)
    return bool(made)


def _look_for_refused(poster: Poster, patience: Patience, result: RunResult, before: list[int]) -> None:
    """Look for what was refused in unknown words now, so that an entry that is there comes before a person, and the
    lines of one that is not can be planned anew."""
    with poster.context.database.read() as connection:
        strange = set(not_understood(connection, result.date)) - set(before)
    for number in sorted(strange & result.taken):
        patience.with_retries(partial(poster.look_for, number))


def _put_on_anew(context: "Context", result: RunResult, number: int, mender: Mender) -> None:
    """Give the lines of a refused entry back and put them on new ones, unless another worker was faster."""
    assert result.run is not None
    with suppress(LostClaim), context.database.write(patience=PATIENCE) as connection:
        postings.release_schedule_lines(connection, number, context.who())
        made = put_on_entries(connection, context, result.run, result.date, company(context), mender)
        result.made.update(made)
