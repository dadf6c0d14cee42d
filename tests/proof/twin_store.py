"""A twin of the posting store: the functions that the posting jobs call, over values in memory, with compare-and-swap.

The real store needs a tenth of a millisecond for a statement; a simulator that plays thousands of schedules needs a
microsecond. So these functions stand in for those of ``revrec.store`` of the same name while :func:`stand_in` lasts.
That they do the same is held by three tests: the state machine of ``test_proof_state_machine.py`` applies every step to
both and compares every row; the simulator's seeds, played on both, must tell the same story word for word; and a store
function of which there is no twin fails at once, so that none is forgotten.
"""

import importlib
import inspect
import pkgutil
import sys
from collections import namedtuple
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from revrec import jobs
from revrec.core.charge_line import ChargeLine
from revrec.core.errors import RevrecError
from revrec.core.journal import DueLine, JournalEntry, RepairedValue
from revrec.core.periods import PeriodFact
from revrec.core.posting import RELEASED, is_allowed
from revrec.core.rules.memo import FIELDS, render_memo
from revrec.store import charges, periods, rule_versions, rules_applied, schedules
from revrec.store.audit import AuditStamp
from revrec.store.database import engine
from revrec.store.posting import (
    adjustments,
    continuity,
    credit_memos,
    due,
    entries,
    invoices,
    posted,
    postings,
    repairs,
    reversals,
)
from revrec.store.posting.continuity import BooksPlace, LedgerScan, PostingClaim, TrailHead
from revrec.store.posting.entries import ENTRY_TABLES, EntriesToSend, StoredEntry
from revrec.store.posting.posting_tables import AttemptFailure, AttemptOutcome, LostClaim, PostingTables
from revrec.store.posting.postings import RejectedPosting
from revrec.store.posting.repairs import RepairUse
from revrec.store.reports import figures, undated
from revrec.store.tables import journal_entry

ENTRY_COLUMNS = [column.name for column in journal_entry.columns]
_row_type: Any = namedtuple
_EMPTY = _row_type("EntryRow", ENTRY_COLUMNS)._make(0 if name == "attempts" else None for name in ENTRY_COLUMNS)
Key = tuple[int, int, int]
"""A schedule line: charge, version, sequence."""


class Line(NamedTuple):
    """A schedule line; ``due`` as the real store gives it, but for its revision."""

    due: DueLine
    description: str
    entry_id: int | None
    revision: int


class Attempt(NamedTuple):
    """A row of ``attempt``, as far as it is asked for."""

    entry_id: int
    number: int
    kind: str
    control_id: str
    request: str


class State:
    """All rows of one moment. Rows are never changed, so a copy is a few shallow ones, and an image is free."""

    def __init__(self, lines: dict[Key, Line], charge_lines: Mapping[int, ChargeLine], made_at: str) -> None:
        self.lines = lines
        self.charge_lines = charge_lines
        self.facts: tuple[PeriodFact, ...] = ()
        self.repaired: tuple[tuple[Key, str, RepairedValue], ...] = ()
        """Schedule line, SHA-256 of the repair, and what it changes."""
        self.entries: dict[int, Any] = {}
        self.bodies: dict[int, JournalEntry] = {}
        self.attempts: dict[int, Attempt] = {}
        self.outcomes: dict[int, AttemptOutcome] = {}
        self.failures: dict[int, AttemptFailure] = {}
        self.events: tuple[tuple[str, str, str], ...] = ()
        """Each change of a posting state: reference, old state, new state."""
        self.runs: tuple[str | None, ...] = ()
        """The outcome of each run; None of one that has not ended."""
        self.epoch = 1
        self.raised_at: str | None = None
        self.looked = LedgerScan(1, made_at)
        self.claim: PostingClaim | None = None
        self.trail: tuple[int, ...] = ()
        """The hash of each event of the audit trail, so far as events happen here."""

    def copy(self) -> "State":
        """The same rows, to be changed."""
        made = State.__new__(State)
        made.lines = self.lines.copy()
        made.entries = self.entries.copy()
        made.bodies = self.bodies.copy()
        made.attempts = self.attempts.copy()
        made.outcomes = self.outcomes.copy()
        made.failures = self.failures.copy()
        made.events, made.runs, made.trail = self.events, self.runs, self.trail
        made.charge_lines, made.facts, made.repaired = self.charge_lines, self.facts, self.repaired
        made.epoch, made.raised_at, made.looked = self.epoch, self.raised_at, self.looked
        made.claim = self.claim
        return made

    def record(self, who: AuditStamp, *event: Any) -> None:
        """Append an event to the trail."""
        previous = self.trail[-1] if self.trail else 0
        self.trail = (*self.trail, hash((previous, who, *event)))


