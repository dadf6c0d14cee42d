"""Find the due lines that an entry in Intacct contains.

A reference is a digest of exactly these lines in their order. Lines that give it are proven, whatever the entry shows
by now. Where none do, because the lines were refused or canceled here and there a different number of times, lines
match only if the entry shows each of them to the cent and no other line could be meant.

A summarized entry shows no documents. Its lines are the first ones of its day that give its reference, since lines that
were imported later follow them; or all lines of the only group that its title can mean and that adds up to each of its
amounts to the cent.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, groupby, islice, product
from typing import NamedTuple

from revrec.core.journal import (
    DueLine,
    EntryGroup,
    JournalEntry,
    RateDays,
    build_entry,
    entry_group,
    is_title_of,
    reference_of,
    references_of,
)
from revrec.core.summary import LINE

TRIES = 2000
"""Choices of lines and revisions that are tried for one entry."""
REVISIONS = 16
"""Revisions that are tried for lines that share one here; more than these are left to what the entry shows."""


class EntryPart(NamedTuple):
    """One pair of an entry's lines, as it shows a due line: the document, the accounts, minor units of a currency."""

    document: str
    debit: str
    credit: str
    amount: int
    currency: str


Due = Mapping[str, Sequence[DueLine]]
"""Due lines by their document as an entry shows it."""


def rebuild_entry(
    reference: str, parts: Sequence[EntryPart], due: Due, deployment: str, company: str
) -> JournalEntry | None:
    """Return the entry with this reference, built from due lines; None if no choice of them gives it.

    ``parts`` are in the order of the entry.
    """
    tries = ((lines, past) for lines in _choices(parts, due) for past in _pasts(lines))
    for lines, past in islice(tries, TRIES):
        if reference_of(past, deployment) == reference:
            return build_entry(entry_group(lines[0]), lines, reference, deployment, company)
    return None


def _choices(parts: Sequence[EntryPart], due: Due) -> Iterator[tuple[DueLine, ...]]:
    """Yield each way to give every part its own line, all of one group."""
    alike = [_alike(part, due.get(part.document, ())) for part in parts]
    for lines in islice(product(*alike), TRIES) if parts else ():
        distinct = len({line.key for line in lines}) == len(lines)
        if distinct and len({entry_group(line) for line in lines}) == 1:
            yield lines


def _alike(part: EntryPart, lines: Sequence[DueLine]) -> Sequence[DueLine]:
    """Return the lines that a part may show: those equal to it; if its figures were edited, all of its document."""
    return [line for line in lines if _shown(line, part.document) == part] or lines


def _shown(line: DueLine, document: str) -> EntryPart:
    debit, credit = (line.deferred, line.accrued) if line.amount > 0 else (line.accrued, line.deferred)
    return EntryPart(document, debit, credit, abs(line.amount), line.currency)


def _pasts(lines: Sequence[DueLine]) -> Iterator[list[DueLine]]:
    """Yield the lines with the revisions that they may have had when the entry was made, the nearest ones first.

    Each refusal and cancellation counts a line's revision up, here as in the future that these books do not know.
    Lines that share a revision here are taken to have shared one then.
    """
    here = sorted({line.revision for line in lines})
    for there in product(*(_nearest(now) for now in here)):
        then = dict(zip(here, there, strict=True))
        yield [line._replace(revision=then[line.revision]) for line in lines]


def _nearest(now: int) -> Iterable[int]:
    steps = chain((0,), *((step, -step) for step in range(1, REVISIONS)))
    return (now + step for step in steps if now + step >= 0)


