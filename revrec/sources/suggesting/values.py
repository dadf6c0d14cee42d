"""Find out how a file writes its dates and amounts, by what its values can be and cannot be."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from revrec.core.money import minor_digits
from revrec.sources.amounts import CURRENCY_SIGNS, NumberStyle, ParsedNumber, number_reader
from revrec.sources.dates import UNIX, UNIX_MS, date_reader
from revrec.sources.mapping import UNDECIDED
from revrec.sources.problems import InvalidValue, shorten
from revrec.sources.time_zones import offsets_shown
from revrec.sources.values import is_currency

_SEPARATED = ("%m{0}%d{0}%Y", "%d{0}%m{0}%Y", "%m{0}%d{0}%y", "%d{0}%m{0}%y", "%Y{0}%m{0}%d", "%y{0}%m{0}%d")
_NAMED = ("%d {0} %Y", "%d-{0}-%Y", "%d-{0}-%y", "%d {0} %y", "{0} %d, %Y", "{0} %d %Y", "%d. {0} %Y", "{0}-%d-%Y")
DATE_FORMATS = (
    *(form.format(sign) for sign in "/.- " for form in _SEPARATED),
    *(form.format(month) for month in ("%b", "%B") for form in _NAMED),
)
"""The formats that are tried, besides ISO 8601, which is always read."""

Signs = tuple[str, str]
"""A decimal sign and a thousands sign."""

STYLES: tuple[Signs, ...] = ((".", ","), (",", "."), (".", " "), (",", " "), (".", "'"))
"""The ways to write numbers that are tried."""

_READERS = {signs: number_reader(NumberStyle(*signs, declared=True)) for signs in STYLES}
_EXAMPLES = 3
_LONGEST = 60
_DIGITS_OF_DAY = len("20240328")


class DateEvidence(NamedTuple):
    """The date format of a file: ``format`` is empty if ISO dates are enough, and ``?`` if nothing decides.

    ``why`` is the evidence. ``choices`` are the formats that a person can decide between. ``unread`` counts the texts
    that are no dates in this format.
    """

    format: str
    why: str
    choices: Sequence[str] = ()
    unread: int = 0


class NumberEvidence(NamedTuple):
    """The signs in the numbers of a file; None if nothing decides. ``why`` is the evidence."""

    signs: Signs | None
    why: str


@lru_cache(maxsize=50_000)
def _read_date(text: str, form: str) -> date | None:
    try:
        return date_reader(form or None)(text)
    except InvalidValue:
        return None


@lru_cache(maxsize=50_000)
def _forms(text: str) -> tuple[str, ...]:
    """Return the formats in which a text is a date."""
    return tuple(form for form in DATE_FORMATS if len(text) < _LONGEST and _read_date(text, form))


def is_iso(text: str) -> bool:
    """Return True for a date that needs no format."""
    return len(text) < _LONGEST and _read_date(text, "") is not None


def can_be_date(text: str) -> bool:
    """Return True for a text that is a date in a known format, also 20240328 or 1711665000, which may be numbers."""
    return is_iso(text) or bool(_forms(text)) or bool(unix_form(text))


def unix_form(text: str) -> str:
    """Return the format of a number that can be a Unix time of this century, in seconds or milliseconds; else empty."""
    forms = (form for form in (UNIX, UNIX_MS) if (day := _read_date(text, form)) and 2000 <= day.year < 2100)
    return next(forms, "") if text.isdecimal() and len(text) > _DIGITS_OF_DAY else ""


def is_date(text: str) -> bool:
    """Return True for a text that is a date in a known format and no number."""
    return not text.isdecimal() and can_be_date(text)


def is_number(text: str) -> bool:
    """Return True for a text that is a number in a known style."""
    return bool(_numbers(text))


@lru_cache(maxsize=50_000)
def _numbers(text: str) -> dict[Signs, ParsedNumber]:
    """Return the number that a text is, by the signs with which it is one."""
    found = {}
    for signs, read in _READERS.items() if len(text) < _LONGEST else ():
        try:
            number = read(text)
        except InvalidValue:
            continue
        # Without this, the order number D-100 would be minus 100 of a currency D.
        if not number.beside or _meanings(number.beside):
            found[signs] = number
    return found


def date_evidence(texts: Sequence[str]) -> DateEvidence:
    """Decide the one date format of all dates of a file that are not ISO dates. A draft never prefers an order."""
    others = Counter(text for text in texts if not is_iso(text))
    if not others:
        return DateEvidence("", f"{counted(len(texts), 'date')} in ISO 8601" if texts else "")
    covered = {form: sum(count for text, count in others.items() if form in _forms(text)) for form in DATE_FORMATS}
    most = max(covered.values())
    if not most and len(unix := {unix_form(text) for text in others}) == 1 and "" not in unix:
        unit = "seconds" if UNIX in unix else "milliseconds"
        why = f"{counted(others.total(), 'value')} can be {unit} since 1970, such as {_shown(others, 1)}"
        return DateEvidence(unix.pop(), why)
    if not most:
        return DateEvidence(
            UNDECIDED, f"no known format reads dates such as {_shown(others)}", (), sum(others.values())
        )
    # Of formats with the same order, as with %b and %B for May, the first is enough.
    orders: dict[str, str] = {}
    for form in DATE_FORMATS:
        if covered[form] == most:
            orders.setdefault(_order(form), form)
    unread = sum(others.values()) - most
    rivals = _rivals(others, orders)
    if rivals:
        return DateEvidence(UNDECIDED, rivals, tuple(orders.values()), unread)
    order, form = next(iter(orders.items()))
    opposed = Counter({text: count for text, count in others.items() if form not in _forms(text) and _forms(text)})
    only = Counter({text: count for text, count in others.items() if {_order(one) for one in _forms(text)} == {order}})
    why = f"{only.total():,} of {len(texts):,} dates can only be {form}, such as {_shown(only, 1)}"
    if opposed:
        choices = (form, *dict.fromkeys(one for text in opposed for one in _forms(text)))
        why += f", but {counted(opposed.total(), 'date')} cannot: {_shown(opposed)}"
        return DateEvidence(UNDECIDED, why, choices[:4], unread)
    if unread:
        wrong = Counter({text: count for text, count in others.items() if not _forms(text)})
        why += f"; {counted(unread, 'value')} that are no dates: {_shown(wrong)}"
    return DateEvidence(form, why, (), unread)


def zone_evidence(texts: Sequence[str], date_format: str) -> str:
    """Return why a person must choose the time zone of these dates; empty if none has a time in UTC or two offsets."""
    reader = date_reader(date_format or None)
    for text in texts:
        with suppress(InvalidValue):
            reader(text)
    offsets = reader.days.doubts.offsets
    if not offsets or (timedelta() not in offsets and max(offsets) - min(offsets) <= timedelta(hours=1)):
        return ""
    return f"times have the UTC offset {offsets_shown(offsets)}, and the day of a time depends on the zone of the books"


def _rivals(others: Counter[str], orders: dict[str, str]) -> str:
    """Return why several orders fit equally well; empty if only one does."""
    if len(orders) < 2:
        return ""
    readings = {text: [form for form in orders.values() if form in _forms(text)] for text in others}
    sure = {forms[0]: text for text, forms in readings.items() if len(forms) == 1}
    if len(sure) > 1:
        each = ", ".join(f'"{shorten(text)}" can only be {form}' for form, text in sure.items())
        return f"the dates contradict each other: {each}"
    text = max(readings, key=lambda text: len(readings[text]))
    each = " or ".join(f"{_read_date(text, form)} ({form})" for form in readings[text])
    return f'nothing decides the order of day and month: "{shorten(text)}" can be {each}'


def _order(form: str) -> str:
    """Return the order of year, month and day, however they are written."""
    return re.sub("[^Ymd]", "", form.replace("%y", "%Y").replace("%b", "%m").replace("%B", "%m"))


def number_evidence(texts: Sequence[str], currencies: Iterable[str]) -> NumberEvidence:
    """Decide the decimal and the thousands sign of all amounts of a file.

    The decimals that the file's ``currencies`` (ISO 4217 codes) have decide "1,200": it cannot be 1.2 dollars. Without
    currencies it is not decided, because it can be 1.200 dinars.
    """
    numbers = Counter(text for text in texts if is_number(text))
    digits = max(map(minor_digits, currencies), default=3)
    fitting = [signs for signs in STYLES if all(_fits(text, signs, digits) for text in numbers)]
    if not fitting:
        return NumberEvidence(None, f"no one way to write numbers reads all amounts: {_shown(numbers)}")
    for other in fitting[1:]:
        text = next((text for text in numbers if _value(text, other) != _value(text, fitting[0])), None)
        if text is not None:
            readings = f"{_value(text, fitting[0]):f} or {_value(text, other):f}"
            return NumberEvidence(None, f'nothing decides the decimal sign: "{shorten(text)}" can be {readings}')
    only = Counter({text: count for text, count in numbers.items() if len(_numbers(text)) < len(STYLES)})
    said = f"{only.total():,} of {len(texts):,} amounts show the signs, such as {_shown(only, 1)}" if only else ""
    return NumberEvidence(fitting[0], said)


def _fits(text: str, signs: Signs, digits: int) -> bool:
    """Return True if a text is a number with these signs; a reading with too many decimals loses to one without."""
    readings = _numbers(text)
    if signs not in readings:
        return False
    enough = [one for one in readings.values() if len(one.fraction) <= digits]
    return readings[signs] in enough or not enough


def _value(text: str, signs: Signs) -> Decimal:
    return _numbers(text)[signs].decimal.normalize()


class CurrencyEvidence(NamedTuple):
    """The currency of amounts without a column for it: the signs or codes beside them, with how often each occurs."""

    beside: Counter[str]

    @property
    def meanings(self) -> dict[str, str]:
        """Return the currency of each sign or code; ``?`` if the sign could be several."""
        return {sign: next(iter(known)) if len(known := _meanings(sign)) == 1 else UNDECIDED for sign in self._signs}

    @property
    def possible(self) -> set[str]:
        """Return all currencies that the signs and codes could be."""
        return {code for sign in self._signs for code in _meanings(sign)}

    @property
    def _signs(self) -> list[str]:
        return [sign for sign in self.beside if sign]


def currency_evidence(texts: Sequence[str]) -> CurrencyEvidence:
    """Return what is written beside amounts."""
    return CurrencyEvidence(Counter(next(iter(_numbers(text).values())).beside for text in texts if _numbers(text)))


def _meanings(sign: str) -> frozenset[str]:
    """Return the currencies that a sign or code beside an amount can mean."""
    return frozenset([sign.upper()]) if is_currency(sign.upper()) else CURRENCY_SIGNS.get(sign, frozenset())


def _shown(texts: Iterable[str], most: int = _EXAMPLES) -> str:
    some = list(dict.fromkeys(texts))
    return ", ".join(f'"{shorten(text)}"' for text in some[:most]) + (" ..." if len(some) > most > 1 else "")


def counted(number: int, what: str) -> str:
    """Return a number with its noun: ``1 date``, ``2 dates``."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")
