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
    """The filters of a list: a customer, item, account, entity, charge line, document, rule or currency, dimensions,
    and a span of days.

    A document is named as in its file, or with its source: ``INV-1`` or ``shop/INV-1``. Each of ``dimension`` is
    ``NAME=VALUE``, and all of them must match; an empty value matches lines without the dimension. Both days are
    included; each list says which of its dates they mean. None is no limit.
    """

    customer: str | None = None
    item: str | None = None
    account: str | None = None
    entity: str | None = None
    charge: str | None = None
    document: str | None = None
    rule: str | None = None
    currency: str | None = None
    dimension: tuple[str, ...] | None = None
    first: date | None = None
    last: date | None = None

    @property
    def dimensions(self) -> dict[str, str]:
        """The value of each dimension."""
        return dict(one.split("=", 1) for one in self.dimension or ())


NO_FILTERS = Filters()
