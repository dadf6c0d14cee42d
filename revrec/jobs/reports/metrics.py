"""Write figures for monitors to a file, in the text format of Prometheus (exposition format 0.0.4)."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from revrec.core.errors import BadInput
from revrec.core.harmless import harmless
from revrec.core.posting import RELEASED, UNSETTLED
from revrec.files import writing
from revrec.jobs.reports.documents import STATES as DOCUMENTS
from revrec.jobs.reports.health import CRIT, OK, WARN, BooksHealth, run_outcome
from revrec.jobs.reports.status import BooksStatus
from revrec.store.reports.undated import UNSCHEDULED, WAITING

STATES = tuple(state.lower() for state in (*UNSETTLED, "POSTED", *RELEASED))
OUTCOMES = ("none", "running", "finished", "stopped", "unfinished")
LEVELS = {OK: 0, WARN: 1, CRIT: 2}

Sample = tuple[Mapping[str, str], str]
"""The labels and the value of one figure."""


def write_metrics(file: Path, health: BooksHealth) -> None:
    """Write the figures to a file atomically: readers see either the old or the new ones.

    An existing file keeps its mode and group, so that a collector running as another user can still read it.

    Raises:
        BadInput: The file cannot be written.
    """
    try:
        with writing(file, keep_access=True) as figures:
            figures.writelines(exposition(health))
    except OSError as error:
        why = error.strerror or error
        raise BadInput(f"{file}: cannot be written: {why}; choose a folder that this user may write to") from error


def exposition(health: BooksHealth) -> Iterator[str]:
    """Yield the figures as text, each with its help and type. Amounts are in major units of the currency."""
    for name, help, samples in _figures(health):
        yield f"# HELP revrec_{name} {help}\n# TYPE revrec_{name} gauge\n"
        for labels, value in samples:
            shown = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
            yield f"revrec_{name}{f'{{{shown}}}' if shown else ''} {value}\n"


def _figures(health: BooksHealth) -> Iterator[tuple[str, str, Iterable[Sample]]]:
    found = health.found
    yield "health", "0 ok, 1 warning, 2 critical, as in revrec status --check.", _one(LEVELS[health.state])
    yield "entries", "Journal entries by posting state.", _by("state", STATES, found.entries)
    yield "invoices", "Invoices by posting state.", _by("state", STATES, found.invoices)
    if found.adjustments:
        yield "adjusting_entries", "Adjusting entries by posting state.", _by("state", STATES, found.adjustments)
    opened = found.open
    yield (
        "open_lines",
        "Schedule lines not posted yet.",
        [({"currency": one.currency}, str(one.lines)) for one in opened],
    )
    yield (
        "open_amount",
        "Amount of schedule lines not posted yet.",
        [({"currency": one.currency}, one.amount) for one in opened],
    )
    yield "charge_lines", "Charge lines imported.", _one(found.charges)
    yield "unscheduled", "Charge lines without a schedule.", _one(found.unscheduled)
    yield "unscheduled_amount", "Amount of charge lines without a schedule.", _undated(found, UNSCHEDULED)
    yield "waiting_amount", "Amount of scheduled charge lines that waits for a date.", _undated(found, WAITING)
    missing = sum(one.charges for one in found.missing)
    yield "missing_revenue_lines", "Charge lines without a rule, or waiting too long.", _one(missing)
    yield "quarantined_rows", "Rows set aside that could not be imported.", _one(found.quarantined)
    yield (
        "quarantined_amount",
        "Amount of rows set aside, as far as it can be read.",
        [({"currency": one.currency}, one.amount) for one in found.quarantined_amounts],
    )
    documents = Counter(one.state for one in found.documents)
    yield "documents", "Documents of sources that were not imported, by state.", _by("state", DOCUMENTS, documents)
    yield "failed_sources", "Sources whose last fetch failed.", _one(len(found.failed_sources))
    yield from _run(health)


def _undated(found: BooksStatus, kind: str) -> list[Sample]:
    return [({"currency": one.currency}, one.amount) for one in found.undated if one.kind == kind]


def _run(health: BooksHealth) -> Iterator[tuple[str, str, Iterable[Sample]]]:
    run = health.found.last_run
    ended = {run_outcome(health.found, health.running): 1}
    yield "last_run_outcome", "1 for the outcome of the last run.", _by("outcome", OUTCOMES, ended)
    times = {"started": run.started_at if run else None, "finished": run.finished_at if run else None}
    for name, at in times.items():
        samples = _one(datetime.fromisoformat(at).timestamp()) if at else []
        yield f"last_run_{name}_timestamp_seconds", f"When the last run was {name}, UTC.", samples


def _one(value: float) -> list[Sample]:
    return [({}, str(value))]


def _by(label: str, names: Iterable[str], values: Mapping[str, Any]) -> list[Sample]:
    """Return a sample for every name, including zeros: a graph must not lose a line because its count is zero."""
    return [({label: name}, str(values.get(name, 0))) for name in names]


def _escaped(text: str) -> str:
    return harmless(text).replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
