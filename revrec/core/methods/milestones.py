"""Shares that fall due as milestones are reached."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from revrec.core.anchors import Events
from revrec.core.calendar import roll
from revrec.core.charge_line import ChargeLine
from revrec.core.keys import ConfigKey, RejectedValue, ValueKind, text
from revrec.core.numbers import NUMBER_SCHEMA, percent, whole_weights
from revrec.core.progress import no_extension
from revrec.core.recognition import OVER_TIME, AnchorDates, Method
from revrec.core.schedule import UNDATED, Plan, Unscheduled, WaitReason

MOST = 200
NAME = text(longest=80)


class Milestone(NamedTuple):
    """A milestone's name, and the percentage of the line that it earns."""

    name: str
    percent: Decimal


def _milestone(value: Any) -> Milestone:
    if not isinstance(value, Mapping) or set(value) != {"name", "percent"}:
        raise RejectedValue('write each as { name = "go-live", percent = 40 }')
    return Milestone(NAME.read(value["name"]), percent(value["percent"]))


def _milestones(value: Any) -> tuple[Milestone, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST:
        raise RejectedValue()
    found = []
    for index, one in enumerate(value):
        try:
            found.append(_milestone(one))
        except RejectedValue as refused:
            raise RejectedValue(str(refused), item=index) from None
    return tuple(found)


MILESTONES = ValueKind(
    'a list such as [{ name = "design", percent = 60 }, { name = "go-live", percent = 40 }]',
    _milestones,
    {
        "type": "array",
        "minItems": 1,
        "maxItems": MOST,
        "items": {
            "type": "object",
            "properties": {"name": NAME.schema, "percent": NUMBER_SCHEMA},
            "required": ["name", "percent"],
            "additionalProperties": False,
        },
    },
)


class Milestones(Method):
    """A share of the line on the day each milestone is reached; the rest waits and stays visible.

    Each milestone has a name and a percentage; together they make 100. It is reached by an event of kind
    ``milestone`` with its name, on the event's date; recorded again, the later record counts. A milestone's amount
    does not depend on the order in which they are reached.

    Keys: ``milestones`` (required), ``offset`` (moves each date), ``rounding`` (in the order in which the milestones
    are written), ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "milestones"
        milestones = [
          { name = "design", percent = 25 },
          { name = "go-live", percent = 60 },
          { name = "acceptance", percent = 15 },
        ]

    Source: ASC 606-10-25-31 and 55-17 (IFRS 15.39 and B15), an output method: milestones reached.
    """

    name = "milestones"
    transfer = OVER_TIME
    keys = (
        ConfigKey("milestones", MILESTONES, "Names and percentages, in the order they are expected.", required=True),
    )

    follows = ("milestone",)

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.milestones: tuple[Milestone, ...] = settings["milestones"]
        self.milestone_names = tuple(one.name for one in self.milestones)
        self.shares = tuple(whole_weights([one.percent for one in self.milestones]))

    @classmethod
    def contradictions(cls, settings: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
        """Report percentages that do not add up to 100, and repeated names."""
        yield from no_extension(settings)
        names = [one.name for one in settings["milestones"]]
        total = sum(one.percent for one in settings["milestones"])
        if total != 100:
            yield "milestones", f"sum to {total}, not to 100"
        for name in dict.fromkeys(name for name in names if names.count(name) > 1):
            yield "milestones", f'name "{name}" twice: give each its own name'

    def default_on_change(self) -> str:
        """Return ``restate``: events are facts, so a wrong one is corrected on the day where it was recognized."""
        return "restate"

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """Return the date of each milestone in the order of the rule; None while it is not reached."""
        reached = {event.name: event.date for event in events if event.kind == "milestone"}
        return tuple(reached.get(one.name) for one in self.milestones)

    def plan(self, anchors: AnchorDates) -> Plan:
        """Plan each milestone's share on its day; those not reached wait."""
        dates = tuple(roll(self.first(day), self.roll, self.calendar) if day else UNDATED for day in anchors)
        reached = [self._told(one, day) for one, day in zip(self.milestones, anchors, strict=True) if day]
        missing = [one for one, day in zip(self.milestones, anchors, strict=True) if not day]
        words = f"{self.name} recognizes {', '.join(reached)}" if reached else f"{self.name}: none is reached yet"
        return Plan(dates, self.shares, words, _waits(missing))

    def _told(self, one: Milestone, day: date) -> str:
        return f'"{one.name}" ({one.percent}%) on {day}'


def _waits(missing: list[Milestone]) -> WaitReason:
    """Return what the shares wait for; set even if none is missing, since shares in any order may wait."""
    if not missing:
        return WaitReason("waiting", "")
    names = ", ".join(f'"{one.name}" ({one.percent}%)' for one in missing)
    which = "milestones" if missing[1:] else "milestone"
    return WaitReason("waiting", f"waits for {which} {names}", "milestone", missing[0].name)
