"""Accounting periods: which months of an entity are closed, and what day an amount is dated with because of it.

A period is a calendar month of one entity; the entity ``""`` is the company's top level. What is known of periods is a
history of facts, each told by Intacct (the day through which its books are closed), learnt from its refusal of an
entry, or decided by a person here. Nothing here opens or closes anything in Intacct.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

POLICIES = ("hold", "next_open", "fail")
"""What becomes of an amount recognized in a closed period. ``hold``: it waits, on no entry, until the period opens.
``next_open``: its entry is dated with the first open day after. ``fail``: its entry is dated as ever, and Intacct
refuses it."""

THROUGH, CLOSED, OPEN = "through", "closed", "open"
"""Kinds of facts: the books are closed through a day, or one month is closed, or open."""

INTACCT, ANSWER, PERSON = "intacct", "answer", "person"
"""Sources of facts: Intacct when it was asked, its refusal of an entry, a person here."""

COMPANY = ""
"""The top level: what a person decides for it holds for every entity."""


class PeriodFact(NamedTuple):
    """One thing that became known or was decided about an entity's periods.

    ``day`` is the last closed day for the kind ``through``, else the first day of the month that is closed or open.
    ``at`` is UTC text, ``actor`` who asked or decided.
    """

    entity: str
    kind: str
    day: date
    source: str
    reason: str
    at: str = ""
    actor: str = ""

    @property
    def words(self) -> str:
        """Why a day is closed, for people."""
        if self.source == PERSON:
            return f"closed here by {self.actor}: {self.reason}"
        if self.source == ANSWER:
            return f"Intacct refused an entry of {month_of(self.day)}: {self.reason}"
        return f"Intacct's books are closed through {self.day}"


def month_of(day: date) -> str:
    """The period that a day belongs to: ``2024-03``."""
    return f"{day:%Y-%m}"


@dataclass
class _EntityPeriods:
    """What holds for one entity now, by the first days of months. Intacct's word and a person's are kept apart."""

    through: PeriodFact | None = None
    refused: dict[date, PeriodFact] = field(default_factory=dict)
    lifted: set[date] = field(default_factory=set)
    decided: dict[date, PeriodFact] = field(default_factory=dict)

    def take(self, fact: PeriodFact) -> None:
        """A newer word of Intacct's takes the place of its older ones, and of what a person said against them."""
        if fact.kind == THROUGH:
            self.through = fact
            self.refused.clear()
            self.lifted.clear()
        elif fact.kind == OPEN:
            self.decided.pop(fact.day, None)
            self.lifted.add(fact.day)
        elif fact.source == PERSON:
            self.decided[fact.day] = fact
        else:
            self.refused[fact.day] = fact
            self.lifted.discard(fact.day)

    def by_intacct(self, day: date) -> PeriodFact | None:
        month = day.replace(day=1)
        if month in self.lifted:
            return None
        if self.through is not None and day <= self.through.day:
            return self.through
        return self.refused.get(month)


class Periods:
    """What is known of all entities' periods, from the facts in the order they became known.

    What a person decides for the company holds for every entity. What Intacct says of the company holds for an entity
    of which it says nothing.
    """

    def __init__(self, facts: Iterable[PeriodFact] = ()) -> None:
        self._entities: dict[str, _EntityPeriods] = {}
        for fact in facts:
            self.take(fact)

    def take(self, fact: PeriodFact) -> None:
        """One more fact, newer than all before."""
        self._entities.setdefault(fact.entity, _EntityPeriods()).take(fact)
        if fact.entity == COMPANY and fact.kind == THROUGH:
            for own in self._entities.values():
                if own.through is None:
                    own.lifted.clear()

    @property
    def entities(self) -> list[str]:
        """The entities of which anything is known."""
        return sorted(self._entities)

    def decided(self, entity: str, day: date) -> PeriodFact | None:
        """The decision of a person that closes a day."""
        month = day.replace(day=1)
        return next((self._of(one).decided[month] for one in (entity, COMPANY) if month in self._of(one).decided), None)

    def by_intacct(self, entity: str, day: date) -> PeriodFact | None:
        """The word of Intacct's by which a day is closed."""
        own = self._of(entity)
        told = own.by_intacct(day)
        if told is None and own.through is None and day.replace(day=1) not in own.lifted:
            told = self._of(COMPANY).by_intacct(day)
        return told

    def closed(self, entity: str, day: date) -> PeriodFact | None:
        """Why a day of an entity is closed; None if it is open, so far as is known."""
        return self.decided(entity, day) or self.by_intacct(entity, day)

    def first_open(self, entity: str, day: date) -> date:
        """The day itself if it is open, else the first open one after it. OverflowError beyond the year 9999."""
        while (fact := self.closed(entity, day)) is not None:
            after = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            within = fact.day + timedelta(days=1) if fact.kind == THROUGH else after
            day = min(within, after)
        return day

    def through(self, entity: str) -> PeriodFact | None:
        """Through which day Intacct said last that the books are closed."""
        return self._of(entity).through

    def facts(self, entity: str) -> list[PeriodFact]:
        """The facts by which something of this entity is closed now."""
        own = self._of(entity)
        told = [own.through] if own.through else []
        return [*told, *own.refused.values(), *own.decided.values()]

    def _of(self, entity: str) -> _EntityPeriods:
        return self._entities.get(entity, _NOTHING)


_NOTHING = _EntityPeriods()


class DatedBy(NamedTuple):
    """What an entry is dated with (None: its lines are held), and why, if that is not the day of recognition."""

    date: date | None
    reason: str = ""


class PostingDates:
    """The policy applied to what is known: the date of each entry, with its reason.

    ``policy`` is one of :data:`POLICIES`; ``by`` names what moves a date, where it is not the policy itself.
    """

    def __init__(self, policy: str = "fail", periods: Periods | None = None, by: str = "") -> None:
        self.policy = policy
        self._by = by or f"policy {policy}"
        self.periods = periods or Periods()
        self._known = lru_cache(maxsize=50_000)(self._dating)

    def take(self, fact: PeriodFact) -> None:
        """One more fact; dates that were told before may differ now."""
        self.periods.take(fact)
        self._known.cache_clear()

    def of(self, entity: str, day: date) -> DatedBy:
        """What an amount recognized on ``day`` is dated with. OverflowError if no day before the year 9999 is open."""
        return self._known(entity, day)

    def _dating(self, entity: str, day: date) -> DatedBy:
        fact = None if self.policy == "fail" else self.periods.closed(entity, day)
        if fact is None:
            return DatedBy(day)
        why = f"recognized on {day}; that period is closed ({fact.words})"
        if self.policy == "hold":
            return DatedBy(None, f"{why}; held until it is open, by policy hold")
        opened = self.periods.first_open(entity, day)
        return DatedBy(opened, f"{why}; dated {opened} by {self._by}")

    def refuses(self, entity: str, day: date) -> str:
        """Why an entry of this date must not be sent, though it was made; empty if it may.

        Under the policy ``fail`` only what a person closed here: Intacct is left to refuse the rest.
        """
        known = self.periods.decided if self.policy == "fail" else self.periods.closed
        return _said_closed(day, known(entity, day))

    def closed_here(self, entity: str, day: date) -> str:
        """Why nothing of this date must be sent, whatever Intacct would say to it: a person closed the period here;
        empty if it may."""
        return _said_closed(day, self.periods.decided(entity, day))


def _said_closed(day: date, fact: PeriodFact | None) -> str:
    return f"the period {month_of(day)} is closed: {fact.words}" if fact else ""
