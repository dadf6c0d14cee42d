"""One import in progress: its result, its bad rows, and the record of what cleaning changed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from revrec.core.charge_line import ChargeLine
from revrec.core.money import decimal_string
from revrec.jobs.scheduling.effect import ScheduleEffect
from revrec.sources import BadRow, EventBlock, GoodRow, PassedOver, ReadableValues, RowProblem
from revrec.store import charges
from revrec.store.audit import record

if TYPE_CHECKING:
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection

AMOUNTS = ("accepted", "unchanged", "rejected", "total", "left_out")
"""The amounts of a file, in the order in which they are shown."""

MOST_REPORTED = 1_000
"""Rows reported in full; any further ones are counted."""

MOST_EXAMINED = 20_000
"""Bad rows that are kept to examine them if the file is refused for them: a hostile file has millions."""

MOST_REASONS = 20
"""Different reasons for skipping records that are reported; any further ones are counted together."""


@dataclass
class ImportAmounts:
    """The amounts of one file in one currency, in minor units.

    ``accepted`` is new in the books, ``unchanged`` was there before, ``rejected`` is in rows with problems, or in a
    file that was refused. ``left_out`` was skipped on purpose, so that the total does not include it.
    """

    accepted: int = 0
    unchanged: int = 0
    left_out: int = 0
    rejected: int = 0

    @property
    def total(self) -> int:
        """The total that is compared with the sender's control total."""
        return self.accepted + self.unchanged + self.rejected


@dataclass
class ImportResult:
    """The result of importing one file. ``rejected`` rows are in ``report``; they were set aside if ``quarantined``."""

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
    """Why the whole file was refused; empty if it was imported."""
    changed: int = 0
    """Charge lines that were imported before and arrived with other figures, which became events."""
    changes: list[dict[str, str]] = field(default_factory=list)
    """These changes, figure by figure."""
    passed_over: dict[str, int] = field(default_factory=dict)
    """Records left out on purpose, by reason."""
    report: list[dict[str, object]] = field(default_factory=list)
    effect: ScheduleEffect = field(default_factory=ScheduleEffect)
    """The changes of schedules by the events of a dry run."""
    warnings: list[str] = field(default_factory=list)
    """Unusual values that a person should check; their rows are accepted."""
    dates: list[dict[str, object]] = field(default_factory=list)
    """The columns with dates in a notation that the mapping does not read, each once, with the fix."""
    amounts: dict[str, ImportAmounts] = field(default_factory=dict)
    """The amounts by currency, of charge lines only; costs that rules add are not in them."""
    without_amount: int = 0
    """Rejected rows whose amount cannot be read, so that no total includes them."""
    waiting: int = 0
    """Rejected rows that only need a charge line that was not imported yet."""
    waits_for: list[str] = field(default_factory=list)
    """These charge lines, each once, as far as they are listed."""
    billing: int = 0
    """Charge lines that bill contract lines, and so have no schedule."""

    def refuse(self, why: str) -> None:
        """Note that nothing of the file was imported, and why."""
        self.refused = why
        self.accepted = self.changed = self.scheduled = self.unscheduled = self.billing = 0
        self.changes = []
        for one in self.amounts.values():
            one.rejected, one.accepted = one.rejected + one.accepted, 0

    def amounts_in(self, currency: str) -> ImportAmounts:
        """Return the amounts in one currency."""
        return self.amounts.setdefault(currency, ImportAmounts())

    def totals(self) -> list[dict[str, str]]:
        """Return the amounts by currency as decimal strings."""
        return [
            {"currency": currency} | {name: decimal_string(getattr(one, name), currency) for name in AMOUNTS}
            for currency, one in sorted(self.amounts.items())
        ]

    def reject(self, row: BadRow) -> None:
        """Count a bad row and report each of its problems."""
        self.rejected += 1
        if row.waits_for:
            self.waiting += 1
            if row.waits_for not in self.waits_for and len(self.waits_for) < MOST_REASONS:
                self.waits_for.append(row.waits_for)
        if row.money:
            self.amounts_in(row.money.currency).rejected += row.money.amount
        elif self.kind == "charges":
            self.without_amount += 1
        if self.rejected <= MOST_REPORTED:
            self.report += [
                {"file": self.file, "row": row.row_number, "place": row.place, **problem.as_dict()}
                for problem in row.problems
            ]

    def warn(self, warnings: list[str]) -> None:
        """Move warnings to the result, as many as it shows."""
        self.warnings += warnings[: max(MOST_REASONS - len(self.warnings), 0)]
        warnings.clear()

    def pass_over(self, row: PassedOver) -> None:
        """Count a record that was left out on purpose."""
        for money in row.money:
            self.amounts_in(money.currency).left_out += money.amount
        known = row.reason in self.passed_over or len(self.passed_over) < MOST_REASONS
        reason = row.reason if known else "other reasons"
        self.passed_over[reason] = self.passed_over.get(reason, 0) + 1

    def undo_pass_over(self, row: PassedOver) -> None:
        """Undo :meth:`pass_over` for a record that is rejected instead."""
        for money in row.money:
            self.amounts_in(money.currency).left_out -= money.amount
        reason = row.reason if row.reason in self.passed_over else "other reasons"
        self.passed_over[reason] -= 1
        if not self.passed_over[reason]:
            del self.passed_over[reason]


