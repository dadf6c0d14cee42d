"""``revrec status``: report what waits, failed, needs review or is in doubt, and what to do about it."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.money import decimal_string
from revrec.core.periods import PeriodFact, Periods
from revrec.jobs.reports.documents import FailedSource, OpenDocument, failed_sources, open_documents
from revrec.jobs.reports.undated import (
    MissingRevenue,
    UndatedAmount,
    UndatedTotal,
    first_day_in_time,
    missing_revenue,
    undated_amounts,
    undated_totals,
    unscheduled_count,
)
from revrec.jobs.rules.files import RuleChanges, rule_changes
from revrec.store.database.sums import joined_sum
from revrec.store.reports import figures
from revrec.store.reports.undated import UNSCHEDULED, WAITING, undated_groups

if TYPE_CHECKING:
    from revrec.jobs.context import Context

FAR = "9999-12-31"


class OpenLines(NamedTuple):
    """The open schedule lines in one currency: their number, total (a decimal string), and first and last date."""

    currency: str
    lines: int
    amount: str
    first: str
    last: str


class LinesAwaitingInvoice(NamedTuple):
    """The open schedule lines in one currency that wait for the invoice of their document.

    ``amount`` is a decimal string.
    """

    currency: str
    lines: int
    amount: str


class QuarantinedAmount(NamedTuple):
    """The rows set aside in one currency whose amount can be read; ``amount`` is a decimal string."""

    currency: str
    rows: int
    amount: str


class UnsettledPosting(NamedTuple):
    """A journal entry (``kind`` is entry), invoice or adjusting entry that is not settled, with what to do about it.

    ``document`` is empty for an entry. ``amount`` is a decimal string; ``state`` is in lower case. ``not_before`` is
    the time in UTC before which it is not sent again.
    """

    kind: str
    document: str
    reference: str
    date: str
    state: str
    amount: str
    currency: str
    error_no: str | None
    error: str | None
    advice: str | None
    not_before: str | None


class LinesInClosedPeriod(NamedTuple):
    """The open schedule lines of an entity in a closed month, in one currency; ``amount`` is a decimal string.

    ``policy`` is the setting ``closed_period``, and ``reason`` how revrec knows that the period is closed.
    """

    entity: str
    period: str
    currency: str
    lines: int
    amount: str
    policy: str
    reason: str


class LastRun(NamedTuple):
    """The last posting run and its posting date; times are ISO 8601 in UTC, None with ``outcome`` until it ends."""

    run: int
    date: str
    started_at: str
    finished_at: str | None
    actor: str
    outcome: str | None


class BooksStatus(NamedTuple):
    """The figures of ``revrec status``.

    ``charges``, ``unscheduled`` and ``quarantined`` count charge lines, those without a schedule, and rows set aside.
    ``quarantined_amounts`` are the amounts of those rows, as far as they can be read. ``next_date`` is the date of the
    first open schedule line. ``entries``, ``invoices`` and ``adjustments`` (adjusting entries; ``later`` are not due)
    count postings by state, in lower case; ``attention`` has
    those that are not settled, in order of date. ``missing`` is the revenue that no event or run will recognize unless
    a person acts. ``rule_changes`` are the rule files that are newer than the schedules.
    ``documents`` are the documents that were not imported, ``failed_sources`` the sources whose last fetch failed.
    """

    charges: int
    unscheduled: int
    quarantined: int
    quarantined_amounts: tuple[QuarantinedAmount, ...]
    open: tuple[OpenLines, ...]
    waiting: tuple[UndatedAmount, ...]
    next_date: str | None
    entries: dict[str, int]
    invoices: dict[str, int]
    adjustments: dict[str, int]
    awaiting_invoice: tuple[LinesAwaitingInvoice, ...]
    unscheduled_reasons: tuple[UndatedAmount, ...]
    undated: tuple[UndatedTotal, ...]
    missing: tuple[MissingRevenue, ...]
    attention: tuple[UnsettledPosting, ...]
    closed_periods: tuple[LinesInClosedPeriod, ...]
    last_run: LastRun | None
    rule_changes: RuleChanges | None
    documents: tuple[OpenDocument, ...]
    failed_sources: tuple[FailedSource, ...]


def status(context: "Context", until: date | None = None) -> BooksStatus:
    """Return counts of all records, open schedule lines by currency, lines in closed periods, and unsettled postings.

    Open lines, and lines that wait for an invoice, are those dated up to ``until``. An age counts up to that day, or
    up to today.
    """
    last = until.isoformat() if until else FAR
    today = context.now().date()
    with figures.quick_view(context.database_url) as view:
        run = view.execute(figures.LAST_RUN).fetchone()
        undated = undated_groups(view, first_day_in_time(context, until or today))
        return BooksStatus(
            charges=_count(view, "charges"),
            unscheduled=unscheduled_count(undated),
            quarantined=_count(view, "quarantined"),
            quarantined_amounts=tuple(
                QuarantinedAmount(currency, rows, _sum(billions, rest, currency))
                for currency, rows, billions, rest in view.execute(figures.QUARANTINED)
            ),
            open=tuple(_open_lines(view, last)),
            waiting=undated_amounts(undated, WAITING),
            next_date=view.execute(figures.NEXT_DATE).fetchone()[0],
            entries={str(state).lower(): count for state, count in view.execute(figures.STATES)},
            invoices={str(state).lower(): count for state, count in view.execute(figures.INVOICE_STATES)},
            adjustments={
                str(state).lower(): count
                for state, count in view.execute(figures.ADJUSTMENT_STATES, {"until": (until or today).isoformat()})
            },
            awaiting_invoice=tuple(_awaiting_invoice(view, last)),
            unscheduled_reasons=undated_amounts(undated, UNSCHEDULED),
            undated=undated_totals(undated),
            missing=missing_revenue(undated),
            attention=tuple(_unsettled_postings(view)),
            closed_periods=tuple(_in_closed_periods(context, view)),
            last_run=LastRun(*run) if run else None,
            rule_changes=rule_changes(context, view),
            documents=tuple(open_documents(view)),
            failed_sources=tuple(failed_sources(context, view)),
        )


def _count(view: figures.ViewCursor, name: str) -> int:
    return int(view.execute(figures.COUNTS[name]).fetchone()[0])


def _open_lines(view: figures.ViewCursor, until: str) -> Iterator[OpenLines]:
    for currency, lines, billions, rest, first, last in view.execute(figures.OPEN_LINES, {"until": until}):
        yield OpenLines(currency, lines, _sum(billions, rest, currency), first, last)


def _awaiting_invoice(view: figures.ViewCursor, until: str) -> Iterator[LinesAwaitingInvoice]:
    """Yield the open lines that wait for an invoice, by currency; nothing is read if no rule waits for one."""
    if view.execute(figures.ANY_RULE_WAITS_FOR_INVOICE).fetchone():
        for currency, lines, billions, rest in view.execute(figures.AWAITING, {"until": until}):
            yield LinesAwaitingInvoice(currency, lines, _sum(billions, rest, currency))


def _unsettled_postings(view: figures.ViewCursor) -> Iterator[UnsettledPosting]:
    for *row, _id in view.execute(figures.ATTENTION):
        found = UnsettledPosting(*row)
        amount = decimal_string(int(found.amount), found.currency)
        yield found._replace(state=found.state.lower(), amount=amount)


def _in_closed_periods(context: "Context", view: figures.ViewCursor) -> list[LinesInClosedPeriod]:
    """Return open lines in closed periods, by entity, month and currency, each with the policy that applies."""
    facts = [
        PeriodFact(entity, kind, date.fromisoformat(day), *rest)
        for entity, kind, day, *rest in view.execute(figures.PERIOD_FACTS)
    ]
    if not facts:
        return []
    known, policy = Periods(facts), context.settings.posting.closed_period
    last = max(fact.day for fact in facts) + timedelta(days=31)
    reasons: dict[tuple[str, str, str], str] = {}
    lines: Counter[tuple[str, str, str]] = Counter()
    amounts: Counter[tuple[str, str, str]] = Counter()
    for entity, text, currency, count, billions, rest in view.execute(figures.LINES_UNTIL, {"until": last.isoformat()}):
        fact = known.closed(entity, date.fromisoformat(text))
        if fact:
            group = entity, text[:7], currency
            reasons.setdefault(group, fact.words)
            lines[group] += count
            amounts[group] += joined_sum(billions, rest)
    return [
        LinesInClosedPeriod(*group, lines[group], decimal_string(amounts[group], group[2]), policy, reason)
        for group, reason in reasons.items()
    ]


def _sum(billions: int, rest: int, currency: str) -> str:
    """Return a sum as a decimal string. It is read in two parts, because SQLite's sum() overflows 64 bits."""
    return decimal_string(joined_sum(billions, rest), currency)
