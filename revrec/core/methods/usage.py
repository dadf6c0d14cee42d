"""Prepaid units that are used up, and what is never used."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from revrec.core.anchors import Anchor, Events, anchor
from revrec.core.calendar import Offset
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.keys import DATE, OFFSET, ConfigKey, RejectedValue, ValueKind
from revrec.core.numbers import NUMBER_SCHEMA, number, positive
from revrec.core.progress import ProgressMethod, ProgressReading, shown
from revrec.core.recognition import ANCHOR, AnchorDates
from revrec.core.schedule import Unscheduled, WaitReason


def _expires(value: Any) -> Any:
    for kind in (DATE, OFFSET, ANCHOR):
        try:
            return kind.read(value)
        except RejectedValue:
            continue
    raise RejectedValue()


def _percent_unused(value: Any) -> Decimal:
    exact = number(value)
    if not 0 <= exact < 100:
        raise RejectedValue("it must be at least 0 and below 100")
    return exact


EXPIRES = ValueKind(
    'an offset from the start such as "1 year", a date such as 2024-12-31, or one of the dates that start takes',
    _expires,
    {"anyOf": [OFFSET.schema, DATE.schema, ANCHOR.schema]},
)
UNITS = ValueKind("a number of units above zero", positive, NUMBER_SCHEMA)
BREAKAGE = ValueKind("a percentage from 0 to below 100", _percent_unused, NUMBER_SCHEMA)


class _UsageStep(NamedTuple):
    """Units used (in addition), or expected to be used in all, told on a day."""

    date: date
    quantity: Decimal
    is_estimate: bool


class Usage(ProgressMethod):
    """Prepaid units, each recognized when it is used; what is left when they expire is recognized then.

    Events of kind ``usage`` tell units used since the ones before. One with a name corrects the earlier one of that
    name; those without a name add up (two that are alike on one day need names, since the same record twice is one).
    A unit is worth the line's amount by the number of ``units`` (default the line's quantity), rounded cumulatively, so
    that the last unit ends on the cent. Units beyond those paid for earn nothing here: they are billed as lines of
    their own.

    Breakage, which is what customers never use: with ``breakage_percent`` it is expected and recognized in proportion
    to usage, each unit used taking its share of it; an ``estimate`` event with the units that are now expected to be
    used in all corrects it, with the catch-up on its date. Without, it is recognized when use has become remote: on
    the day they expire (``expires``). What neither usage nor expiry tells waits and stays visible.

    Keys: ``units``, ``expires``, ``breakage_percent``, ``start`` (default ``post_date``; ``expires`` is counted from
    it), ``offset`` (moves each date), ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "usage"
        units = 100
        expires = "1 year"

    Source: ASC 606-10-55-46 to 55-49 (IFRS 15.B44 to B47), customers' unexercised rights; ASC 606-10-55-353 to 55-356,
    example 52. What the law makes you hand over when it is not used is no revenue (55-49): record a hold.
    """

    name = "usage"
    keys = (
        ConfigKey("units", UNITS, "How many units the line pays for; default its quantity."),
        ConfigKey("expires", EXPIRES, "When the units expire; what is left is recognized on that day."),
        ConfigKey(
            "breakage_percent", BREAKAGE, "How many percent of the units are expected never to be used; default none."
        ),
    )

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.units: Decimal | None = settings.get("units")
        expires = settings.get("expires")
        self.expires: date | Offset | Anchor | None = anchor(expires) if isinstance(expires, str) else expires
        self.used: Fraction = 1 - Fraction(settings.get("breakage_percent") or 0) / 100

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Units that expire before they are sold could never be used."""
        yield from super().contradictions(settings)
        expires = settings.get("expires")
        if isinstance(expires, Offset) and expires.number <= 0:
            yield "expires", 'must lead forward in time, such as "1 year"'

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """The units, the day they expire or that is counted from, and each usage and estimate in order of date."""
        units = self.units or line.quantity
        if not units or units <= 0:
            mend = "write units in the rule, or correct the line at its source"
            return Unscheduled("impossible", f"its quantity is empty or not above zero: {mend}")
        counted_from = self.start if isinstance(self.expires, Offset) else self.expires
        if not isinstance(counted_from, Anchor):
            return (units, counted_from, *_steps(events))
        day = counted_from.find(line, events)
        return (units, day, *_steps(events)) if day else counted_from.missing(line)

    def readings(self, anchors: AnchorDates) -> tuple[list[ProgressReading], str, WaitReason]:
        """Units used by units expected to be used; at expiry all of it."""
        units, expiry, *steps = anchors
        if isinstance(self.expires, Offset):
            expiry = self.expires.after(expiry, 1, self.calendar)
        used, expected = Fraction(0), Fraction(units) * self.used
        found: list[ProgressReading] = []
        for step in steps:
            if expiry and step.date >= expiry:
                break
            if step.is_estimate:
                expected = Fraction(step.quantity)
            else:
                used += Fraction(step.quantity)
            share = used / expected if expected > 0 else Fraction(1)
            found.append((step.date, max(Fraction(0), min(share, Fraction(1)))))
        words = f"{self.name} recognizes {_told(used)} of {_told(units)} units used"
        if expected != units:
            words += f", {_told(expected)} expected to be used"
        left = 1 - (found[-1][1] if found else Fraction(0))
        if expiry:
            found.append((expiry, Fraction(1)))
            words += f", and the rest when they expire on {expiry}"
        reason = f"waits for usage, {shown(left)} of it is not used"
        return found, words, WaitReason("waiting", reason, "usage", more=" --quantity N")


def _steps(events: Events) -> Iterator[_UsageStep]:
    """Usage and estimates in order of date; of several usages with one name the last recorded."""
    by_name: dict[str, FulfillmentEvent] = {}
    others = []
    for event in events:
        if event.kind == "usage" and event.name:
            by_name[event.name] = event
        elif event.kind in ("usage", "estimate"):
            others.append(event)
    for event in sorted([*by_name.values(), *others], key=lambda event: event.date):
        yield _UsageStep(event.date, event.quantity or Decimal(), event.kind == "estimate")


def _told(units: Fraction | Decimal) -> str:
    """A number of units, to four decimals at most."""
    numerator, denominator = units.as_integer_ratio()
    exact = Decimal(numerator) / Decimal(denominator)
    return f"{round(exact, 4).normalize():f}"
