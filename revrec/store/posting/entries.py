"""Journal entries: written together with their lines, read by number and by state."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, bindparam, exists, func, insert, select, update

from revrec.core.calendar import day_of
from revrec.core.journal import JournalEntry, JournalLine
from revrec.core.posting_options import Fields, PostingOptions, read_options
from revrec.core.rules import memo
from revrec.core.summary import SummaryLine
from revrec.store.audit import AuditEvent, AuditStamp, canonical, record, record_all
from revrec.store.bulk import insert_rows, next_number
from revrec.store.charges import DAY_BILLED, dimensions_of, dimensions_text
from revrec.store.digests import digest_rows, digest_texts, quoted, row_text, sha256
from revrec.store.posting import entered_lines, reversals
from revrec.store.posting.posting_tables import PostingProgress, PostingSize, PostingTables
from revrec.store.tables import (
    RULE_OF_LINE,
    account_sum,
    attempt,
    attempt_failure,
    attempt_outcome,
    charge_line,
    entered_line,
    entry_date_override,
    journal_entry,
    journal_line,
    posting_run,
    rule_version,
    same_line,
    same_version,
    schedule,
    summary_line,
    take_back_line,
)

LINES_AT_ONCE = 20_000
"""The journal lines that are stored together: more would not be faster, and memory would grow with what is due."""
LINES_KEPT = 100_000
"""The journal lines that a run keeps in memory until they are sent: about 40 MB."""
_LINE_COLUMNS = tuple(column.name for column in journal_line.columns)
_JOINED = ("billed", "fields", "rule")
"""Fields of a line that come from its charge line and rule."""
STORED_LINE = [journal_line.c[name] for name in JournalLine._fields if name not in _JOINED]
"""The columns that :func:`read_journal_line` reads, in the order of the fields."""
_LINES = (
    select(*STORED_LINE, DAY_BILLED.label("billed"), charge_line.c.description, schedule.c.lines.label("of"))
    .add_columns(rule_version.c.name.label("rule"), rule_version.c.options)
    .join(charge_line, charge_line.c.no == journal_line.c.charge_no)
    .join(schedule, same_version(schedule, journal_line))
    .outerjoin(take_back_line, same_line(take_back_line, journal_line))
    .join(rule_version, rule_version.c.id == RULE_OF_LINE)
    .where(journal_line.c.entry_id == bindparam("entry", type_=BigInteger()))
    .order_by(journal_line.c.line_no)
)
_OVERRIDES = select(entry_date_override).where(
    entry_date_override.c.entry_id.between(
        bindparam("first", type_=BigInteger()), bindparam("last", type_=BigInteger())
    )
)
_IN_SUMMARY = (
    (summary_line.c.entry_id == journal_line.c.entry_id)
    & (summary_line.c.side == journal_line.c.side)
    & journal_line.c.line_no.between(summary_line.c.first, summary_line.c.last)
)
"""The condition that a journal line is part of a summary line."""

_SENT_AS = select(summary_line.c.line_no).where(_IN_SUMMARY).correlate(journal_line).scalar_subquery()
sent_line_no = func.coalesce(_SENT_AS, journal_line.c.line_no)
"""The number of the line in Intacct that a journal line is part of, or its own number in an entry sent line by line."""
_DIMENSIONS = JournalLine._fields.index("dimensions")
_SUMMARY_COLUMNS = tuple(column.name for column in summary_line.columns)
_SUMMARY = select(summary_line).order_by(summary_line.c.entry_id, summary_line.c.line_no)
_OPTIONS = (
    select(rule_version.c.options)
    .select_from(journal_line)
    .join(schedule, same_version(schedule, journal_line))
    .outerjoin(take_back_line, same_line(take_back_line, journal_line))
    .join(rule_version, rule_version.c.id == RULE_OF_LINE)
    .where(journal_line.c.entry_id == bindparam("entry", type_=BigInteger()), journal_line.c.line_no == 1)
)
"""The options of the rules of an entry, which are the same for all of its lines."""
_SUMMARY_OF = _SUMMARY.where(summary_line.c.entry_id == bindparam("entry", type_=BigInteger()))
_NEW = {**dict.fromkeys(journal_entry.columns.keys()), "state": "READY", "attempts": 0}
"""The columns of a new entry that do not depend on it; all in the order of the table."""


class EntryTables(PostingTables):
    """The tables of journal entries; a reversal that is posted opens the schedule lines of its entry again."""

    def change_state(
        self, connection: Connection, number: int, old: str, new: str, *others: Any, **values: Any
    ) -> None:
        """Move an entry from one state to another, as :meth:`PostingTables.change_state` does.

        The lines are released in the same transaction. If the process were killed between two, the ledger would have
        the reversal, and the schedule would count the lines as recognized.
        """
        super().change_state(connection, number, old, new, *others, **values)
        if new == "POSTED":
            reversals.release_lines_of_reversed(connection, number)

    def sizes(self, connection: Connection, numbers: Sequence[int]) -> dict[int, PostingSize]:
        """Return the sizes of entries by number, with the lines that Intacct gets."""
        counts = count_summarized(connection, numbers)
        found = super().sizes(connection, numbers)
        return {number: size._replace(lines=counts.get(number, size.lines)) for number, size in found.items()}


ENTRY_TABLES: PostingTables = EntryTables("entry", journal_entry, attempt, attempt_outcome, attempt_failure)
"""The tables of journal entries and of the attempts to post them."""


@dataclass(frozen=True)
class StoredEntry(PostingProgress):
    """A stored journal entry: the progress of its posting, and its content."""

    entry: JournalEntry

    @property
    def reference(self) -> str:
        """The entry's reference (Intacct: REFERENCENO)."""
        return self.entry.reference

    @property
    def control_id(self) -> str:
        """The control id under which it is sent."""
        return self.entry.control_id


