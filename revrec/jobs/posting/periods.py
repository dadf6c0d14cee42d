"""Read accounting periods from Intacct, record a person's decisions about them, list them, and date entries by them.

Nothing here opens or closes a period in Intacct. That is the controller's right.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.calendar import month_end
from revrec.core.errors import BadInput, RevrecError, check_reason
from revrec.core.periods import (
    CLOSED,
    COMPANY,
    INTACCT,
    OPEN,
    PERSON,
    THROUGH,
    PeriodFact,
    Periods,
    PostingDates,
    month_of,
)
from revrec.jobs.gateway import open_gateway
from revrec.store import periods as store

if TYPE_CHECKING:
    from revrec.intacct.gateway import Gateway
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

NO_ANSWER = "Intacct does not say; what is known here is kept"


class PeriodAnswer(NamedTuple):
    """Intacct's answer for one entity: the day that its books are closed through, or in ``note`` why there is none."""

    entity: str
    closed_through: date | None
    note: str
    changed: bool = False


def posting_dates(context: "Context", connection: "Connection") -> PostingDates:
    """Return the policy of the settings with all that is known of periods."""
    chosen = context.settings.posting
    return PostingDates(chosen.closed_period, Periods(store.facts(connection)), open_day=chosen.closed_period_date)


def sync(context: "Context", entity: str | None = None) -> list[PeriodAnswer]:
    """Ask Intacct through which day each entity's books are closed, and store what is new.

    Raises:
        BadInput: there is no such entity.
        BadConfiguration: Intacct cannot be reached, or the sign-in fails.
    """
    with context.database.read() as connection:
        asked = _entities(context, connection) if entity is None else [check_known_entity(context, connection, entity)]
    with open_gateway(context) as gateway:
        gateway.sign_in()
        return refresh_closed_periods(context, gateway, context.progress.track(asked, "asking Intacct", len(asked)))


def refresh_closed_periods(context: "Context", gateway: "Gateway", entities: Iterable[str]) -> list[PeriodAnswer]:
    """Ask Intacct about these entities and store answers that differ from the last ones. No answer changes nothing."""
    answers = list(_ask(gateway, entities))
    with context.database.read() as connection:
        before = Periods(store.facts(connection))
    compared = [one._replace(changed=_differs(before, one)) for one in answers]
    new = [
        PeriodFact(one.entity, THROUGH, one.closed_through, INTACCT, "")
        for one in compared
        if one.changed and one.closed_through is not None
    ]
    if new:
        with context.database.write() as connection:
            store.add_facts(connection, new, context.who(), context.settings.invoiced_sources)
    return compared


def refresh_due_periods(context: "Context", gateway: "Gateway", day: date) -> None:
    """Ask Intacct about the entities that have something to post until a day; not needed under the policy ``fail``."""
    if context.settings.posting.closed_period == "fail":
        return
    with context.database.read() as connection:
        due = store.due_entities(connection, day)
    refresh_closed_periods(context, gateway, due)


def _ask(gateway: "Gateway", entities: Iterable[str]) -> Iterator[PeriodAnswer]:
    """Yield the answers. After a failure no other entity is asked: repeated failed sign-ins lock a user out."""
    failed = ""
    for entity in entities:
        day = None
        try:
            day = None if failed else gateway.closed_through(entity)
        except RevrecError as error:
            failed = str(error)
        if day is not None and day.year == date.max.year:
            day, failed = None, f"Intacct says that the books are closed through {day}, after which there is no day"
        yield PeriodAnswer(entity, day, "" if day else failed or NO_ANSWER)


def _differs(before: Periods, answer: PeriodAnswer) -> bool:
    last = before.through(answer.entity)
    return answer.closed_through is not None and (last is None or last.day != answer.closed_through)


