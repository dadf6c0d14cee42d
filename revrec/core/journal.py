"""From due schedule lines to balanced journal entries (Intacct: GLBATCH and its GLENTRY lines)."""

import hashlib
import re
from base64 import b32encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

from revrec.core.money import LARGEST
from revrec.core.periods import PostingDates

Day = date
"""For :class:`JournalEntry`, where ``date`` is the name of a field."""

TITLE = "Rev rec"
"""What the titles of our entries begin with, before the day of recognition."""
DIMENSION = "dimensions."
REFERENCE_PREFIX = "RR"
REFERENCE_LENGTH = 18
"""Intacct's REFERENCENO holds 20 characters; 16 base32 characters behind the prefix fit with room."""
MARK_LENGTH = 5
"""The prefix and three base32 characters of the deployment's hash: what all references of one database begin with."""

_REFERENCE = re.compile(f"{REFERENCE_PREFIX}[A-Z2-7]{{{REFERENCE_LENGTH - len(REFERENCE_PREFIX)}}}")


class RepairedValue(NamedTuple):
    """A value of a journal line in the place of another: by a repair, after Intacct had refused the first.

    ``side`` is debit or credit; ``field`` is ``account``, ``customer``, ``item``, ``dimensions.NAME`` or ``date``,
    whose ``after`` is a word: ``next_open``. None, as what was ``before`` or comes ``after``, is the lack of a value.
    """

    side: str
    field: str
    before: str | None
    after: str | None


class DueLine(NamedTuple):
    """One schedule line that is due, with all that its journal lines need.

    ``charge_no``, ``version`` and ``seq`` identify the schedule line in the store; ``revision`` counts the refused
    entries it has been on before; ``amount`` is in minor units of ``currency``. ``deferred`` and ``accrued`` are
    account numbers, ``journal`` a journal symbol. ``changes`` are the values that repairs supplied, in their order.
    ``billed`` is the day of the charge line.
    """

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
    dimensions: Mapping[str, str]
    date: date
    amount: int
    currency: str
    deferred: str
    accrued: str
    journal: str
    memo: str
    changes: tuple[RepairedValue, ...] = ()
    billed: Day | None = None


class JournalLine(NamedTuple):
    """One side of a journal entry (Intacct: GLENTRY). ``amount`` is positive; ``side`` is debit or credit.

    ``billed`` is the day of the charge line: what was billed in a foreign currency is kept at the rate of that day.
    """

    line_no: int
    side: str
    account: str
    amount: int
    currency: str
    charge: str
    charge_no: int
    version: int
    seq: int
    document: str
    memo: str
    customer: str
    item: str
    dimensions: Mapping[str, str]
    billed: Day | None = None


class JournalEntry(NamedTuple):
    """A balanced entry (Intacct: GLBATCH) of one date, entity, journal and currency.

    ``recognised`` is the day its lines are recognized on, where ``date`` is another one, and ``reason`` says why;
    None and empty for an entry that is dated with the day of recognition.
    """

    reference: str
    control_id: str
    date: date
    journal: str
    entity: str
    currency: str
    title: str
    lines: tuple[JournalLine, ...]
    recognised: Day | None = None
    reason: str = ""

    @property
    def amount(self) -> int:
        """The sum of the debits, which is that of the credits, in minor units."""
        return sum(line.amount for line in self.lines if line.side == "debit")


EntryGroup = tuple[date, str, str, str]


AS_RECOGNIZED = PostingDates()
"""Every entry is dated with the day of recognition."""


def entry_group(line: DueLine) -> EntryGroup:
    """What all lines of one entry share: day of recognition, entity, journal, currency."""
    return (line.date, line.entity, line.journal, line.currency)


