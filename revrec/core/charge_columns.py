"""Charge lines as columns: the form in which many of them are read, matched with rules and stored at once."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from revrec.core.charge_line import ChargeLine


class ChargeColumns(NamedTuple):
    """Charge lines as columns: the fields of :class:`ChargeLine`, each with one value for every line, in their order.

    Columns are several times faster than lines: a check or a conversion runs once for each different value.
    """

    source: Sequence[str]
    document: Sequence[str]
    line: Sequence[str]
    customer: Sequence[str]
    item: Sequence[str]
    post_date: Sequence[date]
    amount: Sequence[int]
    currency: Sequence[str]
    rev_rec_date: Sequence[date | None]
    description: Sequence[str]
    quantity: Sequence[Decimal | None]
    service_start: Sequence[date | None]
    service_end: Sequence[date | None]
    entity: Sequence[str]
    dimensions: Sequence[Mapping[str, str]]
    credits: Sequence[str]
    recognized_before: Sequence[int]
    cutover: Sequence[date | None]
    bills: Sequence[str]

    def ids(self) -> Iterator[str]:
        """Return the ids of the charges."""
        return map("/".join, zip(self.source, self.document, self.line, strict=True))

    def lines(self) -> Iterator[ChargeLine]:
        """Return the charge lines."""
        return map(ChargeLine._make, zip(*self, strict=True))

    def totals(self) -> dict[str, int]:
        """Return the sum of the amounts by currency, in minor units."""
        currencies = set(self.currency)
        if len(currencies) == 1:
            return {currencies.pop(): sum(self.amount)}
        sums = Counter[str]()
        for currency, amount in zip(self.currency, self.amount, strict=True):
            sums[currency] += amount
        return sums

    def at(self, place: int) -> ChargeLine:
        """Return one charge line."""
        return ChargeLine._make(column[place] for column in self)
