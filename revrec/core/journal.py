"""Turn due schedule lines into balanced journal entries (Intacct: GLBATCH and its GLENTRY lines)."""

import hashlib
import re
from base64 import b32encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple, TypeVar

from revrec.core.batching import batched
from revrec.core.money import LARGEST
from revrec.core.periods import PostingDates
from revrec.core.posting_options import NO_OPTIONS, Fields, PostingOptions
from revrec.core.summary import KEPT, LINE, PARTS_PER_ENTRY, SummaryLine, summary_memo

Day = date
"""For :class:`JournalEntry`, where ``date`` is the name of a field."""

TITLE = "Rev rec"
"""The start of the titles of our entries, before the day of recognition."""
_DATED = ", dated "
"""The text between such a title and the date of an entry that has another one."""
REVERSAL_TITLE = "Reversal of"
"""The start of the titles of reversals, before the reference of the entry that they reverse."""
DIMENSION = "dimensions."
REFERENCE_PREFIX = "RR"
ADJUSTING_PREFIX = "AJ"
"""The prefix of the references of adjusting entries, in place of the others' ``RR``."""
REFERENCE_LENGTH = 18
"""Intacct's REFERENCENO holds 20 characters; 16 base32 characters behind the prefix fit with room."""
MARK_LENGTH = 5
"""The prefix and three base32 characters of the deployment's hash: what all references of one database begin with."""

_REFERENCE = re.compile(
    f"(?:{REFERENCE_PREFIX}|{ADJUSTING_PREFIX})[A-Z2-7]{{{REFERENCE_LENGTH - len(REFERENCE_PREFIX)}}}"
)


class RepairedValue(NamedTuple):
    """A value that a repair puts on a journal line after Intacct rejected the original one.

    ``side`` is debit or credit; ``field`` is ``account``, ``customer``, ``item``, ``dimensions.NAME`` or ``date``,
    whose ``after`` is the word ``next_open``. None in ``before`` or ``after`` means no value.
    """

    side: str
    field: str
    before: str | None
    after: str | None


LineKey = tuple[int, int, int]
"""The identity of a schedule line: the number of its charge line, the schedule's version, and its place in it."""


class DueLine(NamedTuple):
    """One schedule line that is due, with everything its journal lines need.

    ``charge_no``, ``version`` and ``seq`` identify the schedule line in the store; ``revision`` counts the rejected
    entries it was on before; ``amount`` is in minor units of ``currency``. ``deferred`` and ``accrued`` (the revenue
    account) are account numbers, ``journal`` is a journal symbol. ``changes`` are the values from repairs, in order.
    ``billed`` is the post date of the charge line. ``rule`` is the name of the rule, ``options`` are its options, and
    ``fields`` its custom fields of journal lines, filled in.
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
    options: PostingOptions = NO_OPTIONS
    fields: Fields = ()
    rule: str = ""

    @property
    def key(self) -> LineKey:
        """Return the identity of the schedule line."""
        return self.charge_no, self.version, self.seq


class JournalLine(NamedTuple):
    """One side of a journal entry (Intacct: GLENTRY). ``amount`` is positive; ``side`` is debit or credit.

    ``billed`` is the post date of the charge line: foreign currency is posted at the rate of that day. ``fields`` are
    the custom fields that the rule adds, and ``rule`` is its name.
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
    fields: Fields = ()
    rule: str = ""

    @property
    def key(self) -> LineKey:
        """Return the identity of the schedule line that this is a side of."""
        return self.charge_no, self.version, self.seq


SentLine = JournalLine | SummaryLine
"""A line as Intacct gets it."""
AnyLine = TypeVar("AnyLine", JournalLine, SummaryLine)


class JournalEntry(NamedTuple):
    """A balanced entry (Intacct: GLBATCH) of one date, entity, journal and currency, with the options of its rules.

    ``lines`` has two for each schedule line. A summarized entry also has a ``summary`` of them, and only the summary is
    sent. ``lines`` is empty if just that was read of it.
    If ``date`` differs from the recognition date of its lines, ``recognized`` is that date and ``reason`` says why;
    otherwise they are None and empty.
    """

    reference: str
    control_id: str
    date: date
    journal: str
    entity: str
    currency: str
    title: str
    lines: tuple[JournalLine, ...]
    recognized: Day | None = None
    reason: str = ""
    rated: Day | None = None
    """The day whose exchange rates apply, if not its date: a reversal has the rates of the entry that it reverses."""
    options: PostingOptions = NO_OPTIONS
    summary: tuple[SummaryLine, ...] = ()

    @property
    def sent_lines(self) -> Sequence[SentLine]:
        """Return the lines as Intacct gets them."""
        return self.summary or self.lines

    @property
    def amount(self) -> int:
        """Return the sum of the debits, which equals the sum of the credits, in minor units."""
        return sum(line.amount for line in self.sent_lines if line.side == "debit")