class TwinDatabase:
    """Takes the place of the database: whole transactions, or nothing of them."""

    path = Path("/memory")
    where = "memory"

    def __init__(self, step: Callable[[str], None], first: State) -> None:
        self.step = step
        self.state = first
        self.kept: TrailHead | None = None

    @contextmanager
    def write(self, checked: bool = True, patience: float = 0) -> Iterator[State]:
        """One transaction."""
        self.step("write")
        working = self.state.copy()
        yield working
        self.state = working

    @contextmanager
    def read(self) -> Iterator[State]:
        """A view of this moment."""
        self.step("read")
        yield self.state

    def image(self) -> State:
        """All of it."""
        return self.state

    def put_back(self, image: State) -> None:
        """Make it what it was."""
        self.state = image


Home = ModuleType | type[PostingTables]
WHOLE: tuple[Home, ...] = (
    PostingTables, entries, postings, invoices, credit_memos, adjustments, continuity, periods, repairs,
)  # fmt: skip
"""What is a twin's whole: every function of these has one, or may not be called."""
Twin = Callable[..., Any]
TWINS: dict[tuple[Home, str], Twin] = {}


def twin_of(home: Home, name: str = "") -> Callable[[Twin], Twin]:
    """Put a function in the table as the twin of ``name`` (default: its own); their parameters must agree."""

    def put(made: Twin) -> Twin:
        original = name or made.__name__
        theirs = [*inspect.signature(getattr(home, original)).parameters]
        assert [*inspect.signature(made).parameters] == theirs, f"{made.__name__}{theirs}"
        TWINS[home, original] = made
        return made

    return put


@contextmanager
def stand_in() -> Iterator[None]:
    """Let the twins stand in for the store, wherever its functions are known by name."""
    places = _places()
    originals = [getattr(owner, name) for owner, name, _instead in places]
    for owner, name, instead in places:
        setattr(owner, name, instead)
    try:
        yield
    finally:
        for (owner, name, _instead), original in zip(places, originals, strict=True):
            setattr(owner, name, original)


@cache
def _places() -> tuple[tuple[Home, str, Twin], ...]:
    """Each name of a store function in a module of the store or of the jobs, and what replaces it."""
    return tuple(_found_places())


def _found_places() -> Iterator[tuple[Home, str, Twin]]:
    for module in pkgutil.walk_packages(jobs.__path__, "revrec.jobs."):
        # Imported later, it would take the twins for the real ones.
        importlib.import_module(module.name)
    for name, _method in inspect.getmembers(PostingTables, inspect.isfunction):
        if not name.startswith("_"):
            yield PostingTables, name, TWINS.get((PostingTables, name)) or _missing(PostingTables, name)
    for owner in [module for name, module in sys.modules.items() if name.startswith(("revrec.store.", "revrec.jobs."))]:
        for name, found in inspect.getmembers(owner, inspect.isroutine):
            instead = _instead_of(name, found)
            if instead:
                yield owner, name, instead


def _instead_of(name: str, found: Any) -> Twin | None:
    if isinstance(getattr(found, "__self__", None), PostingTables):
        return _bound_late(found.__self__, found.__name__)
    if not inspect.isfunction(found):
        return None
    home = sys.modules[found.__module__]
    whole = home in WHOLE and not found.__name__.startswith("_")
    return TWINS.get((home, found.__name__)) or (_missing(home, name) if whole else None)


def _bound_late(tables: PostingTables, name: str) -> Twin:
    """A method that its module has bound on import: as it is, it would go past the twin, and past a mutant of that."""

    def method(*words: Any, **named: Any) -> Any:
        return getattr(tables, name)(*words, **named)

    return method


