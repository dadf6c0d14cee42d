"""List what is behind a figure of a report: charge lines, and the schedule lines and entries of each.

The charge lines are the rows of the same report by charge line. They must add up to the figure, and where a figure
consists of schedule lines, these must add up to the charge lines.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.calendar import month_end
from revrec.core.charge_line import LOSS_MARK
from revrec.core.errors import BadInput
from revrec.core.money import decimal_string
from revrec.core.report import (
    SINGLE,
    Check,
    ColumnSum,
    Report,
    fields_of,
    key_names,
    minor_of,
    periods_of,
    read_address,
)
from revrec.core.rules.costs import cost_of
from revrec.core.typed_dates import DateSpan
from revrec.store.reports.parts import RecognizedPart, charge_numbers, earned_parts, open_parts, posted_parts
from revrec.store.reports.recognition import ACTUAL, DUE, PLANNED

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

COLUMNS = (
    "charge", "currency", "account", "version", "line", "earned", "dated", "entry", "record_no", "state", "amount",
)  # fmt: skip
SPARE = ("record_no", "version", "account", "state")
CHARGE = "charge"
NOTHING = "no charge lines are behind this figure"

Charges = dict[tuple[str, str, str], int]
"""Minor units by charge line, currency and account; the account is empty if the report has none."""


class PartsOf(NamedTuple):
    """The schedule lines of a figure: on entries ``posted`` within these days, ``earned``, or ``open`` after a day.

    Days are ISO text. ``only_negative``: only what takes revenue back. ``expensed``: the lines are of costs, whose
    amounts are negative and are shown above zero. ``lost``: the lines are of the impairment losses of the costs.
    """

    posted: tuple[str, str] | None = None
    earned: tuple[str, str] | None = None
    open: tuple[str, str, str] | None = None
    only_negative: bool = False
    expensed: bool = False
    lost: bool = False


def drill(
    context: "Context",
    report: Report,
    address: str,
    by_charge: Callable[[], Report],
) -> Report:
    """Return what is behind the figure at an address, such as ``period=2024-03,column=recognized``.

    ``by_charge`` makes the same report, also by charge line (:func:`also_by_charge`).

    Raises:
        BadInput: the report has no such column or row.
    """
    keys, column, rows = figure_at(report, address)
    with context.database.read() as connection:
        charges = _charges(by_charge().rows, keys, column)
        wanted, listed = _parts_of(report, keys, column), list[dict[str, Any]]()
        parts = _read(connection, wanted, charges) if wanted else {}
        for key, amount in sorted(charges.items()):
            listed += _rows(key, amount, parts.get(key, ()), column)
    header = {**report.header, "drill": address}
    checks = list(_checks(column, rows, charges, parts if wanted else None))
    return Report(
        title_of(report, keys, column),
        header,
        COLUMNS,
        listed,
        checks,
        ("amount",),
        SPARE,
        empty=NOTHING,
    )


def drill_rows(
    report: Report,
    address: str,
    find: Callable[[Mapping[str, Any], str], Iterable[tuple[Mapping[str, Any], int]]],
    columns: Sequence[str] = COLUMNS,
    spare: Sequence[str] = SPARE,
    name: str = "charge lines = the figure",
) -> Report:
    """Return what is behind the figure at an address, which ``find`` returns for a row and a column.

    Each is its values by column, without the amount, and the amount in minor units. ``name`` is the name of the check.

    Raises:
        BadInput: the report has no such column or row.
    """
    keys, column, rows = figure_at(report, address)
    cell, found, listed = Counter[str](), Counter[str](), list[dict[str, Any]]()
    for row in rows:
        currency = row["currency"]
        cell[currency] += minor_of(row, column)
        for values, amount in find(row, column):
            found[currency] += amount
            blank = {name: column if name == "state" else "" for name in columns}
            listed.append({**blank, "currency": currency, **values, "amount": decimal_string(amount, currency)})
    checks = [Check(name, one, found[one], cell[one], ColumnSum("amount")) for one in sorted(cell)]
    header = {**report.header, "drill": address}
    return Report(title_of(report, keys, column), header, columns, listed, checks, ("amount",), spare, empty=NOTHING)


def also_by_charge(by: str) -> str:
    """Return the fields that the rows of a report are grouped by, with the charge line."""
    return ",".join(dict.fromkeys((*fields_of(by), CHARGE)))


def title_of(report: Report, keys: Mapping[str, str], column: str) -> str:
    """Return the title of what is behind a figure."""
    return f"{column} of {', '.join(keys.values()) or 'all rows'}: {report.title}"


def figure_at(report: Report, address: str) -> tuple[dict[str, str], str, list[Mapping[str, Any]]]:
    """Return the values in an address of a figure, its column, and the rows that have these values.

    Raises:
        BadInput: the report has no such column or row.
    """
    if report.header.get("by") == SINGLE:
        raise BadInput(f"--drill {address}: each row of --by {SINGLE} is a single change; choose another --by")
    keys = read_address(address)
    column = keys.pop("column", "")
    names = key_names(report)
    if column not in report.amounts:
        raise BadInput(f"--drill {address}: name a column as column=NAME: {', '.join(report.amounts)}")
    unknown = next((name for name in keys if name not in names), None)
    if unknown is not None:
        raise BadInput(f"--drill {address}: rows of this report have {', '.join(names)}, not {unknown}")
    rows = [row for row in report.rows if has_values(row, keys) and row[column] is not None]
    if not rows:
        raise BadInput(f"--drill {address}: the report has no such row; use the values of one of its rows")
    if column in report.balances and "period" not in keys:
        # Balances of several periods do not add up: the total has the one of the first or of the last period.
        keys["period"] = rows[0 if report.balances[column] == "first" else -1]["period"]
        rows = [row for row in rows if has_values(row, keys)]
    return keys, column, rows


def has_values(row: Mapping[str, Any], keys: Mapping[str, str]) -> bool:
    """Check whether a row has the values of an address."""
    return all(str(row[name]) == value for name, value in keys.items())


def _charges(rows: Iterable[Mapping[str, Any]], keys: Mapping[str, str], column: str) -> Charges:
    found: Charges = Counter()
    for row in rows:
        if has_values(row, keys):
            found[row[CHARGE], row["currency"], str(row.get("account", ""))] += minor_of(row, column)
    return {key: amount for key, amount in found.items() if amount}


def _parts_of(report: Report, keys: Mapping[str, str], column: str) -> PartsOf | None:
    """Return the schedule lines that make up a column; None if other things do too, such as what was billed."""
    name, header = report.header["report"], report.header
    if name in ("revenue", "rollforward"):
        # A row of an agent has the commission, and the schedule line of its charge line the price.
        is_net = name == "rollforward" and any(minor_of(row, "to_principals") for row in report.rows)
        if is_net or column not in ("revenue", "recognized", "taken_back"):
            return None
        days = _days_of_period(DateSpan(header["from"], header["to"]), str(header["each"]), keys.get("period"))
        is_back = column == "taken_back"
        return (
            PartsOf(earned=days, only_negative=is_back)
            if header["basis"] == "earned"
            else PartsOf(posted=days, only_negative=is_back)
        )
    if name == "costs" and column in ("amortized", "impaired"):
        days = _days_of_period(DateSpan(header["from"], header["to"]), str(header["each"]), keys.get("period"))
        return PartsOf(posted=days, expensed=True, lost=column == "impaired")
    if name == "forecast" and column == "actual":
        return PartsOf(posted=(header["from"].isoformat(), header["to"].isoformat()))
    if name == "waterfall":
        return _of_waterfall(header, column)
    return None


def _of_waterfall(header: Mapping[str, Any], column: str) -> PartsOf | None:
    """Return the lines of a period: what is dated in it and posted by the day, and what is not, by its own day."""
    until, kinds = header["date"], header.get("cells") or (ACTUAL, DUE, PLANNED)
    months = [date.fromisoformat(f"{header[name]}-01") for name in ("from", "to")]
    span = DateSpan(months[0], month_end(months[1]))
    period = next((one for one in periods_of(span, str(header.get("each", "month"))) if one.name == column), None)
    if period is None:
        return None
    begin = period.first if DUE in kinds else max(period.first, until + timedelta(days=1))
    end = period.last if PLANNED in kinds else min(period.last, until)
    posted = (period.first.isoformat(), min(period.last, until).isoformat())
    later = (until.isoformat(), begin.isoformat(), end.isoformat())
    return PartsOf(posted=posted if ACTUAL in kinds else None, open=later if begin <= end else None)


def _days_of_period(span: DateSpan, each: str, name: str | None) -> tuple[str, str]:
    """Return the days of the period with this name, or of all periods."""
    chosen = next((one for one in periods_of(span, each) if one.name == name), None)
    first, last = (chosen.first, chosen.last) if chosen else span
    return first.isoformat(), last.isoformat()


def _read(
    connection: "Connection", wanted: PartsOf, charges: Charges
) -> dict[tuple[str, str, str], list[RecognizedPart]]:
    currencies = {charge: currency for charge, currency, _account in charges}
    has_accounts = any(account for _charge, _currency, account in charges)
    ids = [f"{charge}{LOSS_MARK}" for charge in currencies] if wanted.lost else list(currencies)
    numbers = list(charge_numbers(connection, ids).values())
    found: dict[tuple[str, str, str], list[RecognizedPart]] = defaultdict(list)
    for part in _all_parts(connection, wanted, numbers):
        if part.amount < 0 or not wanted.only_negative:
            charge = cost_of(part.charge) if wanted.lost else part.charge
            shown = part._replace(amount=-part.amount) if wanted.expensed else part
            found[charge, currencies[charge], part.account if has_accounts else ""].append(shown)
    return {key: parts for key, parts in found.items() if key in charges}


def _all_parts(connection: "Connection", wanted: PartsOf, numbers: Sequence[int]) -> Iterator[RecognizedPart]:
    if wanted.posted:
        yield from posted_parts(connection, numbers, *wanted.posted)
    if wanted.earned:
        yield from earned_parts(connection, numbers, *wanted.earned)
    if wanted.open:
        yield from open_parts(connection, numbers, *wanted.open)


def _rows(
    key: tuple[str, str, str], amount: int, parts: Sequence[RecognizedPart], column: str
) -> Iterator[dict[str, Any]]:
    """Yield the schedule lines of a charge line; the charge line itself if the figure has other parts."""
    charge, currency, account = key
    for part in parts:
        yield {
            **part._asdict(), "version": part.version or "", "line": part.line or "", "currency": currency,
            "amount": decimal_string(part.amount, currency),
        }  # fmt: skip
    if not parts:
        blank = dict.fromkeys(COLUMNS, "")
        yield blank | {
            "charge": charge, "currency": currency, "account": account, "state": column,
            "amount": decimal_string(amount, currency),
        }  # fmt: skip


def _checks(
    column: str,
    rows: Sequence[Mapping[str, Any]],
    charges: Charges,
    parts: Mapping[tuple[str, str, str], Sequence[RecognizedPart]] | None,
) -> Iterator[Check]:
    cell, of_charges, of_parts = Counter[str](), Counter[str](), Counter[str]()
    for row in rows:
        cell[row["currency"]] += minor_of(row, column)
    for key, amount in charges.items():
        of_charges[key[1]] += amount
        of_parts[key[1]] += sum(part.amount for part in (parts or {}).get(key, ()))
    for currency in sorted(cell):
        yield Check("charge lines = the figure", currency, of_charges[currency], cell[currency])
        if parts is not None:
            left, right = of_parts[currency], of_charges[currency]
            yield Check("schedule lines = charge lines", currency, left, right, ColumnSum("amount"))