class RateDays(NamedTuple):
    """The days of exchange rates: the day billed for all but the base currency, unless ``billed`` is False.

    Lines of different days are not added up in a summary: at one rate, their base amounts would change. ``own`` has the
    base currencies of entities, if they have different ones. Of other places it is not known then, and their lines
    always have a day.
    """

    base_currency: str = ""
    billed: bool = True
    own: Mapping[str, str] = {}

    def matter(self, due: DueLine) -> bool:
        """Check if a line has the exchange rate of the day it was billed."""
        if not self.own:
            return self.billed and due.currency != self.base_currency
        places = (
            due.options.deferred_location,
            due.options.accrued_location,
            ("dimensions" in KEPT[due.options.summarize] and due.dimensions.get("location")) or due.entity,
        )
        return self.billed and any(self.own.get(place) != due.currency for place in places if place)


EACH_DAY = RateDays()
EntryGroup = tuple[date, str, str, str, PostingOptions]


AS_RECOGNIZED = PostingDates()
"""The policy that dates every entry with the day of recognition."""


def entry_group(line: DueLine) -> EntryGroup:
    """Return what all lines of one entry share: day of recognition, entity, journal, currency, options."""
    return (line.date, line.entity, line.journal, line.currency, line.options)


def build_entries(
    due: Iterable[DueLine],
    deployment: str,
    company: str,
    lines_per_entry: int,
    dates: PostingDates = AS_RECOGNIZED,
    rates: RateDays = EACH_DAY,
) -> Iterator[JournalEntry]:
    """Group due lines, already sorted by :func:`entry_group` and then by charge, into balanced entries.

    Each pair of lines that Intacct gets has a debit and a credit, so an entry has at most ``lines_per_entry // 2`` of
    them (at least one), and never more than add up to the largest amount that can be stored. ``dates`` decides each
    entry's date; blocked lines must have been removed before
    (:class:`revrec.core.closed_periods.ClosedPeriodBlock`). ``rates`` decides whether summary lines are split by the
    day billed.
    The result depends on lines and dates only, never on the clock, so that the same lines give the same references.
    """
    room = max(1, lines_per_entry // 2)
    for group, members in groupby(due, key=entry_group):
        is_detailed = group[-1].summarize == LINE
        whole = _within_limits(members, room if is_detailed else PARTS_PER_ENTRY)
        for lines in whole if is_detailed else _with_room(whole, room, rates):
            reference = reference_of(lines, deployment)
            entry = build_entry(group, lines, reference, deployment, company, rates)
            day, reason = dates.of(entry.entity, entry.date)
            assert day is not None, "lines that are held go on no entry"
            yield redate(entry, day, reason)


def _within_limits(due: Iterable[DueLine], room: int) -> Iterator[list[DueLine]]:
    """Yield the lines in order, in lists of at most ``room`` whose sum can be stored."""
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


def _with_room(chunks: Iterable[list[DueLine]], room: int, rates: RateDays) -> Iterator[list[DueLine]]:
    """Yield the lines of each chunk in lists of at most ``room`` summarized pairs; their order stays."""
    for lines in chunks:
        keys = [_summary_key(line, rates) for line in lines]
        for some in batched(sorted(set(keys)), room):
            wanted = set(some)
            yield [line for line, key in zip(lines, keys, strict=True) if key in wanted]


def build_entry(
    group: EntryGroup, due: Sequence[DueLine], reference: str, deployment: str, company: str, rates: RateDays = EACH_DAY
) -> JournalEntry:
    """Build the entry of these due lines, all of one group, under their reference."""
    day, entity, journal, currency, options = group
    alike = [] if options.summarize == LINE else _alike(due, rates)
    ordered = [line for some in alike for line in some] if alike else due
    lines = tuple(line for at, one in enumerate(ordered) for line in _pair(2 * at + 1, one))
    summary = tuple(_summarized(alike, lines, rates))
    control_id = control_id_of(company, deployment, reference)
    title = _title(group)
    return JournalEntry(
        reference, control_id, day, journal, entity, currency, title, lines, options=options, summary=summary
    )


SummaryKey = tuple[Any, ...]
"""What the parts of a pair of summary lines share. All of it is text or truth values, so that keys can be sorted."""


def _summary_key(due: DueLine, rates: RateDays) -> SummaryKey:
    """Return what decides the pair of summary lines of a due line.

    Positive and negative amounts never share a pair: netted, an account would have other debits and credits than in
    the detailed entry, and a pair could be zero, which Intacct refuses.
    """
    customer, item, dimensions, billed = _kept(due, rates)
    changes = ((one.side, one.field, one.after or "") for one in due.changes if one.field != "date")
    return (
        due.deferred,
        due.accrued,
        due.amount < 0,
        customer,
        item,
        tuple(sorted(dimensions.items())) if dimensions else (),
        billed.isoformat() if billed else "",
        tuple(changes) if due.changes else (),
    )


def _kept(due: DueLine, rates: RateDays) -> tuple[str, str, Mapping[str, str], Day | None]:
    """Return the customer, item, dimensions and day billed of a due line, as far as its level keeps them."""
    kept = KEPT[due.options.summarize]
    return (
        due.customer if "customer" in kept else "",
        due.item if "item" in kept else "",
        due.dimensions if "dimensions" in kept else {},
        due.billed if rates.matter(due) else None,
    )


def _alike(due: Sequence[DueLine], rates: RateDays) -> list[list[DueLine]]:
    """Return the due lines of each pair of summary lines, by accounts and what else they share."""
    found: dict[SummaryKey, list[DueLine]] = {}
    for line in due:
        found.setdefault(_summary_key(line, rates), []).append(line)
    return [found[key] for key in sorted(found)]


def _summarized(
    alike: Iterable[Sequence[DueLine]], lines: Sequence[JournalLine], rates: RateDays
) -> Iterator[SummaryLine]:
    """Yield a debit and a credit for each list of due lines, whose pairs of journal lines follow each other."""
    first = 1
    for at, some in enumerate(alike):
        last = first + 2 * len(some) - 1
        memo = summary_memo(frozenset(line.memo for line in lines[first - 1 : last]), len(some))
        total = sum(line.amount for line in some)
        shared = tuple(one for one in some[0].fields if all(one in line.fields for line in some))
        customer, item, dimensions, billed = _kept(some[0], rates)
        # The changes by repairs stay: they apply to the pair.
        summed = some[0]._replace(
            customer=customer, item=item, dimensions=dimensions, billed=billed, amount=total, memo=memo, fields=shared
        )
        for line in _pair(2 * at + 1, summed):
            yield SummaryLine(
                line.line_no, line.side, line.account, line.amount, line.currency, line.memo, line.customer, line.item,
                line.dimensions, line.billed, line.fields, first, last,
            )  # fmt: skip
        first = last + 1


def _title(group: EntryGroup) -> str:
    day, entity, *_rest = group
    return f"{TITLE} {day.isoformat()} {entity}".rstrip()


def is_title_of(title: str, group: EntryGroup) -> bool:
    """Check if a title is the one of an entry of this group, whatever date the entry has."""
    return title.partition(_DATED)[0] == _title(group)


def day_in(title: str) -> date | None:
    """Return the day of recognition that the title of an entry of ours names; None if it names none."""
    with suppress(ValueError):
        return date.fromisoformat(title.removeprefix(f"{TITLE} ")[:10])
    return None


def redate(entry: JournalEntry, day: date, reason: str) -> JournalEntry:
    """Date an entry with another day than its day of recognition, for a reason."""
    if day == entry.date:
        return entry
    title = f"{entry.title}{_DATED}{day.isoformat()}"
    return entry._replace(date=day, title=title, recognized=entry.date, reason=reason)


def reversal_of(
    entry: JournalEntry, day: date, times: int, deployment: str, company: str, final: bool = False
) -> JournalEntry:
    """Return the mirror of an entry, dated ``day``: the same accounts and amounts with debits and credits exchanged.

    ``times`` is how many reversals of the entry were given up before. The reference of a reversal depends on nothing
    else than its entry, ``times`` and ``final``, so that it proves what it reverses.
    """
    text = f"{deployment}\nreversal of {entry.reference}\t{times}\t{'final' if final else 'reopened'}"
    digest = hashlib.sha256(text.encode()).digest()
    reference = mark_of(deployment) + b32encode(digest).decode()[: REFERENCE_LENGTH - MARK_LENGTH]
    return JournalEntry(
        reference,
        control_id_of(company, deployment, reference),
        day,
        entry.journal,
        entry.entity,
        entry.currency,
        f"{REVERSAL_TITLE} {entry.reference}, {entry.title}",
        tuple(_mirrored(entry.lines)),
        rated=entry.date,
        options=entry.options,
        summary=tuple(_mirrored(entry.summary)),
    )


def reversed_in(title: str) -> str | None:
    """Return the reference of the entry that the title of a reversal names; None for another title."""
    named = title.removeprefix(f"{REVERSAL_TITLE} ").partition(",")[0]
    return named if title.startswith(REVERSAL_TITLE) and is_reference(named) else None


def _mirrored(lines: Sequence[AnyLine]) -> Iterator[AnyLine]:
    """Yield the lines with their sides exchanged, the debit of each pair first as in any entry."""
    for at in range(0, len(lines), 2):
        debit, credit = lines[at : at + 2]
        yield credit._replace(line_no=at + 1, side="debit")
        yield debit._replace(line_no=at + 2, side="credit")


def _pair(line_no: int, due: DueLine) -> tuple[JournalLine, JournalLine]:
    """Debit deferred and credit revenue; the reverse for a negative amount, since GLENTRY amounts are absolute."""
    debit, credit = (due.deferred, due.accrued) if due.amount > 0 else (due.accrued, due.deferred)
    rest = (
        abs(due.amount), due.currency, due.charge, due.charge_no, due.version, due.seq,
        due.document, due.memo, due.customer, due.item, due.dimensions, due.billed, due.fields, due.rule,
    )  # fmt: skip
    made = JournalLine._make
    pair = made((line_no, "debit", debit, *rest)), made((line_no + 1, "credit", credit, *rest))
    if due.options is not NO_OPTIONS:
        pair = _located(pair, due)
    return (apply_repairs(pair[0], due.changes), apply_repairs(pair[1], due.changes)) if due.changes else pair


def _located(pair: tuple[JournalLine, JournalLine], due: DueLine) -> tuple[JournalLine, JournalLine]:
    """Return the lines with the locations that the rule gives to its two accounts."""
    locations = due.options.deferred_location, due.options.accrued_location
    debit, credit = locations if due.amount > 0 else reversed(locations)
    return _at(pair[0], debit), _at(pair[1], credit)


def _at(line: JournalLine, location: str) -> JournalLine:
    return line._replace(dimensions={**line.dimensions, "location": location}) if location else line


def apply_repairs(line: JournalLine, changes: Iterable[RepairedValue]) -> JournalLine:
    """Return the line with the repaired values of its side; a repaired date applies to the entry instead."""
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
        if line.changes and any(change.field == "date" for change in line.changes):
            redated.append(line)
        else:
            yield line


def field_value(line: JournalLine, field: str) -> str | None:
    """Return the value of a field, named as in :class:`RepairedValue`; None if it has no value."""
    if field.startswith(DIMENSION):
        return line.dimensions.get(field.removeprefix(DIMENSION))
    found: str = getattr(line, field)
    return found or None


def reference_of(due: Sequence[DueLine], deployment: str) -> str:
    """Return the entry's REFERENCENO: the mark of the deployment, and a digest of it and of the schedule lines.

    The same lines give the same reference every time, so a reference proves which lines an entry contains.
    """
    digest = hashlib.sha256(deployment.encode())
    for line in due:
        digest.update(_line_name(line))
    return _reference(digest.digest(), deployment)


def references_of(due: Iterable[DueLine], deployment: str) -> Iterator[str]:
    """Yield the references of the first line alone, of the first two, and so on."""
    digest = hashlib.sha256(deployment.encode())
    for line in due:
        digest.update(_line_name(line))
        yield _reference(digest.digest(), deployment)


def _line_name(line: DueLine) -> bytes:
    return f"\n{line.charge}\t{line.version}\t{line.seq}\t{line.revision}".encode()


def _reference(digest: bytes, deployment: str) -> str:
    return mark_of(deployment) + b32encode(digest).decode()[: REFERENCE_LENGTH - MARK_LENGTH]


def mark_of(deployment: str) -> str:
    """Return the first characters of all references of a deployment, which separate its entries from another's."""
    digest = hashlib.sha256(f"mark of {deployment}".encode()).digest()
    return REFERENCE_PREFIX + b32encode(digest).decode()[: MARK_LENGTH - len(REFERENCE_PREFIX)]


def is_reference(text: str) -> bool:
    """Check whether a text has the form of a revrec reference, of any deployment."""
    return _REFERENCE.fullmatch(text) is not None


def control_id_of(company: str, deployment: str, reference: str) -> str:
    """Return the function control id: lower case, unique across companies and deployments that share a sender."""
    return f"revrec:{company}:{deployment}:{reference}".lower()


def company_of(control_id: str, deployment: str) -> str:
    """Return the company in a control id of this deployment, in lower case."""
    return control_id.removeprefix("revrec:").rpartition(f":{deployment}:")[0]