def _missing(home: Home, name: str) -> Twin:
    def missing(*_words: object, **_named: object) -> None:
        raise NotImplementedError(f"{home.__name__}.{name} has no twin yet: write it in tests/proof/twin_store.py")

    return missing


# --- the way of postings; here entries alone go it ---


def _rows(tables: PostingTables, connection: State) -> dict[int, Any]:
    return connection.entries if tables is ENTRY_TABLES else {}


@twin_of(PostingTables)
def head(self: PostingTables, connection: State, number: int) -> Any:
    return _rows(self, connection)[number]


@twin_of(PostingTables)
def find(self: PostingTables, connection: State, reference: str) -> Any:
    return next((row for row in _rows(self, connection).values() if row.reference == reference), None)


@twin_of(PostingTables)
def posted_as(self: PostingTables, connection: State, record_no: str) -> str | None:
    return next((row.reference for row in _rows(self, connection).values() if row.record_no == record_no), None)


@twin_of(PostingTables)
def known(self: PostingTables, connection: State, column: str, values: Iterable[str]) -> dict[str, tuple[str, str]]:
    wanted = set(values)
    found = ((getattr(row, column), row) for row in _rows(self, connection).values())
    return {value: (row.reference, row.state) for value, row in found if value in wanted}


@twin_of(PostingTables)
def in_states(self: PostingTables, connection: State, numbers: Sequence[int], states: Sequence[str]) -> set[int]:
    return {number for number in numbers if _rows(self, connection)[number].state in states}


@twin_of(PostingTables)
def last_control_id(self: PostingTables, connection: State) -> str | None:
    rows = _rows(self, connection)
    return rows[len(rows)].control_id if rows else None


def _sends(connection: State, number: int) -> int:
    return sum(1 for one in connection.attempts.values() if one.entry_id == number and one.kind == "send")


@twin_of(PostingTables)
def begin_attempt(
    self: PostingTables, connection: State, number: int, kind: str, control_id: str, request: str, who: AuditStamp
) -> tuple[int, int]:
    before = sum(1 for one in connection.attempts.values() if one.entry_id == number)
    attempt_id = len(connection.attempts) + 1
    connection.record(who, "attempt begun", attempt_id, kind, number)
    connection.attempts[attempt_id] = Attempt(number, before + 1, kind, control_id, request)
    return attempt_id, before + 1


@twin_of(PostingTables)
def end_attempt(
    self: PostingTables,
    connection: State,
    attempt_id: int,
    outcome: AttemptOutcome,
    who: AuditStamp,
    failure: AttemptFailure | None = None,
) -> None:
    if attempt_id in connection.outcomes or attempt_id not in connection.attempts:
        raise RevrecError(f"attempt {attempt_id} has an outcome already, or there is no such attempt")
    connection.record(who, "attempt ended", attempt_id, outcome)
    connection.outcomes[attempt_id] = outcome
    if failure is not None:
        connection.failures[attempt_id] = failure


@twin_of(PostingTables)
def change_state(
    self: PostingTables,
    connection: State,
    number: int,
    old: str,
    new: str,
    who: AuditStamp,
    held_by: str | None = None,
    sends: int | None = None,
    reason: str = "",
    **values: Any,
) -> None:
    if not is_allowed(old, new):
        raise ValueError(f"{old} -> {new} is not a posting transition")
    row = _rows(self, connection)[number]
    ours = held_by is None or row.owner == held_by
    if row.state != old or not ours or (sends is not None and _sends(connection, number) != sends):
        raise LostClaim(f"entry {number} is no longer {old}: another worker changed it first")
    connection.record(who, "entry", row.reference, old, new, reason, *values.values())
    connection.entries[number] = row._replace(state=new, **values)
    connection.events = (*connection.events, (row.reference, old, new))


@twin_of(PostingTables)
def claim(
    self: PostingTables,
    connection: State,
    number: int,
    old: str,
    who: AuditStamp,
    owner: str,
    sends: int,
    **values: Any,
) -> None:
    self.change_state(connection, number, old, "SENDING", who, sends=sends, owner=owner, **values)  # type: ignore[arg-type]


