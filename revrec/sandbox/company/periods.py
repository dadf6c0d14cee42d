"""Accounting periods: calendar months, closed through a month for each entity or for the whole company."""

import re
from datetime import date

from revrec.sandbox.company.profile import FIRST_MONTH, LAST_MONTH
from revrec.sandbox.company.store import Store
from revrec.sandbox.company.switches import Switches
from revrec.sandbox.dates import last_day, month_of, us_date
from revrec.sandbox.errors import Error, business_error

TOP_LEVEL = ""
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_PERIOD_NAME = re.compile(r"(Month|Quarter|Calendar Year) Ended (\w+) (\d{4})")
_MONTHS_IN = {"Month": 1, "Quarter": 3, "Calendar Year": 12}


class Periods:
    """The closed months. Closing a month closes all months before it; opening one opens all months after it."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self._store = store
        self._switches = switches
        self._through: dict[str, str] = {}
        self.reload()

    def reload(self) -> None:
        """Read the closed periods from the store again."""
        self._through = dict(self._store.rows("SELECT entity, through FROM closed_period"))

    def close(self, entity: str, month: str) -> None:
        """Close the books of an entity (empty: of the company) through ``yyyy-mm``."""
        _check_month(month)
        self._set(entity, max(month, self._through.get(entity, month)))

    def open(self, entity: str, month: str) -> None:
        """Open ``yyyy-mm`` and all later months of an entity (empty: of the company)."""
        _check_month(month)
        year, number = (int(part) for part in month.split("-"))
        before = f"{year - (number == 1):04d}-{12 if number == 1 else number - 1:02d}"
        self._set(entity, min(before, self._through.get(entity, before)))

    def _set(self, entity: str, through: str) -> None:
        with self._store.transaction():
            self._store.execute("INSERT OR REPLACE INTO closed_period VALUES (?, ?)", (entity, through))
        self._through[entity] = through

    def closed_through(self, entity: str) -> date:
        """Return the last closed date of an entity, or the day before the first period if all periods are open."""
        months = [self._through[key] for key in {entity, TOP_LEVEL} if key in self._through]
        first = date.fromisoformat(f"{FIRST_MONTH}-01")
        closed = [last_day(month) for month in months]
        return max([*closed, date.fromordinal(first.toordinal() - 1)])

    def posting_error(self, day: date, entity: str) -> Error | None:
        """Return the error of posting on ``day`` in an entity, or None when its period is open."""
        month = month_of(day)
        if month < FIRST_MONTH:
            first = date.fromisoformat(f"{FIRST_MONTH}-01")
            return business_error(f"Date must be on or after {us_date(first)}", errorid="SIM-BEFORE-FIRST-PERIOD")
        if month > LAST_MONTH:
            return business_error(f"There is no reporting period for the date {us_date(day)}.", errorid="SIM-NO-PERIOD")
        if day > self.closed_through(entity):
            return None
        return business_error(
            self._closed_text(day, entity),
            errorno=self._switches.closed_period_errorno,
            correction="Open the period, or use a date in an open period.",
            errorid="SIM-PERIOD-CLOSED",
            placeholders=(("DATE", us_date(day)),),
        )

    def _closed_text(self, day: date, entity: str) -> str:
        if self._switches.closed_period_text == "on_or_after":
            first_open = date.fromordinal(self.closed_through(entity).toordinal() + 1)
            return f"Date must be on or after {us_date(first_open)}"
        return f"Periods are closed. Your transaction date ({us_date(day)}) is within a period that's been closed."

    def as_dict(self) -> dict[str, str]:
        """Return the last closed month by entity, with the company as a whole under the empty name."""
        return dict(self._through)


def reporting_period_dates(name: str) -> tuple[date, date] | None:
    """Return the first and last day of a reporting period such as ``Month Ended March 2025``; None if it is unknown."""
    match = _PERIOD_NAME.fullmatch(name)
    if match is None or match.group(2) not in _MONTHS:
        return None
    length, number, year = _MONTHS_IN[match.group(1)], _MONTHS.index(match.group(2)) + 1, int(match.group(3))
    if number % length or not FIRST_MONTH[:4] <= f"{year}" <= LAST_MONTH[:4]:
        return None
    return date(year, number - length + 1, 1), last_day(f"{year}-{number:02d}")


def _check_month(month: str) -> None:
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise ValueError(f"month {month!r} is not valid; write it like 2024-03")
