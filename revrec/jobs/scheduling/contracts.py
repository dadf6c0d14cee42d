"""Join charge lines to contracts, allocate the contract's price to them, and record the allocations."""

import json
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.allocation import AllocatedShare
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.money import decimal_string
from revrec.core.pricing import AllocationStep, apply_allocation
from revrec.core.rules import AllocationRule, RuleBook
from revrec.core.rules.contracts import AllocatedContract, ContractMember, allocate_contract
from revrec.core.schedule import Schedule, Unscheduled
from revrec.store import charges, contracts, events
from revrec.store.audit import record
from revrec.store.contracts import AllocatedLine, ContractMembership, NewAllocation, StoredAllocation

if TYPE_CHECKING:
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection

Events = Mapping[int, Sequence[FulfillmentEvent]]
ContractOutcome = tuple[AllocationStep, ...] | Unscheduled
WITHOUT_CONTRACT: ContractOutcome = ()
"""The outcome of a line that belongs to no contract."""


def belongs_to_contract(book: RuleBook, line: ChargeLine) -> bool:
    """Return True if a charge line belongs to a contract, so that it is not scheduled by itself."""
    return bool(book.allocations) and book.allocation_of(line) is not None


class Contracts:
    """The contracts of one command. :meth:`flush` records their allocations before the schedules are written."""

    def __init__(
        self, connection: "Connection", book: RuleBook, who: "AuditStamp | None" = None, audit_seq: int = 0
    ) -> None:
        """Without ``who`` and the audit event, the contracts can be read but not changed."""
        self._connection = connection
        self._book = book
        self._who = who
        self._audit_seq = audit_seq
        self._joined: dict[str, ContractMembership] = {}
        self._with_new_lines: set[str] = set()
        self._stopped: set[int] = set()
        self._with_new_events: set[int] = set()
        self._outcomes: dict[int, ContractOutcome] = {}
        self._found: dict[int, AllocatedContract] = {}
        self._ids: dict[int, int] = {}
        self._new_allocations: list[NewAllocation] = []
        self._next = 0
        self.warnings: list[str] = []
        """What a person should check of the new allocations, each with its charge line."""

    def join(self, arrivals: Iterable[tuple[int, ChargeLine]], are_new: bool = True) -> None:
        """Join charge lines to their contracts unless they have joined already.

        All lines of one command join together: the order of the rows in a file must not change an allocation.
        ``are_new`` is False for lines that were imported before and join because the rules changed.
        """
        if not self._book.allocations:
            return
        found = [(no, line, self._book.allocation_of(line)) for no, line in arrivals]
        known = contracts.memberships(self._connection, [no for no, _line, _rule in found])
        by_contract: dict[str | None, list[tuple[int, ChargeLine, AllocationRule]]] = {}
        for no, line, rule in found:
            if isinstance(rule, AllocationRule) and no not in known:
                by_contract.setdefault(rule.contract_of(line), []).append((no, line, rule))
        rows = []
        for joining in by_contract.values():
            are_prices = all(rule.is_only_a_price(line) for _no, line, rule in joining)
            for no, line, rule in joining:
                belongs = self._place(rule, line, are_prices)
                if are_new:
                    self._with_new_lines.add(belongs.contract)
                rows.append((no, *belongs, self._audit_seq))
        if rows:
            assert self._who is not None
            digest = contracts.add_members(self._connection, sorted(rows))
            record(
                self._connection, self._who, "contracts joined", f"contracts of event {self._audit_seq}", {}, [digest]
            )

    def _place(self, rule: AllocationRule, line: ChargeLine, are_prices: bool) -> ContractMembership:
        """Return where a line joins its contract; ``are_prices``: no line that joins with it buys anything.

        Until a line of the contract is scheduled, new lines join its first part. Later ones must not change posted
        revenue: by the rule, they modify the contract as a new part, or form a separate contract. Lines that are only
        a price change the price of the contract, as a new part (606-10-32-43).
        """
        contract = rule.contract_of(line)
        assert contract is not None
        place = self._joined.get(contract)
        if place is None:
            there = contracts.contract_members(self._connection, [contract])
            place = ContractMembership(contract, max((one.part for one in there.values()), default=1))
            if there and contracts.any_scheduled(self._connection, list(there)):
                is_part = are_prices or rule.later == "modify"
                place = ContractMembership(contract, place.part + 1) if is_part else self._separate(contract)
            self._joined[contract] = place
        return place

    def _separate(self, contract: str) -> ContractMembership:
        """Return the first contract of this name with a number of which no line is scheduled."""
        number = 2
        while True:
            name = json.dumps({**json.loads(contract), "later": number}, ensure_ascii=False, separators=(",", ":"))
            there = contracts.contract_members(self._connection, [name])
            if not contracts.any_scheduled(self._connection, list(there)):
                return ContractMembership(name, 1)
            number += 1

    def of_whole_contracts(self, numbers: Sequence[int]) -> list[int]:
        """Return all charge lines of the contracts of these charge lines; empty if none of them has a contract."""
        its_own = contracts.memberships(self._connection, numbers)
        names = {one.contract for one in its_own.values()}
        return list(contracts.contract_members(self._connection, names)) if names else []

    def settle(
        self,
        lines: Mapping[int, ChargeLine],
        events: Events,
        scheduled: Iterable[int],
        changed: Iterable[int] = (),
        book: RuleBook | None = None,
    ) -> None:
        """Allocate the contracts of these lines; every line of a contract must be among them.

        ``scheduled`` lines have a schedule. If one of them cannot follow the new allocation, the whole contract keeps
        the present one: otherwise its lines would no longer add up to the contract's price. ``book`` has the rules of
        these lines, if the others have different ones. If events of ``changed`` lines, or lines that joined, make the
        allocation impossible, the contract is stopped: what its lines still earn is not known any more.
        """
        book = book or self._book
        its_own = contracts.memberships(self._connection, list(lines))
        by_contract: dict[str, list[int]] = {}
        for no in sorted(its_own):
            by_contract.setdefault(its_own[no].contract, []).append(no)
        kept = contracts.newest_allocations(self._connection, by_contract)
        with_schedule, moved = set(scheduled), set(changed)
        for contract, numbers in by_contract.items():
            members = {no: ContractMember(lines[no], events.get(no, ()), its_own[no].part) for no in numbers}
            found = allocate_contract(book, list(members.values()))
            if isinstance(found, AllocatedContract):
                planned = [members[no] for no in numbers if no in with_schedule]
                found = _cannot_follow(book, found, planned) or found
            if not moved.isdisjoint(numbers):
                self._with_new_events.update(numbers)
            if isinstance(found, Unscheduled) and (contract in self._with_new_lines or not moved.isdisjoint(numbers)):
                self._stop(members, with_schedule, found.reason)
            self._keep_outcome(contract, members, found, kept.get(contract))

    def _stop(self, members: Mapping[int, ContractMember], scheduled: Container[int], reason: str) -> None:
        """Stop what is open of a contract, with a warning if any of its lines has a schedule."""
        self._stopped.update(members)
        stopped = [member.line.id for no, member in members.items() if no in scheduled]
        if stopped:
            its_own = ", ".join(stopped)
            self.warnings.append(f"the contract of {its_own} is stopped, nothing more of it is posted: {reason}")

    def _keep_outcome(
        self,
        contract: str,
        members: Mapping[int, ContractMember],
        found: AllocatedContract | Unscheduled,
        kept: StoredAllocation | None,
    ) -> None:
        if isinstance(found, Unscheduled):
            self._outcomes.update(dict.fromkeys(members, found))
            return
        self._found.update(dict.fromkeys(members, found))
        self._outcomes.update({no: found.steps[member.line.id] for no, member in members.items()})
        if kept is None and (found.rule is None or len(members) == 1):
            return
        shares = {no: found.shares[member.line.id] for no, member in members.items()}
        lines = {no: AllocatedLine(*one[1:]) for no, one in shares.items()}
        version = found.rule.sha256 if found.rule else ""
        if kept and (kept.sha256, kept.lines) == (version, lines):
            number = kept.id
        else:
            number = self._add_allocation(contract, found, lines, members, kept)
        self._ids.update(dict.fromkeys(members, number))

    def _add_allocation(
        self,
        contract: str,
        found: AllocatedContract,
        lines: Mapping[int, AllocatedLine],
        members: Mapping[int, ContractMember],
        kept: StoredAllocation | None,
    ) -> int:
        number = self._next = self._next + 1 if self._next else contracts.next_allocation(self._connection)
        rule, currency = found.rule, next(iter(members.values())).line.currency
        named = (rule.name, rule.sha256, rule.text) if rule else ("", "", "")
        price = sum(line.billed for line in lines.values())
        version = kept.version + 1 if kept else 1
        since = found.since.isoformat() if found.since else None
        new = NewAllocation(number, contract, version, *named, since, price, currency, self._audit_seq, lines)
        self._new_allocations.append(new)
        self.warnings += [f"{members[no].line.id}: {one.warning}" for no, one in lines.items() if one.warning]
        return number

    def outcome(self, no: int) -> ContractOutcome:
        """Return the steps that allocate price to a line, or why the line waits for its contract."""
        return self._outcomes.get(no, WITHOUT_CONTRACT)

    def is_stopped(self, no: int) -> bool:
        """Return True if an event or a new line made the allocation of a line's contract impossible."""
        return no in self._stopped

    def has_new_events(self, no: int) -> bool:
        """Return True if events of a line or of another one in its contract were recorded or withdrawn."""
        return no in self._with_new_events

    def found(self, no: int) -> AllocatedContract | None:
        """Return the allocated contract of a line; None if it has none, or the contract waits."""
        return self._found.get(no)

    def allocation_of(self, no: int) -> int:
        """Return the number of the allocation in force for a line."""
        return self._ids[no]

    def flush(self) -> None:
        """Write the new allocations, with their digests in the audit trail."""
        digests = contracts.add_allocations(self._connection, self._new_allocations)
        if digests:
            assert self._who is not None
            shown = {
                "contracts": len(self._new_allocations),
                "lines": sum(len(one.lines) for one in self._new_allocations),
            }
            cause = f"allocations of event {self._audit_seq}"
            record(self._connection, self._who, "allocations written", cause, shown, digests)
        self._new_allocations = []


