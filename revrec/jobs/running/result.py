"""What a run did, as it is told: its entries, what is held in closed periods, and the counts of what is left."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from itertools import chain
from typing import TYPE_CHECKING, Any

from revrec.core.closed_periods import BlockedGroup
from revrec.core.journal import EntryGroup, entry_group
from revrec.core.money import decimal_string
from revrec.jobs.posting.periods import held_lines
from revrec.store.posting import entries, invoices
from revrec.store.posting.due import due_lines
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.invoices import INVOICE_TABLES

if TYPE_CHECKING:
    from revrec.intacct.gateway import PostingAnswer
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection, Row

Held = dict[EntryGroup, BlockedGroup]
"""Due lines that are on no entry, since their period is closed, by the entry that they would be on."""


@dataclass
class RunResult:
    """What a run did: every entry it touched, and what is left unsettled in the database afterwards."""

    date: date
    dry_run: bool
    run: int | None = None
    entries: list[dict[str, object]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    stopped: "PostingAnswer | None" = None
    """The gateway's refusal that ended the run early, if one did."""
    made: set[int] = field(default_factory=set)
    """The entries that it put lines on."""
    taken: set[int] = field(default_factory=set)
    """The entries that it sent, read back or looked for; on PostgreSQL another run may take those it made."""
    repaired: Counter[str] = field(default_factory=Counter)
    """How many entries each repair mended, by its name."""
    runs: list[int] = field(default_factory=list)
    """The numbers of all passes, where one command made several."""
    interrupted: bool = False
    """Ctrl-C ended it while it waited."""
    held: Held = field(default_factory=dict)
    awaiting: Held = field(default_factory=dict)
    """What waits for the invoice of its document."""
    invoices: list[dict[str, object]] = field(default_factory=list)
    """The invoices that it touched."""
    invoice_counts: dict[str, int] = field(default_factory=dict)
    invoices_made: set[int] = field(default_factory=set)
    invoices_taken: set[int] = field(default_factory=set)

    @property
    def complete(self) -> bool:
        """Nothing failed, is held, in doubt or waiting; a dry run leaves nothing behind."""
        left = [*self.counts.items(), *self.invoice_counts.items()]
        return self.dry_run or not any(count for state, count in left if state != "posted")


def sum_up(connection: "Connection", context: "Context", result: RunResult) -> None:
    """Tell what became of the entries and invoices of a result, what is held, and what is unsettled, whichever run
    made it."""
    _sum_up_invoices(connection, result)
    heads = {number: ENTRY_TABLES.head(connection, number) for number in sorted(result.made | result.taken)}
    result.held = held_lines(connection, context, result.date)
    result.awaiting = awaiting(connection, result.date)
    live = [number for number, head in heads.items() if head.state != "REPLACED"]
    result.entries = sorted(shown(connection, live), key=_order) + shown_held(result.held, result.awaiting)
    left = {state: len(entries.numbers_in(connection, state)) for state in ("REJECTED", "IN_DOUBT", "HELD")}
    result.counts = {
        "posted": sum(1 for number in result.taken if heads[number].state == "POSTED"),
        "failed": left["REJECTED"],
        "in_doubt": left["IN_DOUBT"],
        "held": left["HELD"] + len(result.held) + len(result.awaiting),
        "waiting": len(entries.numbers_in(connection, "READY", "SENDING")),
    }


def _sum_up_invoices(connection: "Connection", result: RunResult) -> None:
    """Tell what became of the invoices of a result, and what is unsettled of them."""
    touched = sorted(result.invoices_made | result.invoices_taken)
    heads = {number: INVOICE_TABLES.head(connection, number) for number in touched}
    result.invoices = shown_invoices(connection, [number for number in touched if heads[number].state != "REPLACED"])
    left = {state: len(invoices.numbers_in(connection, state)) for state in ("REJECTED", "IN_DOUBT", "HELD")}
    result.invoice_counts = {
        "posted": sum(1 for number in result.invoices_taken if heads[number].state == "POSTED"),
        "failed": left["REJECTED"],
        "in_doubt": left["IN_DOUBT"],
        "held": left["HELD"],
        "waiting": len(invoices.numbers_in(connection, "READY", "SENDING"))
        + len(invoices.orders_to_convert(connection)),
    }


def shown_invoices(connection: "Connection", numbers: list[int]) -> list[dict[str, object]]:
    """Invoices as a run tells of them."""
    return [_invoice(INVOICE_TABLES.head(connection, number)) for number in numbers]


def _invoice(head: "Row[Any]") -> dict[str, object]:
    same = ("reference", "kind", "number", "date", "customer", "currency", "lines", "term", "source", "document")
    told = ("record_no", "error_no", "error", "advice")
    return {
        **{name: getattr(head, name) for name in same},
        "amount": decimal_string(head.amount, head.currency),
        "status": head.state.lower(),
        **{name: getattr(head, name) for name in told},
    }


def awaiting(connection: "Connection", day: date) -> Held:
    """Due lines that wait for the invoice of their document, as the entries that they would be on."""
    groups: Held = {}
    for line, _description in due_lines(connection, day, waiting=True):
        reason = f"waits for the invoice of {line.charge.rpartition('/')[0]}"
        group = groups.setdefault(entry_group(line), BlockedGroup(reason))
        group.lines += 1
        group.amount += abs(line.amount)
    return groups


def _order(entry: dict[str, object]) -> tuple[str, ...]:
    return tuple(str(entry[name]) for name in ("date", "recognised", "reference"))


def shown(connection: "Connection", numbers: list[int]) -> list[dict[str, object]]:
    """Entries as a run tells of them."""
    moved = entries.date_overrides(connection, numbers)
    return [_entry(ENTRY_TABLES.head(connection, number), moved.get(number, (None, ""))) for number in numbers]


def _entry(entry: "Row[Any]", moved: tuple[str | None, str]) -> dict[str, object]:
    same = ("reference", "date", "journal", "entity", "currency", "lines")
    told = ("record_no", "error_no", "error", "advice")
    return {
        **{name: getattr(entry, name) for name in same},
        "amount": decimal_string(entry.amount, entry.currency),
        "status": entry.state.lower(),
        **{name: getattr(entry, name) for name in told},
        "recognised": moved[0] or entry.date,
        "reason": moved[1],
    }


def shown_held(*held: Held) -> list[dict[str, object]]:
    """Lines that are held as the entries that they would be: without a reference, and with the reason."""
    return [
        {
            "reference": "",
            "date": day.isoformat(),
            "journal": journal,
            "entity": entity,
            "currency": currency,
            "lines": 2 * group.lines,
            "amount": decimal_string(group.amount, currency),
            "status": "held",
            **dict.fromkeys(("record_no", "error_no", "error", "advice")),
            "recognised": day.isoformat(),
            "reason": group.reason,
        }
        for (day, entity, journal, currency), group in chain.from_iterable(some.items() for some in held)
    ]
