"""Match invoices to the contract lines that they bill, and refuse what does not fit.

A contract line is imported ahead of its invoices. A charge line bills it if its column ``bills`` names it, if it
credits a line that bills it, or if its contract has exactly one contract line of its item. Nothing is guessed: what is
ambiguous, or does not agree with the contract line, is a problem of its row.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.batching import batched
from revrec.core.charge_line import BILLED_LATER, ChargeLine
from revrec.core.errors import BadInput
from revrec.core.money import decimal_string
from revrec.core.pricing import price_of
from revrec.jobs.paging import PAGE
from revrec.sources import RowProblem
from revrec.store import billing, charges, events

if TYPE_CHECKING:
    from revrec.core.charge_columns import ChargeColumns
    from revrec.store.connection import Connection

MOST_NAMED = 5
"""The most contract lines that a message names."""
AGREE = ("customer", "currency", "entity")
"""The fields in which a line that bills a contract line must agree with it."""

_IMPORT_CHANGED = "or import the changed contract first: revrec contract import FILE --modified DATE"
_NAME_IT = "name the one that it bills in the column bills, such as"


class MatchedBilling(NamedTuple):
    """The contract line that a charge line bills, its number, and the column that names it."""

    ordered_no: int
    ordered: ChargeLine
    matched_by: str


class BillingMatcher:
    """The contract lines that the rows of one import may bill, and what is still to be billed of each."""

    def __init__(self, connection: "Connection") -> None:
        self._connection = connection
        self._has_ordered: bool | None = None
        self._contracts: dict[str, dict[int, ChargeLine]] = {}
        self._prices: dict[int, int] = {}
        self._billed: dict[int, int] = {}
        self._billed_by: dict[str, set[int]] = {}

    def may_bill(self, columns: "ChargeColumns") -> bool:
        """Check whether any of these lines may be a contract line, or bill one."""
        if any(columns.bills):
            return True
        if not self._any_ordered():
            return False
        sets = {id(one): one for one in columns.dimensions}.values()
        return any(columns.credits) or any(one.get("contract") for one in sets)

    def read_ahead(self, lines: Iterable[ChargeLine]) -> None:
        """Read the contract lines that any of these lines may bill: together, not with a query for each line."""
        if self._any_ordered():
            self._read({contract for line in lines for contract in _contracts_named(line)})

    def add_ordered(self, no: int, line: ChargeLine) -> None:
        """Note a contract line of this import, which later rows may bill."""
        self._has_ordered = True
        self._read([line.document])
        self._contracts[line.document][no] = line
        self._prices[no], self._billed[no] = line.amount, 0

    def match(self, line: ChargeLine) -> MatchedBilling | RowProblem | None:
        """Return the contract line that a line bills, a problem if that is not clear, or None if it bills none."""
        if line.is_ordered or not (line.bills or self._any_ordered()):
            return _in_progress(line) if line.is_ordered else None
        matched_by, named = self._candidates(line)
        if not named:
            return _unknown(line) if line.bills else None
        found = named if len(named) == 1 else {no: one for no, one in named.items() if one.item == line.item}
        if len(found) != 1:
            return _ambiguous(line, matched_by, [one.id for one in named.values()])
        ((no, ordered),) = found.items()
        problem = _in_progress(line) or _disagreement(line, ordered) or self._too_much(line, no, ordered)
        if problem:
            return problem
        self._billed[no] += line.amount
        for name in (line.id, f"{line.source}/{line.document}"):
            self._billed_by.setdefault(name, set()).add(no)
        return MatchedBilling(no, ordered, matched_by)

    def stored(self, no: int) -> MatchedBilling | None:
        """Return the contract line that a stored charge line bills; None if it bills none."""
        ordered = billing.ordered_of(self._connection, [no]).get(no)
        if ordered is None:
            return None
        return MatchedBilling(ordered, charges.read_charge(self._connection, ordered), "bills")

    def _any_ordered(self) -> bool:
        if self._has_ordered is None:
            self._has_ordered = billing.has_ordered(self._connection)
        return self._has_ordered

    def _candidates(self, line: ChargeLine) -> tuple[str, Mapping[int, ChargeLine]]:
        """Return the contract lines that a line may bill, and the column that names them."""
        if line.bills:
            return "bills", self._named(line)
        if line.credits and (credited := self._credited(line)):
            return "credits", credited
        contract = line.dimensions.get("contract", "")
        of_contract = self._of_contract(contract) if contract else {}
        return "contract", {no: one for no, one in of_contract.items() if one.item == line.item}

    def _named(self, line: ChargeLine) -> dict[int, ChargeLine]:
        """Return the contract lines that the column ``bills`` names: as a line, or as a whole contract."""
        known = {no: one for name in _contracts_named(line) for no, one in self._of_contract(name).items()}
        exact = {no: one for no, one in known.items() if line.bills in (one.id, f"{one.document}/{one.line}")}
        return exact or {no: one for no, one in known.items() if one.document == line.bills}

    def _credited(self, line: ChargeLine) -> dict[int, ChargeLine]:
        whole = [line.credits] if line.credits.count("/") > 1 else []
        here = [self._billed_by.get(name, ()) for name in (f"{line.source}/{line.credits}", *whole)]
        numbers = sorted({*chain(*here), *billing.ordered_of_credited(self._connection, line.source, line.credits)})
        known = {no: one for some in self._contracts.values() for no, one in some.items() if no in numbers}
        return known | dict(self._lines(no for no in numbers if no not in known))

    def _of_contract(self, contract: str) -> dict[int, ChargeLine]:
        self._read([contract])
        return self._contracts[contract]

    def _read(self, contracts: Iterable[str]) -> None:
        new = [one for one in contracts if one not in self._contracts]
        if new:
            self._contracts |= {one: {} for one in new}
            numbers = billing.ordered_of_contracts(self._connection, new)
            for no, line in self._lines(numbers):
                self._contracts[line.document][no] = line

    def _lines(self, numbers: Iterable[int]) -> Iterator[tuple[int, ChargeLine]]:
        """Yield stored contract lines; note what is billed of each, and its price without what an allocation moves."""
        for page in batched(numbers, PAGE):
            recorded = events.events_of_charges(self._connection, page)
            billed = billing.billed_amounts(self._connection, page)
            for no, line in charges.read_charges(self._connection, page):
                self._prices.setdefault(no, price_of(line, recorded.get(no, ())))
                self._billed.setdefault(no, billed.get(no, 0))
                yield no, line

    def _too_much(self, line: ChargeLine, no: int, ordered: ChargeLine) -> RowProblem | None:
        """Return the problem if more would be billed than the price of the contract line, or less than nothing."""
        price, billed = self._prices[no], self._billed[no]
        after = billed + line.amount
        # After a cancellation more may be billed than the price: several credits can take it back.
        if min(price, billed, 0) <= after <= max(price, billed, 0):
            return None
        rest = price - billed if abs(billed) < abs(price) else 0
        shown, left, done = (decimal_string(one, line.currency) for one in (line.amount, rest, billed))
        if abs(after) > abs(price) and after * price >= 0:
            reason = f"is more than the {left} {line.currency} of {ordered.id} that is not billed: {done} is billed"
            return RowProblem("amount", shown, reason, f"correct the amount, {_IMPORT_CHANGED}")
        reason = f"takes back more than the {done} {line.currency} that is billed of {ordered.id}"
        return RowProblem("amount", shown, reason, "correct the amount, or import the invoice that it credits first")


def _contracts_named(line: ChargeLine) -> list[str]:
    """Return the contract numbers that a line may name: ``C-1``, ``C-1/2`` and ``crm/C-1/2`` all name C-1."""
    names = [line.dimensions.get("contract", "")]
    if line.bills and line.bills != BILLED_LATER:
        contract = line.bills.rpartition("/")[0]
        names += [line.bills, contract, contract.partition("/")[2]]
    return [name for name in names if name]


def _ambiguous(line: ChargeLine, matched_by: str, ids: Sequence[str]) -> RowProblem:
    shown = ", ".join(ids[:MOST_NAMED]) + (" and more" if ids[MOST_NAMED:] else "")
    value = {"bills": line.bills, "credits": line.credits}.get(matched_by, line.dimensions.get("contract", ""))
    reason = f"may bill any of {len(ids)} contract lines: {shown}"
    return RowProblem(matched_by, value, reason, f"{_NAME_IT} {ids[0]}")


def _unknown(line: ChargeLine) -> RowProblem:
    return RowProblem(
        "bills", line.bills, "names no contract line of these books",
        "import the contract first (revrec contract import FILE), or correct the name",
    )  # fmt: skip


def _in_progress(line: ChargeLine) -> RowProblem | None:
    """Return the problem of a contract in progress: what was billed of it before the cutover is not known."""
    if line.cutover is None:
        return None
    reason = "is of a contract in progress, which cannot be billed by other lines"
    fix = "import what remains of the contract as its own line, or leave the column bills empty"
    return RowProblem("cutover", line.cutover.isoformat(), reason, fix)


def contract_line_missing(line: ChargeLine, problem: RowProblem) -> str:
    """Return the id of the contract line that a row needs, if that is its problem and the row names the whole id."""
    return line.bills if problem == _unknown(line) and line.bills.count("/") > 1 else ""


def _disagreement(line: ChargeLine, ordered: ChargeLine) -> RowProblem | None:
    for name in AGREE:
        value, expected = getattr(line, name), getattr(ordered, name)
        if value != expected:
            reason = f"differs from the contract line {ordered.id} that it bills, which has {expected or 'none'}"
            return RowProblem(name, value, reason, f"correct the {name}, or the contract line that it names")
    return None


def billed_before(connection: "Connection", ordered: Sequence[ChargeLine]) -> tuple[ChargeLine, str] | None:
    """Return the first contract line that a charge line recognizes itself already, and the id of that charge line.

    It arrived before its contract, so that the same revenue would be recognized twice. A line that waits counts too.
    """
    by_key = {(line.customer, line.document, line.item): line for line in reversed(ordered)}
    customers = {line.customer for line in ordered}
    for found in billing.recognizing_for(connection, customers):
        line = by_key.get((found.customer, found.contract, found.item))
        if line:
            return line, found.id
    return None


def refuse_billing_lines(connection: "Connection", charge: str, numbers: Sequence[int]) -> None:
    """Refuse an event for a line that bills a contract line: it has no schedule that could follow it.

    Raises:
        BadInput: as above.
    """
    problem = billing_problem(connection, numbers)
    if problem:
        raise BadInput(f"{charge}: {problem}")


def billed_contract_line(connection: "Connection", numbers: Sequence[int]) -> str:
    """Return the id of the first contract line that one of these charge lines bills; empty if none bills one."""
    found = billing.ordered_of(connection, numbers)
    return charges.read_charge(connection, next(iter(found.values()))).id if found else ""


def billing_problem(connection: "Connection", numbers: Sequence[int]) -> str:
    """Return why no event of these charge lines can be recorded, with the fix; empty if it can."""
    ordered = billed_contract_line(connection, numbers)
    if not ordered:
        return ""
    return (
        f"it bills the contract line {ordered}, which earns the revenue; record the event for {ordered}, and import a "
        "credit of the invoice as a line with a negative amount that names it in the column credits"
    )