def _cannot_follow(book: RuleBook, found: AllocatedContract, scheduled: Iterable[ContractMember]) -> Unscheduled | None:
    """Return why a line with a schedule cannot follow the allocation; None if all can."""
    for member in scheduled:
        derived = book.derive(member.line, member.events, found.steps[member.line.id])
        if isinstance(derived, Unscheduled):
            said = f"its contract keeps its allocation while {member.line.id} cannot follow: {derived.reason}"
            return Unscheduled("waiting", said)
    return None


class DerivedLine(NamedTuple):
    """A charge line with its events, the outcome of its contract, and the schedule that the present rules derive."""

    line: ChargeLine
    recorded: Sequence[FulfillmentEvent]
    outcome: ContractOutcome
    derived: Schedule | Unscheduled
    contract: AllocatedContract | None = None
    interest: Sequence[AllocationStep] = ()
    """How the financing of its rule changes its price."""

    @property
    def billed(self) -> int:
        """Return the billed amount with or without the interest in it, in minor units: what percentages count from."""
        return self.line.amount + (self.interest[0].difference if self.interest else 0)

    @property
    def as_allocated(self) -> tuple[ChargeLine, Sequence[FulfillmentEvent]]:
        """Return the line with its allocated price as the amount, and its events adapted to that amount."""
        line, recorded = self.line, self.recorded
        if self.interest:
            line, recorded = apply_allocation(line, recorded, self.interest)
        if isinstance(self.outcome, Unscheduled) or not self.outcome:
            return line, recorded
        return apply_allocation(line, recorded, self.outcome)


