"""``revrec status``: what waits, failed, is held or in doubt, and what to do about it."""

from typing import TYPE_CHECKING, Any

from revrec.core.money import decimal_string
from revrec.store import figures

if TYPE_CHECKING:
    from revrec.jobs.context import Context

FAR = "9999-12-31"
ENTRY = ("reference", "date", "state", "amount", "currency", "error_no", "error", "advice", "not_before")
OPEN = ("currency", "lines", "amount", "rest", "first", "last")
WAITING = ("code", "reason", "currency", "charges", "amount", "rest")
RUN = ("run", "date", "started_at", "finished_at", "actor", "outcome")


def status(context: "Context", until: str | None = None) -> dict[str, Any]:
    """Counts of everything, open schedule lines (dated up to ``until``) by currency, and each unsettled entry."""
    with figures.quick_view(context.settings.database_url) as view:
        found: dict[str, Any] = {name: _first(view, sql)[0] for name, sql in figures.COUNTS.items()}
        found["open"] = [_summed(OPEN, row) for row in view.execute(figures.OPEN_LINES, {"until": until or FAR})]
        found["waiting"] = [_summed(WAITING, row) for row in view.execute(figures.WAITING_PARTS)]
        found["next_date"] = _first(view, figures.NEXT_DATE)[0]
        found["entries"] = {state.lower(): count for state, count in view.execute(figures.STATES)}
        found["unscheduled_reasons"] = [
            {"code": code, "reason": reason, "charges": count} for code, reason, count in view.execute(figures.REASONS)
        ]
        found["attention"] = [_entry(row) for row in view.execute(figures.ATTENTION)]
        run = view.execute(figures.LAST_RUN).fetchone()
        found["last_run"] = dict(zip(RUN, run, strict=True)) if run else None
    return found


def _first(view: figures.Cursor, sql: str) -> Any:
    return view.execute(sql).fetchone()


def _summed(names: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    """A row whose amount comes as thousands of millions and the rest."""
    shown = dict(zip(names, row, strict=True))
    amount = shown["amount"] * 1_000_000_000 + shown.pop("rest")
    return {**shown, "amount": decimal_string(amount, shown["currency"])}


def _entry(row: tuple[Any, ...]) -> dict[str, Any]:
    shown = dict(zip(ENTRY, row, strict=True))
    amount = decimal_string(shown["amount"], shown["currency"])
    return {**shown, "state": shown["state"].lower(), "amount": amount}
