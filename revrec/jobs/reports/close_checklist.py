"""The checklist of a month-end: what must be done before a month is closed, each item with its evidence."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.filters import Filters
from revrec.core.periods import COMPANY, Periods
from revrec.core.posting import outcome_in_words, state_in_words
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.exchange import exchange
from revrec.jobs.reports.presentation import is_configured, presentation_not_posted
from revrec.jobs.reports.status import BooksStatus, status
from revrec.jobs.reports.undated import totals_in_words
from revrec.store import audit, periods
from revrec.store.posting.posted import RECONCILED
from revrec.store.reports import control_totals
from revrec.store.reports.lists import import_rows

if TYPE_CHECKING:
    from revrec.core.report import Report
    from revrec.jobs.admin.verify import VerifyResult
    from revrec.jobs.context import Context

DONE, OPEN = "done", "open"
MOST = 5
"""The most charge lines or entries that an item names."""


class ChecklistItem(NamedTuple):
    """An item of the checklist: what, its state (done or open), the evidence, and the command that goes on."""

    item: str
    state: str
    evidence: str
    command: str


def close_checklist(
    context: "Context", month: DateSpan, tied_out: "Report", verified: "VerifyResult"
) -> list[ChecklistItem]:
    """Return the checklist of a month; ``tied_out`` is the tie-out of its last day, ``verified`` the books as they are.

    ``verified`` wrote an anchor, with which a later verification proves that nothing was changed since.
    """
    found = status(context, month.last)
    day = month.last.isoformat()
    return [
        _imports(context, found),
        _schedules(found),
        _run(found, day),
        _settled(found, day),
        *_exchange(context, month.last),
        *_presented(context, month.last),
        _reconciled(context, month.last),
        _signed(context, tied_out, day),
        _verified(verified),
        _closed(context, month.last),
    ]


def _item(name: str, done: bool, evidence: str, command: str) -> ChecklistItem:
    return ChecklistItem(name, DONE if done else OPEN, evidence, "" if done else command)


def _imports(context: "Context", found: BooksStatus) -> ChecklistItem:
    with context.database.read() as connection:
        files = sum(1 for _row in import_rows(connection, Filters()))
    failed = [str(one) for one in found.failed_sources]
    counts = [
        f"files imported: {files:,}",
        f"rows in quarantine: {found.quarantined:,}",
        f"documents not imported: {len(found.documents):,}",
    ]
    evidence = "; ".join([*counts, *failed])
    complete = not (found.quarantined or found.documents or failed)
    return _item("Imports are complete", complete, evidence, "revrec quarantine list; revrec fetch list")


def _schedules(found: BooksStatus) -> ChecklistItem:
    evidence = "; ".join(totals_in_words(found.undated)) or "every charge line is scheduled, and nothing waits"
    return _item("Every charge line is scheduled or explained", not found.missing, evidence, "revrec report exceptions")


def _run(found: BooksStatus, day: str) -> ChecklistItem:
    late = "; ".join(f"schedule lines due: {one.lines:,}, {Decimal(one.amount):,} {one.currency}" for one in found.open)
    last = found.last_run
    ran = (
        f"run {last.run} for {last.date}: {outcome_in_words(last.outcome or 'not finished')}" if last else "no run yet"
    )
    evidence = f"{ran}; {late or f'nothing is due until {day} that is not on an entry'}"
    return _item("The run is done", bool(last and last.date >= day and not late), evidence, f"revrec run --date {day}")


def _settled(found: BooksStatus, day: str) -> ChecklistItem:
    # A reversal of the next month may have to wait until that month is open.
    left = [one for one in found.attention if one.date <= day or not one.kind.endswith(" reversal")]
    evidence = _first(f"{one.reference}: {state_in_words(one.state)}" for one in left) or "every entry is posted"
    return _item("Every entry is posted", not left, evidence, "revrec postings list")


def _first(found: Iterable[str], separator: str = "; ") -> str:
    """Return the first of what is found in words, and how many more there are; empty for none."""
    every = list(found)
    more = f"; {len(every) - MOST:,} more" if len(every) > MOST else ""
    return separator.join(every[:MOST]) + more


def _exchange(context: "Context", last: date) -> Iterator[ChecklistItem]:
    """Yield the item of exchange differences; nothing unless their posting is configured."""
    settings = context.settings
    if not settings.exchange.gain_or_loss_account or settings.gateway.rates is None:
        return
    rows = exchange(context, last, "charge").rows
    left = [row for row in rows if Decimal(row["not_posted"])]
    evidence = _first(f"{row['charge']}: {row['not_posted']} {row['currency']} not posted" for row in left)
    done = f"charge lines with a difference: {len(rows):,}, all posted"
    command = f"revrec report exchange --date {last} --post"
    yield _item("The exchange differences are posted", not left, evidence or done, command)


def _presented(context: "Context", last: date) -> Iterator[ChecklistItem]:
    """Yield the item of presentation entries; nothing unless they are configured."""
    if is_configured(context):
        left = [" ".join(filter(None, key)) for key in presentation_not_posted(context, last)]
        evidence = f"not posted: {_first(left, ', ')}" if left else "every presentation entry is posted"
        command = f"revrec report balance --date {last} --post"
        yield _item("The balances are presented", not left, evidence, command)


def _reconciled(context: "Context", last: date) -> ChecklistItem:
    with context.database.read() as connection:
        event = audit.last_event(connection, RECONCILED)
    command = f"revrec reconcile --date {last}"
    if event is None or event.detail["to"] < last.isoformat():
        return _item("The ledger is reconciled", False, "not reconciled until the last day", command)
    compared = f"entries compared: {event.detail['entries']:,}, until {event.detail['to']}"
    evidence = f"{compared}, audit event {event.seq}, {event.at[:19]} UTC"
    return _item("The ledger is reconciled", bool(event.detail["ties"]), evidence, command)


def _signed(context: "Context", tied_out: "Report", day: str) -> ChecklistItem:
    name, command = "The tie-out is signed", f'revrec report tie-out --date {day} --sign "TEXT"'
    if not tied_out.ties_out:
        failing = f"checks that fail: {len(tied_out.differences):,}"
        return _item(name, False, failing, f"revrec report tie-out --date {day}")
    with context.database.read() as connection:
        signed = control_totals.signatures(connection, day)
    current = [one for one in signed if one.sha256 == tied_out.header["figures_sha256"]]
    if not current:
        return _item(name, False, "the figures have changed since" if signed else "not signed", command)
    return _item(name, True, "; ".join(f"{one.by}, {one.at[:19]} UTC: {one.text}" for one in current), command)


def _verified(found: "VerifyResult") -> ChecklistItem:
    if found.sound:
        evidence = f"{found.rows:,} rows and {found.events:,} audit events are sound; anchor: {found.head}"
    else:
        evidence = f"findings: {found.count:,}, the first: {found.findings[0].problem}"
    return _item("The books are verified", found.sound, evidence, "revrec verify")


def _closed(context: "Context", last: date) -> ChecklistItem:
    with context.database.read() as connection:
        fact = Periods(periods.facts(connection)).closed(COMPANY, last)
    evidence = fact.words if fact else "open: entries can still be dated in it"
    return _item("The period is closed", fact is not None, evidence, f"revrec periods close {last:%Y-%m} --reason TEXT")


def in_words(items: list[ChecklistItem]) -> Iterator[str]:
    """Yield each item as a line of text."""
    for one in items:
        yield f"[{'x' if one.state == DONE else ' '}] {one.item}: {one.evidence}"
