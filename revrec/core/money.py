"""Money in whole minor units of a currency, never floating point, and its exact split into parts."""

from collections.abc import Sequence
from decimal import Context, Decimal
from functools import lru_cache
from itertools import pairwise

from revrec.core.errors import BadInput

LARGEST = 2**63 - 1
"""The largest amount in minor units: what a signed 64-bit database column holds."""

_EXACT = Context(prec=19)
"""As many figures as the largest amount has, whatever the context of the thread is."""

ROUNDINGS = ("cumulative", "last", "first", "period")
"""How the odd minor units of a split are distributed; see :func:`split`."""


class UnknownCurrency(BadInput):
    """The currency is not one of ISO 4217, or has no minor unit (gold, testing codes)."""


class BadAmount(BadInput):
    """The amount cannot be kept in whole minor units of its currency."""


EVERYDAY = {**dict.fromkeys(("USD", "EUR", "GBP", "CAD", "AUD", "NZD", "CHF", "SEK", "NOK", "DKK"), 2), "JPY": 0}
"""Decimals of the currencies met every day, so that a short command need not read the whole ISO table for them."""


@lru_cache(maxsize=1024)
def minor_digits(currency: str) -> int:
    """Return the number of decimals of a currency by ISO 4217: USD 2, JPY 0, KWD 3.

    Raises:
        UnknownCurrency: the code is not in ISO 4217, or has no minor unit.
    """
    if currency in EVERYDAY:
        return EVERYDAY[currency]
    # Imported here: the library reads the whole ISO table when it is imported.
    from iso4217 import Currency

    try:
        digits = Currency(currency).exponent
    except ValueError:
        hint = f": write it as {currency.upper()}" if _is_known(currency.upper()) else ""
        wanted = hint or "; expected a code of three capital letters such as USD"
        raise UnknownCurrency(f"currency {currency!r} is not in ISO 4217{wanted}") from None
    if digits is None:
        raise UnknownCurrency(f"currency {currency!r} has no minor unit, so it cannot be billed in")
    return int(digits)


def _is_known(currency: str) -> bool:
    from iso4217 import Currency

    return currency in {known.value for known in Currency}


def to_minor(amount: Decimal, currency: str) -> int:
    """Convert ``Decimal("24.00")``, ``"USD"`` to 2400.

    Raises:
        BadAmount: the amount would have to be rounded, or is too large.
    """
    digits = minor_digits(currency)
    if not amount.is_finite():
        raise BadAmount(f"amount {amount} is not a number: write it as 24.00")
    _sign, figures, exponent = amount.as_tuple()
    assert isinstance(exponent, int)
    if -exponent > digits:
        raise BadAmount(f"amount {amount} has {-exponent} decimals, {currency} has {digits}")
    if not amount:
        return 0
    # Checked before any arithmetic, which rounds to a context; and 10**exponent may be astronomical.
    if len(figures) + exponent + digits > _EXACT.prec:
        raise _too_large(amount, currency)
    minor = int(amount.scaleb(digits, _EXACT))
    if abs(minor) > LARGEST:
        raise _too_large(amount, currency)
    return minor


def _too_large(amount: Decimal, currency: str) -> BadAmount:
    return BadAmount(f"amount {amount} {currency} is larger than {decimal_string(LARGEST, currency)}")


def decimal_string(minor: int, currency: str) -> str:
    """Convert 2400, ``"USD"`` to ``"24.00"``, the form of amounts in JSON, CSV and Intacct requests."""
    digits = minor_digits(currency)
    if not digits:
        return str(minor)
    figures = str(minor)
    if minor > 0 and len(figures) > digits:
        return f"{figures[:-digits]}.{figures[-digits:]}"
    figures = str(abs(minor)).zfill(digits + 1)
    return f"{'-' if minor < 0 else ''}{figures[:-digits]}.{figures[-digits:]}"


def split(total: int, weights: Sequence[int], rounding: str = "cumulative") -> list[int]:
    """Split ``total`` minor units in proportion to ``weights`` (whole, none negative, not all zero).

    The parts always add up to ``total``, also if it is negative, and no part has another sign than it. Rounding is half
    away from zero:

    - ``cumulative``: each part is the rounded cumulative share minus what came before; no part is ever more than
      one minor unit from its exact share.
    - ``last``: each part is rounded by itself, and the last one gets the difference.
    - ``first``: the later parts are rounded by themselves, and the first one gets the difference.
    - ``period``: the amount of a whole period, the largest weight, is rounded first; each part is its rounded share of
      that amount, and the last one gets the difference (Business Central's "Straight-Line").

    Raises:
        ValueError: a weight is negative, or all are zero.
    """
    # Split the absolute amount: rounding a negative one directly would give a credit other cents than its invoice, and
    # the two would not cancel out.
    if total < 0:
        return [-part for part in split(-total, weights, rounding)]
    count = len(weights)
    if rounding == "cumulative" and count and weights[0] > 0 and weights.count(weights[0]) == count:
        whole, odd = divmod(total, count)
        return [whole + extra for extra in _extras(odd, count)] if odd else [whole] * count
    if not count or min(weights) < 0 or not any(weights):
        raise ValueError("weights must be whole numbers, none negative and not all zero")
    if rounding == "cumulative":
        return _cumulative(total, weights, sum(weights))
    if rounding not in ROUNDINGS:
        raise ValueError(f"rounding must be one of {', '.join(ROUNDINGS)}")
    return _with_rest(total, rounded_shares(total, weights, rounding), 0 if rounding == "first" else count - 1)


