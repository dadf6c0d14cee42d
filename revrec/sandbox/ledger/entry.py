"""A journal entry that passed validation: header and lines, ready to be stored."""

from dataclasses import dataclass, field
from datetime import date

from revrec.sandbox.company.profile import BASE_CURRENCY

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
class EntryLine:
    """One GLENTRY. ``sign`` is 1 for a debit and -1 for a credit.

    Amounts are absolute, in mills: ``trx_mills`` in ``currency``, ``base_mills`` in base currency. ``user_dimensions``:
    record ids of dimensions that the company has defined, by element. ``custom``: custom fields by integration name.
    """

    account: str
    sign: int
    currency: str
    trx_mills: int
    base_mills: int
    entity: str
    dimensions: dict[str, str] = field(default_factory=dict)
    user_dimensions: dict[str, str] = field(default_factory=dict)
    custom: dict[str, str] = field(default_factory=dict)
    base_currency: str = BASE_CURRENCY
    rate: str | None = None
    rate_type: str | None = None
    rate_date: str | None = None
    document: str | None = None
    description: str | None = None


@dataclass(slots=True)
class JournalEntry:
    """One GLBATCH and its lines.

    ``private_entity`` is the entity of the session that created it, if any. ``module`` is the application that created
    it, and ``prrecord`` the RECORDNO of the receivable behind it.
    """

    journal: str
    day: date
    title: str
    state: str
    lines: list[EntryLine]
    reference: str | None = None
    base_location: str | None = None
    reverse_day: date | None = None
    history: str | None = None
    attachment: str | None = None
    private_entity: str | None = None
    module: str = "2.GL"
    prrecord: int | None = None
    custom: dict[str, str] = field(default_factory=dict)

    @property
    def posted(self) -> bool:
        """Return true if the entry counts in balances."""
        return self.state == "Posted"
