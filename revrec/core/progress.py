"""Progress reported by events: the base of the methods that measure how much of a promise is fulfilled."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import lcm
from typing import Any

from revrec.core.calendar import roll
from revrec.core.explanation import explain_progress
from revrec.core.money import increments, split_by_progress
from revrec.core.recognition import OVER_TIME, AnchorDates, Method
from revrec.core.schedule import UNDATED, Plan, WaitReason

ProgressReading = tuple[date, Fraction]
"""A day, and the share of the whole that is fulfilled by its end, from 0 to 1."""


class ProgressMethod(Method):
    """A method that recognizes progress so far minus what came before; the rest waits, or falls on a last day."""

    transfer = OVER_TIME

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Report keys that contradict dates from events and a cumulative catch-up."""
        yield from no_extension(settings)
        if (settings.get("rounding") or "cumulative") != "cumulative":
            yield "rounding", 'has no say here: each reading is rounded as a whole, which is "cumulative"'

    def plan(self, anchors: AnchorDates) -> Plan:
        """Plan the positions that the readings reach, each on its day, and the whole at the end."""
        readings, words, waits = self.readings(anchors)
        return plan_of_readings(self, readings, words, waits)

    def amounts(self, total: int, weights: Sequence[int]) -> list[int]:
        """Return the increments from position to position."""
        return split_by_progress(total, weights)

    def dividing_weights(self, weights: Sequence[int]) -> tuple[int, ...] | None:
        """Return the increments from position to position; None if one is not above zero, except the last."""
        return increments(weights)

    def explain_amounts(self, total: int, weights: Sequence[int], currency: str) -> list[str]:
        """Explain each position's share of the whole, minus what came before."""
        return explain_progress(self.amounts(total, weights), weights, currency)

    def default_on_change(self) -> str:
        """Return ``restate``: events are facts, so a wrong one is corrected on the day where it was recognized."""
        return "restate"

    @property
    def is_dated_by_events(self) -> bool:
        """Return True: without a reading, nothing is recognized."""
        return True

    @abstractmethod
    def readings(self, anchors: AnchorDates) -> tuple[list[ProgressReading], str, WaitReason]:
        """Return the readings in date order, their explanation, and the reason why the rest waits."""


def plan_of_readings(method: Method, readings: Sequence[ProgressReading], words: str, waits: WaitReason) -> Plan:
    """Plan the positions that the readings reach, each on its day as the method moves it, and the whole at the end."""
    by_day = {roll(method.first(day), method.roll, method.calendar): position for day, position in readings}
    positions = [*by_day.values(), Fraction(1)]
    scale = lcm(*(position.denominator for position in positions))
    return Plan((*by_day, UNDATED), tuple(int(position * scale) for position in positions), words, waits)


def no_extension(settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Report ``on_release = "extend"``: events state when something was fulfilled, so a hold cannot delay it."""
    if settings.get("on_release") == "extend":
        yield "on_release", '= "extend" cannot move what events date: write on_release = "catch_up"'


def shown(share: Fraction) -> str:
    """Return a share as a percentage with at most four decimals."""
    exact = Decimal(share.numerator * 100) / Decimal(share.denominator)
    return f"{round(exact, 4).normalize():f}%"
