"""Take over charge lines in progress: check what was recognized before the cutover against the plan of their rule.

A line of an allocated contract is compared at its share of the price, so the contract must be complete first. Its rows
are held back until the last row of a file is read, and accepted or rejected together: without one of its lines, the
others would have other shares.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.charge_line import ChargeLine
from revrec.core.migration import DIFFERS
from revrec.core.money import decimal_string
from revrec.core.pricing import AllocationStep
from revrec.core.rules import AllocationRule
from revrec.core.rules.contracts import AllocatedContract, ContractMember, allocate_contract
from revrec.core.schedule import Unscheduled, covered_amount
from revrec.jobs.scheduling.contracts import belongs_to_contract
from revrec.sources import GoodRow, RowProblem
from revrec.store import contracts

if TYPE_CHECKING:
    from revrec.core.rules import RuleBook
    from revrec.store.connection import Connection

_FIX_SIGN = "write what was recognized until the cutover, with the sign of the amount"
_FIX_PRICE_ONLY = "leave it empty, and write it for the lines that earn the amount"
_FIX_LATE = "import all lines of a contract in progress in one file"
_FIX_CUTOVER = "write cutover and recognized_before for every line of the contract that was billed before it"
_FIX_SIBLING = "correct that row: a contract is taken over as a whole"


def cannot_continue(
    line: ChargeLine, book: "RuleBook", steps: Sequence[AllocationStep] | None = None
) -> RowProblem | None:
    """Return the problem of a line in progress that cannot be taken over at its cutover; None if it can.

    ``steps`` allocate a share of its contract's price to it. Without them, a line of a contract has no problem yet.
    """
    if not line.is_migrated or (steps is None and belongs_to_contract(book, line)):
        return None
    recognized = line.recognized_before
    price = book.price_at_start(line, steps or ())
    if steps is None and covered_amount(recognized, price) != recognized:
        return _problem(line, "is more than the amount, or has the other sign", _FIX_SIGN)
    # Another system may have recognized more than a line's share of the price: that is a difference like any other.
    if steps and recognized * price < 0:
        return _problem(line, "has another sign than the line's share of the price", _FIX_SIGN)
    steps = steps or ()
    found = book.derive(line, (), steps)
    if not (isinstance(found, Unscheduled) and found.code == DIFFERS):
        return None
    # The reason ends with what changes the price: the contract's allocation, then the interest in it.
    words = "; ".join(step.words for step in (*steps, *book.interest_changes(line)) if step.words)
    reason, _, fix = found.reason.removesuffix(f"; {words}").rpartition("; ")
    return _problem(line, "; ".join(filter(None, (reason, words))), fix)


def _problem(line: ChargeLine, reason: str, fix: str) -> RowProblem:
    return RowProblem("recognized_before", decimal_string(line.recognized_before, line.currency), reason, fix)


class CheckedContract(NamedTuple):
    """A contract whose rows were held back, with the problem of each row, and the steps of each line by id.

    If one row has a problem, every row has one. ``refusal`` is the reason to refuse the whole file then, if it has
    other lines of the contract; else empty.
    """

    rows: Sequence[GoodRow[ChargeLine]]
    problems: Sequence[RowProblem | None]
    steps: dict[str, tuple[AllocationStep, ...]]
    refusal: str


class ContractsInProgress:
    """The rows of contracts in progress, until all rows of a file are read."""

    def __init__(self, connection: "Connection", book: "RuleBook") -> None:
        self._connection = connection
        self._book = book
        self._rows: dict[str, GoodRow[ChargeLine]] = {}
        self._scheduled: dict[str, bool] = {}

    def rule_of(self, line: ChargeLine) -> AllocationRule | None:
        """Return the allocation of a line in progress; None if it is not in progress, or earns what was billed."""
        if not line.is_migrated or not self._book.allocations:
            return None
        rule = self._book.allocation_of(line)
        return rule if isinstance(rule, AllocationRule) else None

    @property
    def ids(self) -> Iterable[str]:
        """Return the ids of the charge lines whose rows are held back."""
        return self._rows

    def row_of(self, id: str) -> int | None:
        """Return the number of the row that has a charge line, if it is held back."""
        return self._rows[id].row_number if id in self._rows else None

    def hold(self, row: GoodRow[ChargeLine]) -> None:
        """Hold back a row until its contract is complete."""
        self._rows[row.line.id] = row

    def joins_late(self, line: ChargeLine) -> RowProblem | None:
        """Return the problem of a line in progress whose contract would be modified by it at a day of the past."""
        rule = self.rule_of(line)
        contract = rule.contract_of(line) if rule and rule.later == "modify" else None
        if contract is None:
            return None
        if contract not in self._scheduled:
            self._scheduled[contract] = contract in contracts.scheduled_contracts(self._connection, [contract])
        if not self._scheduled[contract]:
            return None
        return RowProblem(
            "cutover", str(line.cutover), "the other lines of its contract were imported before", _FIX_LATE
        )

    def release(self, held: Iterable["ContractsInProgress"], others: Iterable[ChargeLine]) -> Iterator[CheckedContract]:
        """Yield each contract with its rows, which several importers may hold back.

        ``others`` are lines of the same files that may belong to such a contract too.
        """
        by_contract: dict[str | None, list[GoodRow[ChargeLine]]] = {}
        for row in (row for one in held for row in one._rows.values()):
            rule = self.rule_of(row.line)
            assert rule is not None
            by_contract.setdefault(rule.contract_of(row.line), []).append(row)
        new: dict[str | None, list[ChargeLine]] = {}
        for line in others if by_contract else ():
            found = self._book.allocation_of(line)
            if isinstance(found, AllocationRule):
                new.setdefault(found.contract_of(line), []).append(line)
        for contract, rows in by_contract.items():
            yield self._checked(rows, new.get(contract, ()))

    def _checked(self, rows: Sequence[GoodRow[ChargeLine]], others: Sequence[ChargeLine]) -> CheckedContract:
        lines = [*(row.line for row in rows), *others]
        found = allocate_contract(self._book, [ContractMember(line) for line in lines])
        if isinstance(found, Unscheduled):
            # It waits, as any contract that cannot be allocated does.
            return CheckedContract(rows, [None] * len(rows), {}, "")
        without = next((line for line in others if self._lacks_cutover(line, rows)), None)
        if without is not None:
            return _without_cutover(rows, without)
        problems = [self._problem_of(row.line, found) for row in rows]
        wrong = next(((row, one) for row, one in zip(rows, problems, strict=True) if one), None)
        if wrong is None:
            return CheckedContract(rows, problems, {row.line.id: found.steps[row.line.id] for row in rows}, "")
        sibling = f"row {wrong[0].row_number} of its contract cannot be taken over"
        problems = [
            problem or RowProblem("cutover", str(row.line.cutover), sibling, _FIX_SIBLING)
            for row, problem in zip(rows, problems, strict=True)
        ]
        # Lines that are not in progress are added already: without the others, they would have other shares.
        refusal = f"row {wrong[0].row_number}: {wrong[1]}; {others[0].id} is of the same contract" if others else ""
        return CheckedContract(rows, problems, {}, refusal)

    def _lacks_cutover(self, line: ChargeLine, rows: Sequence[GoodRow[ChargeLine]]) -> bool:
        """Check if a line would be recognized from its post date on, beside rows that are taken over after that day.

        What the other system recognized of it would be posted again.
        """
        rule = self._book.allocation_of(line)
        if line.cutover is not None or (isinstance(rule, AllocationRule) and rule.is_only_a_price(line)):
            return False
        return any(row.line.cutover is not None and line.post_date < row.line.cutover for row in rows)

    def _problem_of(self, line: ChargeLine, found: AllocatedContract) -> RowProblem | None:
        if found.price_only(line.id):
            reason = "is set, but the line is only a price of its contract: other lines earn its amount"
            return _problem(line, reason, _FIX_PRICE_ONLY) if line.recognized_before else None
        return cannot_continue(line, self._book, found.steps[line.id])


def _without_cutover(rows: Sequence[GoodRow[ChargeLine]], other: ChargeLine) -> CheckedContract:
    """Return the refusal of a contract because another of its lines lacks a cutover."""
    reason = f"{other.id} of its contract was billed on {other.post_date} and has no cutover"
    problems = [RowProblem("cutover", str(row.line.cutover), reason, _FIX_CUTOVER) for row in rows]
    return CheckedContract(rows, problems, {}, f"row {rows[0].row_number}: {problems[0]}")
