"""What a run did, as it is told: its entries, what is held in closed periods, and the counts of what is left."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from revrec.core.closed_periods import HeldGroup
from revrec.core.journal import Group
from revrec.core.money import decimal_string
from revrec.jobs.periods import held_lines
from revrec.store import entries

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from revrec.intacct.gateway import Answer
    from revrec.jobs.context import Context

Held = dict[Group, HeldGroup]
"""Due lines that are on no entry, since their period is closed, by the entry that they would be on."""


@dataclass
class RunResult:
    """What a run did: every entry it touched, and what is left unsettled in the database afterwards."""

    date: date
    dry_run: bool
    run: int | None = None
    entries: list[dict[str, object]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    stopped: "Answer | None" = None
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

    @property
    def complete(self) -> bool:
        """Nothing failed, is held, in doubt or waiting; a dry run leaves nothing behind."""
        return self.dry_run or not any(count for state, count in self.counts.items() if state != "posted")


def sum_up(connection: "Connection", context: "Context", result: RunResult) -> None:
    """Tell what became of the entries of a result, what is held, and what is unsettled, whichever run made it."""
    heads = {number: entries.head(connection, number) for number in sorted(result.made | result.taken)}
    result.held = held_lines(connection, context, result.date)
    live = [number for number, head in heads.items() if head.state != "REPLACED"]
    result.entries = sorted(shown(connection, live), key=_order) + shown_held(result.held)
    left = {state: len(entries.numbers_in(connection, state)) for state in ("REJECTED", "IN_DOUBT", "HELD")}
    result.counts = {
        "posted": sum(1 for number in result.taken if heads[number].state == "POSTED"),
        "failed": left["REJECTED"],
        "in_doubt": left["IN_DOUBT"],
        "held": left["HELD"] + len(result.held),
        "waiting": len(entries.numbers_in(connection, "READY", "SENDING")),
    }


def _order(entry: dict[str, object]) -> tuple[str, ...]:
    return tuple(str(entry[name]) for name in ("date", "recognised", "reference"))


def shown(connection: "Connection", numbers: list[int]) -> list[dict[str, object]]:
    """Entries as a run tells of them."""
    moved = entries.reasons(connection, numbers)
    return [_entry(entries.head(connection, number), moved.get(number, (None, ""))) for number in numbers]


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


def shown_held(held: Held) -> list[dict[str, object]]:
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
        for (day, entity, journal, currency), group in held.items()
    ]