class EntriesToSend:
    """Entries that a run has just stored and will send, so that their lines need not be read back from the database.

    At most :data:`LINES_KEPT` lines are kept, and of a summarized entry just its summary. Without an entry here, it is
    read from the database.
    """

    def __init__(self) -> None:
        self._kept: dict[int, tuple[JournalEntry, str]] = {}
        self._room = LINES_KEPT

    def keep(self, number: int, entry: JournalEntry, content_hash: str) -> None:
        """Keep an entry that is stored under this number, if there is room for its lines."""
        self._room -= len(entry.sent_lines)
        if self._room >= 0:
            self._kept[number] = (entry._replace(lines=()) if entry.summary else entry, content_hash)

    def take(self, row: Any) -> JournalEntry | None:
        """Return the entry of a row of ``journal_entry``, and forget it; None without one, or with another content."""
        entry, digest = self._kept.pop(row.id, (None, ""))
        return entry if digest == row.content_hash else None


def start_run(connection: Connection, day: date, who: AuditStamp) -> int:
    """Record the start of a ``revrec run``; return its number."""
    number = next_number(connection, posting_run.c.id)
    values = {"id": number, "date": day.isoformat(), "started_at": who.at, "actor": who.actor}
    begun = connection.execute(insert(posting_run).values(values).returning(*posting_run.c)).one()
    shown = {"date": begun.date}
    record(connection, who, "run begun", f"run {begun.id}", shown, [digest_rows(posting_run, [begun])])
    return int(begun.id)


def finish_run(connection: Connection, run: int, who: AuditStamp, outcome: str) -> None:
    """Record the end of a run, with its outcome in words."""
    values = {"finished_at": who.at, "outcome": outcome}
    its_row = update(posting_run).where(posting_run.c.id == run)
    ended = connection.execute(its_row.values(values).returning(*posting_run.c)).one()
    record(connection, who, "run ended", f"run {run}", {"outcome": outcome}, [digest_rows(posting_run, [ended])])


def add_entries(
    connection: Connection,
    run: int,
    entries: Iterable[JournalEntry],
    who: AuditStamp,
    to_send: EntriesToSend | None = None,
) -> list[int]:
    """Store entries as READY with their lines, and point their schedule lines at them; return their numbers.

    They are also kept in ``to_send``, if passed.

    This is committed before anything is sent. An entry that was sent but not stored would be built again by the next
    run, under another reference, and be in the ledger twice. Triggers check that each entry balances and that no
    schedule line is on two live entries.
    """
    added = []
    for some in _by_lines(enumerate(entries, next_number(connection, journal_entry.c.id))):
        _add_lines(connection, some)
        schedule_lines = sum(len(one.rows) for one in some) // 2
        entered_lines.enter(connection, some[0].number, some[-1].number, schedule_lines)
        digests = _seal(connection, run, some, who)
        added += [one.number for one in some]
        if to_send is not None:
            for one, digest in zip(some, digests, strict=True):
                to_send.keep(one.number, one.entry, digest)
    return added


