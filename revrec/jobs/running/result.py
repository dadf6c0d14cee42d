"""The result of a run: its entries and invoices, lines that are on no entry, and counts of what is left to settle."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Any, TypedDict

from revrec.core.money import decimal_string
from revrec.intacct.gateway import ErrorClass
from revrec.jobs.posting.intents import LinesOnNoEntry, awaiting_invoice, blocked_lines
from revrec.jobs.reports.undated import (
    MissingRevenue,
    UndatedTotal,
    first_day_in_time,
    missing_revenue,
    undated_totals,
)
from revrec.jobs.rules.files import RuleChanges, rule_changes
from revrec.jobs.scheduling.scheduler import ScheduleChange
from revrec.store.posting import adjustments, entries, invoices
from revrec.store.posting.adjustments import ADJUSTMENT_TABLES, StoredAdjustment
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.invoices import INVOICE_TABLES
from revrec.store.posting.named_records import InvoicedRecords, NamedRecord, named_records, records_of_invoices
from revrec.store.reports.figures import SqlAlchemyView
from revrec.store.reports.undated import undated_groups

if TYPE_CHECKING:
    from revrec.intacct.gateway import PostingAnswer
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection, Row
    from revrec.store.posting.shared_runs import SharedRuns

SAVED = ("posted", "awaiting_approval")
"""The counts of entries that Intacct has."""
LATER = "later"
"""The count of reversals that are not sent and whose date has not come; a run is complete without them."""


class EntryView(TypedDict):
    """A journal entry as a run reports it. ``amount`` is a decimal text, ``status`` the posting state in lower case.

    Lines that are on no entry are reported as the entry that they would be on, with an empty ``reference``. ``lines``
    counts the lines that Intacct gets, ``schedule_lines`` the schedule lines on the entry.
    """

    reference: str
    date: str
    journal: str
    entity: str
    currency: str
    lines: int
    schedule_lines: int
    amount: str
    status: str
    record_no: str | None
    error_no: str | None
    error: str | None
    advice: str | None
    recognized: str
    reason: str


class InvoiceView(TypedDict):
    """An invoice or order as a run reports it."""

    reference: str
    kind: str
    number: str
    date: str
    customer: str
    currency: str
    lines: int
    term: str
    source: str
    document: str
    amount: str
    status: str
    record_no: str | None
    error_no: str | None
    error: str | None
    advice: str | None


class AdjustmentView(TypedDict):
    """An adjusting entry as a run reports it. ``amount`` is a decimal text, ``status`` the posting state.

    ``day`` is the day that it adjusts. ``reverses`` is the reference of the entry that it reverses, otherwise empty.
    """

    reference: str
    kind: str
    subject: str
    day: str
    date: str
    journal: str
    entity: str
    currency: str
    lines: int
    amount: str
    reverses: str
    reason: str
    status: str
    record_no: str | None
    error_no: str | None
    error: str | None
    advice: str | None


@dataclass
class RunResult:
    """The result of a run: every entry that it changed, and what is not settled in the database afterwards."""

    date: date
    dry_run: bool
    run: int | None = None
    entries: list[EntryView] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    stopped: "PostingAnswer | None" = None
    """The answer that ended the run early, if one did."""
    created: set[int] = field(default_factory=set)
    """The entries that it put lines on."""
    processed: set[int] = field(default_factory=set)
    """The entries that it sent or looked up. On PostgreSQL another run may process those that this one created."""
    posted: set[int] = field(default_factory=set)
    """The entries that it posted itself, or found posted."""
    shared: "SharedRuns | None" = None
    """The entries that this run and others posted together at the same time, if this run ended last."""
    repaired: Counter[str] = field(default_factory=Counter)
    """The number of entries that each repair was used on, by the name of the repair."""
    runs: list[int] = field(default_factory=list)
    """The numbers of all passes of one command."""
    interrupted: bool = False
    """Ctrl-C ended it during a pause."""
    blocked: LinesOnNoEntry = field(default_factory=dict)
    """Due lines that are on no entry because their period is closed."""
    awaiting_invoice: LinesOnNoEntry = field(default_factory=dict)
    """Due lines that are on no entry because their document is not invoiced."""
    invoices: list[InvoiceView] = field(default_factory=list)
    invoice_counts: dict[str, int] = field(default_factory=dict)
    undated: tuple[UndatedTotal, ...] = ()
    """The amounts without a recognition date."""
    missing: tuple[MissingRevenue, ...] = ()
    """The part of them that a person must act on."""
    rule_changes: RuleChanges | None = None
    """The rule files that are newer than the schedules."""
    picked_up: list[ScheduleChange] = field(default_factory=list)
    """The new schedules of charge lines that had none, by rules that changed."""
    named: dict[NamedRecord, int] = field(default_factory=dict)
    """The records that the entries of a dry run name, each with the number of entries."""
    invoiced_records: InvoicedRecords = field(default_factory=dict)
    """The records that the invoices of a dry run name, each with its charge lines."""
    invoices_created: set[int] = field(default_factory=set)
    invoices_processed: set[int] = field(default_factory=set)
    invoices_posted: set[int] = field(default_factory=set)
    adjustments: list[AdjustmentView] = field(default_factory=list)
    adjustment_counts: dict[str, int] = field(default_factory=dict)
    adjustments_created: set[int] = field(default_factory=set)
    adjustments_processed: set[int] = field(default_factory=set)
    adjustments_posted: set[int] = field(default_factory=set)

    @property
    def complete(self) -> bool:
        """Check that nothing is left to settle here. A dry run leaves nothing behind.

        What awaits approval is settled in Intacct.
        """
        left = [*self.counts.items(), *self.invoice_counts.items(), *self.adjustment_counts.items()]
        return self.dry_run or not any(count for state, count in left if state not in (*SAVED, LATER))

    @property
    def needs_person(self) -> bool:
        """Check if the run stopped for something that only a person can settle."""
        return self.stopped is not None and self.stopped.error_class is ErrorClass.NEEDS_PERSON

    def add_earlier(self, earlier: "RunResult") -> None:
        """Add what an earlier pass of the same command touched."""
        self.created |= earlier.created
        self.picked_up = [*earlier.picked_up, *self.picked_up]
        self.processed |= earlier.processed
        self.invoices_created |= earlier.invoices_created
        self.invoices_processed |= earlier.invoices_processed
        self.posted |= earlier.posted
        self.invoices_posted |= earlier.invoices_posted
        self.adjustments_created |= earlier.adjustments_created
        self.adjustments_processed |= earlier.adjustments_processed
        self.adjustments_posted |= earlier.adjustments_posted
        self.shared = self.shared or earlier.shared
        self.repaired += earlier.repaired
        self.runs = [*earlier.runs, *self.runs]


def plan_counts(
    connection: "Connection", context: "Context", result: RunResult, invoiced: Sequence[int], with_entries: bool
) -> None:
    """Fill the result of a dry run with the entries and invoices that it built."""
    result.invoices = invoice_views(connection, sorted({*invoiced} | _outstanding(connection)))
    result.invoiced_records = records_of_invoices(connection, invoiced, context.settings.gateway.omit)
    result.invoice_counts = {"posted": 0, "held": sum(one["status"] in ("rejected", "held") for one in result.invoices)}
    if not with_entries:
        return
    _collect_plan(connection, context, result)
    numbers = entries.numbers_in(connection, "READY", until=result.date)
    result.named = named_records(connection, result.date.isoformat())
    planned: list[EntryView] = [{**one, "status": "planned"} for one in entry_views(connection, numbers)]
    _collect_lines_on_no_entry(connection, context, result)
    on_no_entry = views_of_lines(result.blocked, result.awaiting_invoice)
    result.entries = planned + on_no_entry
    result.counts = {"posted": 0, "held": len(on_no_entry)}


def refresh_counts(connection: "Connection", context: "Context", result: RunResult) -> None:
    """Fill the result with the present states of what it touched, and count what any run left unsettled.

    What another run posted is that run's to report, even if this one created it.
    """
    _refresh_invoice_counts(connection, result)
    _refresh_adjustment_counts(connection, result)
    _collect_plan(connection, context, result)
    heads = {number: ENTRY_TABLES.head(connection, number) for number in sorted(result.created | result.processed)}
    _collect_lines_on_no_entry(connection, context, result)
    live = _to_report(heads, result.posted)
    on_no_entry = views_of_lines(result.blocked, result.awaiting_invoice)
    result.entries = sorted(entry_views(connection, live), key=_order) + on_no_entry
    states = ("AWAITING_APPROVAL", "REJECTED", "IN_DOUBT", "HELD")
    left = {state: len(entries.numbers_in(connection, state)) for state in states}
    result.counts = {
        "posted": len(result.posted),
        **({"awaiting_approval": left["AWAITING_APPROVAL"]} if left["AWAITING_APPROVAL"] else {}),
        "failed": left["REJECTED"],
        "in_doubt": left["IN_DOUBT"],
        "held": left["HELD"] + len(on_no_entry),
        "waiting": len(entries.numbers_in(connection, "READY", "SENDING")),
    }


def _collect_lines_on_no_entry(connection: "Connection", context: "Context", result: RunResult) -> None:
    result.blocked = blocked_lines(connection, context, result.date)
    result.awaiting_invoice = awaiting_invoice(connection, result.date)


def _collect_plan(connection: "Connection", context: "Context", result: RunResult) -> None:
    groups = undated_groups(SqlAlchemyView(connection), first_day_in_time(context, result.date))
    result.rule_changes = rule_changes(context, SqlAlchemyView(connection))
    result.undated, result.missing = undated_totals(groups), missing_revenue(groups)


def _refresh_invoice_counts(connection: "Connection", result: RunResult) -> None:
    touched = sorted(result.invoices_created | result.invoices_processed | _outstanding(connection))
    heads = {number: INVOICE_TABLES.head(connection, number) for number in touched}
    result.invoices = invoice_views(connection, _to_report(heads, result.invoices_posted))
    left = {state: len(invoices.numbers_in(connection, state)) for state in ("REJECTED", "IN_DOUBT", "HELD")}
    result.invoice_counts = {
        "posted": len(result.invoices_posted),
        "failed": left["REJECTED"],
        "in_doubt": left["IN_DOUBT"],
        "held": left["HELD"],
        "waiting": len(invoices.numbers_in(connection, "READY", "SENDING"))
        + len(invoices.orders_to_convert(connection)),
    }


def _refresh_adjustment_counts(connection: "Connection", result: RunResult) -> None:
    left = {state: adjustments.numbers_in(connection, state) for state in ("AWAITING_APPROVAL", "IN_DOUBT", "HELD")}
    touched = result.adjustments_created | result.adjustments_processed | {*left["HELD"]}
    heads = {number: ADJUSTMENT_TABLES.head(connection, number) for number in sorted(touched)}
    result.adjustments = adjustment_views(connection, _to_report(heads, result.adjustments_posted))
    result.adjustment_counts = {
        "posted": len(result.adjustments_posted),
        "awaiting_approval": len(left["AWAITING_APPROVAL"]),
        "failed": len(adjustments.due_numbers(connection, result.date, "REJECTED")),
        "in_doubt": len(left["IN_DOUBT"]),
        "held": len(left["HELD"]),
        "waiting": len(adjustments.due_numbers(connection, result.date, "READY", "SENDING")),
        LATER: len(adjustments.later_numbers(connection, result.date)),
    }


def adjustment_views(connection: "Connection", numbers: Sequence[int]) -> list[AdjustmentView]:
    """Return adjusting entries as a run reports them."""
    return [_adjustment_view(adjustments.load_adjustment(connection, number)) for number in numbers]


def _adjustment_view(stored: StoredAdjustment) -> AdjustmentView:
    one = stored.adjusting
    return {
        "reference": one.reference,
        "kind": one.kind,
        "subject": one.subject,
        "day": one.day.isoformat(),
        "date": one.date.isoformat(),
        "journal": one.journal,
        "entity": one.entity,
        "currency": one.currency,
        "lines": len(one.lines),
        "amount": decimal_string(one.amount, one.currency),
        "reverses": one.reverses,
        "reason": one.reason,
        "status": stored.state.lower(),
        "record_no": stored.record_no,
        "error_no": stored.error_no,
        "error": stored.error,
        "advice": stored.advice,
    }


def _outstanding(connection: "Connection") -> set[int]:
    """Return the invoices and credit memos that a person has to settle, whichever run created them."""
    return set(invoices.numbers_in(connection, "REJECTED", "HELD"))


def _to_report(heads: "Mapping[int, Row[Any]]", posted: Collection[int]) -> list[int]:
    """Return the postings that a run reports: those that it ``posted``, and those that are not posted."""
    return [number for number, head in heads.items() if head.state not in ("REPLACED", "POSTED") or number in posted]


def invoice_views(connection: "Connection", numbers: Sequence[int]) -> list[InvoiceView]:
    """Return invoices as a run reports them."""
    return [_invoice_view(INVOICE_TABLES.head(connection, number)) for number in numbers]


def _invoice_view(head: "Row[Any]") -> InvoiceView:
    return {
        "reference": head.reference,
        "kind": head.kind,
        "number": head.number,
        "date": head.date,
        "customer": head.customer,
        "currency": head.currency,
        "lines": head.lines,
        "term": head.term,
        "source": head.source,
        "document": head.document,
        "amount": decimal_string(head.amount, head.currency),
        "status": head.state.lower(),
        "record_no": head.record_no,
        "error_no": head.error_no,
        "error": head.error,
        "advice": head.advice,
    }


def _order(entry: EntryView) -> tuple[str, str, str]:
    return entry["date"], entry["recognized"], entry["reference"]


def entry_views(connection: "Connection", numbers: Sequence[int]) -> list[EntryView]:
    """Return entries as a run reports them."""
    moved = entries.date_overrides(connection, numbers)
    counts = entries.count_summarized(connection, numbers)
    heads = (ENTRY_TABLES.head(connection, number) for number in numbers)
    return [_entry_view(head, counts.get(head.id, head.lines), *moved.get(head.id, (None, ""))) for head in heads]


def _entry_view(head: "Row[Any]", lines: int, recognized: str | None, reason: str) -> EntryView:
    """Return an entry with the number of lines that Intacct gets, and of the schedule lines on it."""
    return {
        "reference": head.reference,
        "date": head.date,
        "journal": head.journal,
        "entity": head.entity,
        "currency": head.currency,
        "lines": lines,
        "schedule_lines": head.lines // 2,
        "amount": decimal_string(head.amount, head.currency),
        "status": head.state.lower(),
        "record_no": head.record_no,
        "error_no": head.error_no,
        "error": head.error,
        "advice": head.advice,
        "recognized": recognized or head.date,
        "reason": reason,
    }


def views_of_lines(*on_no_entry: LinesOnNoEntry) -> list[EntryView]:
    """Return due lines that are on no entry as the entries that they would be on."""
    return [
        {
            "reference": "",
            "date": day.isoformat(),
            "journal": journal,
            "entity": entity,
            "currency": currency,
            "lines": 2 * group.lines,
            "schedule_lines": group.lines,
            "amount": decimal_string(group.amount, currency),
            "status": "held",
            "record_no": None,
            "error_no": None,
            "error": None,
            "advice": None,
            "recognized": day.isoformat(),
            "reason": group.reason,
        }
        for (day, entity, journal, currency, _options), group in chain.from_iterable(
            some.items() for some in on_no_entry
        )
    ]
