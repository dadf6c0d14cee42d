"""Read the text of each kind of field to its value, with bounded caches for what repeats from row to row."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any, Generic, TypeVar

from revrec.core.charge_line import EVENT_KINDS, SCOPES
from revrec.core.keys import suggestion
from revrec.core.money import UnknownCurrency, minor_digits
from revrec.sources.amounts import ParsedNumber, minor_units, number_reader
from revrec.sources.dates import DateReader
from revrec.sources.fields import FieldKind
from revrec.sources.mapping import ColumnMapping
from revrec.sources.problems import InvalidValue
from revrec.sources.text import clean, clean_id, clean_id_part
from revrec.sources.time_zones import DayFinder

CACHE_LIMIT = 20_000
"""Most texts in a cache before it is emptied: enough for dates and codes, and small enough to keep memory use flat."""

MOST_TEXT = 200
"""Most characters of a date or number. A longer one is rejected before it costs time."""

Value = TypeVar("Value")


class ReaderCache(dict[str, Value], Generic[Value]):
    """Cache of text to value. ``read`` is called once for each text; a text that it rejects is not cached.

    A text that differs from its value, such as `` a `` or ``20240105``, is also added to ``normalized_texts``. A row
    without any of these texts was not changed by cleaning, so :class:`revrec.sources.charges.ChargeRows` can skip the
    costly search for its cleaning steps. Skipping too much would lose part of the audit trail; searching too much only
    costs time. So when the set is full it is reduced to the empty text, which every completed row contains: from then
    on every row is searched.
    """

    def __init__(self, read: Callable[[str], Value], normalized_texts: set[str]) -> None:
        super().__init__()
        self._read = read
        self._normalized_texts = normalized_texts

    def __missing__(self, text: str) -> Value:
        value = self._read(text)
        if len(self) >= CACHE_LIMIT:
            self.clear()
        self[text] = value
        if text and str(value) != text:
            if len(self._normalized_texts) >= CACHE_LIMIT:
                self._normalized_texts.clear()
                self._normalized_texts.add("")
            self._normalized_texts.add(text)
        return value


class ValueReaders:
    """The readers of one mapping. Each turns raw text into a value, or raises InvalidValue."""

    def __init__(self, mapping: ColumnMapping) -> None:
        self._style = mapping.style
        self._number = number_reader(mapping.style)
        self.days = DayFinder(mapping.timezone, mapping.times_in)
        self._date = DateReader(mapping.date_format, self.days)
        self.normalized_texts: set[str] = set()
        self.ids = ReaderCache(clean_id, self.normalized_texts)
        self.id_parts = ReaderCache(clean_id_part, self.normalized_texts)
        self.dates: ReaderCache[date | None] = ReaderCache(self.date, self.normalized_texts)
        self.currencies = ReaderCache(currency_code, self.normalized_texts)
        self.quantities: ReaderCache[Decimal | None] = ReaderCache(self.quantity, self.normalized_texts)
        self.plain = {digits: mapping.style.plain(digits).fullmatch for digits in range(5)}

    def number(self, text: str) -> ParsedNumber:
        """Return a number in parts."""
        if len(text) > MOST_TEXT:
            raise InvalidValue(f"is {len(text):,} characters long, too long for a number", "write the number alone")
        return self._number(text)

    def amount(self, text: str, currency: str) -> int:
        """Return an amount in minor units of ``currency``."""
        return minor_units(self.number(text), currency, self._style)

    def date(self, text: str) -> date | None:
        """Return a date; None for empty text."""
        if len(text) > MOST_TEXT:
            raise InvalidValue(f"is {len(text):,} characters long, too long for a date", "write it as 2024-03-28")
        return self._date(text)

    def quantity(self, text: str) -> Decimal | None:
        """Return an exact decimal; None for empty text."""
        if not text.strip():
            return None
        number = self.number(text)
        if number.beside:
            raise InvalidValue(f'"{number.beside}" is not part of a number', "write the number alone")
        return number.decimal

    def percent(self, text: str) -> Decimal | None:
        """Return a percentage from 0 to 100, written with or without ``%``; None for empty text."""
        value = self.quantity(text.strip().removesuffix("%"))
        if value is not None and not 0 <= value <= 100:
            raise InvalidValue("is not between 0 and 100", "write the percentage complete so far, such as 40")
        return value

    def of_kind(self, kind: FieldKind) -> Callable[[str], Any]:
        """Return the reader of a kind of field. An amount needs its currency too: see :meth:`amount`."""
        readers: dict[FieldKind, Callable[[str], Any]] = {
            "id": clean_id,
            "id_part": clean_id_part,
            "text": clean,
            "date": self.date,
            "quantity": self.quantity,
            "percent": self.percent,
            "currency": currency_code,
            "event_kind": event_kind,
            "scope": scope,
        }
        return readers[kind]


def currency_code(text: str) -> str:
    """Return an ISO 4217 currency code in capital letters; empty text remains empty."""
    code = text.strip()
    if not code:
        return ""
    fix = "write a code of three capital letters, such as USD"
    if not re.fullmatch("[A-Za-z]{3}", code):
        raise InvalidValue("is not an ISO 4217 currency code", fix)
    code = code.upper()
    try:
        minor_digits(code)
    except UnknownCurrency:
        raise InvalidValue("is not an ISO 4217 currency that can be billed", fix) from None
    return code


def is_currency(code: str) -> bool:
    """Return True for an ISO 4217 code whose amounts can be billed."""
    try:
        return bool(re.fullmatch("[A-Z]{3}", code)) and minor_digits(code) >= 0
    except UnknownCurrency:
        return False


def scope(text: str) -> str:
    """Return the scope of a change of the price; empty text remains empty."""
    found = text.strip()
    if found and found not in SCOPES:
        raise InvalidValue("is not a scope", f"write {' or '.join(SCOPES)}, or leave it empty")
    return found


def event_kind(text: str) -> str:
    """Return a kind of fulfillment event; empty text remains empty."""
    kind = text.strip()
    if kind and kind not in EVENT_KINDS:
        hint = suggestion(kind, EVENT_KINDS)
        raise InvalidValue("is not a kind of event", f"{hint}write one of {', '.join(EVENT_KINDS)}")
    return kind
