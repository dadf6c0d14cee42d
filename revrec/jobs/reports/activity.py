"""``revrec report activity``: debits and credits of each account by period; ``report journal``: every posted line."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.money import decimal_string
from revrec.core.report import Check, ColumnSum, Period, Report, periods_of
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.base_amounts import BaseCurrencies
from revrec.jobs.reports.drill import drill_rows
from revrec.jobs.reports.exchange import rate_day
from revrec.jobs.reports.filters import check_filters
from revrec.jobs.reports.report_header import report_header
from revrec.store.bulk import sort_on_disk
from revrec.store.posting.posted import account_sums
from revrec.store.reports.journal import COLUMNS, account_activity, posted_entries, posted_lines

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

AMOUNTS = ("opening", "debits", "credits", "closing")
BEHIND = ("reference", "record_no", "date", "earned", "charge", "account", "side", "currency", "amount")
"""The columns of the journal lines behind a figure."""
JOURNAL = (*COLUMNS[:9], "debit", "credit", *COLUMNS[11:])
OF_LINE = JOURNAL[7:20]
"""The columns of the journal that differ from line to line; the others are of the entry."""
IN_BASE = ("base_currency", "base_amount", "rate", "rate_date")
"""The columns of the journal with ``--base``."""


def activity(context: "Context", span: DateSpan, each: str, filters: Filters = NO_FILTERS) -> Report:
    """Return for each period and account what posted entries debit and credit; balances are debit minus credit.

    The check that debits are credits needs both sides of each entry, so there is none with the filter of an account.

    Raises:
        BadInput: a filter names what these books do not know.
    """
    rows: list[dict[str, Any]] = []
    checks: list[Check] = []
    with context.database.read() as connection:
        check_filters(context, connection, filters)
        sort_on_disk(connection)
        balances = _balances(connection, span.first - timedelta(days=1), filters)
        for period in periods_of(span, each):
            active = account_activity(connection, period.first, period.last, filters)
            found = {(one.currency, one.account): one for one in active}
            debits, credits = Counter[str](), Counter[str]()
            for key in sorted({*found, *balances}):
                currency, account = key
                one, opening = found.get(key), balances[key]
                debit, credit = (one.debits, one.credits) if one else (0, 0)
                balances[key] += debit - credit
                debits[currency] += debit
                credits[currency] += credit
                amounts = dict(zip(AMOUNTS, (opening, debit, credit, balances[key]), strict=True))
                rows.append(
                    {"period": period.name, "currency": currency, "account": account}
                    | {name: decimal_string(amount, currency) for name, amount in amounts.items()}
                    | {"lines": one.lines if one else 0, "entries": one.entries if one else 0}
                )
            checks += [
                Check(
                    f"{period.name}: debits = credits",
                    currency,
                    debits[currency],
                    credits[currency],
                    ColumnSum("debits", period.name),
                )
                for currency in sorted(debits)
                if filters.account is None
            ]
        parameters = {**vars(filters), "from": span.first, "to": span.last, "each": each}
        header = report_header(context, connection, "activity", parameters)
    columns = ("period", "currency", "account", *AMOUNTS, "lines", "entries")
    return Report(
        "Activity of accounts by our entries", header, columns, rows, checks, AMOUNTS,
        formulas={"closing": {"opening": 1, "debits": 1, "credits": -1}},
        balances={"opening": "first", "closing": "last"},
    )  # fmt: skip


def _balances(connection: "Connection", until: date, filters: Filters) -> Counter[tuple[str, str]]:
    """Return debits minus credits of the posted entries until a day, by currency and account, in minor units."""
    if filters == NO_FILTERS:
        sums = account_sums(connection, date.min, until)
        return Counter({(currency, account): amount for (account, currency), amount in sums.items()})
    active = account_activity(connection, None, until, filters)
    return Counter({(one.currency, one.account): one.debits - one.credits for one in active})


def drill_activity(context: "Context", report: Report, address: str, filters: Filters = NO_FILTERS) -> Report:
    """Return the posted journal lines behind a figure of the activity, debits above zero in opening and closing.

    ``filters`` are the ones that the report was made with.

    Raises:
        BadInput: the report has no such column or row.
    """
    span = DateSpan(report.header["from"], report.header["to"])
    periods = {one.name: one for one in periods_of(span, str(report.header["each"]))}
    with context.database.read() as connection:
        return drill_rows(
            report,
            address,
            lambda row, column: _lines_behind(connection, row, column, periods[row["period"]], filters),
            BEHIND,
            ("record_no", "earned"),
            "journal lines = the figure",
        )


def _lines_behind(
    connection: "Connection", row: Mapping[str, Any], column: str, period: Period, filters: Filters
) -> Iterator[tuple[Mapping[str, Any], int]]:
    """Yield the journal lines of an account that a figure adds up, with their amounts in minor units."""
    first = period.first if column in ("debits", "credits") else None
    last = period.first - timedelta(days=1) if column == "opening" else period.last
    for line in posted_lines(connection, replace(filters, first=first, last=last, account=row["account"])):
        wanted = column in ("opening", "closing", f"{line['side']}s")
        if wanted and (line["account"], line["currency"]) == (row["account"], row["currency"]):
            minor = -line["amount"] if line["side"] == "credit" and column != "credits" else line["amount"]
            yield {name: line[name] for name in BEHIND if name != "amount"}, minor


class JournalSides:
    """The sums of the debits and credits of journal lines, by currency in minor units."""

    def __init__(self) -> None:
        self._debits, self._credits = Counter[str](), Counter[str]()

    def add(self, side: str, currency: str, amount: int) -> None:
        """Add a journal line."""
        (self._debits if side == "debit" else self._credits)[currency] += amount

    def checks(self, filters: Filters) -> list[Check]:
        """Return for each currency the check that debits are credits; with the filter of an account, there is none."""
        currencies = sorted({*self._debits, *self._credits}) if filters.account is None else ()
        return [Check("debits = credits", one, self._debits[one], self._credits[one]) for one in currencies]


def journal(
    context: "Context", filters: "Filters", base: bool = False, sides: JournalSides | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the posted journal lines that the filters select, with amounts as decimal strings in debit or credit.

    ``base`` adds the columns of :data:`IN_BASE`: the amount in base currency, debits above zero. ``sides`` adds up the
    lines.

    Raises:
        BadConfiguration: an amount in base currency needs rates, and none are configured.
        BadInput: a filter names what these books do not know, or there is no rate for a day.
    """
    columns, currencies = (*JOURNAL, *IN_BASE) if base else JOURNAL, BaseCurrencies(context)
    with context.database.read() as connection:
        check_filters(context, connection, filters)
        sort_on_disk(connection)
        for line in posted_lines(connection, filters):
            minor, side = line.pop("amount"), line.pop("side")
            if sides is not None:
                sides.add(side, line["currency"], minor)
            amount = decimal_string(minor, line["currency"])
            both = {"debit": amount if side == "debit" else None, "credit": amount if side == "credit" else None}
            row = line | both
            if base:
                row |= _in_base(context, currencies, line, minor if side == "debit" else -minor)
            yield {name: row[name] for name in columns}


