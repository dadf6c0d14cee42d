"""The filters of lists as conditions of queries."""

from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import Column, ColumnElement, Connection, select

from revrec.core.filters import Filters
from revrec.store.tables import charge_line, rule_version, schedule, unscheduled

Conditions = Iterator[ColumnElement[bool]]


def charge_conditions(filters: Filters) -> Conditions:
    """Yield the conditions that a charge line meets, apart from days, account and rule."""
    columns: dict[str, Column[str]] = {
        "customer": charge_line.c.customer,
        "item": charge_line.c.item,
        "entity": charge_line.c.entity,
        "charge": charge_line.c.id,
    }
    for name, column in columns.items():
        wanted = getattr(filters, name)
        if wanted is not None:
            yield column == wanted
    if filters.document is not None:
        yield of_document(charge_line.c.source, charge_line.c.document, filters.document)


def of_document(source: Column[str], document: Column[str], wanted: str) -> ColumnElement[bool]:
    """Return the condition that a document has this name, alone or with its source before it."""
    whole = source + "/" + document == wanted
    return (document == wanted) | whole if "/" in wanted else document == wanted


def rule_conditions(filters: Filters) -> Conditions:
    """Yield the conditions on the rule version of a schedule: its name, and one of its accounts."""
    if filters.rule is not None:
        yield rule_version.c.name == filters.rule
    if filters.account is not None:
        yield (rule_version.c.deferred == filters.account) | (rule_version.c.accrued == filters.account)


def of_rule(filters: Filters) -> Conditions:
    """Yield the condition that a version of a charge line's schedule follows the rule, or uses the account."""
    conditions = [*rule_conditions(filters)]
    if conditions:
        versions = select(schedule.c.charge_no).join(rule_version, rule_version.c.id == schedule.c.rule_version_id)
        yield charge_line.c.no.in_(versions.where(*conditions))


def within(column: "Column[str] | ColumnElement[str]", filters: Filters) -> Conditions:
    """Yield the conditions that a date or a time, as text, is within the days of the filters."""
    if filters.first is not None:
        yield column >= filters.first.isoformat()
    if filters.last is not None and filters.last < date.max:
        # Times of the last day are greater than its own text.
        yield column < (filters.last + timedelta(days=1)).isoformat()


def unknown_value(connection: Connection, filters: Filters) -> str | None:
    """Return in words which charge, document, item or rule of the filters no charge line has; None if all are known."""
    for name, form in (("charge", "; a charge's id is SOURCE/DOCUMENT/LINE"), ("document", ""), ("item", "")):
        value = getattr(filters, name)
        if value is not None:
            conditions = charge_conditions(Filters(**{name: value}))
            if connection.execute(select(charge_line.c.no).where(*conditions).limit(1)).first() is None:
                return f"--{name} {value}: no such {name}{form}"
    if filters.rule is not None:
        scheduled = select(rule_version.c.id).where(rule_version.c.name == filters.rule)
        waiting = select(unscheduled.c.charge_no).where(unscheduled.c.rule == filters.rule)
        if all(connection.execute(query.limit(1)).first() is None for query in (scheduled, waiting)):
            return f"--rule {filters.rule}: no charge line follows this rule; see the rules with: revrec rules list"
    return None