@twin_of(PostingTables)
def sending(self: PostingTables, connection: State) -> list[tuple[int, str, str]]:
    rows = _rows(self, connection).values()
    return [(row.id, row.owner or "", row.lease_until or "") for row in rows if row.state == "SENDING"]


@twin_of(PostingTables)
def due_read_backs(self: PostingTables, connection: State, now: str) -> list[int]:
    return [row.id for row in _doubted(self, connection) if row.not_before is None or row.not_before <= now]


@twin_of(PostingTables)
def shorten_quarantines(self: PostingTables, connection: State, until: str, who: AuditStamp) -> int:
    late = [row for row in _doubted(self, connection) if row.not_before is not None and row.not_before > until]
    for row in late:
        _rows(self, connection)[row.id] = row._replace(not_before=until)
        connection.record(who, "quarantine shortened", row.id, until)
    return len(late)


@twin_of(PostingTables)
def next_read_back_at(self: PostingTables, connection: State) -> str | None:
    return min((row.not_before or "" for row in _doubted(self, connection)), default=None)


def _doubted(tables: PostingTables, connection: State) -> list[Any]:
    return [row for row in _rows(tables, connection).values() if row.state == "IN_DOUBT"]


@twin_of(PostingTables)
def may_have_posted(self: PostingTables, connection: State, number: int) -> bool:
    return any(
        one.entry_id == number
        and one.kind == "send"
        and (attempt_id not in connection.outcomes or connection.outcomes[attempt_id].outcome != "not_run")
        for attempt_id, one in connection.attempts.items()
    )


@twin_of(PostingTables)
def unread(self: PostingTables, connection: State, number: int) -> int:
    failed = (attempt_id for attempt_id, outcome in connection.outcomes.items() if outcome.outcome == "unread")
    return sum(1 for attempt_id in failed if connection.attempts[attempt_id].entry_id == number)


# --- entries ---


@twin_of(entries)
def count_summarized(connection: State, numbers: Sequence[int]) -> dict[int, int]:
    """No rule of these books adds lines up."""
    return {}


@twin_of(entries)
def start_run(connection: State, day: date, who: AuditStamp) -> int:
    connection.record(who, "run begun", len(connection.runs), day)
    connection.runs = (*connection.runs, None)
    return len(connection.runs)


@twin_of(entries)
def finish_run(connection: State, run: int, who: AuditStamp, outcome: str) -> None:
    connection.record(who, "run ended", run, outcome)
    connection.runs = (*connection.runs[: run - 1], outcome, *connection.runs[run:])


@twin_of(entries)
def add_entries(
    connection: State,
    run: int,
    entries: Iterable[JournalEntry],
    who: AuditStamp,
    to_send: EntriesToSend | None = None,
) -> list[int]:
    added = []
    for entry in entries:
        number = len(connection.entries) + 1
        _take(connection, number, entry)
        connection.record(who, "entry created", entry.reference)
        connection.bodies[number] = entry
        connection.entries[number] = _EMPTY._replace(
            id=number,
            reference=entry.reference,
            control_id=entry.control_id,
            run_id=run,
            date=entry.date.isoformat(),
            journal=entry.journal,
            entity=entry.entity,
            currency=entry.currency,
            title=entry.title,
            amount=entry.amount,
            lines=len(entry.lines),
            content_hash="",
            state="READY",
        )
        added.append(number)
        if to_send is not None:
            to_send.keep(number, entry, "")
    return added


def _take(connection: State, number: int, entry: JournalEntry) -> None:
    for line in entry.lines:
        key = (line.charge_no, line.version, line.seq)
        stored = connection.lines[key]
        if stored.entry_id not in (None, number):
            raise RevrecError(f"schedule line {key} is on entry {stored.entry_id} already")
        connection.lines[key] = stored._replace(entry_id=number)


@twin_of(entries)
def numbers_in(connection: State, *states: str, until: date | None = None) -> list[int]:
    found = [row for row in connection.entries.values() if row.state in states and _until(connection, row.id, until)]
    return [number for _date, number in sorted((row.date, row.id) for row in found)]


def _until(connection: State, number: int, until: date | None) -> bool:
    body = connection.bodies[number]
    return until is None or (body.recognized or body.date) <= until


