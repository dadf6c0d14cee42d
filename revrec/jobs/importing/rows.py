"""Rows on their way in, from a file or out of the quarantine: what became of each, and what cleaning changed."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from revrec.core.batching import batched
from revrec.core.charge_line import ChargeLine
from revrec.core.fingerprint import differences, fingerprint
from revrec.core.money import decimal_string
from revrec.core.rules.costs import COST_MARK, is_cost
from revrec.jobs.scheduling.contracts import takes
from revrec.jobs.scheduling.scheduler import PAGE, Scheduler
from revrec.sources import BadRow, GoodRow, PassedOver, RowProblem
from revrec.store import charges
from revrec.store.audit import record

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection


BATCH = 2_000
"""Rows that are compared and written together."""

MOST_REPORTED = 1_000
"""Rows reported in full; any further ones are counted."""

MOST_REASONS = 20
"""Different reasons for passing records over that are told; any further ones are counted together."""


def nothing_to_recognize(line: ChargeLine, book: "RuleBook") -> RowProblem | None:
    """What is wrong with a line that is billed at nothing; None if it is not, or a contract may give it a share."""
    if line.amount or takes(book, line):
        return None
    nothing = decimal_string(0, line.currency)
    return RowProblem(
        "amount", nothing, "is zero: there is nothing to recognize", "leave the row out, or write its amount"
    )


@dataclass
class ImportResult:
    """What became of one file. ``rejected`` rows are in ``report``; they were set aside if ``quarantined``."""

    file: str
    kind: str
    rows: int = 0
    accepted: int = 0
    unchanged: int = 0
    rejected: int = 0
    scheduled: int = 0
    unscheduled: int = 0
    quarantined: bool = False
    dry_run: bool = False
    refused: str = ""
    """Why the whole file was refused; empty if it was taken."""
    passed_over: dict[str, int] = field(default_factory=dict)
    """Records left out on purpose, by reason."""
    report: list[dict[str, object]] = field(default_factory=list)

    def refuse(self, why: str) -> None:
        """Tell that nothing of the file was taken, and why."""
        self.refused = why
        self.accepted = self.scheduled = self.unscheduled = 0

    def reject(self, row: BadRow) -> None:
        """Count a bad row and report each of its problems."""
        self.rejected += 1
        if self.rejected <= MOST_REPORTED:
            self.report += [
                {"file": self.file, "row": row.row_number, "place": row.place, **problem.as_dict()}
                for problem in row.problems
            ]

    def pass_over(self, row: PassedOver) -> None:
        """Count a record that was left out on purpose."""
        known = row.reason in self.passed_over or len(self.passed_over) < MOST_REASONS
        reason = row.reason if known else "other reasons"
        self.passed_over[reason] = self.passed_over.get(reason, 0) + 1


class Reception:
    """Where rows arrive: one import, its audit event, the bad rows, and the record of cleaning."""

    def __init__(
        self,
        connection: "Connection",
        who: "AuditStamp",
        result: ImportResult,
        import_id: int,
        subject: str,
        audit_seq: int,
    ) -> None:
        self.connection = connection
        self.who = who
        self.result = result
        self.import_id = import_id
        self.subject = subject
        self.audit_seq = audit_seq
        self.aside: list[BadRow] = []
        self._taken: list[tuple[int, str]] = []

    def sift(self, batch: Sequence[Any]) -> list[Any]:
        """The good rows of a batch; the others are reported, or counted."""
        good = []
        for row in batch:
            if isinstance(row, PassedOver):
                self.result.pass_over(row)
                continue
            self.result.rows += 1
            if isinstance(row, BadRow):
                self.reject(row)
            else:
                good.append(row)
        return good

    def reject(self, row: BadRow) -> None:
        """Report a bad row, and remember it for the quarantine."""
        self.result.reject(row)
        self.aside.append(row)

    def refuse(self, row: GoodRow[Any], *problems: RowProblem) -> None:
        """Reject a row that was good in itself, but does not go with what the store has."""
        self.reject(BadRow(row.row_number, list(problems), f"row {row.row_number}", row.raw))

    def take(self, row: GoodRow[Any]) -> None:
        """Count a row that is taken, and keep what cleaning changed in it."""
        self.result.accepted += 1
        if row.steps:
            self._taken.append((row.row_number, json.dumps(row.steps, ensure_ascii=False, separators=(",", ":"))))

    def written(self, what: str, digest: Any) -> None:
        """Record that rows were written, together with the steps of their cleaning."""
        digests = [digest]
        if self._taken:
            digests.append(charges.add_cleaning(self.connection, self.import_id, self._taken))
            self._taken = []
        record(self.connection, self.who, what, f"rows of {self.subject}", {}, digests)


class ChargeTaker:
    """Compares charge lines with those of the store, writes the new ones and schedules them."""

    def __init__(self, reception: Reception, book: "RuleBook") -> None:
        self._to = reception
        self._connection = reception.connection
        self._book = book
        self._scheduler = Scheduler(reception.connection, book, reception.who, reception.audit_seq)
        self._next = charges.next_charge_number(reception.connection)
        self._of_contracts: list[tuple[int, ChargeLine]] = []

    def take(self, batch: Sequence[Any]) -> None:
        """A batch of rows, good and bad."""
        good = self._to.sift(batch)
        known = charges.known_charges(self._connection, [row.line.id for row in good])
        new: list[tuple[Any, ...]] = []
        for row in good:
            self._one(row, known, new)
        if new:
            self._to.written("charge lines written", charges.add_charges(self._connection, new))
        self._scheduler.flush()
        self._count()

    def finish(self, others: Sequence["ChargeTaker"] = ()) -> None:
        """Schedule the lines that belong to contracts, now that all are there; those of ``others`` with them."""
        for other in others:
            self._of_contracts += other._of_contracts
        if not self._of_contracts:
            return
        self._scheduler.contracts.join(self._of_contracts)
        for page in batched((no for no, _line in self._of_contracts), PAGE):
            self._scheduler.again(page)
        self._of_contracts = []
        self._count()

    def _count(self) -> None:
        result = self._to.result
        result.scheduled, result.unscheduled = self._scheduler.scheduled, self._scheduler.unscheduled

    def _one(self, row: GoodRow[ChargeLine], known: dict[str, charges.KnownCharge], new: list[tuple[Any, ...]]) -> None:
        line = row.line
        mark = fingerprint(line)
        same = known.get(line.id)
        nothing = nothing_to_recognize(line, self._book)
        if same is None and is_cost(line.line):
            self._to.refuse(
                row,
                RowProblem(
                    "line", line.line, f"has {COST_MARK} in it, which marks a rule's costs", "name it otherwise"
                ),
            )
        elif same is None and nothing:
            self._to.refuse(row, nothing)
        elif same is None:
            no, self._next = self._next, self._next + 1
            known[line.id] = charges.KnownCharge(no, mark, self._to.import_id, row.row_number)
            new.append(charges.charge_row(no, line, mark, self._to.import_id, row.row_number))
            self._costs_of(row, new)
            if takes(self._book, line):
                self._of_contracts.append((no, line))
            else:
                self._scheduler.first(no, line)
            self._to.take(row)
        elif same.import_id == self._to.import_id:
            reason = f"stands in row {same.row} of this file already"
            self._to.refuse(row, RowProblem("charge", line.id, reason, "keep one of the two"))
        elif same.fingerprint == mark:
            self._to.result.unchanged += 1
        else:
            self._to.refuse(row, *self._conflicts(same, line))

    def _costs_of(self, row: GoodRow[ChargeLine], new: list[tuple[Any, ...]]) -> None:
        """The costs of a new charge line, as charge lines beside it that came from the same row."""
        for cost in self._book.costs_of(row.line):
            no, self._next = self._next, self._next + 1
            new.append(charges.charge_row(no, cost, fingerprint(cost), self._to.import_id, row.row_number))
            self._scheduler.first(no, cost)

    def _conflicts(self, same: charges.KnownCharge, line: ChargeLine) -> list[RowProblem]:
        """One problem for each figure that differs from the imported charge, which stays as it is."""
        mend = "the imported charge stays as it is; send a change as a new line that corrects it"
        stored = charges.read_charge(self._connection, same.no)
        return [
            RowProblem(name, new, f"{line.id} was imported with {old or 'nothing'}", mend)
            for name, old, new in differences(stored, line)
        ]


def shown_name(path: Path) -> str:
    """The path as text. Bytes that are none show as ``\\xNN``, since neither JSON nor a database could hold them."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
