"""Measure import and scheduling by each recognition method, and of events of each kind: lines and events per second.

Processor time is measured, because other programs on the machine disturb it less than elapsed time.
"""

import json
import random
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import sample
from measure import Row, child, seconds

METHODS = {
    "fixed_offset": 'method = "fixed_offset"\noffset = "1 month"',
    "pod_date": 'method = "pod_date"',
    "monthly": 'method = "monthly"\nperiods = 12',
    "monthly_prorated": 'method = "monthly_prorated"',
    "daily by month": 'method = "daily"\nby = "month"',
    "daily by month, 30/360": 'method = "daily"\nby = "month"\nday_count = "30/360"',
    "every": 'method = "every"\nevery = "30 days"\nperiods = 12',
    "every, by days": 'method = "every"\nevery = "1 month"\nweigh = "days"',
    "percentages": 'method = "percentages"\npercentages = [25, 15, 10, 10, 5, 5, 5, 5, 5, 5, 5, 5]',
    "fiscal": 'method = "fiscal"\npattern = "4-4-5"\nyear_end = "last saturday of december"',
    "monthly, smallest and not_before": (
        'method = "monthly"\nstart = "service_start"\nperiods = 12\nnot_before = "post_date"\nsmallest = "0.05"'
    ),
    "milestones": (
        'method = "milestones"\nmilestones = [{ name = "design", percent = 40 }, { name = "go-live", percent = 60 }]'
    ),
    "percent_complete": 'method = "percent_complete"',
    "usage": 'method = "usage"\nunits = 100\nexpires = "1 year"',
    "hold": 'method = "hold"\nreason = "under review"',
}
ONLY_FOR_EVENTS = {"monthly, extend": METHODS["monthly"] + '\non_release = "extend"'}


class Event(NamedTuple):
    """An event to measure: its kind, the method of its lines, its quantity, percent, amount and name, and its day.

    ``days`` counts from the start of the line. ``before`` is the name of an event that is recorded first.
    """

    kind: str
    method: str
    values: str
    days: int = 0
    before: str = ""


EVENTS = {
    "pod": Event("pod", "pod_date", ",,,"),
    "notice": Event("notice", "pod_date", "1,,,N-1"),
    "milestone": Event("milestone", "milestones", ",,,design"),
    "percent": Event("percent", "percent_complete", ",40,,"),
    "usage": Event("usage", "usage", "30,,,"),
    "estimate": Event("estimate", "usage", "200,,,"),
    "service_dates": Event("service_dates", "daily by month", ",,,start", 20),
    "hold": Event("hold", "monthly", ",,,", 75),
    "release": Event("release", "monthly", ",,,", 100, "hold"),
    "release, extend": Event("release", "monthly, extend", ",,,", 100, "hold"),
    "cancel": Event("cancel", "monthly", ",,,", 75),
    "price": Event("price", "monthly", ",,777.00,", 75),
    "credit": Event("credit", "monthly", ",,5.00,", 75),
    "second credit": Event("credit", "monthly", ",,5.00,", 100, "credit"),
    "third credit": Event("credit", "monthly", ",,5.00,", 130, "second credit"),
    "price after credit": Event("price", "monthly", ",,777.00,", 100, "credit"),
    "cancel after credit": Event("cancel", "monthly", ",,,", 100, "credit"),
    "hold after credit": Event("hold", "monthly", ",,,", 100, "credit"),
    "constraint": Event("constraint", "monthly", ",,5.00,", 75),
    "second constraint": Event("constraint", "monthly", ",,0.00,", 100, "constraint"),
}
"""The events to measure, by name. Those before ``hold`` report facts that a method follows; the others change the plan
of lines that have a schedule."""


def section(folder: Path, lines: int) -> list[Row]:
    """Return a row for each method, and for each kind of event a row for one event per line."""
    charges = write_charges(folder / "charges.csv", lines)
    rows = []
    for number, name in enumerate(METHODS):
        found = _measured(folder / f"method-{number}", name, charges)
        speed = f"{lines / found['seconds']:,.0f} lines/s, {found['parts'] / lines:.1f} parts"
        rows.append(Row(f"{name}: import + schedule, {lines:,} lines", f"{seconds(found['seconds'])}, {speed}"))
    for name, event in EVENTS.items():
        found = _measured(folder / f"event-{name}", event.method, charges, name)
        speed = f"{lines / found['events']:,.0f} events/s, {found['parts'] / lines:.1f} parts"
        what = f"{name} events under {event.method}: import + schedule again, {lines:,} events"
        rows.append(Row(what, f"{seconds(found['events'])}, {speed}"))
    return rows


def _measured(folder: Path, method: str, charges: Path, event: str = "") -> dict[str, float]:
    """Measure a method, or the events of a name under it, in a new process."""
    (folder / "rules").mkdir(parents=True)
    (folder / "revrec.toml").write_text(sample.CONFIG, encoding="utf-8")
    rule = f'[[rule]]\nname = "r"\n[rule.recognize]\n{(METHODS | ONLY_FOR_EVENTS)[method]}\n'
    (folder / "rules" / "rule.toml").write_text(rule, encoding="utf-8")
    found: dict[str, float] = child("by_method.py", folder, charges, event)
    return found


def write_charges(path: Path, count: int) -> Path:
    """Write charge lines with service dates of about a year that begin on every day of a year."""
    pick = random.Random(11)
    with path.open("w", encoding="utf-8") as file:
        file.write("source,document,line,customer,item,post_date,amount,currency,service_start,service_end\n")
        for number in range(count):
            start = sample.YEAR[number % len(sample.YEAR)]
            end = start + timedelta(days=364)
            amount = f"{pick.randrange(1200, 500_000) / 100:.2f}"
            file.write(f"shop,INV-{number:07},1,C-1,ITEM,{start},{amount},USD,{start},{end}\n")
    return path


def measure(folder: Path, charges: Path, event: str) -> dict[str, float]:
    """Return the seconds of the import and of events of a name, and the number of schedule lines in the end."""
    from revrec.jobs.importing.import_files import import_charges, import_document
    from revrec.sources import NATIVE_EVENTS

    context = sample.context(folder)
    context.database.create()
    begun = time.process_time()
    result = import_charges(context, charges)
    took = time.process_time() - begun
    assert not result.refused, result
    events = 0.0
    for name in _until(event):
        path = _write_events(folder / f"{name}.csv", result.rows, EVENTS[name])
        begun = time.process_time()
        (recorded,) = import_document(context, path, [NATIVE_EVENTS])
        events = time.process_time() - begun
        assert recorded.accepted == result.rows, recorded
    with context.database.read() as connection:
        parts = connection.exec_driver_sql("SELECT count(*) FROM schedule_line WHERE superseded_by IS NULL").scalar()
    return {"seconds": took, "events": events, "parts": parts or 0}


def _until(event: str) -> list[str]:
    """Return the names of the events that are recorded before one, and its own."""
    return [*_until(EVENTS[event].before), event] if event else []


def _write_events(path: Path, count: int, event: Event) -> Path:
    with path.open("w", encoding="utf-8") as file:
        file.write("charge,kind,date,quantity,percent,amount,name,note\n")
        for number in range(count):
            day = sample.YEAR[number % len(sample.YEAR)] + timedelta(days=event.days)
            file.write(f"shop/INV-{number:07}/1,{event.kind},{day},{event.values},\n")
    return path


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])))