@twin_of(entries)
def date_overrides(connection: State, numbers: Sequence[int]) -> dict[int, tuple[str, str]]:
    bodies = {number: connection.bodies[number] for number in numbers}
    return {
        number: (body.recognized.isoformat(), body.reason)
        for number, body in bodies.items()
        if body.recognized is not None
    }


@twin_of(entries)
def read_entry(
    connection: State, number: int, to_send: EntriesToSend | None = None, only_sent: bool = False
) -> StoredEntry:
    row = ENTRY_TABLES.head(connection, number)  # type: ignore[arg-type]
    stored = entries.load_entry(connection, row)  # type: ignore[arg-type]
    kept = to_send.take(row) if to_send is not None else None
    return stored if kept is None else replace(stored, entry=kept)


@twin_of(entries)
def load_entry(connection: State, row: Any, only_sent: bool = False) -> StoredEntry:
    body = connection.bodies[row.id]
    said = (row.record_no, row.error_no, row.error, row.advice)
    return StoredEntry(row.id, row.state, row.attempts, _sends(connection, row.id), *said, body)


@twin_of(entries)
def canceled_and_not_posted(connection: State) -> list[str]:
    canceled = [row for row in connection.entries.values() if row.state == "CANCELED"]
    return sorted(
        row.reference
        for row in canceled
        if any(not _is_posted(connection, connection.lines[key]) for key in _keys(connection.bodies[row.id]))
    )


def _is_posted(connection: State, line: Line) -> bool:
    return line.entry_id is not None and connection.entries[line.entry_id].state == "POSTED"


# --- refusals ---


@twin_of(postings)
def release_schedule_lines(
    connection: State, entry_id: int, who: AuditStamp, old: str = "REJECTED", new: str = "REPLACED", reason: str = ""
) -> None:
    ENTRY_TABLES.change_state(connection, entry_id, old, new, who, reason=reason)  # type: ignore[arg-type]
    for key, line in connection.lines.items():
        if line.entry_id == entry_id:
            connection.lines[key] = line._replace(entry_id=None, revision=line.revision + 1)


@twin_of(postings)
def rejected_entries(connection: State, until: date, entry_id: int | None = None) -> list[RejectedPosting]:
    numbers = entries.numbers_in(connection, "REJECTED", until=until)  # type: ignore[arg-type]
    return [_refused(connection, number) for number in numbers if entry_id in (None, number)]


def _refused(connection: State, number: int) -> RejectedPosting:
    sent = [
        at
        for at, one in connection.attempts.items()
        if one.entry_id == number and one.kind == "send" and at in connection.outcomes
        if connection.outcomes[at].outcome != "not_run"
    ]
    if not sent:
        return RejectedPosting(number, None, sent=False, absent=False)
    since = (at for at, one in connection.attempts.items() if one.entry_id == number and at > max(sent))
    absent = any(at in connection.outcomes and connection.outcomes[at].outcome == "absent" for at in since)
    return RejectedPosting(number, connection.failures.get(max(sent)), sent=True, absent=absent)


@twin_of(postings)
def count_rejections(connection: State, entry_id: int) -> int:
    error = connection.entries[entry_id].error
    return max(_refusals_of(connection, key, error) for key in _keys(connection.bodies[entry_id]))


def _refusals_of(connection: State, key: Key, error: str | None) -> int:
    rows = [connection.entries[number] for number, body in connection.bodies.items() if key in _keys(body)]
    canceled = max((row.id for row in rows if row.state == "CANCELED"), default=0)
    return sum(row.state in ("REJECTED", "REPLACED") and row.error == error and row.id > canceled for row in rows)


def _keys(body: JournalEntry) -> list[Key]:
    return [(line.charge_no, line.version, line.seq) for line in body.lines if line.side == "debit"]


# --- continuity ---


@twin_of(continuity)
def epoch(connection: State) -> int:
    return connection.epoch


@twin_of(continuity)
def raise_epoch(connection: State, who: AuditStamp, detail: Mapping[str, Any], least: int = 0) -> int:
    connection.epoch = max(connection.epoch + 1, least)
    connection.raised_at = who.at
    connection.record(who, "epoch raised", connection.epoch)
    return connection.epoch


