"""Accounting periods: which months of an entity are closed, and how that changes the date of an entry.

A period is a calendar month of one entity; the entity ``""`` is the company's top level. Knowledge about periods is a
history of facts: reported by Intacct (the day through which its books are closed), learned from a rejected entry, or
decided by a person in revrec. revrec never opens or closes a period in Intacct.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from revrec.core.calendar import month_end

POLICIES = ("hold", "next_open", "fail")
"""How an amount recognized in a closed period is treated. ``hold``: it is blocked, on no entry, until the period
reopens. ``next_open``: its entry is dated with the next open day. ``fail``: its entry keeps its date, and Intacct
rejects it."""

OPEN_DAYS = ("first", "last")
"""The day of the first open month that ``next_open`` dates an entry with: its first open day, or its last day."""

THROUGH, CLOSED, OPEN = "through", "closed", "open"
"""Kinds of facts: the books are closed through a day, or one month is closed, or open."""

INTACCT, ANSWER, PERSON = "intacct", "answer", "person"
"""Sources of facts: Intacct's answer to a query, its rejection of an entry, a person."""

COMPANY = ""
"""The top level: a person's decision for it applies to every entity."""


class PeriodFact(NamedTuple):
    """One fact that became known or was decided about an entity's periods.

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
        """Return why a day is closed, as a phrase."""
        if self.source == PERSON:
            return f"closed here by {self.actor}: {self.reason}"
        if self.source == ANSWER:
            return f"Intacct refused an entry of {month_of(self.day)}: {self.reason}"
        return f"Intacct's books are closed through {self.day}"


def month_of(day: date) -> str:
    """Return the period of a day: ``2024-03``."""
    return f"{day:%Y-%m}"


@dataclass
class _EntityPeriods:
    """The facts in force for one entity, by the first day of the month; Intacct's and people's are kept separately."""

    through: PeriodFact | None = None
    refused: dict[date, PeriodFact] = field(default_factory=dict)
    lifted: set[date] = field(default_factory=set)
    decided: dict[date, PeriodFact] = field(default_factory=dict)

    def take(self, fact: PeriodFact) -> None:
        """Add a fact. A newer one from Intacct replaces its older ones, and what a person said against them."""
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
    """The periods of all entities, from the facts in the order in which they became known.

    A person's decision for the company applies to every entity. Intacct's answer for the company applies to an entity
    for which it gives none.
    """

    def __init__(self, facts: Iterable[PeriodFact] = ()) -> None:
        self._entities: dict[str, _EntityPeriods] = {}
        for fact in facts:
            self.take(fact)

    def take(self, fact: PeriodFact) -> None:
        """Add a fact, newer than all before."""
        self._entities.setdefault(fact.entity, _EntityPeriods()).take(fact)
        if fact.entity == COMPANY and fact.kind == THROUGH:
            for own in self._entities.values():
                if own.through is None:
                    own.lifted.clear()

    @property
    def entities(self) -> list[str]:
        """Return the entities with any facts."""
        return sorted(self._entities)

    def decided(self, entity: str, day: date) -> PeriodFact | None:
        """Return the decision of a person that closes a day; None if there is not one."""
        month = day.replace(day=1)
        return next((self._of(one).decided[month] for one in (entity, COMPANY) if month in self._of(one).decided), None)

    def by_intacct(self, entity: str, day: date) -> PeriodFact | None:
        """Return Intacct's fact by which a day is closed; None if there is not one."""
        own = self._of(entity)
        fact = own.by_intacct(day)
        if fact is None and own.through is None and day.replace(day=1) not in own.lifted:
            fact = self._of(COMPANY).by_intacct(day)
        return fact

    def closed(self, entity: str, day: date) -> PeriodFact | None:
        """Return why a day of an entity is closed; None if it is open as far as is known."""
        return self.decided(entity, day) or self.by_intacct(entity, day)

    def first_open(self, entity: str, day: date) -> date:
        """Return the day itself if it is open, else the next open day.

        Raises:
            OverflowError: no day up to the year 9999 is open.
        """
        # Jump from closed month to closed month, and ask again each time: the months after the day through which the
        # books are closed may have been closed one by one.
        while (fact := self.closed(entity, day)) is not None:
            after = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
            within = fact.day + timedelta(days=1) if fact.kind == THROUGH else after
            day = min(within, after)
        return day

    def through(self, entity: str) -> PeriodFact | None:
        """Return Intacct's newest fact about the day through which the books are closed."""
        return self._of(entity).through

    def facts(self, entity: str) -> list[PeriodFact]:
        """Return the facts that close a period of this entity now."""
        own = self._of(entity)
        found = [own.through] if own.through else []
        return [*found, *own.refused.values(), *own.decided.values()]

    def _of(self, entity: str) -> _EntityPeriods:
        return self._entities.get(entity, _NOTHING)


