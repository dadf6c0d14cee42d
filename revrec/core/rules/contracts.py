"""Contracts: charge lines that are allocated together.

The lines at the start of a contract are allocated once, by the prices of their post dates. If the allocation says
``later = "modify"``, lines that join it later make a new allocation on the day of the first of them: what is not
recognized of the older lines by then, and what the new lines are billed, is allocated by the standalone selling prices
of what remains (ASC 606-10-25-13(a), IFRS 15.21(a)). What was recognized stays.

A credit or a new price belongs to the line for which it is recorded: 606-10-32-44 (IFRS 15.89). What is constrained of
a line is no part of the price; a new estimate changes the price of the contract, and is allocated on the same basis as
at the start: 606-10-32-42 to 32-45 (IFRS 15.87 to 90).
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from revrec.core.allocation import AllocatedShare, CannotAllocate, Obligation, allocate
from revrec.core.anchors import Events
from revrec.core.charge_line import INCLUDE, ChargeLine
from revrec.core.constraint import EstimateChange, estimates_of, included_price
from revrec.core.money import decimal_string
from revrec.core.pricing import AllocationStep, apply_allocation, price_of
from revrec.core.rules.allocations import AllocationRule
from revrec.core.rules.book import RuleBook
from revrec.core.schedule import CLOSED, Schedule, Unscheduled
from revrec.core.standalone import StandalonePrice


class ContractMember(NamedTuple):
    """A charge line of a contract with its events; ``part`` numbers the arrivals: 1 is the start of the contract."""

    line: ChargeLine
    events: Events = ()
    part: int = 1


class AllocatedContract(NamedTuple):
    """An allocated contract: for each line its newest share, and the steps that led to it.

    ``rule`` is None if no allocation matches its lines any more: then each keeps its billed amount.
    """

    rule: AllocationRule | None
    shares: Mapping[str, AllocatedShare]
    steps: Mapping[str, tuple[AllocationStep, ...]]
    since: date | None = None
    """The day of the newest modification; None if it was never modified."""
    currency: str = ""

    def price_only(self, id: str) -> Unscheduled | None:
        """Return why a line is closed that is only a price, so that others earn its whole amount; None if it earns."""
        share = self.shares.get(id)
        if self.rule is None or share is None or share.standalone is not None or share.allocated:
            return None
        return Unscheduled(CLOSED, f'allocation "{self.rule.name}": {share.words}')


def allocate_contract(book: RuleBook, members: Sequence[ContractMember]) -> AllocatedContract | Unscheduled:
    """Allocate a contract, or return why it waits: then all of its lines wait."""
    rule = _rule_of(book, members)
    if isinstance(rule, Unscheduled):
        return rule
    if rule is None or len(members) == 1:
        return _as_billed(rule, members)
    try:
        _check(book, [member.line for member in members])
        return _allocated(book, rule, members)
    except CannotAllocate as error:
        return Unscheduled("impossible", f'allocation "{rule.name}": {error}')


def _rule_of(book: RuleBook, members: Sequence[ContractMember]) -> AllocationRule | Unscheduled | None:
    found = {}
    for member in members:
        rule = book.allocation_of(member.line)
        if isinstance(rule, Unscheduled):
            return rule
        found[rule.name if rule else ""] = rule
    if len(found) > 1:
        names = " and ".join(f'"{name}"' if name else "none" for name in sorted(found))
        return Unscheduled("ambiguous", f"the lines of its contract match several allocations: {names}")
    return next(iter(found.values()))


def _check(book: RuleBook, lines: Sequence[ChargeLine]) -> None:
    """Check for one currency, one entity and one deferred account: an allocation does not move balances."""
    for what in ("currency", "entity"):
        values = sorted({getattr(line, what) for line in lines})
        if len(values) > 1:
            shown = " and ".join(value or "none" for value in values)
            raise CannotAllocate(
                f"the lines of its contract differ in {what} ({shown}): bill them as separate contracts"
            )
    deferred = set()
    for line in lines:
        rule = book.match(line)
        post = None if isinstance(rule, Unscheduled) else rule.posting_target(line)
        if isinstance(post, tuple):
            deferred.add(post.deferred)
    if len(deferred) > 1:
        raise CannotAllocate(
            f"its lines are deferred in {' and '.join(sorted(deferred))}: an allocation moves revenue, not balances; "
            "give the rules of its lines one deferred account"
        )


def _as_billed(rule: AllocationRule | None, members: Sequence[ContractMember]) -> AllocatedContract:
    words = "no allocation matches it" if rule is None else "it is alone in its contract"
    shares = {
        line.id: AllocatedShare(line.id, line.amount, None, line.amount, f"{words}: it keeps what was billed")
        for line, _events, _part in members
    }
    return AllocatedContract(rule, shares, {id: (AllocationStep(None, 0, ""),) for id in shares})


def _allocated(book: RuleBook, rule: AllocationRule, members: Sequence[ContractMember]) -> AllocatedContract:
    first, *later = (
        [member for member in members if member.part == part] for part in sorted({member.part for member in members})
    )
    estimates = {member.line.id: _estimates(book, member) for member in members}
    lines = [member.line for member in first]
    basis = _Basis(rule, [_included(rule.obligation(line, lines), estimates) for line in lines], lines[0].currency)
    shares = {share.id: _with_constrained(share, estimates) for share in basis.shares.values()}
    steps = {id: (AllocationStep(None, share.difference, _said(rule, share)),) for id, share in shares.items()}
    contract, older = AllocatedContract(rule, shares, steps, currency=lines[0].currency), list(first)
    changes = [_ContractChange(one.date, id, one.more, basis) for id in shares for one in estimates[id][1]]
    for joining in later:
        # Recognized amounts are counted by the plan, not by entries: posting may be late, and the allocation must not
        # depend on when a run happened.
        day = min(member.line.post_date for member in joining)
        contract = _changed(contract, [change for change in changes if change.date <= day])
        contract, basis = _modified(book, contract, older, joining, estimates, day)
        changes = [change for change in changes if change.date > day]
        changes += [
            _ContractChange(max(one.date, day), member.line.id, one.more, basis)
            for member in joining
            for one in estimates[member.line.id][1]
        ]
        older += joining
    return _changed(contract, changes)


_Estimates = Mapping[str, tuple[int, Sequence[EstimateChange]]]
"""For each line, what is constrained of it at first (minor units), and how that changes."""


class _Basis:
    """The obligations among which a price was allocated, so that its later changes are allocated in the same way."""

    def __init__(self, rule: AllocationRule, obligations: Sequence[Obligation], currency: str) -> None:
        self._obligations = {one.id: one for one in obligations}
        self._terms = rule.terms(currency)
        self.shares = self._allocate()

    def _allocate(self) -> dict[str, AllocatedShare]:
        return {share.id: share for share in allocate(list(self._obligations.values()), self._terms)}

    def add(self, id: str, more: int) -> dict[str, int]:
        """Add an amount to the price of one line; return how much of it each line gets, where that is not zero."""
        before, one = self.shares, self._obligations[id]
        self._obligations[id] = one._replace(billed=one.billed + more)
        self.shares = self._allocate()
        gained = {id: share.allocated - before[id].allocated for id, share in self.shares.items()}
        return {id: amount for id, amount in gained.items() if amount}


class _ContractChange(NamedTuple):
    """A change of the price of a contract by an estimate for one line, allocated on a basis."""

    date: date
    id: str
    more: int
    basis: _Basis


def _estimates(book: RuleBook, member: ContractMember) -> tuple[int, Sequence[EstimateChange]]:
    rule = book.match(member.line)
    if isinstance(rule, Unscheduled):
        return 0, []
    try:
        return estimates_of(rule.constraint, rule.method, member.line, member.events)
    except OverflowError as error:
        raise CannotAllocate(f"the constraint of {member.line.id} ends outside the years 1 to 9999") from error


def _included(obligation: Obligation, estimates: _Estimates) -> Obligation:
    """Return the obligation without what is constrained of it at first (ASC 606-10-32-11)."""
    return obligation._replace(billed=obligation.billed - estimates[obligation.id][0])


def _with_constrained(share: AllocatedShare, estimates: _Estimates) -> AllocatedShare:
    """Return the share of a line, with what is constrained of it: that stays with the line that billed it."""
    constrained = estimates[share.id][0]
    return share._replace(billed=share.billed + constrained, allocated=share.allocated + constrained)


def _changed(contract: AllocatedContract, changes: Iterable[_ContractChange]) -> AllocatedContract:
    """Allocate changes of the price, in date order; ``contract`` has the lines of them all."""
    shares, steps = dict(contract.shares), dict(contract.steps)
    for change in sorted(changes, key=lambda one: one.date):
        gained = change.basis.add(change.id, change.more)
        for id in dict.fromkeys((*gained, change.id)):
            now, gains = steps[id], gained.get(id, 0)
            difference = now[-1].difference + gains - (change.more if id == change.id else 0)
            words = _change_in_words(contract, change, gains)
            steps[id] = (*now, AllocationStep(change.date, difference, words, INCLUDE))
            old, base = shares[id], change.basis.shares[id]
            shares[id] = old._replace(allocated=old.billed + difference, words=f"{base.words}; {words}")
    return contract._replace(shares=shares, steps=steps)


def _change_in_words(contract: AllocatedContract, change: _ContractChange, gains: int) -> str:
    assert contract.rule is not None
    currency = contract.currency
    verb = "becomes part of" if change.more > 0 else "leaves"
    amount, its_own = decimal_string(abs(change.more), currency), decimal_string(gains, currency)
    return (
        f"on {change.date}, {amount} {currency} of {change.id} {verb} the price of the contract, "
        f"{its_own} for it (ASC 606-10-32-43)"
    )


def _modified(
    book: RuleBook,
    before: AllocatedContract,
    older: Sequence[ContractMember],
    joining: Sequence[ContractMember],
    estimates: _Estimates,
    day: date,
) -> tuple[AllocatedContract, _Basis]:
    """Allocate a contract again after lines joined it: what is not recognized yet and what the new lines bill."""
    rule = before.rule
    assert rule is not None
    lines = [member.line for member in (*older, *joining)]
    done = {member.line.id: _by(book, member, before.steps[member.line.id], day) for member in older}
    rest = [_what_remains(rule, member, lines, *done[member.line.id]) for member in older]
    fresh = [_included(rule.obligation(member.line, lines)._replace(discounted=False), estimates) for member in joining]
    basis = _Basis(rule, [*rest, *fresh], lines[0].currency)
    shares, steps = dict(before.shares), dict(before.steps)
    for member in older:
        share, now = basis.shares[member.line.id], before.steps[member.line.id]
        step = AllocationStep(
            day, now[-1].difference + share.difference, _said(rule, share, f"what remained on {day}: ")
        )
        steps[member.line.id] = (*now, step) if share.difference else now
        old = shares[member.line.id]
        shares[member.line.id] = old._replace(allocated=old.billed + step.difference, words=share.words)
    for member in joining:
        share = _with_constrained(basis.shares[member.line.id], estimates)
        shares[share.id], steps[share.id] = share, (AllocationStep(None, share.difference, _said(rule, share)),)
    return before._replace(shares=shares, steps=steps, since=day), basis


def _by(book: RuleBook, member: ContractMember, steps: tuple[AllocationStep, ...], day: date) -> tuple[int, int]:
    """Return the price of a line at the end of a day, and the amount its plan recognizes by then (minor units)."""
    events = [event for event in member.events if event.date <= day]
    line, adjusted = apply_allocation(member.line, events, steps)
    found = book.derive(member.line, events, steps)
    if not isinstance(found, Schedule):
        return price_of(line, adjusted), 0
    rule = book.match(member.line)
    assert not isinstance(rule, Unscheduled)
    price = included_price(rule.constraint, rule.method, line, adjusted, member.line.amount, day)
    return price, sum(part.amount for part in found.parts if part.date <= day)


def _what_remains(
    rule: AllocationRule, member: ContractMember, lines: Sequence[ChargeLine], price: int, done: int
) -> Obligation:
    seen, left = rule.obligation(member.line, lines), price - done
    if seen.standalone is None or not left:
        return Obligation(member.line.id, left)
    whole = seen.standalone.amount if seen.standalone.amount is not None else Fraction(abs(price))
    words = f"{seen.standalone.words}, as much of it as remains"
    return Obligation(member.line.id, left, StandalonePrice(whole * Fraction(left, price), words))


def _said(rule: AllocationRule, share: AllocatedShare, when: str = "") -> str:
    return f'allocation "{rule.name}": {when}{share.words}'
