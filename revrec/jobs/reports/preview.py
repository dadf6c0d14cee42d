"""``revrec preview``: show what would be recognized and posted, and why the rest would not; write nothing."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.calendar import day_of, iso
from revrec.core.charge_line import ChargeLine
from revrec.core.closed_periods import ClosedPeriodBlock
from revrec.core.errors import BadInput
from revrec.core.filters import NO_FILTERS, Basis, Filters
from revrec.core.migration import cutover_of
from revrec.core.money import decimal_string
from revrec.core.pricing import AllocationStep
from revrec.core.rules import AllocationRule, RuleBook
from revrec.core.rules.contracts import AllocatedContract, ContractMember, allocate_contract
from revrec.core.rules.costs import is_cost
from revrec.core.schedule import SETTLED, Schedule, Unscheduled, or_unscheduled
from revrec.jobs.posting.intents import due_entries
from revrec.jobs.posting.periods import posting_dates
from revrec.jobs.posting.repairs import RepairRunner
from revrec.jobs.reports.filters import check_filters
from revrec.jobs.reports.undated import UndatedTotal, undated_totals
from revrec.jobs.rules.files import RuleChanges, rule_changes
from revrec.jobs.scheduling.contracts import ContractShare, shares_of_contract, stored_allocations
from revrec.jobs.scheduling.pick_up import as_the_next_run
from revrec.store import charges
from revrec.store.posting import entries
from revrec.store.reports.figures import SqlAlchemyView
from revrec.store.reports.forecast import (
    HISTORICAL,
    PlannedLine,
    changed_lines,
    historical_lines,
    planned_lines,
    reversed_lines,
)
from revrec.store.reports.undated import UNSCHEDULED, WAITING, UndatedLine, undated_lines
from revrec.store.rule_versions import summarizes

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.sources import ColumnMapping
    from revrec.store.connection import Connection


STATES = {
    "planned": "planned", "not imported": "planned", "ready": "planned", "sending": "in_doubt", "in_doubt": "in_doubt",
    "posted": "posted", "reversed": "posted", "reversal": "posted", "changed": "posted",
    "rejected": "rejected", "held": "needs_review", "awaiting_approval": "awaiting_approval",
}  # fmt: skip
"""The part of a total that a line belongs to, by its status."""
GOES_ON = ("planned", "rejected", "not imported")
"""States of lines that the next run puts on a new entry."""
KEEP_ONE = "keep one of the two"


class PreviewLine(NamedTuple):
    """A schedule line as a preview shows it: part ``seq`` of ``of``, dated by the closed-period policy.

    ``amount`` is a decimal string in ``currency``, and ``period`` the month of ``date``. ``entry_date`` is the date of
    its journal entry, None if the next run would create none; ``reason`` is why it differs, empty if it does not.
    """

    charge: str
    document: str
    customer: str
    item: str
    rule: str
    method: str
    seq: int
    of: int
    date: str
    amount: str
    currency: str
    deferred: str
    accrued: str
    status: str
    entity: str
    entry_date: str | None
    reason: str
    period: str


class PreviewJournalLine(NamedTuple):
    """A line of a summarized entry, as the next run posts it; ``line`` is its number on the entry.

    ``amount`` is a decimal string in ``currency``, and ``schedule_lines`` counts the schedule lines that it adds up.
    ``dimensions`` are those that its level keeps.
    """

    date: str
    journal: str
    entity: str
    line: int
    side: str
    account: str
    amount: str
    currency: str
    customer: str
    item: str
    dimensions: Mapping[str, str]
    memo: str
    schedule_lines: int


class PreviewBilling(NamedTuple):
    """A charge line that bills a contract line, which earns the revenue; ``amount`` is a decimal string."""

    charge: str
    bills: str
    customer: str
    item: str
    post_date: str
    amount: str
    currency: str


class PreviewTotal(NamedTuple):
    """The total of a month in one currency, and how much of it is in which state; amounts are decimal strings.

    ``planned`` includes entries that are ready to be sent, ``in_doubt`` those that may be posted.
    ``awaiting_approval`` is on entries that Intacct has outside its ledger. ``needs_review`` is
    on entries that a person must look at, ``blocked`` on no entry, because its period is closed or its document is not
    invoiced.
    """

    period: str
    currency: str
    amount: str
    posted: str
    planned: str
    awaiting_approval: str
    in_doubt: str
    needs_review: str
    blocked: str
    rejected: str


class PreviewUndated(NamedTuple):
    """An amount without a recognition date: a charge line without a schedule, or the waiting part of a scheduled one.

    ``amount`` is a decimal string. ``since`` is the post date or the date of the last event, and ``age`` the days since
    then.
    """

    charge: str
    customer: str
    item: str
    amount: str
    currency: str
    since: str
    age: int
    code: str
    reason: str


@dataclass
class SchedulePreview:
    """The schedule lines between two dates, with totals by period and currency.

    Also the charges without a schedule, the waiting amounts, and the allocation of the contracts that were asked for.
    ``summarized`` are the lines of summarized entries, if all that a run would post was asked for. ``billing`` are the
    lines of a file that bill contract lines.
    """

    first: date | None
    last: date | None
    today: date
    basis: Basis = Basis.earned
    lines: list[PreviewLine] = field(default_factory=list)
    undated: list[UndatedLine] = field(default_factory=list)
    rule_changes: RuleChanges | None = None
    allocations: list[ContractShare] = field(default_factory=list)
    summarized: list[PreviewJournalLine] = field(default_factory=list)
    billing: list[PreviewBilling] = field(default_factory=list)
    sums: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)
    spent: dict[tuple[str, str], Counter[str]] = field(default_factory=dict)

    def add(self, line: PlannedLine, holding: ClosedPeriodBlock) -> None:
        """Add a schedule line if its date is within the two days.

        Its entry is dated by the closed-period policy unless the date is fixed already. A line that is on no entry and
        will not be on one counts by its day of recognition.
        """
        state = STATES.get(line.status, "")
        if line.status in GOES_ON:
            line = _dated(line, holding)
        if line.status == "held" and line.entry_date is None:
            state = "blocked"
        day = line.entry_date or line.date if self.basis is Basis.ledger else line.date
        if not (self._days[0] <= day <= self._days[1]):
            return
        period = day[:7]
        # What was recognized before a cutover is revenue of another system.
        if state:
            sums = self.spent if is_cost(line.charge) else self.sums
            sums.setdefault((period, line.currency), Counter())[state] += line.amount
        amount = decimal_string(line.amount, line.currency)
        self.lines.append(
            PreviewLine(
                line.charge, line.document, line.customer, line.item, line.rule, line.method, line.seq, line.of,
                line.date, amount, line.currency, line.deferred, line.accrued, line.status, line.entity,
                line.entry_date, line.reason or "", period,
            )
        )  # fmt: skip

    @cached_property
    def _days(self) -> tuple[str, str]:
        """The first and the last day that are shown, as ISO texts; a missing date is no limit."""
        return (self.first or date.min).isoformat(), (self.last or date.max).isoformat()

    @property
    def unscheduled(self) -> list[PreviewUndated]:
        """The charge lines without a schedule."""
        return self._undated_of(UNSCHEDULED)

    @property
    def waiting(self) -> list[PreviewUndated]:
        """The waiting parts of scheduled charge lines."""
        return self._undated_of(WAITING)

    def _undated_of(self, kind: str) -> list[PreviewUndated]:
        """Return the amounts of one kind; ages count up to the last day that was asked for, or today."""
        day = self.last or self.today
        return [
            PreviewUndated(
                one.charge, one.customer, one.item, decimal_string(one.amount, one.currency), one.currency,
                one.since.isoformat(), max(0, (day - one.since).days), one.code, one.reason,
            )
            for one in self.undated
            if one.kind == kind
        ]  # fmt: skip

    def undated_totals(self) -> tuple[UndatedTotal, ...]:
        """Return the totals of the amounts without a recognition date."""
        return undated_totals(self.undated)

    def sort(self) -> None:
        """Order the lines by the date that counts; lines of one day keep their order."""
        self.lines.sort(key=lambda line: line.entry_date or line.date if self.basis is Basis.ledger else line.date)

    def totals(self) -> list[PreviewTotal]:
        """Return the revenue by period and currency."""
        return _by_period(self.sums)

    def costs(self) -> list[PreviewTotal]:
        """Return the expensed costs by period and currency."""
        return _by_period(self.spent, sign=-1)


def _by_period(sums: Mapping[tuple[str, str], Counter[str]], sign: int = 1) -> list[PreviewTotal]:
    return [
        PreviewTotal(
            period,
            currency,
            *(
                decimal_string(sign * amount, currency)
                for amount in (amounts.total(), *(amounts[state] for state in PreviewTotal._fields[3:]))
            ),
        )
        for (period, currency), amounts in sorted(sums.items())
    ]


def preview(
    context: "Context", filters: Filters = NO_FILTERS, due: bool = False, basis: Basis = Basis.earned
) -> SchedulePreview:
    """Return the schedule lines that the filters select; the days and totals go by the dates of ``basis``.

    With ``due``, return only those that the next run dated with the last day would post.

    Raises:
        BadInput: A filter names something that no charge line has.
    """
    # A run posts what is recognized until its day, whatever dates its entries get.
    result = SchedulePreview(*(None, None) if due else (filters.first, filters.last), context.now().date(), basis)
    with as_the_next_run(context) as connection:
        result.rule_changes = rule_changes(context, SqlAlchemyView(connection))
        check_filters(context, connection, filters)
        holding = ClosedPeriodBlock(posting_dates(context, connection))
        by_ledger_date = basis is Basis.ledger and not due
        for line in planned_lines(connection, filters, due, by_ledger_date):
            result.add(line, holding)
        for lines in () if due else (reversed_lines, changed_lines, historical_lines):
            for line in lines(connection, filters, by_ledger_date):
                result.add(line, holding)
        result.undated = list(undated_lines(connection, filters))
        no = charges.find_charge(connection, filters.charge) if filters.charge else None
        kept = list(stored_allocations(connection, no)) if no is not None else []
        result.allocations = kept[-1].lines if kept else []
        if due and filters == Filters(last=filters.last) and filters.last:
            result.summarized = list(_summarized(context, connection, filters.last))
    result.first, result.last = filters.first, filters.last
    result.sort()
    return result


def _summarized(context: "Context", connection: "Connection", day: date) -> Iterator[PreviewJournalLine]:
    """Yield the lines of the summarized entries that a run of a day posts, of those that earlier runs left, too."""
    if not summarizes(connection):
        return
    left = entries.numbers_in(connection, "READY", "REJECTED", until=day)
    waiting = (entries.read_entry(connection, number, only_sent=True).entry for number in left)
    for entry in chain(waiting, due_entries(connection, context, day, "", RepairRunner(context))):
        for line in entry.summary:
            yield PreviewJournalLine(
                entry.date.isoformat(), entry.journal, entry.entity, line.line_no, line.side, line.account,
                decimal_string(line.amount, line.currency), line.currency, line.customer, line.item, line.dimensions,
                line.memo, line.parts,
            )  # fmt: skip


def preview_file(
    context: "Context",
    path: Path,
    mapping: "ColumnMapping",
    first: date | None = None,
    last: date | None = None,
    basis: Basis = Basis.earned,
) -> SchedulePreview:
    """Return the preview of a file of charge lines, without importing it.

    Raises:
        SourceError: The file cannot be read.
        BadInput: A row cannot be used.
    """
    from revrec.jobs.rules.load import load_rules

    book = load_rules(context)
    result = SchedulePreview(first, last, context.now().date(), basis)
    contracts: dict[str, list[ChargeLine]] = {}
    with context.database.read() as connection:
        holding = ClosedPeriodBlock(posting_dates(context, connection))
        for line in _lines_of_file(connection, path, mapping, book, result):
            rule = book.allocation_of(line) if book.allocations else None
            if isinstance(rule, AllocationRule):
                contracts.setdefault(rule.contract_of(line) or "", []).append(line)
            else:
                _add_charge(result, line, rule or book.derive(line), holding)
                _add_costs(result, book, line, (), holding)
    for lines in contracts.values():
        _add_contract(result, book, lines, holding)
    result.lines.sort(key=lambda line: (line.charge, line.seq))
    result.sort()
    return result


def _lines_of_file(
    connection: "Connection", path: Path, mapping: "ColumnMapping", book: RuleBook, result: SchedulePreview
) -> Iterator[ChargeLine]:
    """Yield the charge lines of a file that earn revenue; add those that bill a contract line to the result.

    Raises:
        BadInput: A row cannot be used.
    """
    from revrec.jobs.importing.billing import BillingMatcher
    from revrec.jobs.importing.contracts_in_progress import cannot_continue
    from revrec.jobs.importing.rows import nothing_to_recognize
    from revrec.sources import BadRow, PassedOver, RowProblem, read_charges

    matcher, rows = BillingMatcher(connection), dict[str, int]()
    for row in read_charges(path, mapping):
        if isinstance(row, BadRow):
            raise BadInput("\n".join(row.report(str(path))))
        if isinstance(row, PassedOver):
            continue
        line, place = row.line, f"{path}: row {row.row_number}"
        first_row = rows.setdefault(line.id, row.row_number)
        if first_row != row.row_number:
            problem = RowProblem("charge", line.id, f"appears in row {first_row} of this file already", KEEP_ONE)
            raise BadInput(f"{place}: {problem}")
        if wrong := nothing_to_recognize(line, book) or cannot_continue(line, book):
            raise BadInput(f"{place}: {wrong}")
        stored = charges.find_charge(connection, line.id)
        match = matcher.match(line) if stored is None else matcher.stored(stored)
        if isinstance(match, RowProblem):
            raise BadInput(f"{place}: {match}")
        if match:
            amount = decimal_string(line.amount, line.currency)
            bills = (line.customer, line.item, line.post_date.isoformat(), amount, line.currency)
            result.billing.append(PreviewBilling(line.id, match.ordered.id, *bills))
            continue
        if line.is_ordered:
            matcher.add_ordered(-row.row_number, line)
        yield line


def _add_contract(result: SchedulePreview, book: RuleBook, lines: list[ChargeLine], holding: ClosedPeriodBlock) -> None:
    found = allocate_contract(book, [ContractMember(line) for line in lines])
    if isinstance(found, AllocatedContract):
        result.allocations += shares_of_contract(found, lines[0].currency)
    for line in lines:
        steps = found.steps[line.id] if isinstance(found, AllocatedContract) else ()
        derived = _derived(book, found, line) if isinstance(found, AllocatedContract) else found
        _add_charge(result, line, derived, holding)
        _add_costs(result, book, line, steps, holding)


def _add_costs(
    result: SchedulePreview,
    book: RuleBook,
    line: ChargeLine,
    steps: Sequence[AllocationStep],
    holding: ClosedPeriodBlock,
) -> None:
    for cost in book.costs_of(line, steps):
        _add_charge(result, cost, book.derive(cost), holding)


def _derived(book: RuleBook, contract: AllocatedContract, line: ChargeLine) -> Schedule | Unscheduled:
    derived = book.derive(line, (), contract.steps[line.id])
    return (isinstance(derived, Unscheduled) and contract.price_only(line.id)) or derived


def _add_charge(
    result: SchedulePreview, line: ChargeLine, found: Schedule | Unscheduled, holding: ClosedPeriodBlock
) -> None:
    """Add the schedule of a charge line that is not imported, or why it has none."""
    derived = or_unscheduled(found)
    if isinstance(derived, Unscheduled):
        if derived.code in SETTLED:
            return
        result.undated.append(_undated(line, UNSCHEDULED, derived, line.amount))
        return
    if derived.waits:
        result.undated.append(_undated(line, WAITING, derived.waits, sum(part.amount for part in derived.waiting)))
    for one in _lines(line, derived.rule.name, derived.rule.method.name, derived.parts, derived.post):
        result.add(one, holding)


def _undated(line: ChargeLine, kind: str, why: Unscheduled, amount: int) -> UndatedLine:
    rule = why.rule.name if why.rule else None
    return UndatedLine(
        kind, why.code, why.reason, rule, line.id, line.customer, line.item, amount, line.currency,
        is_cost(line.id), line.post_date,
    )  # fmt: skip


def _lines(
    line: ChargeLine, rule: str, method: str, parts: tuple[tuple[date, int], ...], post: tuple[str, ...]
) -> Iterator[PlannedLine]:
    for seq, (day, amount) in enumerate(parts, 1):
        yield PlannedLine(
            line.id, line.document, line.customer, line.item, rule, method, seq, len(parts),
            day.isoformat(), amount, line.currency, post[0], post[1], _status(line, day), line.entity, 1,
        )  # fmt: skip


def _status(line: ChargeLine, day: date) -> str:
    return HISTORICAL if line.is_migrated and day < cutover_of(line) else "not imported"


def _dated(line: PlannedLine, holding: ClosedPeriodBlock) -> PlannedLine:
    """Return the line with the date that a run would give its entry, or held if it would create none."""
    if line.awaits:
        return line._replace(status="held", entry_date=None, reason=f"waits for the invoice of {document_of(line)}")
    day = day_of(line.date)
    held = holding.why_blocked(line.entity, day, (line.charge, line.version), line.amount)
    if held:
        return line._replace(status="held", entry_date=None, reason=held)
    dated, reason = holding.dates.of(line.entity, day)
    assert dated is not None
    return line._replace(entry_date=iso(dated), reason=reason)


def document_of(line: PlannedLine) -> str:
    """Return the document of a line with its source, such as ``shop/INV-1``."""
    return line.charge.rpartition("/")[0]