def matched(
    reference: str, parts: Sequence[EntryPart], days: Iterable[date], due: Due, deployment: str, company: str
) -> JournalEntry | None:
    """Return the entry with this reference, built from the due lines that it shows; None if others could be meant.

    Every part must show a due line's document, accounts, amount and currency, and no due line of the same group may
    be shown alike and be left over. ``days`` are those on which the entry may have recognized them.
    """
    wanted = Counter(parts)
    groups: dict[EntryGroup, list[tuple[EntryPart, DueLine]]] = {}
    for document in dict.fromkeys(part.document for part in parts):
        for line in due.get(document, ()):
            groups.setdefault(entry_group(line), []).append((_shown(line, document), line))
    possible = set(days)
    found = [group for group, some in groups.items() if group[0] in possible and _equal(wanted, some)]
    if not parts or len(found) != 1:
        return None
    waiting: dict[EntryPart, list[DueLine]] = {}
    for part, line in groups[found[0]]:
        waiting.setdefault(part, []).append(line)
    lines = [waiting[part].pop(0) for part in parts]
    return build_entry(found[0], lines, reference, deployment, company)


def of_documents(
    reference: str, documents: Iterable[str], days: Iterable[date], due: Due, deployment: str, company: str
) -> JournalEntry | None:
    """Return the entry with this reference, built from all due lines of its documents on one of ``days``, whatever
    figures it shows; None if a document has none, or they are of several groups.

    It counts only on the word of a person.
    """
    possible = set(days)
    each = [[line for line in due.get(document, ()) if line.date in possible] for document in documents]
    lines = [line for some in each for line in some]
    if not all(each) or len({entry_group(line) for line in lines}) != 1:
        return None
    return build_entry(entry_group(lines[0]), lines, reference, deployment, company)


def rebuild_summary(
    reference: str,
    title: str,
    parts: Sequence[EntryPart],
    days: Iterable[date],
    due: Iterable[DueLine],
    deployment: str,
    company: str,
    rates: RateDays,
) -> JournalEntry | None:
    """Return the summarized entry with this reference and title, built from due lines in posting order.

    Return None if no lines give it, or if several groups add up to what it shows.
    """
    shown, possible = {(part.debit, part.credit, part.currency) for part in parts}, set(days)
    candidates = (line for line in due if line.options.summarize != LINE and line.date in possible)
    meant = [line for line in candidates if _accounts(line) in shown]
    groups = [list(some) for _group, some in groupby(meant, key=entry_group)]
    # Proof first, among all groups: another entity can have the same amounts on the same day.
    proven = (_first_lines(reference, lines, deployment) for lines in groups)
    found = next(filter(None, proven), None) or _only_sum(title, parts, groups)
    return build_entry(entry_group(found[0]), found, reference, deployment, company, rates) if found else None


def _accounts(line: DueLine) -> tuple[str, str, str]:
    part = _shown(line, "")
    return part.debit, part.credit, part.currency


def _first_lines(reference: str, lines: Sequence[DueLine], deployment: str) -> Sequence[DueLine]:
    """Return the first lines that give the reference, with one of the pasts that they may have had."""
    for past in islice(_pasts(lines), REVISIONS):
        for count, so_far in enumerate(references_of(past, deployment), 1):
            if so_far == reference:
                return lines[:count]
    return ()


def _only_sum(title: str, parts: Sequence[EntryPart], groups: Iterable[Sequence[DueLine]]) -> Sequence[DueLine]:
    """Return the lines of the only group of this title that adds up to the amounts that an entry shows."""
    alike = [lines for lines in groups if is_title_of(title, entry_group(lines[0])) and _adds_up(parts, lines)]
    return alike[0] if len(alike) == 1 else ()


def _adds_up(parts: Iterable[EntryPart], lines: Iterable[DueLine]) -> bool:
    shown, ours = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
    for part in parts:
        shown[part.debit, part.credit, part.currency] += part.amount
    for line in lines:
        ours[_accounts(line)] += abs(line.amount)
    return shown == ours


def _equal(wanted: Counter[EntryPart], some: Sequence[tuple[EntryPart, DueLine]]) -> bool:
    there = Counter(part for part, _line in some)
    return all(there[part] == count for part, count in wanted.items())
