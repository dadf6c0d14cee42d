"""``revrec preview``: show what would be recognized and posted, and why the rest would not; write nothing."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.charge_line import ChargeLine
from revrec.core.closed_periods import ClosedPeriodBlock
from revrec.core.errors import BadInput
from revrec.core.money import decimal_string
from revrec.core.rules import AllocationRule, RuleBook
from revrec.core.rules.contracts import AllocatedContract, ContractMember, allocate_contract
from revrec.core.rules.costs import is_cost
from revrec.core.schedule import Schedule, Unscheduled, or_unscheduled
from revrec.jobs.posting.periods import posting_dates
from revrec.jobs.reports.undated import UndatedTotal, undated_totals
from revrec.jobs.scheduling.contracts import ContractShare, shares_of_contract, stored_allocations
from revrec.store import charges
from revrec.store.reports.forecast import PlannedLine, planned_lines
from revrec.store.reports.undated import UNSCHEDULED, WAITING, UndatedLine, undated_lines

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.sources import ColumnMapping

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


class PreviewTotal(NamedTuple):
    """The total of a month in one currency; ``amount`` is a decimal string."""

    period: str
    currency: str
    amount: str


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
    """

    first: date | None
    last: date | None
    today: date
    lines: list[PreviewLine] = field(default_factory=list)
    undated: list[UndatedLine] = field(default_factory=list)
    allocations: list[ContractShare] = field(default_factory=list)
    sums: Counter[tuple[str, str]] = field(default_factory=Counter)
    spent: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, line: PlannedLine, holding: ClosedPeriodBlock) -> None:
        """Add a schedule line, dated by the closed-period policy unless its entry already fixes the date."""
        if line.status in GOES_ON:
            line = _dated(line, holding)
        period = line.date[:7]
        (self.spent if is_cost(line.charge) else self.sums)[period, line.currency] += line.amount
        amount = decimal_string(line.amount, line.currency)
        self.lines.append(
            PreviewLine(
                line.charge, line.document, line.customer, line.item, line.rule, line.method, line.seq, line.of,
                line.date, amount, line.currency, line.deferred, line.accrued, line.status, line.entity,
                line.entry_date, line.reason or "", period,
            )
        )  # fmt: skip

    def within(self, day: str) -> bool:
        """Return True if a day lies between the two dates; a missing date is no limit."""
        first, last = (one.isoformat() if one else day for one in (self.first, self.last))
        return first <= day <= last

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

    def totals(self) -> list[PreviewTotal]:
        """Return the revenue by period and currency."""
        return _by_period(self.sums)

    def costs(self) -> list[PreviewTotal]:
        """Return the expensed costs by period and currency."""
        return _by_period({key: -amount for key, amount in self.spent.items()})


def _by_period(sums: Mapping[tuple[str, str], int]) -> list[PreviewTotal]:
    return [
        PreviewTotal(period, currency, decimal_string(amount, currency))
        for (period, currency), amount in sorted(sums.items())
    ]


def preview(
    context: "Context",
    first: date | None = None,
    last: date | None = None,
    charge: str | None = None,
    due: bool = False,
) -> SchedulePreview:
    """Return the schedule lines dated from ``first`` to ``last`` (None: no limit), of one charge or of all.

    With ``due``, return only those that the next run dated ``last`` would post.

    Raises:
        BadInput: The charge does not exist.
    """
    result = SchedulePreview(first, last, context.now().date())
    with context.database.read() as connection:
        no = None
        if charge is not None:
            no = charges.find_charge(connection, charge)
            if no is None:
                raise BadInput(f"{charge}: no such charge; a charge's id is SOURCE/DOCUMENT/LINE")
        holding = ClosedPeriodBlock(posting_dates(context, connection))
        for line in planned_lines(connection, first, last, no, due):
            result.add(line, holding)
        result.undated = list(undated_lines(connection, no))
        kept = list(stored_allocations(connection, no)) if no is not None else []
        result.allocations = kept[-1].lines if kept else []
    return result