def build_entries(
    due: Iterable[DueLine], deployment: str, company: str, lines_per_entry: int, dates: PostingDates = AS_RECOGNIZED
) -> Iterator[JournalEntry]:
    """Group due lines, already sorted by :func:`entry_group` and then by charge, into balanced entries.

    Each due line gives two journal lines, so an entry takes ``lines_per_entry // 2`` of them (at least one); and no
    more than sum to the largest amount that can be kept. ``dates`` says what each is dated with; lines that are held
    must have been taken out before (:class:`revrec.core.closed_periods.ClosedPeriodBlock`).
    The result depends on lines and dates alone, never on the clock, so that the same lines give the same references.
    """
    room = max(1, lines_per_entry // 2)
    for group, members in groupby(due, key=entry_group):
        for lines in _within_limits(members, room):
            entry = build_entry(group, lines, reference_of(lines, deployment), deployment, company)
            day, reason = dates.of(entry.entity, entry.date)
            assert day is not None, "lines that are held go on no entry"
            yield redate(entry, day, reason)


def _within_limits(due: Iterable[DueLine], room: int) -> Iterator[list[DueLine]]:
    """The lines in their order, in lists of at most ``room`` whose sum is an amount that can be kept."""
    lines: list[DueLine] = []
    total = 0
    for line in due:
        if lines and (len(lines) == room or total + abs(line.amount) > LARGEST):
            yield lines
            lines, total = [], 0
        lines.append(line)
        total += abs(line.amount)
    if lines:
        yield lines


def build_entry(
    group: EntryGroup, due: Sequence[DueLine], reference: str, deployment: str, company: str
) -> JournalEntry:
    """The entry of these due lines, all of one group, under a reference that is theirs."""
    day, entity, journal, currency = group
    lines = tuple(line for at, one in enumerate(due) for line in _pair(2 * at + 1, one))
    title = f"{TITLE} {day.isoformat()} {entity}".rstrip()
    return JournalEntry(
        reference, control_id_of(company, deployment, reference), day, journal, entity, currency, title, lines
    )


def day_in(title: str) -> date | None:
    """Return the day of recognition that the title of an entry of ours names; None if it names none."""
    with suppress(ValueError):
        return date.fromisoformat(title.removeprefix(f"{TITLE} ")[:10])
    return None


def redate(entry: JournalEntry, day: date, reason: str) -> JournalEntry:
    """The entry with another date than the day of recognition that it has, for a reason."""
    if day == entry.date:
        return entry
    title = f"{entry.title}, dated {day.isoformat()}"
    return entry._replace(date=day, title=title, recognised=entry.date, reason=reason)


def _pair(line_no: int, due: DueLine) -> tuple[JournalLine, JournalLine]:
    """Debit deferred, credit accrued; the other way round for a negative amount, since GLENTRY amounts are absolute."""
    debit, credit = (due.deferred, due.accrued) if due.amount > 0 else (due.accrued, due.deferred)
    rest = (
        abs(due.amount), due.currency, due.charge, due.charge_no, due.version, due.seq,
        due.document, due.memo, due.customer, due.item, due.dimensions, due.billed,
    )  # fmt: skip
    pair = JournalLine(line_no, "debit", debit, *rest), JournalLine(line_no + 1, "credit", credit, *rest)
    return apply_repairs(pair[0], due.changes), apply_repairs(pair[1], due.changes)


def apply_repairs(line: JournalLine, changes: Iterable[RepairedValue]) -> JournalLine:
    """The line with the values that changes of its side put on it; a date is the entry's matter."""
    for change in changes:
        if change.side == line.side and change.field != "date":
            line = line._replace(**_repaired_field(line, change.field, change.after))
    return line


def _repaired_field(line: JournalLine, field: str, value: str | None) -> dict[str, Any]:
    if not field.startswith(DIMENSION):
        return {field: value or ""}
    name = field.removeprefix(DIMENSION)
    rest = {other: one for other, one in line.dimensions.items() if other != name}
    return {"dimensions": rest if value is None else {**rest, name: value}}


def set_redated_aside(due: Iterable[DueLine], redated: list[DueLine]) -> Iterator[DueLine]:
    """Yield the lines that are dated as usual; append those that a repair dates to ``redated``.

    ``redated`` is complete once the iterator is exhausted.
    """
    # Two lists would be plainer, but a first run has millions of due lines. Only those that a repair dates, which are
    # few, are kept in memory.
    for line in due:
        if any(change.field == "date" for change in line.changes):
            redated.append(line)
        else:
            yield line


def field_value(line: JournalLine, field: str) -> str | None:
    """The value of a field as changes name it; None if it has none."""
    if field.startswith(DIMENSION):
        return line.dimensions.get(field.removeprefix(DIMENSION))
    found: str = getattr(line, field)
    return found or None


def reference_of(due: Sequence[DueLine], deployment: str) -> str:
    """The entry's REFERENCENO: the mark of the deployment, and a digest of it and of the schedule lines.

    The same lines give the same reference every time, so that a reference proves which lines an entry is made of.
    """
    digest = hashlib.sha256(deployment.encode())
    for line in due:
        digest.update(f"\n{line.charge}\t{line.version}\t{line.seq}\t{line.revision}".encode())
    return mark_of(deployment) + b32encode(digest.digest()).decode()[: REFERENCE_LENGTH - MARK_LENGTH]


def mark_of(deployment: str) -> str:
    """What the references of a deployment begin with, so that its own entries are told from another one's."""
    digest = hashlib.sha256(f"mark of {deployment}".encode()).digest()
    return REFERENCE_PREFIX + b32encode(digest).decode()[: MARK_LENGTH - len(REFERENCE_PREFIX)]


def is_reference(text: str) -> bool:
    """Whether a text is written as a reference of revrec's, of whatever deployment."""
    return _REFERENCE.fullmatch(text) is not None


def control_id_of(company: str, deployment: str, reference: str) -> str:
    """The function control id: lower case, unique across companies and deployments that share one sender."""
    return f"revrec:{company}:{deployment}:{reference}".lower()


def company_of(control_id: str, deployment: str) -> str:
    """The company in a control id of this deployment, in lower case."""
    return control_id.removeprefix("revrec:").rpartition(f":{deployment}:")[0]
