"""Compare versions of a charge line: a short digest of its figures, and the differences."""

import json
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from revrec.core.calendar import iso
from revrec.core.charge_line import ChargeLine
from revrec.core.money import decimal_string

_SEPARATOR = "\x1f"


def fingerprint(line: ChargeLine) -> str:
    """Return 32 hex characters (blake2b, 128 bits) over all figures of a charge line.

    Two lines have the same fingerprint if :func:`differences` finds none between them: quantities compare by value
    (1 equals 1.0), dimensions in any order, and an empty dimension equals a missing one.
    """
    quantity = line.quantity
    fixed = [
        line.source, line.document, line.line, line.customer, line.item, iso(line.post_date), str(line.amount),
        line.currency, _day(line.rev_rec_date), line.description, "" if quantity is None else _plain(quantity),
        _day(line.service_start), _day(line.service_end), line.entity,
    ]  # fmt: skip
    # Stored fingerprints never change: only lines that credit something have this part. No dimension starts with "/".
    named = [f"/credits={line.credits}"] if line.credits else []
    of_dimensions, are_plain = _dimensions(tuple(line.dimensions.items()))
    parts = [*fixed, *named, *of_dimensions]
    text = _SEPARATOR.join(parts)
    # A separator inside a text, or "=" inside a dimension's name, could make two lines look alike.
    if text.count(_SEPARATOR) != len(parts) - 1 or not are_plain:
        text = json.dumps([*fixed, *named, sorted(_set(line.dimensions).items())])
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _day(day: date | None) -> str:
    return iso(day) if day else ""


@lru_cache(maxsize=4096)
def _dimensions(items: tuple[tuple[str, str], ...]) -> tuple[tuple[str, ...], bool]:
    """Return the texts of a set of dimensions, and False if a name has an "="; cached, as a file has few sets."""
    texts = tuple(f"{name}={value}" for name, value in sorted(items) if value)
    return texts, not any("=" in name for name, _value in items)


def differences(old: ChargeLine, new: ChargeLine) -> list[tuple[str, str, str]]:
    """Return ``(field, old, new)`` as text for each figure that differs; dimensions under their own names."""
    found = [
        (name, _shown(name, old), _shown(name, new))
        for name in ChargeLine._fields
        if name != "dimensions" and getattr(old, name) != getattr(new, name)
    ]
    before, after = _set(old.dimensions), _set(new.dimensions)
    changed = [name for name in sorted({*before, *after}) if before.get(name) != after.get(name)]
    return found + [(name, before.get(name, ""), after.get(name, "")) for name in changed]


def _set(dimensions: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in dimensions.items() if value}


@lru_cache(maxsize=4096)
def _plain(quantity: Decimal) -> str:
    """Return one text per value: 1, 1.0 and 1.00 are all ``1``; exact, unlike Decimal arithmetic with its 28 digits."""
    text = f"{quantity:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _shown(name: str, line: ChargeLine) -> str:
    value: Any = getattr(line, name)
    if name == "amount":
        return decimal_string(line.amount, line.currency)
    return "" if value is None else str(value)