@twin_of(continuity)
def raised_at(connection: State) -> str | None:
    return connection.raised_at


@twin_of(continuity)
def last_scan(connection: State) -> LedgerScan:
    return connection.looked


@twin_of(continuity)
def read_claim(connection: State) -> PostingClaim:
    return connection.claim or PostingClaim(epoch=connection.looked.epoch)


@twin_of(continuity)
def record_claim(connection: State, who: AuditStamp, claim: PostingClaim) -> None:
    connection.claim = claim
    connection.record(who, "posting claimed", *claim)


@twin_of(continuity)
def books_place(database: Any) -> BooksPlace:
    return BooksPlace("here", "memory")


@twin_of(continuity)
def record_scan(connection: State, who: AuditStamp, began: str, detail: Mapping[str, Any]) -> None:
    connection.looked = LedgerScan(connection.epoch, began)
    connection.record(who, "ledger looked at", connection.epoch, began, *detail.values())


@twin_of(continuity)
def ended_uncleanly(connection: State, run: int) -> bool:
    return run > 1 and connection.runs[run - 2] is None


@twin_of(continuity)
def trail_head(connection: State) -> TrailHead:
    return TrailHead(DEPLOYMENT, len(connection.trail), str(connection.trail[-1]), continuity._boot())


@twin_of(continuity)
def continues_from(connection: State, known: TrailHead | None) -> bool:
    if known is None or known.deployment != DEPLOYMENT:
        return not connection.entries
    return len(connection.trail) >= known.seq and str(connection.trail[known.seq - 1]) == known.hash


@twin_of(continuity)
def is_same_boot(known: TrailHead | None) -> bool:
    return known is None or known.boot == continuity._boot()


@twin_of(continuity)
def read_kept_head(database: Any) -> TrailHead | None:
    found: TrailHead | None = database.kept
    return found


@twin_of(continuity)
def write_kept_head(database: Any, known: TrailHead) -> None:
    database.kept = known


# --- periods and repairs ---


@twin_of(periods)
def facts(connection: State) -> list[PeriodFact]:
    return list(connection.facts)


@twin_of(periods)
def add_facts(
    connection: State,
    new: Sequence[PeriodFact],
    who: AuditStamp,
    invoiced: Mapping[str, str],
    details: Sequence[Mapping[str, Any]] = (),
) -> list[PeriodFact]:
    kept = [fact._replace(at=who.at, actor=who.actor) for fact in new]
    for fact in kept:
        connection.record(who, "period", *fact)
    connection.facts = (*connection.facts, *kept)
    return kept


@twin_of(periods)
def due_entities(connection: State, until: date) -> list[str]:
    due = {line.due.entity for line in connection.lines.values() if line.entry_id is None and line.due.date <= until}
    waiting = entries.numbers_in(connection, "READY", "REJECTED", until=until)  # type: ignore[arg-type]
    return sorted(due | {connection.entries[number].entity for number in waiting})


@twin_of(periods)
def all_entities(connection: State) -> list[str]:
    return sorted({line.entity for line in connection.charge_lines.values()})


@twin_of(repairs)
def keep_uses(connection: State, entry_id: int, reference: str, uses: Sequence[RepairUse], who: AuditStamp) -> None:
    connection.record(who, "entry repaired", reference, *(use.repair.name for use in uses))
    new = ((use.key, use.repair.sha256, change) for use in uses for change in use.changes)
    connection.repaired = (*connection.repaired, *new)


@twin_of(repairs)
def repairs_used_on(connection: State, entry_id: int) -> set[tuple[Key, str]]:
    keys = _keys(connection.bodies[entry_id])
    return {(key, sha256) for key, sha256, _change in connection.repaired if key in keys}


@twin_of(repairs)
def supplied_values(connection: State, until: date) -> dict[Key, list[tuple[str, RepairedValue]]]:
    found: dict[Key, list[tuple[str, RepairedValue]]] = {}
    for key, sha256, change in connection.repaired:
        line = connection.lines[key]
        if line.entry_id is None and line.due.date <= until:
            found.setdefault(key, []).append((sha256, change))
    return found


@twin_of(charges)
def read_charges(connection: State, numbers: Sequence[int]) -> Iterator[tuple[int, ChargeLine]]:
    for number in sorted(numbers):
        yield number, connection.charge_lines[number]


