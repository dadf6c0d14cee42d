"""A journal entry that passed validation: header and lines, ready to be written."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

STATES = {
    "Draft": "I",
    "Submitted": "S",
    "Partially Approved": "X",
    "Approved": "A",
    "Posted": "P",
    "Declined": "R",
    "Reversal pending": "L",
    "Reversed": "Z",
}


@dataclass(slots=True)
class Line:
    """One GLENTRY. `sign` 1 debit, -1 credit; amounts are absolute mills, in `currency` and in base currency."""

    account: str
    sign: int
    currency: str
    trx_mills: int
    base_mills: int
    entity: str
    dimensions: dict[str, str] = field(default_factory=dict)
    rate: str | None = None
    rate_type: str | None = None
    rate_date: str | None = None
    document: str | None = None
    description: str | None = None


@dataclass(slots=True)
class Entry:
    """One GLBATCH and its lines. `private_entity` is the entity of the session that made it, if any.

    `module` is the application it comes from, `prrecord` the receivable behind it.
    """

    journal: str
    day: date
    title: str
    state: str
    lines: list[Line]
    reference: str | None = None
    base_location: str | None = None
    reverse_day: date | None = None
    history: str | None = None
    attachment: str | None = None
    private_entity: str | None = None
    module: str = "2.GL"
    prrecord: int | None = None

    @property
    def posted(self) -> bool:
        """Whether the entry touches balances."""
        return self.state == "Posted"