def add_reversal_entry(
    connection: Connection, run: int, entry: JournalEntry, reversal: reversals.Reversal, who: AuditStamp
) -> int:
    """Store the mirror entry of a posted entry as READY; return its number. The schedule lines stay where they are.

    Triggers check that it mirrors the entry, and that the entry has no other reversal.
    """
    number = next_number(connection, journal_entry.c.id)
    made = _NewEntry.of(number, entry)
    _add_lines(connection, [made])
    mirrored = ENTRY_TABLES.head(connection, reversal.reverses).reference
    reversals.add_reversal(connection, reversal._replace(entry_id=number), mirrored, who)
    _seal(connection, run, [made], who)
    return number


class _NewEntry(NamedTuple):
    """An entry to be stored: its number, the rows of its lines, and their canonical texts, as their digest has them.

    ``summary`` and ``summary_texts`` are the same of its summary; empty for an entry that is sent line by line.
    """

    number: int
    entry: JournalEntry
    rows: list[tuple[Any, ...]]
    texts: list[str]
    summary: list[tuple[Any, ...]]
    summary_texts: list[str]

    @classmethod
    def of(cls, number: int, entry: JournalEntry) -> "_NewEntry":
        rows = _line_rows(number, entry.lines)
        summary = [_summary_row(number, line) for line in entry.summary]
        return cls(number, entry, rows, _texts(rows), summary, _texts(summary))


def _by_lines(numbered: Iterable[tuple[int, JournalEntry]]) -> Iterator[list[_NewEntry]]:
    """Yield the entries in lists that are stored by the same statements, as many as have :data:`LINES_AT_ONCE`."""
    some: list[_NewEntry] = []
    lines = 0
    for number, entry in numbered:
        some.append(_NewEntry.of(number, entry))
        lines += len(entry.lines)
        if lines >= LINES_AT_ONCE:
            yield some
            some, lines = [], 0
    if some:
        yield some


def _add_lines(connection: Connection, made: Sequence[_NewEntry]) -> None:
    insert_rows(connection, journal_line, _LINE_COLUMNS, [row for one in made for row in one.rows])
    sums = [row for one in made for row in _account_sums(one.number, one.rows)]
    insert_rows(connection, account_sum, account_sum.columns.keys(), sums)
    insert_rows(connection, summary_line, _SUMMARY_COLUMNS, [row for one in made for row in one.summary])


