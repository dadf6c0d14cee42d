"""What charge lines share whose plan is the same, and whose prices change on the same days.

The days and the order of the changes, the parts that each of them leaves, and the words for them depend on no amount.
They are found once, and then applied to many lines. Only changes that are spread over the parts to come are treated
here; :mod:`revrec.core.pricing` decides what is right, and a property test compares the two.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from operator import itemgetter, lt
from typing import Generic, NamedTuple, TypeVar

from revrec.core.anchors import Events
from revrec.core.charge_line import SHARED, ChargeLine
from revrec.core.money import decimal_string, divisible_amounts, first_shares
from revrec.core.pricing import PriceChange, amounts_divided, effective_changes, named_change, treatment_of
from revrec.core.schedule import PlainSchedule, RecordedPlan, make_plain

MOST_DATES_KEPT = 200_000
"""The bound of the cache, so that memory stays flat however many plans and days there are."""

_without_amount = itemgetter(1, 2, 6, 8)
"""Return the kind, date, name and scope of an event."""


class _Spread(NamedTuple):
    """A change of the price: the position of its event, the number of parts by its day, and the weights after it.

    ``stay`` is the number of parts from its day to the next change, and ``divisible`` are the amounts (minor units,
    without sign) that the weights divide into parts of at least one minor unit.
    """

    at: int
    is_price: bool
    past: int
    weights: tuple[int, ...]
    stay: int
    divisible: range


class _SameChanges(NamedTuple):
    """The changes of the price that lines of a plan share; the texts have a %s for each price before or after one."""

    plan: RecordedPlan
    spreads: Sequence[_Spread] = ()
    words: str = ""
    explanation: str = ""
    divides: int = 1

    def apply(self, line: ChargeLine, changing: Events, amounts: Sequence[int]) -> PlainSchedule | None:
        """Return the schedule of a line with these ``amounts`` before the changes; None if they are not spread."""
        price, currency = line.amount, line.currency
        parts = [*amounts[: self.spreads[0].past]]
        done = sum(parts)
        prices = [decimal_string(price, currency)]
        for at, is_price, past, weights, stay, divisible in self.spreads:
            amount = changing[at].amount or 0
            before, price = price, amount if is_price else price - amount
            rest = price - done
            if price == before or (past and rest * (before - done) <= 0) or abs(rest) not in divisible:
                return None
            # Only the parts that the next change leaves as they are.
            fixed = first_shares(rest, weights, stay)
            parts += fixed
            done += sum(fixed)
            prices.append(decimal_string(price, currency))
        carried = 0
        if len(self.spreads) == 1 and parts[past] != amounts[past]:
            carried = past
        dated, why, words = tuple(zip(self.plan.dates, parts, strict=True)), self.explanation, self.words
        said = tuple(prices)
        return make_plain((self.plan, dated, 0, None, why, price, words, carried, False, self.divides, said))


Changes = TypeVar("Changes")


class KeptChanges(Generic[Changes]):
    """The changes that ``find`` returned, by what lines share."""

    def __init__(self, find: Callable[[RecordedPlan, ChargeLine, Events], Changes]) -> None:
        self._find = find
        self._found: dict[tuple[object, ...], Changes] = {}
        self._dates_kept = 0

    def of(self, plan: RecordedPlan, line: ChargeLine, changing: Events) -> Changes:
        """Return the changes of a line's price, which are found once."""
        # By identity, since a plan has a dozen dates. It is kept with the changes, so that no other plan can have it.
        key = (id(plan), line.currency, *map(_without_amount, changing))
        found = self._found.get(key)
        if found is None:
            self._dates_kept += len(plan.dates)
            if self._dates_kept > MOST_DATES_KEPT:
                self._found.clear()
                self._dates_kept = len(plan.dates)
            found = self._found[key] = self._find(plan, line, changing)
        return found


def spread_price(
    plan: RecordedPlan, line: ChargeLine, changing: Events, amounts: Sequence[int]
) -> PlainSchedule | None:
    """Return the schedule after changes of a price that are spread over the parts to come; None after other changes.

    ``amounts`` are the parts before the changes, in minor units.
    """
    found = _KEPT.of(plan, line, changing)
    return found.apply(line, changing, amounts) if found.spreads else None


def _same_changes(plan: RecordedPlan, line: ChargeLine, changing: Events) -> _SameChanges:
    """Return what the changes of lines have in common; without ``spreads`` if they are not spread."""
    effective = effective_changes(changing)
    days = [event.date for _at, event in effective]
    pasts = [bisect_right(plan.dates, day) for day in days]
    is_usual = all(event.kind in ("credit", "price") and event.scope != SHARED for event in changing)
    # On one day the order depends on more than the day. Without a part to come, the change is recognized on its day.
    if not is_usual or not all(map(lt, days, days[1:])) or max(pasts) == len(plan.dates):
        return _SameChanges(plan)
    spreads, words, treated, divides = [], [], [], 1
    for (at, event), past, until in zip(effective, pasts, [*pasts[1:], len(plan.dates)], strict=True):
        how = treatment_of(PriceChange(event.kind, event.date, 2, 1, event.name), plan.rule.method)
        if how != "prospective":
            return _SameChanges(plan)
        what, planned = named_change(event.kind, event.name, event.date, False, how)
        words.append(what)
        treated.append(planned)
        weights = plan.weights[past:]
        spreads.append(_Spread(at, event.kind == "price", past, weights, until - past, divisible_amounts(weights)))
        divides = amounts_divided(divides, how, past > 0)
    explanation = "; ".join([template(plan.explanation), *(template(one, line.currency) for one in treated)])
    return _SameChanges(plan, spreads, "; ".join(template(one, line.currency) for one in words), explanation, divides)


_KEPT = KeptChanges(_same_changes)


def template(words: str, currency: str = "") -> str:
    """Return words for ``%``, with the prices before and after a change in a currency, if there is one."""
    escaped = words.replace("%", "%%")
    return f"{escaped}: %s becomes %s {currency}" if currency else escaped