class ImportSession:
    """One import in progress: its audit event, its bad rows, and the record of what cleaning changed."""

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
        self.bad_rows: list[BadRow] = []
        self.keeps_bad_rows = False
        """Whether all bad rows are kept, for the quarantine."""
        self.refused_rows = 0
        self.header: Sequence[str] = ()
        self.refused_documents: set[str] = set()
        self._cleaned: list[tuple[int, str]] = []

    def split_good_rows(self, batch: Sequence[Any] | EventBlock) -> list[Any]:
        """Return the good rows of a batch; report the bad ones and count the skipped ones."""
        if isinstance(batch, EventBlock):
            self.result.rows += len(batch.rows)
            return list(batch.good_rows())
        good = []
        row: Any
        for row in batch:
            if isinstance(row, PassedOver):
                self.result.pass_over(row)
                continue
            self.result.rows += 1
            if isinstance(row, BadRow) and (self.keeps_bad_rows or len(self.bad_rows) < MOST_EXAMINED):
                self.reject(row)
            elif isinstance(row, BadRow):
                self.result.reject(row)
            else:
                good.append(row)
        return good

    def reject(self, row: BadRow) -> None:
        """Report a bad row and keep it for the quarantine."""
        self.result.reject(row)
        self.bad_rows.append(row)

    def reject_good(self, row: GoodRow[Any], *problems: RowProblem, waits_for: str = "") -> None:
        """Reject a row that is valid by itself but conflicts with what the database has, or waits for a charge line."""
        values = ReadableValues.of(row.line._asdict())
        self.reject(BadRow(row.row_number, list(problems), f"row {row.row_number}", row.raw, values, waits_for))

    def reject_passed(
        self, passed: PassedOver, raw: Sequence[str], line: ChargeLine, problems: list[RowProblem]
    ) -> None:
        """Reject a row that was passed over, since it leaves out an imported charge line."""
        self.result.undo_pass_over(passed)
        self.result.rows += 1
        self.reject(BadRow(passed.row_number, problems, passed.place, raw, ReadableValues.of(line._asdict())))

    def accept(self, row: GoodRow[Any]) -> None:
        """Count a row as accepted and keep the record of what cleaning changed in it."""
        self.result.accepted += 1
        if row.steps:
            self._cleaned.append((row.row_number, json.dumps(row.steps, ensure_ascii=False, separators=(",", ":"))))

    def refuse_document(self, row: BadRow) -> None:
        """Reject a row of a document that is refused by itself, while the rest of its file is imported."""
        self.reject(row)
        self.refused_rows += 1

    def refuse_event(self, row: GoodRow[Any], problem: RowProblem) -> None:
        """Reject an event of a document that is refused by itself."""
        self.reject_good(row, problem, waits_for=row.line.charge)
        self.refused_rows += 1

    def record_written(self, what: str, *written: Any) -> None:
        """Record in the audit trail that rows were written, together with the steps of their cleaning."""
        digests = list(written)
        if self._cleaned:
            digests.append(charges.add_cleaning(self.connection, self.import_id, self._cleaned))
            self._cleaned = []
        record(self.connection, self.who, what, f"rows of {self.subject}", {}, digests)
