"""Prepaid units, recognized as they are used, and breakage."""

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
    'an offset from the start such as "1 year", a date such as 2024-12-31, or one of the dates that start accepts',
    _expires,
    {"anyOf": [OFFSET.schema, DATE.schema, ANCHOR.schema]},
)
UNITS = ValueKind("a number of units above zero", positive, NUMBER_SCHEMA)
BREAKAGE = ValueKind("a percentage from 0 to below 100", _percent_unused, NUMBER_SCHEMA)


class _UsageStep(NamedTuple):
    """Additional units used, or the total units expected to be used, reported on a day."""

    date: date
    quantity: Decimal
    is_estimate: bool


class Usage(ProgressMethod):
    """Prepaid units, each recognized when it is used; the rest is recognized when they expire.

    Events of kind ``usage`` report additional units used. One with a name corrects the earlier one of that name; those
    without a name add up (two identical ones on one day need names, since the same record twice counts once). A unit is
    worth the line's amount divided by the number of ``units`` (default the line's quantity), rounded cumulatively, so
    that the last unit ends on the cent. Units beyond the paid ones earn nothing: they are billed as separate lines.

    Breakage is the units that customers never use. With ``breakage_percent`` it is expected and recognized in
    proportion to usage; an ``estimate`` event with the total units now expected to be used corrects it, with the
    catch-up on its date. Without it, breakage is recognized when use has become remote: on the day the units expire
    (``expires``). The rest waits and stays visible.

    Keys: ``units``, ``expires``, ``breakage_percent``, ``start`` (default ``post_date``; ``expires`` is counted from
    it), ``offset`` (moves each date), ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "usage"
        units = 100
        expires = "1 year"

    Source: ASC 606-10-55-46 to 55-49 (IFRS 15.B44 to B47), customers' unexercised rights; ASC 606-10-55-353 to 55-356,
    example 52. Unused amounts that the law requires you to hand over are not revenue (55-49): record a hold.
    """

    name = "usage"
    keys = (
        ConfigKey("units", UNITS, "How many units the line pays for; default its quantity."),
        ConfigKey("expires", EXPIRES, "When the units expire; what is left is recognized on that day."),
        ConfigKey(
            "breakage_percent", BREAKAGE, "How many percent of the units are expected never to be used; default none."
        ),
    )

    follows = ("usage", "estimate")

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.units: Decimal | None = settings.get("units")
        expires = settings.get("expires")
        self.expires: date | Offset | Anchor | None = anchor(expires) if isinstance(expires, str) else expires
        self.used: Fraction = 1 - Fraction(settings.get("breakage_percent") or 0) / 100

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Report units that expire before they are sold."""
        yield from super().contradictions(settings)
        expires = settings.get("expires")
        if isinstance(expires, Offset) and expires.number <= 0:
            yield "expires", 'must lead forward in time, such as "1 year"'

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """Return the units, the day of expiry or of its start, and each usage and estimate in date order."""
        units = self.units or line.quantity
        if not units or units <= 0:
            fix = "write units in the rule, or correct the line at its source"
            return Unscheduled("impossible", f"its quantity is empty or not above zero: {fix}")
        counted_from = self.start if isinstance(self.expires, Offset) else self.expires
        if not isinstance(counted_from, Anchor):
            return (units, counted_from, *_steps(events))
        day = counted_from.find(line, events)
        return (units, day, *_steps(events)) if day else counted_from.missing(line)

    def readings(self, anchors: AnchorDates) -> tuple[list[ProgressReading], str, WaitReason]:
        """Return units used divided by units expected to be used; everything at expiry."""
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
    """Yield usage and estimates in date order; of several usages with one name, the one recorded last."""
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
    """Return a number of units with at most four decimals."""
    numerator, denominator = units.as_integer_ratio()
    exact = Decimal(numerator) / Decimal(denominator)
    return f"{round(exact, 4).normalize():f}"