def journal_by_entry(
    context: "Context", filters: "Filters", sides: JournalSides
) -> Iterator[tuple[Mapping[str, Any], list[tuple[Any, ...]]]]:
    """Yield the lines of :func:`journal` by entry: what they share, and tuples of the columns :data:`OF_LINE`.

    A month can have a million lines, and a row of all columns for each takes longer than reading them.

    Raises:
        BadInput: a filter names what these books do not know.
    """
    with context.database.read() as connection:
        check_filters(context, connection, filters)
        sort_on_disk(connection)
        for entry, lines in posted_entries(connection, filters):
            yield entry, [_with_sides(line, sides) for line in lines]


def _with_sides(line: tuple[Any, ...], sides: JournalSides) -> tuple[Any, ...]:
    no, account, side, minor, currency, *others, _entry = line
    sides.add(side, currency, minor)
    amount = decimal_string(minor, currency)
    both = (amount, None) if side == "debit" else (None, amount)
    return no, account, *both, currency, *others


def _in_base(
    context: "Context", currencies: BaseCurrencies, line: Mapping[str, Any], amount: int
) -> dict[str, str | None]:
    """Return the columns of a journal line in base currency; its rate and the day of it are empty in that currency."""
    currency, base = line["currency"], currencies.of(line["entity"])
    if currency == base:
        return dict(zip(IN_BASE, (base, decimal_string(amount, base), None, None), strict=True))
    posted, rated = date.fromisoformat(line["post_date"]), date.fromisoformat(line["rated"])
    day = rate_day(context, bool(line["is_ordered"]), posted, rated)
    worth, rate = currencies.rates.in_base(amount, currency, base, day), currencies.rates.on(currency, base, day)
    return dict(zip(IN_BASE, (base, decimal_string(worth, base), str(rate), day.isoformat()), strict=True))