class SettledLines(NamedTuple):
    """Charge lines with all others of their contracts and the events of each, the contracts settled."""

    contracts: Contracts
    lines: Mapping[int, ChargeLine]
    recorded: Events
    book: RuleBook


def settle_whole_contracts(
    connection: "Connection",
    book: RuleBook,
    numbers: Sequence[int],
    pin: Callable[[Mapping[int, ChargeLine]], RuleBook] | None = None,
    counts: Callable[[int, FulfillmentEvent], bool] | None = None,
) -> SettledLines:
    """Read charge lines and the others of their contracts, and allocate the contracts; write nothing.

    ``pin`` returns the book that the lines follow, if that is not ``book``. ``counts`` decides which events count of a
    line, by its number; without it, all do.
    """
    contracts = Contracts(connection, book)
    every = sorted({*numbers, *contracts.of_whole_contracts(numbers)})
    lines = dict(charges.read_charges(connection, every))
    recorded: Events = events.events_of_charges(connection, every)
    if counts:
        recorded = {no: [event for event in some if counts(no, event)] for no, some in recorded.items()}
    followed = pin(lines) if pin else book
    contracts.settle(lines, recorded, (), book=followed)
    return SettledLines(contracts, lines, recorded, followed)


def derive_stored_line(
    connection: "Connection", book: RuleBook, no: int, counts: Callable[[FulfillmentEvent], bool] = lambda _event: True
) -> DerivedLine:
    """Derive the schedule of a stored charge line by the present rules and events; write nothing.

    ``counts`` decides which events of the line are derived from.
    """
    found = settle_whole_contracts(connection, book, [no], counts=lambda one, event: one != no or counts(event))
    its_own, line, facts = found.contracts, found.lines[no], found.recorded.get(no, ())
    outcome = its_own.outcome(no)
    derived = outcome if isinstance(outcome, Unscheduled) else book.derive(line, facts, outcome)
    return DerivedLine(line, facts, outcome, derived, its_own.found(no), book.interest_changes(line, facts))


