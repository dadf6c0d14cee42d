"""Contracts: charge lines that are allocated together.

The lines at the start of a contract are allocated once, by the prices of their post dates. If the allocation says
``later = "modify"``, lines that join it later make a new allocation on the day of the first of them: what is not
recognized of the older lines by then, and what the new lines are billed, is allocated by the standalone selling prices
of what remains (ASC 606-10-25-13(a), IFRS 15.21(a)). What was recognized stays.

A credit or a new price belongs to the line for which it is recorded: 606-10-32-44 (IFRS 15.89).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from revrec.core.allocation import AllocatedShare, CannotAllocate, Obligation, allocate
from revrec.core.anchors import Events
from revrec.core.charge_line import ChargeLine
from revrec.core.constraint import constraint_in_force
from revrec.core.pricing import AllocationStep, apply_allocation, price_of
from revrec.core.rules.allocations import AllocationRule
from revrec.core.rules.book import RuleBook
from revrec.core.schedule import Schedule, Unscheduled
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


def allocate_contract(book: RuleBook, members: Sequence[ContractMember]) -> AllocatedContract | Unscheduled:
    """Allocate a contract, or return why it waits: then all of its lines wait."""
    rule = _rule_of(book, members)
    if isinstance(rule, Unscheduled):
        return rule
    if rule is None or len(members) == 1:
        return _as_billed(rule, members)
    try:
        _check(book, [member.line for member in members])
        _check_constraints(book, members)
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


def _check_constraints(book: RuleBook, members: Sequence[ContractMember]) -> None:
    """Check that nothing is constrained: such an amount is not part of the price, and revrec does not divide it."""
    for line, events, _part in members:
        rule = book.match(line)
        if not isinstance(rule, Unscheduled) and constraint_in_force(rule.constraint, events):
            raise CannotAllocate(
                f"an amount of {line.id} is constrained (ASC 606-10-32-11), which is no part of the price that is "
                "allocated: bill it as a separate contract, or remove the constraint"
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
    found = rule.allocate([member.line for member in first])
    shares = {share.id: share for share in found}
    steps = {share.id: (AllocationStep(None, share.difference, _said(rule, share)),) for share in found}
    contract, older = AllocatedContract(rule, shares, steps), list(first)
    for joining in later:
        contract = _modified(book, rule, contract, older, joining)
        older += joining
    return contract


def _modified(
    book: RuleBook,
    rule: AllocationRule,
    before: AllocatedContract,
    older: Sequence[ContractMember],
    joining: Sequence[ContractMember],
) -> AllocatedContract:
    """Allocate a contract again after lines joined it: what is not recognized yet and what the new lines bill."""
    # Recognized amounts are counted by the plan, not by entries: posting may be late, and the allocation must not
    # depend on when a run happened.
    day = min(member.line.post_date for member in joining)
    lines = [member.line for member in (*older, *joining)]
    done = {member.line.id: _by(book, member, before.steps[member.line.id], day) for member in older}
    rest = [_what_remains(rule, member, lines, *done[member.line.id]) for member in older]
    fresh = [rule.obligation(member.line, lines)._replace(discounted=False) for member in joining]
    new_shares = {share.id: share for share in allocate([*rest, *fresh], rule.terms(lines[0].currency))}
    shares, steps = dict(before.shares), dict(before.steps)
    for member in older:
        share, now = new_shares[member.line.id], before.steps[member.line.id]
        step = AllocationStep(
            day, now[-1].difference + share.difference, _said(rule, share, f"what remained on {day}: ")
        )
        steps[member.line.id] = (*now, step) if share.difference else now
        old = shares[member.line.id]
        shares[member.line.id] = old._replace(allocated=old.billed + step.difference, words=share.words)
    for member in joining:
        share = new_shares[member.line.id]
        shares[share.id], steps[share.id] = share, (AllocationStep(None, share.difference, _said(rule, share)),)
    return AllocatedContract(rule, shares, steps, day)


def _by(book: RuleBook, member: ContractMember, steps: tuple[AllocationStep, ...], day: date) -> tuple[int, int]:
    """Return the price of a line at the end of a day, and the amount its plan recognizes by then (minor units)."""
    events = [event for event in member.events if event.date <= day]
    line, adjusted = apply_allocation(member.line, events, steps)
    found = book.derive(member.line, events, steps)
    done = sum(part.amount for part in found.parts if part.date <= day) if isinstance(found, Schedule) else 0
    return price_of(line, adjusted), done


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