# --- invoices: nothing is invoiced here, and nothing waits for that ---


@twin_of(invoices, "numbers_in")
def invoice_numbers_in(connection: State, *states: str, until: date | None = None) -> list[int]:
    return []


@twin_of(invoices)
def orders_to_convert(connection: State, given_back: Collection[int] = ()) -> list[int]:
    return []


@twin_of(invoices)
def due_documents(connection: State, wishes: Any, until: date, given_back: Collection[int] = ()) -> Iterator[Any]:
    return iter(())


@twin_of(credit_memos)
def repriced_lines(connection: State, until: date, given_back: Collection[int] = ()) -> Iterator[Any]:
    return iter(())


# --- adjusting entries: no kind of them is configured here, so there is none ---


@twin_of(adjustments, "numbers_in")
def adjustment_numbers_in(
    connection: State, *states: str, until: date | None = None, sendable: bool = False
) -> list[int]:
    return []


@twin_of(adjustments)
def due_numbers(connection: State, day: date, *states: str) -> list[int]:
    return []


@twin_of(adjustments)
def later_numbers(connection: State, day: date) -> list[int]:
    return []


@twin_of(adjustments)
def rejected_adjustments(connection: State, until: date) -> list[RejectedPosting]:
    return []


@twin_of(adjustments)
def numbers_named(connection: State, name: str) -> list[int]:
    return []


@twin_of(adjustments)
def unreversed_adjustments(connection: State) -> list[tuple[int, date]]:
    return []


# --- the rest of what a run asks the store for ---


@twin_of(due)
def due_lines(connection: State, until: date, waiting: bool | None = False) -> Iterator[tuple[DueLine, str]]:
    for line in connection.lines.values():
        if not waiting and line.entry_id is None and line.due.date <= until:
            yield line.due._replace(revision=line.revision), line.description


@twin_of(due)
def due_with_memos(connection: State, until: date, waiting: bool | None = False) -> Iterator[DueLine]:
    for line, description in due_lines(connection, until, waiting):
        words = {name: getattr(line, name) for name in FIELDS if name != "description"}
        yield line._replace(memo=render_memo(line.memo, {**words, "description": description}))


@twin_of(due)
def has_due_lines(connection: State, until: date) -> bool:
    return next(due_lines(connection, until), None) is not None


@twin_of(posted)
def accepted_keys(connection: State, keys: Sequence[str]) -> set[str]:
    return set()


@twin_of(engine)
def deployment(connection: State) -> str:
    return DEPLOYMENT


@twin_of(rule_versions)
def posted_journals(connection: State) -> list[str]:
    return sorted({line.due.journal for line in connection.lines.values()})


@twin_of(undated)
def undated_groups(view: object, cutoff: date) -> list[undated.UndatedGroup]:
    return []


@twin_of(rules_applied)
def rules_tried(connection: State) -> None:
    """No rules: the lines of the model are scheduled by the harness."""


@twin_of(figures)
def applied_rules(view: object, key: str) -> None:
    """No plan, so that no file is newer."""


@twin_of(reversals)
def given_up_reversals(connection: State) -> list[reversals.Reversal]:
    return []


@twin_of(reversals)
def release_lines_of_reversed(connection: State, number: int) -> None:
    """No entry is reversed here."""


@twin_of(reversals)
def reversal_by(connection: State, number: int) -> reversals.Reversal | None:
    return None


@twin_of(reversals)
def reversals_in_force(connection: State, numbers: Sequence[int]) -> dict[int, reversals.ReversalInForce]:
    return {}


@twin_of(schedules)
def newer_versions_dated(connection: State, versions: Mapping[int, int], day: date) -> set[int]:
    """No schedule gets a newer version here."""
    return set()


DEPLOYMENT = "0" * 12
"""That of the real books in memory, whose id is made of zeros too."""


def on_live_entries(state: State) -> Iterator[tuple[Key, str]]:
    """Each schedule line and an entry that it is on by its journal lines, if that still counts."""
    for number, body in state.bodies.items():
        if state.entries[number].state not in RELEASED:
            for key in _keys(body):
                yield key, body.reference