def preview_file(
    context: "Context", path: Path, mapping: "ColumnMapping", first: date | None = None, last: date | None = None
) -> SchedulePreview:
    """Return the preview of a file of charge lines, without importing it.

    Raises:
        SourceError: The file cannot be read.
        BadInput: A row cannot be used.
    """
    from revrec.jobs.importing.rows import nothing_to_recognize
    from revrec.jobs.rules.load import load_rules
    from revrec.sources import BadRow, PassedOver, RowProblem, read_charges

    book = load_rules(context)
    with context.database.read() as connection:
        holding = ClosedPeriodBlock(posting_dates(context, connection))
    result = SchedulePreview(first, last, context.now().date())
    rows: dict[str, int] = {}
    contracts: dict[str, list[ChargeLine]] = {}
    for row in read_charges(path, mapping):
        if isinstance(row, BadRow):
            raise BadInput("\n".join(row.report(str(path))))
        if isinstance(row, PassedOver):
            continue
        first_row = rows.setdefault(row.line.id, row.row_number)
        if first_row != row.row_number:
            problem = RowProblem("charge", row.line.id, f"appears in row {first_row} of this file already", KEEP_ONE)
            raise BadInput(f"{path}: row {row.row_number}: {problem}")
        if nothing := nothing_to_recognize(row.line, book):
            raise BadInput(f"{path}: row {row.row_number}: {nothing}")
        rule = book.allocation_of(row.line) if book.allocations else None
        if isinstance(rule, AllocationRule):
            contracts.setdefault(rule.contract_of(row.line) or "", []).append(row.line)
        else:
            _add_charge(result, row.line, rule or book.derive(row.line), holding)
        for cost in book.costs_of(row.line):
            _add_charge(result, cost, book.derive(cost), holding)
    for lines in contracts.values():
        _add_contract(result, book, lines, holding)
    result.lines.sort(key=lambda line: (line.date, line.charge, line.seq))
    return result


def _add_contract(result: SchedulePreview, book: RuleBook, lines: list[ChargeLine], holding: ClosedPeriodBlock) -> None:
    found = allocate_contract(book, [ContractMember(line) for line in lines])
    if isinstance(found, AllocatedContract):
        result.allocations += shares_of_contract(found, lines[0].currency)
    for line in lines:
        steps = found.steps[line.id] if isinstance(found, AllocatedContract) else ()
        _add_charge(
            result, line, book.derive(line, (), steps) if isinstance(found, AllocatedContract) else found, holding
        )


def _add_charge(
    result: SchedulePreview, line: ChargeLine, found: Schedule | Unscheduled, holding: ClosedPeriodBlock
) -> None:
    """Add the schedule of a charge line that is not imported, or why it has none."""
    derived = or_unscheduled(found)
    if isinstance(derived, Unscheduled):
        result.undated.append(_undated(line, UNSCHEDULED, derived, line.amount))
        return
    if derived.waits:
        result.undated.append(_undated(line, WAITING, derived.waits, sum(part.amount for part in derived.waiting)))
    for one in _lines(line, derived.rule.name, derived.rule.method.name, derived.parts, derived.post):
        if result.within(one.date):
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
            day.isoformat(), amount, line.currency, post[0], post[1], "not imported", line.entity, 1,
        )  # fmt: skip


def _dated(line: PlannedLine, holding: ClosedPeriodBlock) -> PlannedLine:
    """Return the line with the date that a run would give its entry, or held if it would create none."""
    if line.awaits:
        return line._replace(status="held", entry_date=None, reason=f"waits for the invoice of {document_of(line)}")
    day = date.fromisoformat(line.date)
    held = holding.why_blocked(line.entity, day, (line.charge, line.version), line.amount)
    if held:
        return line._replace(status="held", entry_date=None, reason=held)
    dated, reason = holding.dates.of(line.entity, day)
    return line._replace(entry_date=str(dated), reason=reason)


def document_of(line: PlannedLine) -> str:
    """Return the document of a line with its source, such as ``shop/INV-1``."""
    return line.charge.rpartition("/")[0]
