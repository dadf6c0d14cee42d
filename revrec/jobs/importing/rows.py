"""Import rows, from a file or from the quarantine: report bad ones, write and schedule good ones."""

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from revrec.core.batching import batched
from revrec.core.charge_columns import ChargeColumns
from revrec.core.charge_line import ChargeLine
from revrec.core.differences import differences
from revrec.core.money import decimal_string
from revrec.core.outliers import far_dates
from revrec.core.rules.costs import COST_MARK, is_cost
from revrec.jobs.paging import PAGE
from revrec.jobs.scheduling.contracts import belongs_to_contract
from revrec.jobs.scheduling.effect import ScheduleEffect
from revrec.jobs.scheduling.scheduler import Scheduler
from revrec.sources import BadRow, ChargeBlock, GoodRow, PassedOver, ReadableValues, RowProblem
from revrec.store import charges
from revrec.store.audit import record
from revrec.store.credits import credit_loop, unknown_credits

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection


AMOUNTS = ("accepted", "unchanged", "rejected", "total", "left_out")
"""The amounts of a file, in the order in which they are shown."""

BATCH = 2_000
"""Rows that are compared and written together."""

MOST_REPORTED = 1_000
"""Rows reported in full; any further ones are counted."""

_FIX_OF_TWICE = 'keep one of the two; if they are different lines without a number, set line = "#" in the mapping'

MOST_REASONS = 20
"""Different reasons for skipping records that are reported; any further ones are counted together."""


def nothing_to_recognize(line: ChargeLine, book: "RuleBook") -> RowProblem | None:
    """Return the problem of a line with amount zero; None if it has an amount, or a contract may allocate one to it."""
    if line.amount or belongs_to_contract(book, line):
        return None
    nothing = decimal_string(0, line.currency)
    return RowProblem(
        "amount", nothing, "is zero: there is nothing to recognize", "leave the row out, or write its amount"
    )


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

    def refuse(self, why: str) -> None:
        """Note that nothing of the file was imported, and why."""
        self.refused = why
        self.accepted = self.scheduled = self.unscheduled = 0
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

    def pass_over(self, row: PassedOver) -> None:
        """Count a record that was left out on purpose."""
        for money in row.money:
            self.amounts_in(money.currency).left_out += money.amount
        known = row.reason in self.passed_over or len(self.passed_over) < MOST_REASONS
        reason = row.reason if known else "other reasons"
        self.passed_over[reason] = self.passed_over.get(reason, 0) + 1


def batches(rows: Iterable[Any]) -> Iterator[list[Any] | ChargeBlock]:
    """Yield rows in lists of at most :data:`BATCH`, and the blocks among them, in their order."""
    batch: list[Any] = []
    for row in rows:
        is_block = isinstance(row, ChargeBlock)
        if batch and (is_block or len(batch) == BATCH):
            yield batch
            batch = []
        if is_block:
            yield row
        else:
            batch.append(row)
    if batch:
        yield batch


def count_rows(batch: list[Any] | ChargeBlock) -> int:
    """Return the number of rows in a batch."""
    return len(batch.rows) if isinstance(batch, ChargeBlock) else len(batch)


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
        self._cleaned: list[tuple[int, str]] = []

    def split_good_rows(self, batch: Sequence[Any]) -> list[Any]:
        """Return the good rows of a batch; report the bad ones and count the skipped ones."""
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
        """Report a bad row and keep it for the quarantine."""
        self.result.reject(row)
        self.bad_rows.append(row)

    def reject_good(self, row: GoodRow[Any], *problems: RowProblem, waits_for: str = "") -> None:
        """Reject a row that is valid by itself but conflicts with what the database has, or waits for a charge line."""
        values = ReadableValues.of(row.line._asdict())
        self.reject(BadRow(row.row_number, list(problems), f"row {row.row_number}", row.raw, values, waits_for))

    def accept(self, row: GoodRow[Any]) -> None:
        """Count a row as accepted and keep the record of what cleaning changed in it."""
        self.result.accepted += 1
        if row.steps:
            self._cleaned.append((row.row_number, json.dumps(row.steps, ensure_ascii=False, separators=(",", ":"))))

    def record_written(self, what: str, digest: Any) -> None:
        """Record in the audit trail that rows were written, together with the steps of their cleaning."""
        digests = [digest]
        if self._cleaned:
            digests.append(charges.add_cleaning(self.connection, self.import_id, self._cleaned))
            self._cleaned = []
        record(self.connection, self.who, what, f"rows of {self.subject}", {}, digests)


