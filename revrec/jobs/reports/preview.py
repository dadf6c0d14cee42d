"""``revrec preview``: show what would be recognized and posted, and why the rest would not; write nothing."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from revrec.core.charge_line import ChargeLine
from revrec.core.closed_periods import ClosedPeriodBlock
from revrec.core.errors import BadInput
from revrec.core.money import decimal_string
from revrec.core.rules import AllocationRule, RuleBook
from revrec.core.rules.contracts import AllocatedContract, ContractMember, allocate_contract
from revrec.core.rules.costs import is_cost
from revrec.core.schedule import Schedule, Unscheduled, or_unscheduled
from revrec.jobs.posting.periods import posting_dates
from revrec.jobs.scheduling.contracts import shares_of_contract, stored_allocations
from revrec.store import charges
from revrec.store.reports.forecast import PlannedLine, planned_lines, unscheduled_charges, waiting_amounts

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.sources import ColumnMapping

Line = dict[str, object]
GOES_ON = ("planned", "rejected", "not imported")
"""States of lines that the next run puts on a new entry."""
KEEP_ONE = "keep one of the two"


@dataclass
class SchedulePreview:
    """The schedule lines between two dates, with totals by period and currency.

    Also the charges without a schedule, the waiting amounts, and the allocation of the contracts that were asked for.
    """

    first: date | None
    last: date | None
    lines: list[Line] = field(default_factory=list)
    unscheduled: list[dict[str, str]] = field(default_factory=list)
    waiting: list[dict[str, str]] = field(default_factory=list)
    allocations: list[dict[str, object]] = field(default_factory=list)
    sums: Counter[tuple[str, str]] = field(default_factory=Counter)
    spent: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, line: PlannedLine, holding: ClosedPeriodBlock) -> None:
        """Add a schedule line, dated by the closed-period policy unless its entry already fixes the date."""
        if line.status in GOES_ON:
            line = _dated(line, holding)
        period = line.date[:7]
        (self.spent if is_cost(line.charge) else self.sums)[period, line.currency] += line.amount
        amount = decimal_string(line.amount, line.currency)
        shown = {name: value for name, value in line._asdict().items() if name not in ("version", "awaits")}
        self.lines.append({**shown, "period": period, "amount": amount, "reason": line.reason or ""})

    def within(self, day: str) -> bool:
        """Return True if a day lies between the two dates; a missing date is no limit."""
        first, last = (one.isoformat() if one else day for one in (self.first, self.last))
        return first <= day <= last

    def wait(self, charge: str, amount: int, currency: str, reason: str) -> None:
        """Add an amount of a scheduled charge that has no date yet."""
        shown = decimal_string(amount, currency)
        self.waiting.append({"charge": charge, "amount": shown, "currency": currency, "reason": reason})

    def totals(self) -> list[dict[str, str]]:
        """Return the revenue by period and currency."""
        return _by_period(self.sums)

    def costs(self) -> list[dict[str, str]]:
        """Return the expensed costs by period and currency."""
        return _by_period({key: -amount for key, amount in self.spent.items()})


def _by_period(sums: Mapping[tuple[str, str], int]) -> list[dict[str, str]]:
    return [
        {"period": period, "currency": currency, "amount": decimal_string(amount, currency)}
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
    result = SchedulePreview(first, last)
    with context.database.read() as connection:
        no = None
        if charge is not None:
            no = charges.find_charge(connection, charge)
            if no is None:
                raise BadInput(f"{charge}: no such charge; a charge's id is SOURCE/DOCUMENT/LINE")
        holding = ClosedPeriodBlock(posting_dates(context, connection))
        for line in planned_lines(connection, first, last, no, due):
            result.add(line, holding)
        result.unscheduled = [{"charge": one, "reason": reason} for one, reason in unscheduled_charges(connection, no)]
        for part in waiting_amounts(connection, no):
            result.wait(*part)
        kept = list(stored_allocations(connection, no)) if no is not None else []
        result.allocations = kept[-1]["lines"] if kept else []
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
    result = SchedulePreview(first, last)
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
    result.lines.sort(key=lambda line: (line["date"], line["charge"], line["seq"]))
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
        result.unscheduled.append({"charge": line.id, "reason": derived.reason})
        return
    if derived.waits:
        amount = sum(part.amount for part in derived.waiting)
        result.wait(line.id, amount, line.currency, derived.waits.reason)
    for one in _lines(line, derived.rule.name, derived.rule.method.name, derived.parts, derived.post):
        if result.within(one.date):
            result.add(one, holding)


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
