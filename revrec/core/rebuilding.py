"""From an entry that Intacct has back to the due lines that it was made of.

A reference is a digest of exactly these lines in their order, so that no guess is ever taken for the truth: lines are
chosen by what their entry shows of them, and count only if they give its reference.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from typing import NamedTuple

from revrec.core.journal import DueLine, JournalEntry, entry_of, group_of, reference_of

TRIES = 2000
"""Choices of lines that are tried where several look alike."""
REVISIONS = 4
"""How many refusals of the same lines a forgotten future may have had before."""


class EntryPart(NamedTuple):
    """One pair of an entry's lines, as it shows a due line: the document, the accounts, minor units of a currency."""

    document: str
    debit: str
    credit: str
    amount: int
    currency: str


def rebuilt(
    reference: str, parts: Sequence[EntryPart], due: Mapping[str, Sequence[DueLine]], deployment: str, company: str
) -> JournalEntry | None:
    """The entry with this reference, made of due lines; None if no choice of them gives it.

    ``parts`` stand in the order of the entry, ``due`` has the lines by their document as an entry shows it.
    """
    for lines in islice(_choices(parts, due), TRIES):
        if lines is not None and len({group_of(line) for line in lines}) == 1 and _proven(reference, lines, deployment):
            return entry_of(group_of(lines[0]), lines, reference, deployment, company)
    return None


def _choices(parts: Sequence[EntryPart], due: Mapping[str, Sequence[DueLine]]) -> Iterator[tuple[DueLine, ...] | None]:
    """Each way to give every part a line of its own; None for a way that takes a line twice."""
    alike = [_alike(part, due.get(part.document, ())) for part in parts]
    for lines in product(*alike) if parts else ():
        yield lines if len({(line.charge_no, line.version, line.seq) for line in lines}) == len(lines) else None


def _alike(part: EntryPart, lines: Sequence[DueLine]) -> Sequence[DueLine]:
    """The lines that a part may show: those equal to it; if its figures were changed by hand, all of its document."""
    return [line for line in lines if _shown(line, part.document) == part] or lines


def _shown(line: DueLine, document: str) -> EntryPart:
    debit, credit = (line.deferred, line.accrued) if line.amount > 0 else (line.accrued, line.deferred)
    return EntryPart(document, debit, credit, abs(line.amount), line.currency)


def _proven(reference: str, lines: Sequence[DueLine], deployment: str) -> bool:
    """Whether the lines give the reference: as they are now, or after refusals that were forgotten."""
    again = ([line._replace(revision=line.revision + more) for line in lines] for more in range(REVISIONS))
    return any(reference_of(one, deployment) == reference for one in again)
