"""Import rows, from a file or from the quarantine: report bad ones, write and schedule good ones."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from revrec.core.batching import batched
from revrec.core.charge_columns import ChargeColumns
from revrec.core.charge_line import BILLED_LATER, ChargeLine, FulfillmentEvent
from revrec.core.differences import differences
from revrec.core.money import decimal_string
from revrec.core.outliers import far_dates
from revrec.core.pricing import AllocationStep
from revrec.core.rules.costs import COST_MARK, is_cost
from revrec.jobs.importing.billing import BillingMatcher, MatchedBilling, billed_before, contract_line_missing
from revrec.jobs.importing.changed_documents import DocumentChanges, conflict
from revrec.jobs.importing.contracts_in_progress import ContractsInProgress, cannot_continue
from revrec.jobs.importing.session import MOST_REASONS, ImportSession
from revrec.jobs.paging import PAGE
from revrec.jobs.scheduling.contracts import belongs_to_contract
from revrec.jobs.scheduling.scheduler import Scheduler
from revrec.sources import ChargeBlock, EventBlock, GoodRow, PassedOver, RowProblem
from revrec.sources.rows import SentRow
from revrec.store import billing, charges, line_changes
from revrec.store.credits import credit_loop, unknown_credits

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook


BATCH = 2_000
"""Rows that are compared and written together."""

_FIX_OF_CONFLICT = "the imported charge stays as it is; send a change as a new line that corrects it"

_FIX_OF_CONTRACT_CONFLICT = "if the contract was modified, add the day of its modification: --modified DATE"

_FIX_OF_CONTRACT = "leave the column bills empty; import lines that bill a contract with: revrec import"

_FIX_OF_TWICE = 'keep one of the two; if they are different lines without a number, set line = "#" in the mapping'


def nothing_to_recognize(line: ChargeLine, book: "RuleBook") -> RowProblem | None:
    """Return the problem of a line with amount zero; None if it has an amount, or a contract may allocate one to it."""
    if line.amount or belongs_to_contract(book, line):
        return None
    nothing = decimal_string(0, line.currency)
    return RowProblem(
        "amount", nothing, "is zero: there is nothing to recognize", "leave the row out, or write its amount"
    )


def batches(rows: Iterable[Any]) -> Iterator[list[Any] | ChargeBlock | EventBlock]:
    """Yield rows in lists of at most :data:`BATCH`, and the blocks among them, in their order."""
    batch: list[Any] = []
    for row in rows:
        is_block = isinstance(row, (ChargeBlock, EventBlock))
        if batch and (is_block or len(batch) == BATCH):
            yield batch
            batch = []
        if is_block:
            yield row
        else:
            batch.append(row)
    if batch:
        yield batch


def count_rows(batch: list[Any] | ChargeBlock | EventBlock) -> int:
    """Return the number of rows in a batch."""
    return len(batch) if isinstance(batch, list) else len(batch.rows)


class ChargeImporter:
    """The importer of charge lines: it compares them with the stored ones, writes the new ones and schedules them."""

    def __init__(
        self, session: ImportSession, book: "RuleBook", changes: DocumentChanges, is_contract: bool = False
    ) -> None:
        """``is_contract``: the rows are contract lines, which are billed later."""
        self._session = session
        self._connection = session.connection
        self._book = book
        self._changes = changes
        self._scheduler = Scheduler(session.connection, book, session.who, session.audit_seq)
        self._next = charges.next_charge_number(session.connection)
        self._of_contracts: list[tuple[int, ChargeLine]] = []
        self._post_dates: Counter[date] = Counter()
        self._first_rows: dict[date, int] = {}
        self._names_credits = False
        self._new: list[tuple[Any, ...]] = []
        self._parts: list[tuple[int, str, str]] = []
        self._is_contract = is_contract
        self._billing = BillingMatcher(session.connection)
        self._matches: dict[str, MatchedBilling] = {}
        self._billing_lines: list[billing.BillingLine] = []
        self._ordered: list[tuple[int, ChargeLine]] = []
        self._in_progress = ContractsInProgress(session.connection, book)

    def process(self, batch: Sequence[Any] | ChargeBlock) -> None:
        """Import a batch of rows, good and bad."""
        if isinstance(batch, ChargeBlock):
            if not (self._changes.records or self._is_contract) and self._is_all_new(batch.columns):
                self._add_block(batch)
                return
            batch = list(batch.good_rows())
        good = self._session.split_good_rows(batch)
        if self._is_contract:
            good = [_as_ordered(row) for row in good]
        self._billing.read_ahead(row.line for row in good)
        known = charges.known_charges(self._connection, [row.line.id for row in good])
        before: dict[int, ChargeLine | None] = {}
        if known:
            stored = dict(charges.read_charges(self._connection, [one.no for one in known.values()]))
            before = {**stored, **line_changes.changed_lines(self._connection, stored)}
        again = self._changes.imported_before(good, known)
        for row in good:
            self._post_dates[row.line.post_date] += 1
            self._first_rows.setdefault(row.line.post_date, row.row_number)
            if again and row.line.id not in known and (row.line.source, row.line.document) in again:
                self._changes.add(row)
            else:
                self._process_row(row, known, before)
        self._changes.skip(one for one in batch if isinstance(one, PassedOver))
        self._write_new()
        self._scheduler.flush()
        self._count()

    def _write_new(self) -> None:
        """Write the new charge lines, and the parts of their documents."""
        if self._new:
            written = [charges.add_charges(self._connection, self._new)]
            if self._parts:
                written.append(line_changes.add_parts(self._connection, self._parts))
            if self._billing_lines:
                written.append(billing.add_billing(self._connection, self._billing_lines, self._session.audit_seq))
            self._session.record_written("charge lines written", *written)
        self._new, self._parts, self._billing_lines = [], [], []

    def _is_all_new(self, columns: ChargeColumns) -> bool:
        """Check whether charge lines are all new, different, without costs, and independent of each other."""
        if self._book.costs or self._book.allocations or any(map(is_cost, set(columns.line))):
            return False
        if self._billing.may_bill(columns):
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
        changed: dict[int, Sequence[FulfillmentEvent]] = {}
        self._take_over_contracts([self, *others])
        for one in (self, *others):
            changed |= one._changes.settle(one._add_new_lines, one._problem_of_new)
            one._scheduler.flush()
        self._warn_of_far_dates()
        self._warn_of_unknown_credits()
        self._refuse_credit_loop()
        for other in others:
            self._of_contracts += other._of_contracts
            self._ordered += other._ordered
        self._refuse_billed_before()
        if self._of_contracts:
            self._scheduler.contracts.join(self._of_contracts)
        for page in batched(sorted({*changed, *(no for no, _line in self._of_contracts)}), PAGE):
            moved = self._scheduler.reschedule(page, before=changed)
            if self._session.result.dry_run:
                self._session.result.effect.add(moved if changed else ())
        self._of_contracts = []
        self._count()

    def _add_new_lines(self, rows: Sequence[GoodRow[ChargeLine]]) -> None:
        """Add new lines to a document that was imported before."""
        self._add_held([(row, ()) for row in rows])

    def _add_held(self, rows: Sequence[tuple[GoodRow[ChargeLine], Sequence[AllocationStep]]]) -> None:
        """Add lines that were held back, each with the steps that allocate a share of its contract's price to it."""
        # Another importer of the same files may have added lines since this one began.
        self._next = charges.next_charge_number(self._connection)
        known: dict[str, charges.KnownCharge] = {}
        for row, steps in rows:
            self._add(row, known, steps)
        self._write_new()

    def _take_over_contracts(self, importers: Sequence["ChargeImporter"]) -> None:
        """Add the lines of contracts in progress; reject all rows of a contract if one cannot be taken over.

        Each row is added by the importer that held it back.
        """
        owners = {id: one for one in importers for id in one._in_progress.ids}
        if not owners:
            return
        new = [line for one in importers for _no, line in one._of_contracts]
        good: dict[ChargeImporter, list[tuple[GoodRow[ChargeLine], Sequence[AllocationStep]]]] = {}
        for contract in self._in_progress.release([one._in_progress for one in importers], new):
            for row, problem in zip(contract.rows, contract.problems, strict=True):
                owner = owners[row.line.id]
                if problem:
                    owner._session.reject_good(row, problem)
                else:
                    good.setdefault(owner, []).append((row, contract.steps.get(row.line.id, ())))
            if contract.refusal:
                self._session.result.refuse(contract.refusal)
        for owner, rows in good.items():
            owner._add_held(rows)

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
                f'row {row}: credits "{reference}", which these books do not have: it names a document of the same '
                "source, such as INV-1042, or a line of one, such as INV-1042/1, or a whole id; it is shown on its own "
                "until they do"
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

    def _refuse_billed_before(self) -> None:
        found = billed_before(self._connection, [line for _row, line in self._ordered]) if self._ordered else None
        if found:
            line, charge = found
            row = next(row for row, one in self._ordered if one is line)
            self._session.result.refuse(
                f"row {row}: {line.id}: {charge} has the same contract and item, was imported before and recognizes "
                f"itself, so the revenue would be recognized twice; void it (revrec charge void {charge} --reason "
                "TEXT), import the contract, then import the invoice under another line id"
            )

    def _count(self) -> None:
        result = self._session.result
        result.warn(self._scheduler.contracts.warnings)
        result.scheduled, result.unscheduled = self._scheduler.scheduled, self._scheduler.unscheduled

    def _process_row(
        self,
        row: GoodRow[ChargeLine],
        known: dict[str, charges.KnownCharge],
        before: dict[int, ChargeLine | None],
    ) -> None:
        """Add a new line, also to ``known`` and ``before``; count an unchanged line; reject a conflict.

        ``before`` are the stored charge lines as they were last stated, by number; None for one that is gone.
        """
        line = row.line
        stored = known.get(line.id)
        if stored is None:
            problem = self._appears_twice(line) or self._problem_of_new(line)
            if not problem and self._in_progress.rule_of(line):
                self._in_progress.hold(row)
            elif problem:
                self._session.reject_good(row, problem, waits_for=contract_line_missing(line, problem))
            else:
                before[self._add(row, known)] = line
        elif stored.import_id == self._session.import_id and not self._changes.repeats(row):
            self._session.reject_good(row, _appears_twice(line, stored.row))
        elif (present := before[stored.no]) is None or (conflicts := differences(present, line)):
            if present is None or self._changes.settles(row):
                self._changes.add(row)
                return
            # An imported charge is never overwritten: it may be posted, and an auditor must find it as it was.
            fix = _FIX_OF_CONTRACT_CONFLICT if self._is_contract else _FIX_OF_CONFLICT
            self._session.reject_good(row, *(conflict(line.id, *one, fix=fix) for one in conflicts))
        else:
            self._changes.see(row)
            self._session.result.unchanged += 1
            self._session.result.amounts_in(line.currency).unchanged += line.amount

    def _problem_of_new(self, line: ChargeLine) -> RowProblem | None:
        if is_cost(line.line):
            # Such an id would collide with a cost line that a rule generates.
            reason = f"contains {COST_MARK}, which marks the costs of a rule"
            return RowProblem("line", line.line, reason, "choose another line id")
        if self._is_contract and not line.is_ordered:
            return RowProblem("bills", line.bills, "is not empty, so the row is no contract line", _FIX_OF_CONTRACT)
        wrong = self._match(line) or nothing_to_recognize(line, self._book)
        if wrong or not line.is_migrated:
            return wrong
        return (
            self._in_progress.joins_late(line) if self._in_progress.rule_of(line) else cannot_continue(line, self._book)
        )

    def _appears_twice(self, line: ChargeLine) -> RowProblem | None:
        held = self._in_progress.row_of(line.id)
        return _appears_twice(line, held) if held else None

    def _match(self, line: ChargeLine) -> RowProblem | None:
        """Note the contract line that a new line bills; return the problem if that is not clear."""
        found = self._billing.match(line)
        if isinstance(found, RowProblem):
            return found
        if found:
            self._matches[line.id] = found
        return None

    def _add(
        self, row: GoodRow[ChargeLine], known: dict[str, charges.KnownCharge], steps: Sequence[AllocationStep] = ()
    ) -> int:
        """Add a new charge line with its costs; return its number. ``steps`` allocate a contract in progress."""
        self._names_credits |= bool(row.line.credits)
        line, import_id = row.line, self._session.import_id
        no, self._next = self._next, self._next + 1
        known[line.id] = charges.KnownCharge(no, import_id, row.row_number)
        self._new.append(charges.charge_row(no, line, import_id, row.row_number))
        if isinstance(row.raw, SentRow):
            self._parts.append((no, row.raw.part, row.raw.as_of))
        if match := self._matches.pop(line.id, None):
            self._billing_lines.append(billing.BillingLine(no, match.ordered_no, match.matched_by))
            self._scheduler.add_billing(no, match.ordered)
            self._session.result.billing += 1
        else:
            self._add_recognizing(no, row, steps)
        self._session.result.amounts_in(line.currency).accepted += line.amount
        self._session.accept(row)
        return no

    def _add_recognizing(self, no: int, row: GoodRow[ChargeLine], steps: Sequence[AllocationStep]) -> None:
        """Schedule a new charge line that earns revenue, with its costs."""
        line = row.line
        if line.is_ordered:
            self._billing.add_ordered(no, line)
            self._ordered.append((row.row_number, line))
        self._add_costs(row, steps)
        if belongs_to_contract(self._book, line):
            self._of_contracts.append((no, line))
        else:
            self._scheduler.schedule_new(no, line)

    def _add_costs(self, row: GoodRow[ChargeLine], steps: Sequence[AllocationStep]) -> None:
        """Add the costs of a new charge line, as charge lines from the same row."""
        for cost in self._book.costs_of(row.line, steps):
            no, self._next = self._next, self._next + 1
            self._new.append(charges.charge_row(no, cost, self._session.import_id, row.row_number))
            self._scheduler.schedule_new(no, cost)


def _appears_twice(line: ChargeLine, row: int) -> RowProblem:
    """Return the problem of the same id twice in one file: which of the two is right, only the sender knows."""
    return RowProblem("charge", line.id, f"appears in row {row} of this file already", _FIX_OF_TWICE)


def _as_ordered(row: GoodRow[ChargeLine]) -> GoodRow[ChargeLine]:
    """Return a row of a contract, whose line is billed later."""
    return row if row.line.bills else row._replace(line=row.line._replace(bills=BILLED_LATER))


def path_as_text(path: Path) -> str:
    """Return the path as text; bytes that are not UTF-8 appear as ``\\xNN``, since JSON and databases reject them."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
