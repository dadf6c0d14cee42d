"""The versions of rules that ever made a schedule, and what each new version moved."""

import json
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, select, union_all

from revrec.core.filters import NO_FILTERS, Filters
from revrec.store.reports.filters import chosen_charges, rule_conditions
from revrec.store.reports.moves import parts_by_month
from revrec.store.tables import audit_event, charge_line, rule_version, schedule


class RuleVersionRow(NamedTuple):
    """A version of a rule with its exact text; ``at`` is the time in UTC of its first use, ``actor`` who used it."""

    id: int
    name: str
    version: int
    at: str
    actor: str
    file: str
    method: str
    text: str


class RuleVersionUse(NamedTuple):
    """The use of a rule version: how many charge lines follow it or did, the reasons given, and the amounts it moved.

    ``moved`` is in minor units by currency: what the schedules made by it planned in other months than those before.
    """

    charges: int
    reasons: tuple[str, ...]
    moved: dict[str, int]


def rule_version_rows(connection: Connection, rule: str | None, account: str | None = None) -> Iterator[RuleVersionRow]:
    """Yield the versions of one rule or of all, by name and version; with an account, those that post to it."""
    columns = rule_version.c
    query = select(
        columns.id, columns.name, columns.version, columns.recorded_at, columns.actor, columns.file, columns.method,
        columns.text,
    ).order_by(columns.name, columns.version)  # fmt: skip
    chosen = query.where(*rule_conditions(Filters(rule=rule, account=account)))
    yield from (RuleVersionRow(*row) for row in connection.execute(chosen))


def rule_version_use(connection: Connection, id: int, filters: Filters = NO_FILTERS) -> RuleVersionUse:
    """Return the use of a rule version, by the charge lines that the filters select."""
    its_own = schedule.c.rule_version_id == id
    if filters != NO_FILTERS:
        its_own = its_own & schedule.c.charge_no.in_(chosen_charges(filters))
    count = connection.execute(select(func.count(schedule.c.charge_no.distinct())).where(its_own)).scalar_one()
    events = (
        select(audit_event.c.detail)
        .where(audit_event.c.seq.in_(select(schedule.c.audit_seq).where(its_own, schedule.c.version > 1)))
        .order_by(audit_event.c.seq)
    )
    reasons = [json.loads(detail).get("reason", "") for detail in connection.execute(events).scalars()]
    return RuleVersionUse(count, tuple(dict.fromkeys(filter(None, reasons))), _moved(connection, its_own))


def _moved(connection: Connection, its_own: ColumnElement[bool]) -> dict[str, int]:
    """Return what replaced schedules planned in other months than before: the sum of what the months gained."""
    versions = select(schedule.c.charge_no, schedule.c.version, schedule.c.audit_seq)
    parts = union_all(*parts_by_month(versions.where(its_own, schedule.c.version > 1).subquery())).subquery()
    gain = func.sum(case((parts.c.side == "after", parts.c.amount), else_=-parts.c.amount))
    gained = (
        select(charge_line.c.currency, gain.label("amount"))
        .join(charge_line, charge_line.c.no == parts.c.charge_no)
        .group_by(parts.c.charge_no, parts.c.period, charge_line.c.currency)
        .having(gain > 0)
        .subquery()
    )
    total = select(gained.c.currency, func.sum(gained.c.amount)).group_by(gained.c.currency)
    found = connection.execute(total.order_by(gained.c.currency))
    return {row[0]: int(row[1]) for row in found}
