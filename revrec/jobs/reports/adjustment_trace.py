"""The trace of an adjusting entry: its lines, what it reverses or is reversed by, its requests, and who did what."""

from typing import TYPE_CHECKING, NamedTuple

from revrec.core.money import decimal_string
from revrec.store.posting import adjustments
from revrec.store.posting.adjustments import ADJUSTMENT_TABLES
from revrec.store.reports import history
from revrec.store.reports.history import AttemptTrace, AuditTrace

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


class AdjustingLineTrace(NamedTuple):
    """A line of an adjusting entry; ``amount`` is a decimal string above zero."""

    line_no: int
    side: str
    account: str
    amount: str
    memo: str


class AdjustmentTrace(NamedTuple):
    """An adjusting entry with its posting state; ``amount`` is a decimal string.

    ``day`` is the day that it adjusts. ``reverses`` and ``reversed_by`` are references, otherwise empty.
    """

    reference: str
    control_id: str
    kind: str
    subject: str
    day: str
    date: str
    journal: str
    entity: str
    currency: str
    amount: str
    reason: str
    status: str
    record_no: str | None
    error_no: str | None
    error: str | None
    advice: str | None
    reverses: str
    reversed_by: str
    lines: tuple[AdjustingLineTrace, ...]
    attempts: tuple[AttemptTrace, ...]
    audit: tuple[AuditTrace, ...]


def trace_adjustments(context: "Context", reference: str) -> list[AdjustmentTrace]:
    """Return the adjusting entries with this reference or Intacct record number."""
    with context.database.read() as connection:
        return [_traced(connection, number) for number in adjustments.numbers_named(connection, reference)]


def _traced(connection: "Connection", number: int) -> AdjustmentTrace:
    stored = adjustments.load_adjustment(connection, number)
    one, reversal = stored.adjusting, adjustments.reversal_of(connection, number)
    head = (one.reference, one.control_id, one.kind, one.subject, one.day.isoformat(), one.date.isoformat())
    return AdjustmentTrace(
        *head, one.journal, one.entity, one.currency, decimal_string(one.amount, one.currency), one.reason,
        stored.state.lower(), stored.record_no, stored.error_no, stored.error, stored.advice,
        one.reverses, "" if reversal is None else str(reversal.reference),
        tuple(
            AdjustingLineTrace(at, line.side, line.account, decimal_string(line.amount, one.currency), line.memo)
            for at, line in enumerate(stored.entry.sent_lines, 1)
        ),
        tuple(history.attempts(connection, ADJUSTMENT_TABLES, number)),
        tuple(history.audit(connection, [one.reference], [])),
    )  # fmt: skip
