"""Query how far charge lines are on a day: when they were billed and first recognized, and what comes next."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, union_all

from revrec.store.number_lists import limited_to
from revrec.store.reports.contract_balances import BalanceQuery, billing_days
from revrec.store.reports.in_ledger import ledger_lines
from revrec.store.reports.recognition import not_in_ledger, waits
from revrec.store.tables import schedule_line


class LineProgress(NamedTuple):
    """The days of a charge line as ISO text, empty without one.

    ``billed`` is the day on which it was billed, ``recognized`` the date of its first entry, and ``next`` the first day
    of what is not recognized. ``waits`` is the code of what has no date yet.
    """

    billed: str = ""
    recognized: str = ""
    next: str = ""
    waits: str = ""


def progress_of(
    connection: Connection, asked: BalanceQuery, numbers: Sequence[int], by_plan: bool
) -> dict[int, LineProgress]:
    """Return how far these charge lines are on the day that is asked for, by number.

    ``by_plan``: what is planned until the day counts as recognized, posted or not.
    """
    on, ledger = billing_days(asked), ledger_lines(None, asked.until, numbers)
    first, waiting = func.min(ledger.c.date), union_all(*waits("code")).subquery()
    found = {
        "billed": select(on.c.charge_no, on.c.date),
        "recognized": select(ledger.c.charge_no, first).group_by(ledger.c.charge_no),
        "next": _planned(asked.until, numbers) if by_plan else _open(asked.until, numbers),
        "waits": select(waiting.c.charge_no, waiting.c.code),
    }
    facts: dict[int, dict[str, str]] = {}
    for name, query in found.items():
        limited = limited_to(query, query.selected_columns.charge_no, numbers)
        for no, value in connection.execute(limited):
            facts.setdefault(no, {})[name] = value
    return {no: LineProgress(**its_own) for no, its_own in facts.items()}


def _open(until: date, numbers: Sequence[int]) -> Any:
    """Return the first day of what is not in the ledger, by charge line."""
    lines = union_all(*(select(one.c.charge_no, one.c.date) for one in not_in_ledger(until, numbers))).subquery()
    return select(lines.c.charge_no, func.min(lines.c.date)).group_by(lines.c.charge_no)


def _planned(until: date, numbers: Sequence[int]) -> Any:
    """Return the first day after a day that the schedules in force have, by charge line."""
    line = schedule_line.c
    query = select(line.charge_no, func.min(line.date)).where(
        line.superseded_by.is_(None), line.date > until.isoformat()
    )
    return limited_to(query, line.charge_no, numbers).group_by(line.charge_no)
