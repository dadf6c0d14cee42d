"""Allocate the price of a contract to its performance obligations, exact to the minor unit.

Each obligation gets a share of the transaction price in proportion to its standalone selling price, and with it a share
of the discount (or premium). If a discount is known to belong to some obligations only, the others get their standalone
prices. A line that is variable consideration for certain obligations goes to them entirely; a line that is only a price
(a discount, a fee that buys nothing) goes to all.

Source: ASC 606-10-32-28 to 32-41 (IFRS 15.73 to 86): 32-31 relative standalone selling prices, 32-34(c) the residual
approach, 32-36 and 32-37 discounts, 32-39 and 32-40 variable consideration; 55-51 fees that buy nothing.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from revrec.core.money import decimal_string, split
from revrec.core.standalone import StandalonePrice, rounded


class Obligation(NamedTuple):
    """One line of a contract: its ``id``, the amount ``billed`` for it (minor units), its standalone selling price.

    ``standalone`` is None for a line that is only a price. ``discounted``: the contract's whole discount belongs to
    the lines that are marked so. ``only_for``: the ids of the lines for which its amount is variable consideration.
    ``begun``: it is what remains of a line, whose amount may have any sign.
    """

    id: str
    billed: int
    standalone: StandalonePrice | None = None
    discounted: bool = False
    only_for: tuple[str, ...] = ()
    begun: bool = False


class AllocationTerms(NamedTuple):
    """The way a contract is allocated: in multiples of ``unit`` minor units; ``rounding`` places the odd ones.

    ``bundle_price``: the price at which the discounted lines are sold together, in minor units.
    """

    currency: str
    unit: int = 1
    rounding: str = "cumulative"
    bundle_price: int | None = None


class AllocatedShare(NamedTuple):
    """The share of the contract's price that one line gets (minor units), and why. ``standalone`` is rounded.

    ``warning`` is what a person should check, such as a residual price outside its plausible range; else empty.
    """

    id: str
    billed: int
    standalone: int | None
    allocated: int
    words: str
    warning: str = ""

    @property
    def difference(self) -> int:
        """Return the allocated minus the billed amount; over a contract the differences add up to zero."""
        return self.allocated - self.billed


class CannotAllocate(ValueError):
    """The contract cannot be allocated as it is; the message says why and how to fix it."""


def allocate(lines: Sequence[Obligation], terms: AllocationTerms) -> tuple[AllocatedShare, ...]:
    """Return each line's share; the shares add up to the amount billed.

    Raises:
        CannotAllocate: a price is missing or does not fit.
    """
    only_for = {line.id: line for line in lines if line.only_for}
    fixed = [line for line in lines if not line.only_for]
    price = sum(line.billed for line in fixed)
    amounts, words = _fixed(fixed, price, terms)
    residual = dict(amounts)
    for line in only_for.values():
        _give(line, fixed, amounts, words, terms)
    shares = tuple(
        AllocatedShare(
            line.id,
            line.billed,
            _standalone(line, amounts),
            amounts.get(line.id, 0),
            words[line.id],
            _implausible(line, residual, terms),
        )
        for line in lines
    )
    assert sum(share.difference for share in shares) == 0
    return shares


def share_change(
    lines: Sequence[Obligation], shares: Sequence[AllocatedShare], more: int, terms: AllocationTerms
) -> dict[str, int]:
    """Return what each obligation gains if the price grows by ``more`` in all since ``shares`` were allocated.

    The basis is the same as for ``shares`` (ASC 606-10-32-43): the standalone selling prices; or the shares themselves
    if a discount belongs to some lines only, or one line is what the others leave.

    Raises:
        CannotAllocate: no line is a separate good or service.
    """
    prices = {line.id: line.standalone.amount for line in lines if line.standalone}
    if not prices:
        raise CannotAllocate("none of its lines is a separate good or service")
    known = {id: amount for id, amount in prices.items() if amount}
    fixed = sum(line.billed for line in lines if not line.only_for)
    group = [line.id for line in lines if line.standalone and line.discounted]
    if None not in prices.values() and _by_group(known, (), group, abs(fixed), terms) is None:
        before, after = share_among(known, fixed, terms), share_among(known, fixed + more, terms)
        return {id: amount - before[id] for id, amount in after.items()}
    allocated = {share.id: Fraction(abs(share.allocated)) for share in shares if share.id in prices}
    return share_among(allocated if any(allocated.values()) else known, more, terms)


def share_among(lines: Mapping[str, Fraction], amount: int, terms: AllocationTerms) -> dict[str, int]:
    """Return an amount of any sign, split by standalone selling prices."""
    sign = -1 if amount < 0 else 1
    return {id: sign * share for id, share in _relative(lines, abs(amount), terms).items()}


def _fixed(lines: Sequence[Obligation], price: int, terms: AllocationTerms) -> tuple[dict[str, int], dict[str, str]]:
    """Return amounts and reasons by line, before variable consideration that belongs to some lines only."""
    obligations = [line for line in lines if line.standalone is not None]
    words = {line.id: "it buys nothing itself: its amount belongs to the whole contract" for line in lines}
    if not obligations:
        raise CannotAllocate("none of its lines is a separate good or service")
    for line in obligations:
        if line.billed * price < 0 and not line.begun:
            raise CannotAllocate(
                f"{line.id} is billed against the sign of the whole: name its item in price_only if it is a discount"
            )
    known = {line.id: line.standalone.amount for line in obligations if line.standalone and line.standalone.amount}
    residual = [line.id for line in obligations if line.standalone and line.standalone.amount is None]
    sign = -1 if price < 0 else 1
    group = [line.id for line in obligations if line.discounted]
    found = _by_group(known, residual, group, abs(price), terms)
    how = f"{_money(price, terms)} {terms.currency} in all"
    if found is None:
        found = _by_residual(known, residual, abs(price)) if residual else _relative(known, abs(price), terms)
        said = "" if residual else ", by relative standalone selling prices (ASC 606-10-32-31)"
        words |= {line.id: f"of {how}{said}: {_why(line)}" for line in obligations}
    else:
        for line in obligations:
            belongs = "shares in" if line.discounted else "has no part in"
            words[line.id] = f"of {how}: {_why(line)}; it {belongs} the discount (ASC 606-10-32-37)"
    return {line.id: sign * found.get(line.id, 0) for line in obligations}, words


def _by_group(
    known: Mapping[str, Fraction], residual: Sequence[str], group: Sequence[str], price: int, terms: AllocationTerms
) -> dict[str, int] | None:
    """Return the amounts if the discount belongs to a group only; None if it does not."""
    others = {id: amount for id, amount in known.items() if id not in group}
    if not group or not (others or residual) or not all(id in known for id in group):
        return None
    together = sum((known[id] for id in group), Fraction(0))
    if residual and terms.bundle_price is None:
        raise CannotAllocate("the residual approach beside discount_to needs bundle_price: what those are sold for")
    if not residual:
        discount = together + sum(others.values()) - price
        if discount <= 0 or discount >= together or (terms.bundle_price not in (None, together - discount)):
            return None
    # The others are rounded first and the group takes what they leave: rounding each side by itself would lose a cent.
    found = {id: rounded(amount) for id, amount in others.items()}
    left = price - sum(found.values())
    if residual:
        assert terms.bundle_price is not None
        found |= _by_residual({}, residual, left - terms.bundle_price)
        left = terms.bundle_price
    return found | _relative({id: known[id] for id in group}, left, terms)


def _by_residual(known: Mapping[str, Fraction], residual: Sequence[str], price: int) -> dict[str, int]:
    """Give each line its standalone price and the residual line what they leave (ASC 606-10-32-34(c))."""
    if len(residual) > 1:
        raise CannotAllocate(f"{' and '.join(residual)} are both residual: of two, what is left of each is not known")
    found = {id: rounded(amount) for id, amount in known.items()}
    left = price - sum(found.values())
    if left <= 0:
        raise CannotAllocate(
            f"nothing is left for {residual[0]} by the residual approach: give it a price (ASC 606-10-32-35)"
        )
    return {**found, residual[0]: left}


def _relative(known: Mapping[str, Fraction], price: int, terms: AllocationTerms) -> dict[str, int]:
    """Split the price by standalone selling prices in whole units; what does not fill a unit goes to the last line."""
    if not any(known.values()):
        raise CannotAllocate("no line has a standalone selling price above zero")
    # Weights are exact fractions on a common denominator: floats would make a cent's place depend on the platform.
    common = lcm(*(amount.denominator for amount in known.values()))
    weights = [int(amount * common) for amount in known.values()]
    units, odd = divmod(price, terms.unit)
    amounts = [part * terms.unit for part in split(units, weights, terms.rounding)]
    amounts[-1] += odd
    return dict(zip(known, amounts, strict=True))


def _give(
    line: Obligation,
    lines: Sequence[Obligation],
    amounts: dict[str, int],
    words: dict[str, str],
    terms: AllocationTerms,
) -> None:
    """Add variable consideration to the lines that it is for, by their standalone selling prices."""
    to = {one.id: one.standalone.amount for one in lines if one.id in line.only_for and one.standalone}
    known = {id: amount if amount is not None else Fraction(abs(amounts[id])) for id, amount in to.items()}
    sign = -1 if line.billed < 0 else 1
    for id, amount in _relative(known, abs(line.billed), terms).items():
        amounts[id] += sign * amount
        words[id] += f"; with {_money(sign * amount, terms)} that is variable for it alone (ASC 606-10-32-40)"
    words[line.id] = f"it is variable consideration for {', '.join(known)} alone (ASC 606-10-32-40)"


def _why(line: Obligation) -> str:
    assert line.standalone is not None
    return line.standalone.words


def _standalone(line: Obligation, amounts: Mapping[str, int]) -> int | None:
    if line.standalone is None:
        return None
    amount = line.standalone.amount
    return abs(amounts[line.id]) if amount is None else rounded(amount)


def _implausible(line: Obligation, amounts: Mapping[str, int], terms: AllocationTerms) -> str:
    """Return a warning if the residual price of a line is outside its plausible range; else an empty text."""
    range_ = line.standalone.plausible if line.standalone and line.standalone.amount is None else None
    if range_ is None or range_[0] <= abs(amounts[line.id]) <= range_[1]:
        return ""
    low, high = (_money(rounded(end), terms) for end in range_)
    return (
        f"its residual price {_money(abs(amounts[line.id]), terms)} is outside its plausible range, {low} to {high} "
        f"{terms.currency}: estimate it in another way (ASC 606-10-32-34(c), 32-35)"
    )


def _money(amount: int, terms: AllocationTerms) -> str:
    return decimal_string(amount, terms.currency)