def _account_sums(number: int, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield the number and the sum of the lines of an entry, for each account and side, as rows of their table."""
    amounts: dict[tuple[str, str], list[int]] = {}
    for _entry, _line_no, side, account, amount, *_rest in rows:
        amounts.setdefault((account, side), []).append(amount)
    for (account, side), some in amounts.items():
        yield number, account, side, len(some), sum(some)


def _line_rows(number: int, lines: Sequence[JournalLine]) -> list[tuple[Any, ...]]:
    """Return journal lines of an entry as rows of their table. The day billed is stored with the charge line."""
    # By place: the fields are in the order of the table, and a run stores thousands of lines.
    texts = {key: dimensions_text(one) for key, one in {id(line.dimensions): line.dimensions for line in lines}.items()}
    return [(number, *line[:_DIMENSIONS], texts[id(line[_DIMENSIONS])]) for line in lines]


def _summary_row(number: int, line: SummaryLine) -> tuple[Any, ...]:
    """Return a summary line of an entry as a row of its table."""
    billed = line.billed.isoformat() if line.billed else None
    return (
        number,
        line.line_no,
        line.side,
        line.account,
        line.amount,
        line.currency,
        line.memo,
        line.customer,
        line.item,
        dimensions_text(line.dimensions),
        billed,
        json.dumps(line.fields, ensure_ascii=False, separators=(",", ":")),
        line.first,
        line.last,
    )


def _texts(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """Return the texts of lines as their digest covers them: without the entry, which is in its key."""
    texts = []
    shared: Sequence[Any] = ()
    end = ""
    for _entry, line_no, side, account, *rest in rows:
        # A debit and the credit after it differ in number, side and account alone.
        if rest != shared:
            shared, end = rest, row_text(tuple(rest))[1:]
        texts.append(f'[{line_no},"{side}",{quoted(account)},{end}')
    return texts


def _seal(connection: Connection, run: int, made: Sequence[_NewEntry], who: AuditStamp) -> list[str]:
    """Store the heads of entries after their lines, and the reasons of those with another date than of recognition.

    Return the content hash of each.
    """
    overrides = {
        one.number: (one.number, one.entry.recognized.isoformat(), one.entry.reason)
        for one in made
        if one.entry.recognized is not None
    }
    insert_rows(connection, entry_date_override, entry_date_override.columns.keys(), list(overrides.values()))
    heads, events = [], []
    for one in made:
        shown = _shown(one)
        names = {"reference": one.entry.reference, "control_id": one.entry.control_id, "title": one.entry.title}
        values = {**_NEW, **shown, **names, "id": one.number, "run_id": run, "created_at": who.at}
        heads.append(tuple(values[name] for name in _NEW))
        digests = [
            digest_rows(journal_entry, heads[-1:]),
            digest_texts(journal_line.name, [(one.number, one.number)], one.texts),
        ]
        if one.summary:
            digests.append(digest_texts(summary_line.name, [(one.number, one.number)], one.summary_texts))
        if one.number in overrides:
            digests.append(digest_rows(entry_date_override, [overrides[one.number]]))
        why = {"reason": one.entry.reason} if one.entry.reason else {}
        events.append(AuditEvent("entry created", one.entry.reference, {**shown, **why}, digests))
    insert_rows(connection, journal_entry, list(_NEW), heads)
    record_all(connection, who, events)
    return [event.detail["content_hash"] for event in events]


def _shown(made: _NewEntry) -> dict[str, Any]:
    """Return the content of an entry that the audit trail shows, by column."""
    entry = made.entry
    return {
        "date": entry.date.isoformat(),
        "journal": entry.journal,
        "entity": entry.entity,
        "currency": entry.currency,
        "amount": entry.amount,
        "lines": len(entry.lines),
        "content_hash": content_hash(entry, [*made.texts, *made.summary_texts]),
    }


def content_hash(entry: JournalEntry, texts: Sequence[str] = ()) -> str:
    """Return the SHA-256 of all that Intacct gets of the entry: its head, and its lines as their rows' ``texts``.

    A summarized entry has the texts of its lines, then of its summary.
    """
    head = [entry.date.isoformat(), entry.journal, entry.entity, entry.currency, entry.title]
    head += [text for text in (entry.reason, entry.options.text) if text]
    rows = [*_line_rows(0, entry.lines), *(_summary_row(0, line) for line in entry.summary)]
    return sha256([canonical(head), *(texts or _texts(rows))])


def numbers_in(connection: Connection, *states: str, until: date | None = None) -> list[int]:
    """Return the numbers of the entries in these states, oldest date first; ``until`` limits the recognition date."""
    query = (
        select(journal_entry.c.id)
        .where(journal_entry.c.state.in_(states))
        .order_by(journal_entry.c.date, journal_entry.c.id)
    )
    if until is not None:
        query = query.where(recognized_until(until))
    return list(connection.execute(query).scalars())


def amounts_in(connection: Connection, *states: str, until: date) -> list[tuple[str, int]]:
    """Return currency and amount in minor units of each entry in these states that is recognized until a day."""
    query = select(journal_entry.c.currency, journal_entry.c.amount)
    found = connection.execute(query.where(journal_entry.c.state.in_(states), recognized_until(until)))
    return [(currency, amount) for currency, amount in found]


def recognized_until(day: date) -> ColumnElement[bool]:
    """Return the condition that an entry's lines are recognized on or before a day, whatever date the entry has."""
    return recognition_date() <= day.isoformat()


def recognition_date() -> ColumnElement[str]:
    """Return the day of recognition of an entry, which a closed period may have moved to a later date."""
    moved = select(entry_date_override.c.recognition_date).where(entry_date_override.c.entry_id == journal_entry.c.id)
    return func.coalesce(moved.scalar_subquery(), journal_entry.c.date)


def date_overrides(connection: Connection, numbers: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Return the recognition date and the reason of the entries that are dated with another day, by number."""
    if not numbers:
        return {}
    rows = connection.execute(_OVERRIDES, {"first": min(numbers), "last": max(numbers)})
    return {row.entry_id: (row.recognition_date, row.reason) for row in rows}


def read_entry(
    connection: Connection, number: int, to_send: EntriesToSend | None = None, only_sent: bool = False
) -> StoredEntry:
    """Return one entry by its number, with its lines: those in ``to_send``, if they are what is stored.

    With ``only_sent``, a summarized entry has just its summary.
    """
    row = ENTRY_TABLES.head(connection, number)
    kept = to_send.take(row) if to_send is not None else None
    return load_entry(connection, row, only_sent) if kept is None else _with_progress(connection, row, kept)


def canceled_and_not_posted(connection: Connection) -> list[str]:
    """Return the references of canceled entries some of whose schedule lines are on no posted entry."""
    other = journal_entry.alias("other")
    posted = exists(select(other.c.id).where(other.c.id == entered_line.c.entry_id, other.c.state == "POSTED"))
    query = (
        select(journal_entry.c.reference)
        .join(journal_line, journal_line.c.entry_id == journal_entry.c.id)
        .join(entered_line, same_line(entered_line, journal_line))
        .where(journal_entry.c.state == "CANCELED", ~posted)
        .distinct()
    )
    return list(connection.execute(query.order_by(journal_entry.c.reference)).scalars())


def load_entry(connection: Connection, row: Any, only_sent: bool = False) -> StoredEntry:
    """Return a row of ``journal_entry``, with its lines, as a :class:`StoredEntry`; see :func:`read_entry`."""
    recognized, reason = date_overrides(connection, [row.id]).get(row.id, (None, ""))
    summary = tuple(map(_read_summary_line, connection.execute(_SUMMARY_OF, {"entry": row.id}).all()))
    lines = () if summary and only_sent else tuple(_lines(connection, row.id))
    whole = JournalEntry(
        row.reference,
        row.control_id,
        date.fromisoformat(row.date),
        row.journal,
        row.entity,
        row.currency,
        row.title,
        lines,
        date.fromisoformat(recognized) if recognized else None,
        reason,
        options=read_options(connection.execute(_OPTIONS, {"entry": row.id}).scalar_one()),
        summary=summary,
    )
    reversal = reversals.reversal_by(connection, row.id)
    if reversal is not None:
        mirrored = ENTRY_TABLES.head(connection, reversal.reverses)
        whole = whole._replace(rated=date.fromisoformat(mirrored.date))
    return _with_progress(connection, row, whole)


def _with_progress(connection: Connection, row: Any, entry: JournalEntry) -> StoredEntry:
    return StoredEntry(**vars(ENTRY_TABLES.progress(connection, row)), entry=entry)


def summaries(connection: Connection, numbers: Sequence[int]) -> dict[int, tuple[SummaryLine, ...]]:
    """Return the summaries of these entries, by number; an entry that is sent line by line has none."""
    found: dict[int, list[SummaryLine]] = {}
    for row in connection.execute(_SUMMARY.where(summary_line.c.entry_id.in_(numbers))):
        found.setdefault(row.entry_id, []).append(_read_summary_line(row))
    return {number: tuple(lines) for number, lines in found.items()}


def count_summarized(connection: Connection, numbers: Sequence[int]) -> dict[int, int]:
    """Return how many lines Intacct gets of each of these entries that is summarized, by number."""
    if not numbers:
        return {}
    within = summary_line.c.entry_id.between(min(numbers), max(numbers))
    query = select(summary_line.c.entry_id, func.count()).where(within).group_by(summary_line.c.entry_id)
    return {number: int(count) for number, count in connection.execute(query)}


def _read_summary_line(row: Sequence[Any]) -> SummaryLine:
    *head, dimensions, billed, fields, first, last = row[1:]
    custom: Fields = tuple((name, value) for name, value in json.loads(fields))
    day = day_of(billed) if billed else None
    return SummaryLine._make((*head, dimensions_of(dimensions), day, custom, first, last))


def _lines(connection: Connection, number: int) -> Iterator[JournalLine]:
    for row in connection.execute(_LINES, {"entry": number}).all():
        yield _sent_line(row, read_options(row.options))


def _sent_line(row: Any, options: PostingOptions) -> JournalLine:
    line = read_journal_line(row, day_of(row.billed) if row.billed else None)._replace(rule=row.rule)
    if not options.line_fields:
        return line
    words = {name: getattr(row, name) for name in memo.FIELDS}
    return line._replace(fields=memo.filled_in(options.line_fields, words))


def read_journal_line(row: Sequence[Any], billed: date | None) -> JournalLine:
    """Return a row that begins with :data:`STORED_LINE` as a journal line.

    ``billed`` is the day on which its charge line is billed, if known.
    """
    joined = (billed, (), "")
    return JournalLine._make((*row[:_DIMENSIONS], dimensions_of(row[_DIMENSIONS]), *joined))
