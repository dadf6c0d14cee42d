"""Adjusting entries: journal entries about a balance on a day, without schedule lines.

A kind of adjusting entries proposes what the ledger should have: one :class:`Adjustment` for each subject, such as the
contract assets on a deferred account. The difference to what was proposed before becomes an :class:`AdjustingEntry`.
"""

import hashlib
from base64 import b32encode
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from revrec.core.journal import (
    ADJUSTING_PREFIX,
    MARK_LENGTH,
    REFERENCE_LENGTH,
    REFERENCE_PREFIX,
    JournalEntry,
    control_id_of,
    mark_of,
)
from revrec.core.summary import SummaryLine

Day = date
"""For :class:`AdjustingEntry`, where ``date`` is the name of a field."""

PRESENTATION, EXCHANGE = "presentation", "exchange"
KINDS = (PRESENTATION, EXCHANGE)
"""The kinds of adjusting entries: reclassifications for the balance sheet, and exchange differences (ASC 830-20-35)."""

Key = tuple[str, str, str]
"""The subject, entity and currency of an adjustment."""
Place = tuple[str, str, str, tuple[tuple[str, str], ...]]
"""The account, customer, item and dimensions of a line, by which amounts are compared."""


class AdjustingLine(NamedTuple):
    """An amount on an account, in minor units of the entry's currency: above zero is a debit, below zero a credit."""

    account: str
    amount: int
    memo: str = ""
    customer: str = ""
    item: str = ""
    dimensions: Mapping[str, str] = {}

    @property
    def place(self) -> Place:
        """Return the account, customer, item and dimensions."""
        return self.account, self.customer, self.item, tuple(sorted(self.dimensions.items()))


class Adjustment(NamedTuple):
    """The adjustment of a subject on a day; its lines add up to zero.

    ``kind``, ``subject``, ``day``, ``entity`` and ``currency`` identify it. ``reason`` explains it in words.
    If ``reversed_on`` is not None, each entry has a reversal that is dated with that day.
    """

    kind: str
    subject: str
    day: Day
    entity: str
    currency: str
    journal: str
    lines: tuple[AdjustingLine, ...]
    reason: str
    reversed_on: Day | None = None

    @property
    def key(self) -> Key:
        """Return its identity within its kind and day."""
        return self.subject, self.entity, self.currency

    @property
    def title(self) -> str:
        """Return the title of its entries."""
        return f"Rev rec {self.kind} {self.day.isoformat()} {self.entity}".rstrip()


class AdjustingEntry(NamedTuple):
    """One entry of an adjustment, or the reversal of one.

    ``sequence`` counts the entries of the adjustment, with reversals. ``reverses`` is the reference of the entry that
    it reverses, otherwise empty. ``date`` is its date in the ledger, ``rated`` the day of its exchange rates.
    """

    reference: str
    control_id: str
    kind: str
    subject: str
    day: Day
    entity: str
    currency: str
    sequence: int
    date: Day
    journal: str
    title: str
    reason: str
    lines: tuple[AdjustingLine, ...]
    reverses: str = ""

    @property
    def amount(self) -> int:
        """Return the sum of the debits in minor units."""
        return sum(line.amount for line in self.lines if line.amount > 0)

    @property
    def key(self) -> Key:
        """Return the identity of its adjustment within its kind and day."""
        return self.subject, self.entity, self.currency

    @property
    def to_send(self) -> JournalEntry:
        """Return it as a journal entry for Intacct. A reversal has the exchange rates of the entry that it reverses."""
        lines = tuple(
            SummaryLine(
                at, "debit" if line.amount > 0 else "credit", line.account, abs(line.amount), self.currency,
                line.memo or self.reason, line.customer, line.item, line.dimensions, None, (), at, at,
            )
            for at, line in enumerate(self.lines, 1)
        )  # fmt: skip
        return JournalEntry(
            self.reference, self.control_id, self.date, self.journal, self.entity, self.currency, self.title, (),
            rated=self.day if self.reverses else None, summary=lines,
        )  # fmt: skip


def difference(wanted: Sequence[AdjustingLine], before: Iterable[AdjustingLine]) -> tuple[AdjustingLine, ...]:
    """Return the lines that bring what was posted ``before`` to what is ``wanted``; empty if they are equal."""
    amounts: Counter[Place] = Counter()
    shown: dict[Place, AdjustingLine] = {}
    for sign, lines in ((-1, before), (1, wanted)):
        for line in lines:
            amounts[line.place] += sign * line.amount
            shown[line.place] = line
    found = [shown[place]._replace(amount=amount) for place, amount in amounts.items() if amount]
    return tuple(sorted(found, key=lambda line: (line.amount < 0, line.place)))


def build_adjusting_entry(
    adjustment: Adjustment, lines: tuple[AdjustingLine, ...], sequence: int, deployment: str, company: str
) -> AdjustingEntry:
    """Build an entry of an adjustment, dated with its day.

    The reference depends on the identity of the adjustment and on ``sequence`` alone: books that were restored from a
    copy propose the entry again under the reference that Intacct has.
    """
    one, reference = adjustment, adjusting_reference(adjustment, sequence, deployment)
    return AdjustingEntry(
        reference, control_id_of(company, deployment, reference), one.kind, one.subject, one.day, one.entity,
        one.currency, sequence, one.day, one.journal, one.title, one.reason, lines,
    )  # fmt: skip


def reversal_of_adjusting(
    entry: AdjustingEntry, day: Day, sequence: int, deployment: str, company: str
) -> AdjustingEntry:
    """Build the reversal of an adjusting entry: the same lines with debits and credits exchanged, dated ``day``."""
    reference = adjusting_reference(entry, sequence, deployment)
    return entry._replace(
        reference=reference,
        control_id=control_id_of(company, deployment, reference),
        sequence=sequence,
        date=day,
        title=f"{entry.title}, reversed {day.isoformat()}",
        lines=tuple(line._replace(amount=-line.amount) for line in entry.lines),
        reverses=entry.reference,
    )


def adjusting_reference(one: Adjustment | AdjustingEntry, sequence: int, deployment: str) -> str:
    """Return the reference of an entry of an adjustment: the mark of the deployment, and a digest of its identity."""
    identity = (one.kind, one.subject, one.day.isoformat(), one.entity, one.currency, str(sequence))
    digest = hashlib.sha256("\n".join([deployment, "adjusting", *identity]).encode()).digest()
    return adjusting_mark(mark_of(deployment)) + b32encode(digest).decode()[: REFERENCE_LENGTH - MARK_LENGTH]


def adjusting_mark(mark: str) -> str:
    """Return the first characters of the references of a deployment's adjusting entries, from its other entries'."""
    return ADJUSTING_PREFIX + mark.removeprefix(REFERENCE_PREFIX)
