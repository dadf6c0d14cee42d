"""``revrec status``: report what waits, failed, needs review or is in doubt, and what to do about it."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from revrec.core.money import decimal_string
from revrec.core.periods import PeriodFact, Periods
from revrec.store.database.sums import joined_sum
from revrec.store.reports import figures

if TYPE_CHECKING:
    from revrec.jobs.context import Context

FAR = "9999-12-31"
POSTING = (
    "kind", "document", "reference", "date", "state", "amount", "currency", "error_no", "error", "advice", "not_before",
)  # fmt: skip
AWAITING = ("currency", "lines", "amount", "rest")
OPEN = ("currency", "lines", "amount", "rest", "first", "last")
WAITING = ("code", "reason", "currency", "charges", "amount", "rest")
RUN = ("run", "date", "started_at", "finished_at", "actor", "outcome")


def status(context: "Context", until: str | None = None) -> dict[str, Any]:
    """Return counts of all records, open schedule lines by currency, lines in closed periods, and unsettled postings.

    Open lines, and lines that wait for an invoice, are those dated up to ``until``.
    """
    with figures.quick_view(context.database_url) as view:
        found: dict[str, Any] = {name: _first(view, sql)[0] for name, sql in figures.COUNTS.items()}
        found["open"] = [_summed(OPEN, row) for row in view.execute(figures.OPEN_LINES, {"until": until or FAR})]
        found["waiting"] = [_summed(WAITING, row) for row in view.execute(figures.WAITING_PARTS)]
        found["next_date"] = _first(view, figures.NEXT_DATE)[0]
        found["entries"] = {str(state).lower(): count for state, count in view.execute(figures.STATES)}
        found["invoices"] = {str(state).lower(): count for state, count in view.execute(figures.INVOICE_STATES)}
        until_day = {"until": until or FAR}
        found["awaiting_invoice"] = [_summed(AWAITING, row) for row in _awaiting(view, until_day)]
        found["unscheduled_reasons"] = [
            {"code": code, "reason": reason, "charges": count} for code, reason, count in view.execute(figures.REASONS)
        ]
        found["attention"] = [_posting(row) for row in view.execute(figures.ATTENTION)]
        found["closed_periods"] = _in_closed_periods(context, view)
        run = view.execute(figures.LAST_RUN).fetchone()
        found["last_run"] = dict(zip(RUN, run, strict=True)) if run else None
    return found


def _awaiting(view: figures.ViewCursor, until: dict[str, str]) -> list[tuple[Any, ...]]:
    """Return the sums of open lines that wait for an invoice, by currency; nothing is read if no rule waits for one."""
    waits = view.execute(figures.ANY_RULE_WAITS_FOR_INVOICE).fetchone()
    return list(view.execute(figures.AWAITING, until)) if waits else []


def _in_closed_periods(context: "Context", view: figures.ViewCursor) -> list[dict[str, Any]]:
    """Return open lines in closed periods, by entity, month and currency, each with the policy that applies."""
    facts = [
        PeriodFact(entity, kind, date.fromisoformat(day), *rest)
        for entity, kind, day, *rest in view.execute(figures.PERIOD_FACTS)
    ]
    if not facts:
        return []
    known, policy = Periods(facts), context.settings.posting.closed_period
    last = max(fact.day for fact in facts) + timedelta(days=31)
    groups: dict[tuple[str, str, str], dict[str, Any]] = {}
    for entity, text, currency, lines, amount, rest in view.execute(figures.LINES_UNTIL, {"until": last.isoformat()}):
        fact = known.closed(entity, date.fromisoformat(text))
        if fact:
            new = {"lines": 0, "amount": 0, "policy": policy, "reason": fact.words}
            group = groups.setdefault((entity, text[:7], currency), new)
            group["lines"] += lines
            group["amount"] += joined_sum(amount, rest)
    return [
        {
            "entity": entity,
            "period": month,
            "currency": currency,
            **group,
            "amount": decimal_string(group["amount"], currency),
        }
        for (entity, month, currency), group in groups.items()
    ]


def _first(view: figures.ViewCursor, sql: str) -> Any:
    return view.execute(sql).fetchone()


def _summed(names: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    """Return a row as a dict; its amount is read as billions and the rest, because SQLite's sum() overflows 64 bits."""
    shown = dict(zip(names, row, strict=True))
    amount = joined_sum(shown["amount"], shown.pop("rest"))
    return {**shown, "amount": decimal_string(amount, shown["currency"])}


def _posting(row: tuple[Any, ...]) -> dict[str, Any]:
    shown = dict(zip(POSTING, row[: len(POSTING)], strict=True))
    amount = decimal_string(shown["amount"], shown["currency"])
    return {**shown, "state": shown["state"].lower(), "amount": amount}