def largest_remainders(total: int, weights: Sequence[int]) -> list[int]:
    """Return the shares of ``total`` by weights of zero or more, whole and adding up to it; all 0 without a weight.

    Each share is rounded down, and the largest remainders get what is left: so 63 %, 23 % and 14 % add up to 100 %.
    """
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda at: (-(total * weights[at] % whole), at))
    for at in by_remainder[: total - sum(shares)]:
        shares[at] += 1
    return shares


def whole_units(amounts: Sequence[int], currency: str) -> list[int]:
    """Return amounts (minor units) rounded to whole units of the currency, in minor units.

    Their sum is the rounded sum of the amounts: halves are rounded up, and the largest remainders are.
    """
    unit = 10 ** minor_digits(currency)
    total = (2 * sum(amounts) + unit) // (2 * unit)
    found = [amount // unit for amount in amounts]
    by_remainder = sorted(range(len(amounts)), key=lambda at: (-(amounts[at] % unit), at))
    for at in by_remainder[: total - sum(found)]:
        found[at] += 1
    return [one * unit for one in found]


@lru_cache(maxsize=4096)
def _extras(odd: int, count: int) -> tuple[int, ...]:
    """Return which of ``count`` equal parts get one of the ``odd`` minor units that are left over."""
    return tuple(_cumulative(odd, (1,) * count, count))


def _cumulative(total: int, weights: Sequence[int], all_of_it: int) -> list[int]:
    """Return the shares of the first weights, which add up to ``all_of_it`` with those that follow."""
    so_far = done = 0
    parts = []
    for weight in weights:
        so_far += weight
        due = _share(total, so_far, all_of_it)
        parts.append(due - done)
        done = due
    return parts


def rounded_shares(total: int, weights: Sequence[int], rounding: str) -> list[int]:
    """Return each share of a total that is not negative, rounded by itself (``last``, ``first``, ``period``)."""
    whole, scale = total, sum(weights)
    if rounding == "period":
        whole, scale = period_amount(total, weights), max(weights)
    return [_share(whole, weight, scale) for weight in weights]


def _with_rest(total: int, shares: Sequence[int], rest: int) -> list[int]:
    """Return the shares in order, with what they leave of ``total`` as the part at ``rest``.

    Where they are rounded up to more than ``total``, such as 0.07 in twelve parts of 0.01, the later ones are cut:
    the rest would otherwise be below zero.
    """
    parts, left = [0] * len(shares), total
    for at, share in enumerate(shares):
        if at != rest:
            parts[at] = min(share, left)
            left -= parts[at]
    parts[rest] = left
    return parts


def period_amount(total: int, weights: Sequence[int]) -> int:
    """Return the rounded amount of a whole period, the largest weight, for a total that is not negative."""
    return _share(total, max(weights), sum(weights))


def _share(total: int, weight: int, scale: int) -> int:
    """Return ``total * weight / scale``, rounded half up."""
    return (2 * total * weight + scale) // (2 * scale)


def first_share(total: int, weights: Sequence[int]) -> int:
    """Return the first part of ``total`` as :func:`split` divides it, by cumulative rounding."""
    share = _share(abs(total), weights[0], sum(weights))
    return share if total > 0 else -share


def first_shares(total: int, weights: Sequence[int], count: int) -> list[int]:
    """Return the first ``count`` parts of ``total`` as :func:`split` divides it, by cumulative rounding.

    The weights are above zero.
    """
    if total < 0:
        return [-part for part in first_shares(-total, weights, count)]
    if weights.count(weights[0]) == len(weights):
        whole, odd = divmod(total, len(weights))
        return [whole + extra for extra in _extras(odd, len(weights))[:count]] if odd else [whole] * count
    return _cumulative(total, weights[:count], sum(weights))


def increments(positions: Sequence[int]) -> tuple[int, ...] | None:
    """Return the weights that split as :func:`split_by_progress` does by these positions.

    None if progress does not grow from each position to the next one. At the end it may stay.
    """
    found = tuple(after - before for before, after in pairwise((0, *positions)))
    return found if min(found[:-1], default=1) > 0 and found[-1] >= 0 else None


def divisible_amounts(weights: Sequence[int]) -> range:
    """Return the amounts, without sign, that a database can split by ``cumulative`` rounding as :func:`split` does.

    Below them a part may be zero, and a schedule has no such part; above them 64-bit integers overflow. Empty if a
    weight is not above zero.
    """
    return divisible_by(sum(weights), min(weights))


def divisible_by(total: int, smallest: int) -> range:
    """Return the same for weights of this sum, none of which is smaller than ``smallest``."""
    return range(-(-total // smallest), LARGEST // 2 // total) if smallest > 0 else range(0)


def split_by_progress(total: int, positions: Sequence[int]) -> list[int]:
    """Split ``total`` minor units by cumulative progress; the last position is the whole.

    Each part is the rounded cumulative share (half away from zero) minus what came before: the cumulative catch-up. A
    position below the previous one takes revenue back.

    Raises:
        ValueError: the whole is not above zero.
    """
    whole = positions[-1]
    if whole <= 0:
        raise ValueError("the last position is the whole and must be above zero")
    if total < 0:
        return [-part for part in split_by_progress(-total, positions)]
    done, parts = 0, []
    for position in positions:
        due = _share(total, position, whole)
        parts.append(due - done)
        done = due
    return parts
