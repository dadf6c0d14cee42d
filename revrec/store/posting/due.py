"""Schedule lines that are due: the next run puts them on journal entries."""

from collections.abc import Iterator, Sequence
from datetime import date
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, literal_column, not_, select

from revrec.core.calendar import day_of
from revrec.core.journal import DueLine
from revrec.core.posting_options import PostingOptions, read_options
from revrec.core.rules.memo import filled_in, memo_format
from revrec.store.bulk import stream_rows
from revrec.store.charges import DAY_BILLED, dimensions_of
from revrec.store.posting import awaiting
from revrec.store.tables import after_invoice, charge_line, open_line, rule_version, same_version, schedule


class DueRow(NamedTuple):
    """A row of :func:`due_query`. It begins with the fields of :class:`DueLine` that are not of its rule, in order."""

    charge_no: int
    version: int
    seq: int
    revision: int
    of: int
    charge: str
    document: str
    customer: str
    item: str
    entity: str
    dimensions: str
    date: str
    amount: int
    currency: str
    description: str
    day_billed: str | None
    rule_version_id: int


class DueRule(NamedTuple):
    """The values of due lines that are their rule's; ``memo`` is still the template."""

    deferred: str
    accrued: str
    journal: str
    memo: str
    options: PostingOptions
    name: str


_DIMENSIONS, _DATE, _DESCRIPTION, _BILLED, _RULE = map(
    DueRow._fields.index, ("dimensions", "date", "description", "day_billed", "rule_version_id")
)
"""The places of fields: by name, a run with many due lines would take longer."""
_COLUMNS: dict[str, ColumnElement[Any]] = {
    "charge_no": open_line.c.charge_no,
    "version": open_line.c.version,
    "seq": open_line.c.seq,
    "revision": open_line.c.revision,
    "of": schedule.c.lines,
    "charge": charge_line.c.id,
    "document": charge_line.c.document,
    "customer": charge_line.c.customer,
    "item": charge_line.c.item,
    "entity": charge_line.c.entity,
    "dimensions": charge_line.c.dimensions,
    "date": open_line.c.date,
    "amount": open_line.c.amount,
    "currency": charge_line.c.currency,
    "description": charge_line.c.description,
    "day_billed": DAY_BILLED,
    "rule_version_id": open_line.c.rule_version_id,
}
"""The column of each field. :func:`due_query` selects them in the order of the fields, whatever their order here."""


def due_query() -> Select[Any]:
    """Return open schedule lines with all that their journal lines need; callers add the condition and the order.

    The values of the rules are in :func:`due_rules`: they would be read again for each line.
    """
    return (
        select(*(_COLUMNS[name] for name in DueRow._fields))
        .join(charge_line, charge_line.c.no == open_line.c.charge_no)
        .join(schedule, same_version(schedule, open_line))
        .join(rule_version, rule_version.c.id == open_line.c.rule_version_id)
    )


def due_rules(connection: Connection) -> dict[int, DueRule]:
    """Return the rule versions by their id."""
    kept = rule_version.c
    query = select(kept.id, kept.deferred, kept.accrued, kept.journal, kept.memo, kept.options, kept.name)
    return {
        number: DueRule(deferred, accrued, journal, memo, read_options(options), name)
        for number, deferred, accrued, journal, memo, options, name in connection.execute(query)
    }


def open_until(day: date) -> ColumnElement[bool]:
    """Return the condition that an ``open_line`` is dated on or before a day, written so that an index finds it."""
    return (open_line.c.open_from <= day.isoformat()) & (open_line.c.date <= day.isoformat())


WAITS_FOR_INVOICE: ColumnElement[bool] = literal_column(awaiting.WAITS_FOR_INVOICE)
"""The condition that a schedule line waits until the document of its charge line is invoiced.

It has no type, so that its opposite is ``NOT (...)``. For a Boolean, SQLite would get ``(...) = 0`` and look for an
invoice of every line, even where no rule waits for invoices.
"""


def due_lines(connection: Connection, until: date, waiting: bool | None = False) -> Iterator[tuple[DueLine, str]]:
    """Yield open schedule lines dated on or before ``until``, each with its charge's description.

    They come in posting order: date, entity, journal, currency, options, then charge. ``waiting`` False leaves out
    those that wait for an invoice, True yields only those, None yields all.
    """
    rules = due_rules(connection)
    for row in _due_rows(connection, until, waiting):
        rule = rules[row[_RULE]]
        yield due_line(row, rule, rule.memo), row[_DESCRIPTION]


def due_with_memos(connection: Connection, until: date, waiting: bool | None = False) -> Iterator[DueLine]:
    """Yield open schedule lines as :func:`due_lines`, with the memos of their rules filled in."""
    rules = due_rules(connection)
    for row in _due_rows(connection, until, waiting):
        rule = rules[row[_RULE]]
        text, places = _memo_of(rule.memo)
        line = due_line(row, rule, text.format(*[row[place] for place in places]))
        custom = rule.options.line_fields
        yield line._replace(fields=filled_in(custom, dict(zip(DueRow._fields, row, strict=True)))) if custom else line


@lru_cache(maxsize=1024)
def _memo_of(template: str) -> tuple[str, list[int]]:
    """Return a memo template as :func:`memo_format` does, with the places of its fields in a row."""
    text, fields = memo_format(template)
    return text, [DueRow._fields.index(field) for field in fields]


def _due_rows(connection: Connection, until: date, waiting: bool | None) -> Iterator[Any]:
    which = [] if waiting is None else [WAITS_FOR_INVOICE if waiting else not_(WAITS_FOR_INVOICE)]
    query = (
        due_query()
        .where(open_until(until), *which)
        .order_by(
            open_line.c.date,
            charge_line.c.entity,
            rule_version.c.journal,
            charge_line.c.currency,
            rule_version.c.options,
            open_line.c.charge_no,
            open_line.c.version,
            open_line.c.seq,
        )
    )
    return chain.from_iterable(stream_rows(connection, query).partitions())


def has_due_lines(connection: Connection, until: date) -> bool:
    """Check whether an open schedule line is dated on or before ``until`` and does not wait for an invoice."""
    query = select(open_line.c.charge_no).where(open_until(until))
    if connection.execute(select(after_invoice.c.rule_version_id).limit(1)).first() is not None:
        query = due_query().where(open_until(until), not_(WAITS_FOR_INVOICE))
    return connection.execute(query.limit(1)).first() is not None


def due_line(row: Sequence[Any], rule: DueRule, memo: str) -> DueLine:
    """Return a row in the order of :class:`DueRow` as a due line with this memo, filled in or still a template."""
    return DueLine._make((
        *row[:_DIMENSIONS],
        dimensions_of(row[_DIMENSIONS]),
        day_of(row[_DATE]),
        *row[_DATE + 1 : _DESCRIPTION],
        rule.deferred,
        rule.accrued,
        rule.journal,
        memo,
        (),
        day_of(row[_BILLED]) if row[_BILLED] else None,
        rule.options,
        (),
        rule.name,
    ))  # fmt: skip