def decide(
    context: "Context",
    months: Sequence[date],
    kind: str,
    reason: str,
    entity: str = COMPANY,
    opened: bool = False,
    figures: "Callable[[Connection, date, str], Mapping[str, Any]] | None" = None,
) -> list[dict[str, Any]]:
    """Close or open months of an entity here, all or none. A month that is so already is not recorded again.

    ``months`` are first days, ``kind`` is ``closed`` or ``open``. With ``opened``, the person confirms that a month
    which Intacct reported as closed was opened there. ``figures`` returns what the audit event of a month keeps of it,
    from the open transaction, the month and the entity.

    Raises:
        BadInput: no reason, no such entity, or a month that cannot be opened like that.
    """
    check_reason("a decision", reason)
    with context.database.write() as connection:
        entity = check_known_entity(context, connection, entity)
        known = Periods(store.facts(connection))
        changes = _closes if kind == CLOSED else _opens
        new = [month for month in dict.fromkeys(months) if changes(known, entity, month, opened)]
        added = [PeriodFact(entity, kind, month, PERSON, reason) for month in new]
        kept = [figures(connection, month, entity) for month in new] if figures else ()
        store.add_facts(connection, added, context.who(), context.settings.invoiced_sources, kept)
    return [
        {"entity": entity, "period": month_of(month), "state": kind, "changed": month in new}
        for month in dict.fromkeys(months)
    ]


def _closes(known: Periods, entity: str, month: date, _opened: bool) -> bool:
    return known.decided(entity, month) is None


def _opens(known: Periods, entity: str, month: date, opened: bool) -> bool:
    """Check if there is anything to open; raise BadInput for a month that cannot be opened here."""
    here, there = known.decided(entity, month), known.by_intacct(entity, month)
    period = f"{month_of(month)} of {named(entity)}"
    if here and here.entity != entity:
        raise BadInput(f"{period}: {here.words}, for the whole company; open it there: leave --entity out")
    if there and not opened:
        raise BadInput(
            f"{period} cannot be opened here: {there.words}. Open it in Intacct, then: revrec periods sync; if it was "
            "opened there and Intacct does not say so, add --opened-in-intacct"
        )
    return bool(here or there)


def list_periods(context: "Context", entity: str | None = None) -> list[dict[str, Any]]:
    """Return each month that has open lines or of which something is known, by entity.

    Raises:
        BadInput: there is no such entity.
    """
    with context.database.read() as connection:
        known = Periods(store.facts(connection))
        if entity is not None:
            check_known_entity(context, connection, entity)
        months: dict[tuple[str, date], int] = defaultdict(int)
        for found in store.open_months(connection, entity):
            months[found.entity, found.month] += found.lines
    for one in known.entities if entity is None else [entity]:
        for fact in known.facts(one):
            months[one, fact.day.replace(day=1)] += 0
    return [_shown(known, *key, lines) for key, lines in sorted(months.items())]


def _shown(known: Periods, entity: str, month: date, lines: int) -> dict[str, Any]:
    fact = known.closed(entity, month_end(month))
    return {
        "entity": entity,
        "period": month_of(month),
        "state": CLOSED if fact else OPEN,
        "source": fact.source if fact else None,
        "reason": fact.words if fact else None,
        "since": fact.at if fact else None,
        "actor": fact.actor if fact else None,
        "open_lines": lines,
    }


def named(entity: str) -> str:
    """Return an entity as people read it."""
    return entity or "the company"


def _entities(context: "Context", connection: "Connection") -> list[str]:
    """Return the company, the entities of the configuration, and the entities of charge lines."""
    configured = context.settings.free.get("entities", {})
    return sorted({COMPANY, *configured, *store.all_entities(connection)})


def check_known_entity(context: "Context", connection: "Connection", entity: str) -> str:
    """Return the entity.

    Raises:
        BadInput: neither a charge line nor the configuration names it.
    """
    known = _entities(context, connection)
    if entity not in known:
        names = ", ".join(filter(None, known)) or "no entity, only the company itself"
        raise BadInput(f"--entity {entity}: unknown; charge lines and [entities] in revrec.toml name {names}")
    return entity
