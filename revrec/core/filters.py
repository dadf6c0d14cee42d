"""The filters that all lists have in common."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Basis(StrEnum):
    """The date by which lists and totals count: of the journal entry, or of recognition."""

    ledger = "ledger"
    earned = "earned"


@dataclass(frozen=True)
class Filters:
    """The filters of a list: a customer, item, account, entity, charge line, document or rule, and a span of days.

    A document is named as in its file, or with its source: ``INV-1`` or ``shop/INV-1``. Both days are included; each
    list says which of its dates they mean. None is no limit.
    """

    customer: str | None = None
    item: str | None = None
    account: str | None = None
    entity: str | None = None
    charge: str | None = None
    document: str | None = None
    rule: str | None = None
    first: date | None = None
    last: date | None = None


NO_FILTERS = Filters()