_NOTHING = _EntityPeriods()


def closed_since(facts: Sequence[PeriodFact], entity: str, day: date) -> int | None:
    """Return the position of the fact since which a day of an entity is closed without a break; None if it is open."""
    periods, since = Periods(), None
    for at, fact in enumerate(facts):
        periods.take(fact)
        if periods.closed(entity, day) is None:
            since = None
        elif since is None:
            since = at
    return since


def last_closed_before(facts: Sequence[PeriodFact], entity: str, day: date) -> date | None:
    """Return the last day before ``day`` that is closed for an entity; None if all days before it are open."""
    if day == date.min:
        return None
    periods, before = Periods(facts), day - timedelta(days=1)
    ends = (fact.day if fact.kind == THROUGH else month_end(fact.day) for fact in facts if fact.kind != OPEN)
    return max((end for end in (min(one, before) for one in ends) if periods.closed(entity, end)), default=None)


class DatedBy(NamedTuple):
    """The date of an entry (None if its lines are blocked), and the reason if it is not the recognition date."""

    date: date | None
    reason: str = ""


class PostingDates:
    """The dates of entries, with reasons: the policy applied to what is known about periods.

    ``policy`` is one of :data:`POLICIES`; ``by`` names what moves a date, if it is not the policy. ``open_day`` is one
    of :data:`OPEN_DAYS`.
    """

    def __init__(
        self, policy: str = "fail", periods: Periods | None = None, by: str = "", open_day: str = "first"
    ) -> None:
        self.policy = policy
        self.open_day = open_day
        self._by = by or f"policy {policy}"
        self.periods = periods or Periods()
        self._known = lru_cache(maxsize=50_000)(self._dating)

    def take(self, fact: PeriodFact) -> None:
        """Add a fact; dates returned before may change."""
        self.periods.take(fact)
        self._known.cache_clear()

    def of(self, entity: str, day: date) -> DatedBy:
        """Return the entry date of an amount recognized on ``day``.

        Raises:
            OverflowError: no day up to the year 9999 is open.
        """
        return self._known(entity, day)

    def _dating(self, entity: str, day: date) -> DatedBy:
        fact = None if self.policy == "fail" else self.periods.closed(entity, day)
        if fact is None:
            return DatedBy(day)
        why = f"recognized on {day}; that period is closed ({fact.words})"
        if self.policy == "hold":
            return DatedBy(None, f"{why}; blocked until it reopens, by policy hold")
        opened = self.periods.first_open(entity, day)
        if self.open_day == "last":
            # Months close as a whole or from their beginning, so the end of a month with an open day is open.
            opened = month_end(opened)
        return DatedBy(opened, f"{why}; dated {opened} by {self._by}")

    def refuses(self, entity: str, day: date) -> str:
        """Return why an entry of this date must not be sent although it was created; empty if it may be sent.

        Under the policy ``fail`` only a person's decision counts: Intacct rejects the rest.
        """
        known = self.periods.decided if self.policy == "fail" else self.periods.closed
        return _said_closed(day, known(entity, day))

    def closed_here(self, entity: str, day: date) -> str:
        """Return why nothing of this date may be sent: a person closed its period in revrec; empty if no one did."""
        return _said_closed(day, self.periods.decided(entity, day))


def _said_closed(day: date, fact: PeriodFact | None) -> str:
    return f"the period {month_of(day)} is closed: {fact.words}" if fact else ""
