"""Amounts without a recognition date: charge lines without a schedule, and the waiting parts of scheduled ones.

Every display of these amounts reads this one query, so that their figures agree. It is SQL text because
``revrec status`` must not load SQLAlchemy.
"""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from revrec.core.filters import NO_FILTERS, Filters
from revrec.store.database.sums import joined_sum, split_sum

if TYPE_CHECKING:
    from sqlalchemy import Connection

UNSCHEDULED, WAITING = "unscheduled", "waiting"
"""Kinds of undated amounts: a charge line without a schedule, and a part of a scheduled one."""

LINES = """
    SELECT u.kind, u.code, u.reason, u.rule, c.no, c.id AS charge, c.customer, c.item, u.amount, c.currency,
           CASE WHEN c.line LIKE '%:cost:%' THEN 1 ELSE 0 END AS is_cost,
           coalesce((SELECT max(e.date) FROM fulfillment_event e
                     WHERE e.charge_no = c.no AND e.date > c.post_date AND e.id NOT IN
                       (SELECT event_id FROM event_withdrawal)), c.post_date) AS since
    FROM (SELECT 'unscheduled' AS kind, n.charge_no, n.code, n.reason, n.rule, n.amount
          FROM unscheduled n
          WHERE n.code NOT IN ('not_revenue', 'closed') AND n.charge_no NOT IN (SELECT charge_no FROM charge_void)
          UNION ALL
          SELECT 'waiting', w.charge_no, w.code, w.reason, r.name, w.amount
          FROM schedule_wait w
          JOIN schedule s ON s.charge_no = w.charge_no AND s.version = w.version
          JOIN rule_version r ON r.id = s.rule_version_id
          WHERE NOT EXISTS (SELECT 1 FROM schedule x WHERE x.charge_no = w.charge_no AND x.version > w.version)) u
    JOIN charge_line c ON c.no = u.charge_no"""
"""One row for each amount, in minor units; what is not revenue and what is closed are left out.

``since`` is the post date or, if it is later, the date of the last event: each event restarts the wait, so that a
project that reports its progress is not late.
"""

GROUPS = f"""
    SELECT kind, code, min(reason), rule, currency, is_cost, count(*), {split_sum("amount")}, min(since),
           sum(late), {split_sum("amount * late")}, min(CASE WHEN late = 1 THEN since END)
    FROM (SELECT lines.*, CASE WHEN code IN ('waiting', 'held') AND since >= :cutoff
                               THEN 0 ELSE 1 END AS late
          FROM ({LINES}) AS lines) AS marked
    GROUP BY kind, code, rule, currency, is_cost ORDER BY count(*) DESC, min(reason), currency, is_cost"""  # noqa: S608
"""One row for each kind, code, rule and currency; ``reason`` is one charge line's, since reasons name the charge.

An amount is late if no event can date it (no rule matches, for example), or if it has waited since before the cutoff.
"""


class UndatedLine(NamedTuple):
    """An amount without a recognition date, in minor units, of one charge line.

    See :class:`revrec.core.schedule.Unscheduled` for ``code`` and ``reason``. ``since`` is the date from which
    its age counts.
    """

    kind: str
    code: str
    reason: str
    rule: str | None
    charge: str
    customer: str
    item: str
    amount: int
    currency: str
    is_cost: bool
    since: date
    lines: int = 1


class UndatedGroup(NamedTuple):
    """The undated amounts of one kind, code, rule and currency, in minor units; costs are groups by themselves.

    ``since`` is the oldest date. ``late_lines``, ``late_amount`` and ``late_since`` are the part that is late.
    """

    kind: str
    code: str
    reason: str
    rule: str | None
    currency: str
    is_cost: bool
    lines: int
    amount: int
    since: date
    late_lines: int
    late_amount: int
    late_since: date | None


class _View(Protocol):
    def execute(self, sql: str, parameters: Any = ..., /) -> Any: ...


def undated_groups(view: _View, cutoff: date) -> list[UndatedGroup]:
    """Return the undated amounts by group, most lines first; ``cutoff`` is the first day that is not late."""
    return [_group(row) for row in view.execute(GROUPS, {"cutoff": cutoff.isoformat()}).fetchall()]


def _group(row: Any) -> UndatedGroup:
    kind, code, reason, rule, currency, is_cost, lines, billions, rest, since, late, late_billions, late_rest, first = (
        row
    )
    return UndatedGroup(
        kind, code, reason, rule, currency, bool(is_cost), lines, joined_sum(billions, rest),
        date.fromisoformat(since), int(late), joined_sum(late_billions, late_rest),
        date.fromisoformat(first) if first else None,
    )  # fmt: skip


CONDITIONS = {
    "customer": "c.customer = :customer",
    "item": "c.item = :item",
    "entity": "c.entity = :entity",
    "charge": "c.id = :charge",
    "document": "(c.document = :document OR c.source || '/' || c.document = :document)",
    "rule": "u.rule = :rule",
    "account": """EXISTS (SELECT 1 FROM schedule s JOIN rule_version r ON r.id = s.rule_version_id
                          WHERE s.charge_no = c.no AND :account IN (r.deferred, r.accrued))""",
}
"""The filters of lists as conditions on ``LINES``; days do not apply, since these amounts have no date."""


def undated_lines(connection: "Connection", filters: Filters = NO_FILTERS) -> Iterator[UndatedLine]:
    """Yield each undated amount that the filters select, in the order of the charge lines."""
    from sqlalchemy import text

    from revrec.store.bulk import stream_rows

    values = {name: getattr(filters, name) for name in CONDITIONS if getattr(filters, name) is not None}
    chosen = " AND ".join(CONDITIONS[name] for name in values)
    query = text(f"{LINES}{chosen and f' WHERE {chosen}'} ORDER BY c.no, u.kind").bindparams(**values)
    for row in stream_rows(connection, query):
        yield UndatedLine(
            row.kind, row.code, row.reason, row.rule, row.charge, row.customer, row.item, row.amount, row.currency,
            bool(row.is_cost), date.fromisoformat(row.since),
        )  # fmt: skip
