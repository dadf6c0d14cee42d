"""Compare one of our entries with what Intacct has of it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple

from revrec.core.journal import JournalEntry, SentLine
from revrec.core.money import decimal_string
from revrec.intacct.gateway import POSTED_STATE, FoundEntry, FoundLine
from revrec.intacct.glbatch import TITLE_LENGTH, EntrySettings, cut_to_length, document_text, sent_dimensions
from revrec.jobs.posting.findings import Amounts, Finding
from revrec.jobs.reconciling.amounts import DateRange, counted, moved, net
from revrec.store.posting.ledger_changes import ENTRY, REVERSAL

MOST_SHOWN = 5
"""Changed lines that one finding names."""


class PostedHere(NamedTuple):
    """An entry that is posted according to this database; ``settings`` decide the dimensions of its lines.

    ``changed`` are the parts (entry, reversal) of which a person accepted that Intacct has something else, and
    ``reopened`` that its schedule lines were released after that.
    """

    entry: JournalEntry
    record_no: str
    settings: EntrySettings = EntrySettings()
    changed: Collection[str] = ()
    reopened: bool = False

    def dimensions(self, line: SentLine) -> dict[str, str]:
        """Return the dimensions that a line is sent with, by our names."""
        return sent_dimensions(self.entry, line, self.settings)


class FoundThere(NamedTuple):
    """An entry as Intacct has it: with its record number, its reversal, and others with its reference."""

    entry: FoundEntry | None
    reversal: FoundEntry | None
    same_reference: Sequence[FoundEntry]


def differences(ours: PostedHere, theirs: FoundThere, within: DateRange) -> Iterator[Finding]:
    """Yield every difference of an entry; none if it is as it was posted."""
    booked: Amounts = net(ours.entry) if within.has(ours.entry.date) else {}
    if theirs.entry is None:
        yield _gone(ours, theirs, booked, within)
        return
    changes = list(changed(ours, theirs.entry))
    if changes:
        effect = moved(booked, counted(theirs.entry, within))
        edited = _finding("edited", ours, ours.record_no, "; ".join(changes), effect)
        yield edited._replace(part=ENTRY, found=theirs.entry)
    elif ENTRY in ours.changed:
        what = "its change in Intacct was accepted, but it is there as it was posted"
        yield _restored(ours, what)._replace(part=ENTRY, found=theirs.entry)
    if theirs.reversal is not None:
        mirror = theirs.reversal
        what = f"reversed in Intacct by entry {mirror.record_no}, dated {mirror.date}"
        reversed_ = _finding("reversed", ours, ours.record_no, what, counted(mirror, within))
        yield reversed_._replace(part=REVERSAL, found=mirror)
    elif REVERSAL in ours.changed:
        what = "its reversal in Intacct was accepted, but Intacct has no reversal any more"
        yield _restored(ours, what)._replace(part=REVERSAL)
    for twin in theirs.same_reference:
        what = f"Intacct's entry {twin.record_no} has its reference too"
        yield _finding("doubled", ours, twin.record_no, what, counted(twin, within))


def _restored(ours: PostedHere, what: str) -> Finding:
    return _finding("came_back" if ours.reopened else "restored", ours, ours.record_no, what, {})


def _gone(ours: PostedHere, theirs: FoundThere, booked: Amounts, within: DateRange) -> Finding:
    if not theirs.same_reference:
        what = f"Intacct has no entry {ours.record_no} any more"
        return _finding("deleted", ours, ours.record_no, what, moved(booked, {}))._replace(part=ENTRY)
    new = theirs.same_reference[0]
    changes = "; ".join(changed(ours, new))
    what = f"Intacct has no entry {ours.record_no} any more; entry {new.record_no} has its reference"
    effect = moved(booked, counted(new, within))
    gone = _finding("moved", ours, new.record_no, f"{what}: {changes}" if changes else what, effect)
    return gone._replace(part=ENTRY, found=new)


def _finding(kind: str, ours: PostedHere, record_no: str, what: str, effect: Amounts) -> Finding:
    entry = ours.entry
    return Finding(kind, entry.reference, record_no, entry.date, entry.currency, entry.amount, what, effect)


def changed(ours: PostedHere, theirs: FoundEntry) -> Iterator[str]:
    """Yield what of an entry is not as it was posted, each as ``name: ours -> theirs``."""
    entry = ours.entry
    title = cut_to_length(" ".join(entry.title.split()), TITLE_LENGTH)
    pairs = (
        ("date", entry.date, theirs.date),
        ("journal", entry.journal, theirs.journal),
        ("reference", entry.reference, theirs.reference or "none"),
        ("title", title, theirs.title),
        ("state", POSTED_STATE, theirs.state),
    )
    yield from (f"{name}: {before} -> {after}" for name, before, after in pairs if before != after)
    yield from _changed_lines(ours, theirs)


def _changed_lines(ours: PostedHere, theirs: FoundEntry) -> Iterator[str]:
    pairs = list(enumerate(zip_longest(ours.entry.sent_lines, theirs.lines), 1))
    shown = [(at, _ours(line), _theirs(one)) for at, (line, one) in pairs]
    changes = [f"line {at}: {before} -> {after}" for at, before, after in shown if before != after]
    for at, (line, one) in pairs:
        if line is not None and one is not None:
            changes += [f"line {at}, {change}" for change in _changed_dimensions(ours.dimensions(line), one.dimensions)]
    yield from changes[:MOST_SHOWN]
    if len(changes) > MOST_SHOWN:
        yield f"{len(changes) - MOST_SHOWN} more"


def _changed_dimensions(ours: Mapping[str, str], theirs: Mapping[str, str]) -> Iterator[str]:
    """Yield the dimensions that were sent and have changed. Those that Intacct filled in itself are not compared."""
    for name, value in ours.items():
        found = theirs.get(name, "none")
        if found != value:
            yield f"{name}: {value} -> {found}"


def _ours(line: SentLine | None) -> str:
    if line is None:
        return "none"
    document = document_text(line.charge, line.document)
    return _line(line.side, line.account, line.amount, line.currency, document)


def _theirs(line: FoundLine | None) -> str:
    if line is None:
        return "none"
    return _line(line.side, line.account, line.amount, line.currency, line.document)


def _line(side: str, account: str, amount: int, currency: str, document: str) -> str:
    return f"{side} {account} {decimal_string(amount, currency)} {currency} {document}".rstrip()
