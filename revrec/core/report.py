"""A report: what it is about, its rows, and the checks that hold between them and other figures of the books."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from revrec.core.calendar import add_months
from revrec.core.money import decimal_string
from revrec.core.typed_dates import DateSpan

MONTHS = {"month": 1, "quarter": 3, "year": 12}


class Check(NamedTuple):
    """Two figures in minor units of ``currency`` that must be equal, and what they are."""

    name: str
    currency: str
    left: int
    right: int

    @property
    def difference(self) -> int:
        """Return left minus right; 0 if the check holds."""
        return self.left - self.right

    def as_row(self) -> dict[str, str]:
        """Return the check with its amounts as decimal strings."""
        amounts = {"left": self.left, "right": self.right, "difference": self.difference}
        return {
            "check": self.name,
            "currency": self.currency,
            **{name: decimal_string(amount, self.currency) for name, amount in amounts.items()},
        }


class Report(NamedTuple):
    """A report. ``amounts`` are the columns of decimal strings; ``spare`` ones may be left out on a narrow terminal."""

    title: str
    header: Mapping[str, Any]
    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    checks: Sequence[Check]
    amounts: Sequence[str]
    spare: Sequence[str] = ()

    @property
    def differences(self) -> list[dict[str, str]]:
        """Return the checks that fail, with their amounts as decimal strings."""
        return [check.as_row() for check in self.checks if check.difference]

    @property
    def ties_out(self) -> bool:
        """Return True if every check holds."""
        return not self.differences


class Period(NamedTuple):
    """A period of a report: its name, such as ``2024-03`` or ``2024-Q1``, and its days."""

    name: str
    first: date
    last: date


def periods_of(span: DateSpan, each: str) -> Iterator[Period]:
    """Yield the months, quarters or years of a span, cut at its ends; the span itself if ``each`` is ``span``."""
    if each not in MONTHS:
        yield Period(f"{span.first} to {span.last}", *span)
        return
    months, first = MONTHS[each], span.first
    while first <= span.last:
        begin = first.replace(day=1, month=(first.month - 1) // months * months + 1)
        end = min(add_months(begin, months) - timedelta(days=1), span.last)
        yield Period(_name(begin, each), first, end)
        first = end + timedelta(days=1)


def _name(begin: date, each: str) -> str:
    if each == "year":
        return f"{begin:%Y}"
    return f"{begin:%Y}-Q{(begin.month + 2) // 3}" if each == "quarter" else f"{begin:%Y-%m}"
