"""Compute the part of a charge line that is not earned by a day: what a cancellation refunds pro rata.

What is earned by the day follows the plan of the line's rule. A part for days of service is cut after the day, and any
other part, such as an issue of a magazine, is earned on its date. A part that falls at the end of its month or span
(``on = "last"`` or ``end``) is earned day by day even if it is moved, so that it is not cut. In a contract, the same
share of the billed amount is refunded. An estimate of what is constrained does not count: it says nothing about what is
served.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

from revrec.core.anchors import Events, known_on
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.constraint import CONSTRAINT
from revrec.core.holding import stopped_after
from revrec.core.money import decimal_string
from revrec.core.pricing import AllocationStep, price_of
from revrec.core.recurrence import SeriesMethod
from revrec.core.rules import Rule, RuleBook
from revrec.core.schedule import UNDATED, Schedule, SchedulePart, Unscheduled, total_of
from revrec.core.standalone import rounded


class Proration(NamedTuple):
    """The price of a charge line as billed, and how much of it is earned by a day, in minor units."""

    day: date
    currency: str
    price: int
    earned: int

    @property
    def unearned(self) -> int:
        """Return what is not earned by the day: a full pro rata refund."""
        return self.price - self.earned

    def at_price(self, price: int) -> int:
        """Return the price of the line if what is not earned yet is sold at the rate of another price."""
        if not self.price:
            return price
        return self.earned + price - rounded(Fraction(price * self.earned, self.price))

    @property
    def words(self) -> str:
        """Return the computation as a phrase."""
        price, earned, unearned = (
            decimal_string(amount, self.currency) for amount in (self.price, self.earned, self.unearned)
        )
        return f"{price} {self.currency} less {earned} earned by {self.day} leaves {unearned}"


def prorate(
    book: RuleBook, line: ChargeLine, events: Events, steps: Sequence[AllocationStep], day: date
) -> Proration | Unscheduled:
    """Return what is earned of a line by the end of a day, or why the plan of the line does not say."""
    price, known = price_of(line, events), known_on(events, day)
    included = _included(book, line, known)
    # A hold cuts the plan where a cancellation would, and leaves the rest apart.
    found = book.derive(line, stopped_after(line, included, day), [it for it in steps if not it.date or it.date <= day])
    if isinstance(found, Unscheduled):
        is_waiting = found.code in ("waiting", "held")
        return Proration(day, line.currency, price, 0) if is_waiting else found
    whole = total_of(found.all_parts)
    earned = Fraction(sum(part.amount for part in found.parts if part.date <= day))
    earned += _in_progress(book.match(line), found, line, day)
    # An allocation or the interest in a price makes a line earn another amount than is billed for it.
    if whole in (0, price_of(line, known)):
        return Proration(day, line.currency, price, rounded(earned))
    return Proration(day, line.currency, price, rounded(price * earned / whole))


def _included(book: RuleBook, line: ChargeLine, events: Events) -> Events:
    """Return the events as if nothing were constrained: the customer gets back what is not served, not an estimate."""
    rule = book.match(line)
    others = [event for event in events if event.kind != CONSTRAINT]
    if isinstance(rule, Unscheduled) or rule.constraint is None:
        return others
    begins = min(line.post_date, line.service_start or line.post_date)
    return [*others, FulfillmentEvent(line.id, CONSTRAINT, begins, amount=0)]


def _in_progress(rule: Rule | Unscheduled, found: Schedule, line: ChargeLine, day: date) -> Fraction:
    """Return what is earned of a part that falls at the end of its span, if the day is within it."""
    if isinstance(rule, Unscheduled) or not isinstance(rule.method, SeriesMethod) or found.pieces:
        return Fraction(0)
    method, parts = rule.method, sorted(part for part in found.all_parts if part.date != UNDATED)
    coming = next((part for part in parts if part.date > day), None)
    if not method.is_served_by_day or coming is None:
        return Fraction(0)
    begin = max((part.date + timedelta(days=1) for part in parts if part.date <= day), default=_begins(line, parts))
    served = (day - begin).days + 1
    return Fraction(coming.amount * max(served, 0), (coming.date - begin).days + 1)


def _begins(line: ChargeLine, parts: Sequence[SchedulePart]) -> date:
    return min(line.service_start or line.post_date, parts[0].date)