class ContractShare(NamedTuple):
    """The share of one charge line in the price of its contract, and why, for display.

    Amounts are decimal strings in ``currency``. ``standalone`` is the standalone selling price, None if the line has
    none; ``difference`` is the allocated minus the billed amount. ``warning`` is what a person should check.
    """

    charge: str
    billed: str
    standalone: str | None
    allocated: str
    difference: str
    currency: str
    why: str
    warning: str = ""


class RecordedAllocation(NamedTuple):
    """A recorded version of a contract's allocation, for display, with the shares of all its lines.

    ``contract`` has the fields that identify the contract; ``name`` and ``text`` come from the allocation rule.
    ``price`` is a decimal string in ``currency``. ``since`` is the ISO day of the modification that caused this
    version, None without one. ``audit_seq`` is the number of the audit event.
    """

    contract: dict[str, str | int]
    version: int
    name: str
    text: str
    since: str | None
    currency: str
    audit_seq: int
    price: str
    lines: list[ContractShare]


def shares_of_contract(contract: AllocatedContract, currency: str) -> list[ContractShare]:
    """Return the share of each line of a contract, for display; empty if the contract has only one line."""
    return (
        [share_for_display(share, currency) for share in contract.shares.values()] if len(contract.shares) > 1 else []
    )


def share_for_display(share: AllocatedShare, currency: str) -> ContractShare:
    """Return one line's share with its amounts as decimal strings."""
    standalone = None if share.standalone is None else decimal_string(share.standalone, currency)
    billed, allocated, difference = (
        decimal_string(amount, currency) for amount in (share.billed, share.allocated, share.difference)
    )
    return ContractShare(share.id, billed, standalone, allocated, difference, currency, share.words, share.warning)


def stored_allocations(connection: "Connection", no: int) -> Iterator[RecordedAllocation]:
    """Yield every recorded allocation that a charge line was part of, oldest first."""
    for head in contracts.allocations_of_charge(connection, no):
        currency = head["currency"]
        shares = (AllocatedShare(*(one[name] for name in ("charge", *AllocatedLine._fields))) for one in head["shares"])
        yield RecordedAllocation(
            json.loads(head["contract"]), head["version"], head["name"], head["text"], head["since"], currency,
            head["audit_seq"], decimal_string(head["price"], currency),
            [share_for_display(share, currency) for share in shares],
        )  # fmt: skip