class ChargeImporter:
    """The importer of charge lines: it compares them with the stored ones, writes the new ones and schedules them."""

    def __init__(self, session: ImportSession, book: "RuleBook") -> None:
        self._session = session
        self._connection = session.connection
        self._book = book
        self._scheduler = Scheduler(session.connection, book, session.who, session.audit_seq)
        self._next = charges.next_charge_number(session.connection)
        self._of_contracts: list[tuple[int, ChargeLine]] = []
        self._post_dates: Counter[date] = Counter()
        self._first_rows: dict[date, int] = {}
        self._names_credits = False

    def process(self, batch: Sequence[Any] | ChargeBlock) -> None:
        """Import a batch of rows, good and bad."""
        if isinstance(batch, ChargeBlock):
            if self._is_all_new(batch.columns):
                self._add_block(batch)
                return
            batch = list(batch.good_rows())
        good = self._session.split_good_rows(batch)
        known = charges.known_charges(self._connection, [row.line.id for row in good])
        before = dict(charges.read_charges(self._connection, [one.no for one in known.values()])) if known else {}
        new: list[tuple[Any, ...]] = []
        for row in good:
            self._post_dates[row.line.post_date] += 1
            self._first_rows.setdefault(row.line.post_date, row.row_number)
            self._process_row(row, known, before, new)
        if new:
            self._session.record_written("charge lines written", charges.add_charges(self._connection, new))
        self._scheduler.flush()
        self._count()

    def _is_all_new(self, columns: ChargeColumns) -> bool:
        """Check whether charge lines are all new, different, without costs, and independent of each other."""
        if self._book.costs or self._book.allocations or any(map(is_cost, set(columns.line))):
            return False
        ids = set(columns.ids())
        return len(ids) == len(columns.line) and not charges.has_charge_between(self._connection, min(ids), max(ids))

    def _add_block(self, block: ChargeBlock) -> None:
        """Write and schedule new charge lines: the same as :meth:`process` does row by row."""
        columns, count, result = block.columns, len(block.rows), self._session.result
        first, self._next = self._next, self._next + count
        digest = charges.add_columns(self._connection, first, columns, self._session.import_id, block.first)
        self._scheduler.schedule_columns(first, columns)
        self._session.record_written("charge lines written", digest)
        self._scheduler.flush()
        self._post_dates.update(columns.post_date)
        for day in set(columns.post_date) - self._first_rows.keys():
            self._first_rows[day] = block.first + columns.post_date.index(day)
        self._names_credits |= any(columns.credits)
        for currency, amount in columns.totals().items():
            result.amounts_in(currency).accepted += amount
        result.rows += count
        result.accepted += count
        self._count()

    def finish(self, others: Sequence["ChargeImporter"] = ()) -> None:
        """Schedule the lines that belong to contracts, and the lines of ``others`` with them.

        A contract is allocated over all of its lines, so none of them can be scheduled before the last row is read.
        """
        self._warn_of_far_dates()
        self._warn_of_unknown_credits()
        self._refuse_credit_loop()
        for other in others:
            self._of_contracts += other._of_contracts
        if not self._of_contracts:
            return
        self._scheduler.contracts.join(self._of_contracts)
        for page in batched((no for no, _line in self._of_contracts), PAGE):
            self._scheduler.reschedule(page)
        self._of_contracts = []
        self._count()

    def _warn_of_far_dates(self) -> None:
        found = far_dates(self._post_dates)
        if found:
            far, first, last = found
            self._session.result.warnings += [
                f"row {self._first_rows[day]}: post_date {day} is more than a year from all others, {first} to {last}; "
                "check the year"
                for day in far[:MOST_REASONS]
            ]

    def _warn_of_unknown_credits(self) -> None:
        if self._names_credits:
            self._session.result.warnings += [
                f'row {row}: credits "{reference}", which these books do not have; it is shown on its own until they do'
                for row, reference in unknown_credits(self._connection, self._session.import_id, MOST_REASONS)
            ]

    def _refuse_credit_loop(self) -> None:
        loop = credit_loop(self._connection, self._session.import_id) if self._names_credits else None
        if loop:
            row, ids = loop
            chain = " credits ".join(ids)
            self._session.result.refuse(
                f"row {row}: {chain}: a credit cannot lead back to itself; correct the column credits of one of them"
            )

    def _count(self) -> None:
        result = self._session.result
        result.scheduled, result.unscheduled = self._scheduler.scheduled, self._scheduler.unscheduled

    def _process_row(
        self,
        row: GoodRow[ChargeLine],
        known: dict[str, charges.KnownCharge],
        before: Mapping[int, ChargeLine],
        new: list[tuple[Any, ...]],
    ) -> None:
        """Add a new line to ``new`` and to ``known``; count an unchanged line; reject a conflict.

        ``before`` are the charge lines of earlier imports by number.
        """
        line = row.line
        stored = known.get(line.id)
        if stored is None:
            problem = self._problem_of_new(line)
            if problem:
                self._session.reject_good(row, problem)
            else:
                self._add(row, known, new)
        elif stored.import_id == self._session.import_id:
            # The same id twice in one file: which of the two is right, only the sender knows.
            reason = f"appears in row {stored.row} of this file already"
            self._session.reject_good(row, RowProblem("charge", line.id, reason, _FIX_OF_TWICE))
        elif conflicts := differences(before[stored.no], line):
            # An imported charge is never overwritten: it may be posted, and an auditor must find it as it was.
            self._session.reject_good(row, *(_conflict(line, *one) for one in conflicts))
        else:
            self._session.result.unchanged += 1
            self._session.result.amounts_in(line.currency).unchanged += line.amount

    def _problem_of_new(self, line: ChargeLine) -> RowProblem | None:
        if is_cost(line.line):
            # Such an id would collide with a cost line that a rule generates.
            reason = f"contains {COST_MARK}, which marks the costs of a rule"
            return RowProblem("line", line.line, reason, "choose another line id")
        return nothing_to_recognize(line, self._book)

    def _add(self, row: GoodRow[ChargeLine], known: dict[str, charges.KnownCharge], new: list[tuple[Any, ...]]) -> None:
        self._names_credits |= bool(row.line.credits)
        line, import_id = row.line, self._session.import_id
        no, self._next = self._next, self._next + 1
        known[line.id] = charges.KnownCharge(no, import_id, row.row_number)
        new.append(charges.charge_row(no, line, import_id, row.row_number))
        self._add_costs(row, new)
        if belongs_to_contract(self._book, line):
            self._of_contracts.append((no, line))
        else:
            self._scheduler.schedule_new(no, line)
        self._session.result.amounts_in(line.currency).accepted += line.amount
        self._session.accept(row)

    def _add_costs(self, row: GoodRow[ChargeLine], new: list[tuple[Any, ...]]) -> None:
        """Add the costs of a new charge line, as charge lines from the same row."""
        for cost in self._book.costs_of(row.line):
            no, self._next = self._next, self._next + 1
            new.append(charges.charge_row(no, cost, self._session.import_id, row.row_number))
            self._scheduler.schedule_new(no, cost)


def _conflict(line: ChargeLine, name: str, old: str, new: str) -> RowProblem:
    """Return the problem of a figure that differs from the imported charge, which stays as it is."""
    fix = "the imported charge stays as it is; send a change as a new line that corrects it"
    return RowProblem(name, new, f"{line.id} was imported with {old or 'nothing'}", fix)


def path_as_text(path: Path) -> str:
    """Return the path as text; bytes that are not UTF-8 appear as ``\\xNN``, since JSON and databases reject them."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
