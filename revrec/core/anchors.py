"""Anchor dates: the dates of a charge line and its events from which recognition is counted."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import NamedTuple

from revrec.core.charge_line import EVENT_KINDS, ChargeLine, FulfillmentEvent, event_command
from revrec.core.deliveries import delivered_on
from revrec.core.schedule import Unscheduled

Events = Sequence[FulfillmentEvent]
Finder = Callable[[ChargeLine, Events], date | None]

EVENT = "event:"
"""Prefix of an anchor that is an event: ``event:pod`` by its kind, ``event:go-live`` by its name."""


class Anchor(NamedTuple):
    """A named date of a charge line; ``find`` returns it, or None while it is not known."""

    name: str
    find: Finder

    @property
    def word(self) -> str:
        """The kind or name of the event that this anchor waits for; empty if it is not an event."""
        return self.name.removeprefix(EVENT).strip() if self.name.startswith(EVENT) else ""

    def missing(self, line: ChargeLine) -> Unscheduled:
        """Return what the line waits for, and how to supply it."""
        # No event supplies a rev_rec_date: a line without one does not wait, it needs another rule.
        code = "impossible" if self.name == "rev_rec_date" else "waiting"
        return Unscheduled(code, _advice(self.name, line))


def known_on(events: Events, day: date) -> list[FulfillmentEvent]:
    """Return the events that are known at the end of a day. Service dates are known before they come."""
    return [event for event in events if event.date <= day or event.kind == "service_dates"]


def _post_date(line: ChargeLine, _events: Events) -> date:
    return line.post_date


def _rev_rec_date(line: ChargeLine, events: Events) -> date | None:
    return (_last_of(events, "service_dates", "rev_rec_date") if events else None) or line.rev_rec_date


def _service_start(line: ChargeLine, events: Events) -> date | None:
    return (_last_of(events, "service_dates", "start") if events else None) or line.service_start


def _service_end(line: ChargeLine, events: Events) -> date | None:
    return (_last_of(events, "service_dates", "end") if events else None) or line.service_end


def _delivered(line: ChargeLine, events: Events) -> date | None:
    return delivered_on(line, events)


def _last_of(events: Events, kind: str, name: str | None = None) -> date | None:
    """Return the date recorded last, whatever the dates are: later records correct earlier ones."""
    for event in reversed(events):
        if event.kind == kind and (name is None or event.name == name):
            return event.date
    return None


def _by_kind_or_name(word: str, _line: ChargeLine, events: Events) -> date | None:
    for event in reversed(events):
        if word in (event.kind, event.name):
            return event.date
    return None


ANCHORS: dict[str, Anchor] = {
    name: Anchor(name, find)
    for name, find in (
        ("post_date", _post_date),
        ("rev_rec_date", _rev_rec_date),
        ("service_start", _service_start),
        ("service_end", _service_end),
        ("delivered", _delivered),
    )
}
"""The anchors a rule can name besides ``event:NAME``. ``delivered`` is the last-recorded proof of delivery, or the day
when the last unit is delivered; a ``service_dates`` event named start, end or rev_rec_date corrects that date of the
line."""


def anchor(name: str) -> Anchor:
    """Return the anchor of that name.

    Raises:
        ValueError: no anchor has this name.
    """
    if name in ANCHORS:
        return ANCHORS[name]
    if name.startswith(EVENT) and name[len(EVENT) :].strip():
        return Anchor(name, partial(_by_kind_or_name, name[len(EVENT) :].strip()))
    raise ValueError(name)


def _advice(name: str, line: ChargeLine) -> str:
    if name == "rev_rec_date":
        return f"needs a rev_rec_date: its source gave none; write a rule for item {line.item} without it"
    if name == "delivered":
        return f"waits for proof of delivery (POD): {event_command(line, 'pod')}"
    if name in ("service_start", "service_end"):
        add = event_command(line, "service_dates", name.removeprefix("service_"))
        return f"waits for its service dates: {name} is empty; {add}"
    word = name.removeprefix(EVENT).strip()
    add = event_command(line, word) if word in EVENT_KINDS else event_command(line, "milestone", word)
    return f'waits for the event "{word}": {add}'
