"""Contracts at work: which charge lines join which, what their allocation makes of each, and the record of it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

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

Fact = dict[str, Any]
Events = Mapping[int, Sequence[FulfillmentEvent]]
Outcome = tuple[AllocationStep, ...] | Unscheduled
BY_ITSELF: Outcome = ()
"""The outcome of a line that belongs to no contract."""


def belongs_to_contract(book: RuleBook, line: ChargeLine) -> bool:
    """Return True if a charge line belongs to a contract, so that it is not scheduled by itself."""
    return bool(book.allocations) and book.allocation_of(line) is not None


class Contracts:
    """The contracts of one command: joined, allocated, and recorded by :meth:`flush` before their schedules are."""

    def __init__(
        self, connection: "Connection", book: RuleBook, who: "AuditStamp | None" = None, audit_seq: int = 0
    ) -> None:
        """``who`` does it, and by which audit event; without them the contracts can only be looked at."""
        self._connection = connection
        self._book = book
        self._who = who
        self._audit_seq = audit_seq
        self._joined: dict[str, ContractMembership] = {}
        self._outcomes: dict[int, Outcome] = {}
        self._found: dict[int, AllocatedContract] = {}
        self._ids: dict[int, int] = {}
        self._new_allocations: list[NewAllocation] = []
        self._next = 0

    def join(self, arrivals: Iterable[tuple[int, ChargeLine]]) -> None:
        """Let charge lines that belong to no contract yet join theirs; all that arrive within one command arrive
        together."""
        if not self._book.allocations:
            return
        found = [(no, line, self._book.allocation_of(line)) for no, line in arrivals]
        known = contracts.memberships(self._connection, [no for no, _line, _rule in found])
        rows = []
        for no, line, rule in found:
            if isinstance(rule, AllocationRule) and no not in known:
                belongs = self._place(rule, line)
                rows.append((no, *belongs, self._audit_seq))
        if rows:
            assert self._who is not None
            digest = contracts.add_members(self._connection, rows)
            record(
                self._connection, self._who, "contracts joined", f"contracts of event {self._audit_seq}", {}, [digest]
            )

    def _place(self, rule: AllocationRule, line: ChargeLine) -> ContractMembership:
        """Where a line joins: what the contract began with, as long as nothing of it is scheduled; else a further part
        of it, or a contract of its own beside it."""
        contract = rule.contract_of(line)
        assert contract is not None
        place = self._joined.get(contract)
        if place is None:
            there = contracts.contract_members(self._connection, [contract])
            place = ContractMembership(contract, max((one.part for one in there.values()), default=1))
            if there and contracts.any_scheduled(self._connection, list(there)):
                place = (
                    ContractMembership(contract, place.part + 1) if rule.later == "modify" else self._beside(contract)
                )
            self._joined[contract] = place
        return place

    def _beside(self, contract: str) -> ContractMembership:
        """The first contract of its name and a number that nothing is scheduled of."""
        number = 2
        while True:
            name = json.dumps({**json.loads(contract), "later": number}, ensure_ascii=False, separators=(",", ":"))
            there = contracts.contract_members(self._connection, [name])
            if not contracts.any_scheduled(self._connection, list(there)):
                return ContractMembership(name, 1)
            number += 1

    def around(self, numbers: Sequence[int]) -> list[int]:
        """These charge lines with all others of their contracts, in order."""
        its_own = contracts.memberships(self._connection, numbers)
        if not its_own:
            return list(numbers)
        return sorted(
            {*numbers, *contracts.contract_members(self._connection, {one.contract for one in its_own.values()})}
        )

    def settle(self, lines: Mapping[int, ChargeLine], events: Events, scheduled: Iterable[int]) -> None:
        """Allocate the contracts of these lines, all of whose lines must be among them; ``scheduled`` have a schedule.

        Where a line that has a schedule could not follow, the whole contract keeps its allocation.
        """
        its_own = contracts.memberships(self._connection, list(lines))
        by_contract: dict[str, list[int]] = {}
        for no in sorted(its_own):
            by_contract.setdefault(its_own[no].contract, []).append(no)
        kept = contracts.newest_allocations(self._connection, by_contract)
        have_one = set(scheduled)
        for contract, numbers in by_contract.items():
            members = {no: ContractMember(lines[no], events.get(no, ()), its_own[no].part) for no in numbers}
            found = allocate_contract(self._book, list(members.values()))
            if isinstance(found, AllocatedContract):
                found = self._followed(found, {no: members[no] for no in numbers if no in have_one}) or found
            self._take(contract, members, found, kept.get(contract))

    def _followed(self, found: AllocatedContract, scheduled: Mapping[int, ContractMember]) -> Unscheduled | None:
        """Why a line that has a schedule cannot follow the allocation; None if all can."""
        for member in scheduled.values():
            derived = self._book.derive(member.line, member.events, found.steps[member.line.id])
            if isinstance(derived, Unscheduled):
                said = f"its contract keeps its allocation while {member.line.id} cannot follow: {derived.reason}"
                return Unscheduled("waiting", said)
        return None

    def _take(
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
        lines = {no: AllocatedLine(one.billed, one.standalone, one.allocated, one.words) for no, one in shares.items()}
        version = found.rule.sha256 if found.rule else ""
        if kept and (kept.sha256, kept.lines) == (version, lines):
            number = kept.id
        else:
            number = self._add(contract, found, lines, members, kept)
        self._ids.update(dict.fromkeys(members, number))

    def _add(
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
        return number

    def outcome(self, no: int) -> Outcome:
        """What the contract of a line makes of it: the steps of its allocation, or why it waits."""
        return self._outcomes.get(no, BY_ITSELF)

    def found(self, no: int) -> AllocatedContract | None:
        """The contract of a line as it is allocated; None if it has none, or waits."""
        return self._found.get(no)

    def allocation_of(self, no: int) -> int:
        """The number of the allocation that is in force for a line."""
        return self._ids[no]

    def flush(self) -> None:
        """Write the allocations that are new."""
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


class Seen(NamedTuple):
    """A charge line with its events, what the allocation of its contract makes of it, and what all rules do now."""

    line: ChargeLine
    recorded: Sequence[FulfillmentEvent]
    outcome: Outcome
    derived: Schedule | Unscheduled
    contract: AllocatedContract | None = None

    @property
    def earns(self) -> tuple[ChargeLine, Sequence[FulfillmentEvent]]:
        """The line with what is allocated to it as its amount, and its events as they tell of that."""
        if isinstance(self.outcome, Unscheduled) or not self.outcome:
            return self.line, self.recorded
        return apply_allocation(self.line, self.recorded, self.outcome)


def look(connection: "Connection", book: RuleBook, no: int) -> Seen:
    """What the rules and events of now make of a charge line that the store has; nothing is written."""
    its_own = Contracts(connection, book)
    numbers = its_own.around([no])
    recorded = events.events_of_charges(connection, numbers)
    lines = dict(charges.read_charges(connection, numbers))
    its_own.settle(lines, recorded, ())
    line, facts, outcome = lines[no], recorded.get(no, ()), its_own.outcome(no)
    derived = outcome if isinstance(outcome, Unscheduled) else book.derive(line, facts, outcome)
    return Seen(line, facts, outcome, derived, its_own.found(no))


def shares(contract: AllocatedContract, currency: str) -> list[Fact]:
    """What each line of a contract gets, as it is shown."""
    return [shown_share(share, currency) for share in contract.shares.values()] if len(contract.shares) > 1 else []


def shown_share(share: AllocatedShare, currency: str) -> Fact:
    """What one line gets, with amounts as decimal text."""
    return {
        "charge": share.id,
        "billed": decimal_string(share.billed, currency),
        "standalone": None if share.standalone is None else decimal_string(share.standalone, currency),
        "allocated": decimal_string(share.allocated, currency),
        "difference": decimal_string(share.difference, currency),
        "currency": currency,
        "why": share.words,
    }


def kept_allocations(connection: "Connection", no: int) -> Iterator[Fact]:
    """Every allocation that a charge line was part of, as it was recorded, for a trace."""
    for head in contracts.allocations_of_charge(connection, no):
        told = {name: head[name] for name in ("version", "name", "text", "since", "currency", "audit_seq")}
        lines = (
            AllocatedShare(one["charge"], one["billed"], one["standalone"], one["allocated"], one["reason"])
            for one in head["shares"]
        )
        yield {
            "contract": json.loads(head["contract"]),
            **told,
            "price": decimal_string(head["price"], head["currency"]),
            "lines": [shown_share(share, head["currency"]) for share in lines],
        }
