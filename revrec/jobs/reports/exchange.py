"""``revrec report exchange``: what stays on deferred accounts in base currency, because rates changed before billing.

Revenue that is earned before it is billed is posted at the rate of its entry, and the invoice at its own rate. With
``rate_date = "recognized"`` every entry has the rate of its date, and so have all entries of contract lines. The rates
come from a file.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.errors import BadConfiguration, BadInput
from revrec.core.exchange import ExchangeDifference, Movement, Rate, Rates, settled_differences
from revrec.core.filters import NO_FILTERS, Filters
from revrec.core.money import decimal_string, minor_digits
from revrec.core.report import Check, Report
from revrec.jobs.gateway import entity_currencies
from revrec.jobs.reports.filters import check_filters
from revrec.jobs.reports.long_rows import kept_rows
from revrec.jobs.reports.report_header import report_header
from revrec.store.reports.exchange import ContractLineAmount, EarnedAmount, contract_line_amounts, earned_amounts
from revrec.store.reports.filters import of_charges
from revrec.store.reports.posted_exchange import PostedDifference, gains_and_losses, posted_differences
from revrec.store.reports.recognition import Conditions

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

GROUPS = ("account", "charge")
AMOUNTS = ("at_entries", "at_billing", "difference", "posted", "not_posted")
MEANING = "no foreign revenue was earned at another rate than it was billed at"

Key = tuple[str, ...]
"""Entity, account, the currency of the transaction and the base currency; by charge, also the charge line's id."""


class ChargeDifference(NamedTuple):
    """The exchange difference of a charge line on a deferred account; ``base`` is the base currency.

    ``rated`` is the day of the rate of its revenue and ``billed`` the one of its invoice's rate; a contract line has
    several of both.
    """

    charge: str
    entity: str
    account: str
    currency: str
    base: str
    difference: ExchangeDifference
    rated: date | None = None
    billed: date | None = None


def exchange(context: "Context", until: date, by: str = "account", filters: Filters = NO_FILTERS) -> Report:
    """Return the exchange differences of the charge lines that are billed by a day, by account or by charge line.

    With filters there is no check, since the accounts of gains and losses are of all charge lines.

    Raises:
        BadInput: ``by`` is not a group, a filter names what these books do not know, or the file has no rate for a day.
        BadConfiguration: no file of rates is configured, or it cannot be used.
    """
    if by not in GROUPS:
        raise BadInput(f"report exchange: --by {by}: expected {', '.join(GROUPS)}")
    rates = read_rates(context)
    found: dict[Key, ExchangeDifference] = {}
    posted: Counter[Key] = Counter()
    with context.database.read() as connection:
        check_filters(context, connection, filters)
        for one in charge_differences(context, connection, until, rates, filters):
            key = key_of(one, by)
            found[key] = found.get(key, ExchangeDifference()).plus(one.difference)
        for there in posted_differences(connection, until, filters):
            posted[key_of(there, by)] += there.amount
        checks = _checks(posted, gains_and_losses(connection, until)) if filters == NO_FILTERS else []
        parameters = {**vars(filters), "date": until, "by": by, "rates": rates.source}
        header = report_header(context, connection, "exchange", parameters)
    columns = ("entity", "account", *(("charge",) if by == "charge" else ()), "transaction", "earned", "currency")
    return Report(
        f"Exchange differences on deferred accounts as of {until}", header, (*columns, *AMOUNTS),
        kept_rows(_rows(found, posted, by)), checks, AMOUNTS, ("entity", "at_entries", "at_billing"),
        {"difference": {"at_billing": 1, "at_entries": -1}, "not_posted": {"difference": 1, "posted": -1}},
        empty=MEANING,
    )  # fmt: skip


def key_of(one: ChargeDifference | PostedDifference, by: str) -> Key:
    """Return which row an amount is in."""
    return (one.entity, one.account, one.currency, one.base, *((one.charge,) if by == "charge" else ()))


def _checks(posted: Mapping[Key, int], gains: Mapping[str, int]) -> list[Check]:
    """Return a check for each base currency that the account of gains and losses has what deferred accounts lost."""
    cleared: Counter[str] = Counter()
    for key, amount in posted.items():
        cleared[key[3]] += amount
    name = "posted on deferred accounts = posted on accounts of gains and losses"
    return [Check(name, base, cleared[base], gains.get(base, 0)) for base in sorted({*cleared, *gains})]


def charge_differences(
    context: "Context", connection: "Connection", until: date, rates: Rates, filters: Filters = NO_FILTERS
) -> Iterator[ChargeDifference]:
    """Yield what is earned at other rates than it is billed at until a day, in parts of a charge line and an account.

    Amounts in base currency have no difference. ``filters`` select charge lines, and the deferred account.

    Raises:
        BadInput: there is no rate for a day.
    """
    only = tuple(of_charges(replace(filters, account=None)))
    for one in _differences(context, connection, until, rates, only):
        if filters.account in (None, one.account):
            yield one


def _differences(
    context: "Context", connection: "Connection", until: date, rates: Rates, only: Conditions
) -> Iterator[ChargeDifference]:
    own = {entity: currency.base for entity, currency in entity_currencies(context).items()}
    invoiced = context.settings.invoiced_sources
    for earned in earned_amounts(connection, until, invoiced, only):
        base = own.get(earned.entity, context.settings.gateway.base_currency)
        rated = rate_day(context, False, earned.post_date, earned.earned)
        if earned.currency != base and rated != earned.billed:
            difference = _difference(earned, base, rated, rates)
            whose = (earned.charge, earned.entity, earned.account, earned.currency, base)
            yield ChargeDifference(*whose, difference, rated, earned.billed)
    amounts = contract_line_amounts(connection, until, invoiced, only)
    for (charge, entity, currency), some in groupby(amounts, attrgetter("charge", "entity", "currency")):
        base = own.get(entity, context.settings.gateway.base_currency)
        if currency != base:
            settled = settled_differences(_movement(one, base, rates) for one in some)
            for account, difference in settled.items():
                if difference.amount or difference.difference:
                    yield ChargeDifference(charge, entity, account, currency, base, difference)


def _movement(one: ContractLineAmount, base: str, rates: Rates) -> Movement:
    worth = rates.in_base(one.amount, one.currency, base, one.rated)
    return Movement(one.day, one.rated, one.account, one.is_earned, one.amount, worth)


def rate_day(context: "Context", is_ordered: bool, post_date: date, dated: date) -> date:
    """Return the day whose rate an entry has: the post date, or its own date if it is before that or so configured.

    Entries of a contract line (``is_ordered``), which several invoices bill, always have the rate of their date.
    """
    is_billed = context.settings.gateway.rate_date == "billed" and post_date <= dated
    return post_date if is_billed and not is_ordered else dated


def _difference(earned: EarnedAmount, base: str, rated: date, rates: Rates) -> ExchangeDifference:
    at = (rates.in_base(earned.amount, earned.currency, base, day) for day in (rated, earned.billed))
    return ExchangeDifference(earned.amount, *at)


def _rows(found: Mapping[Key, ExchangeDifference], posted: Mapping[Key, int], by: str) -> Iterator[dict[str, Any]]:
    for key in sorted({**found, **posted}):
        entity, account, currency, base, *charge = key
        one, there = found.get(key, ExchangeDifference()), posted.get(key, 0)
        amounts = (one.at_entries, one.at_billing, one.difference, there, one.difference - there)
        yield {
            "entity": entity,
            "account": account,
            **({"charge": charge[0]} if by == "charge" else {}),
            "transaction": currency,
            "earned": decimal_string(one.amount, currency),
            "currency": base,
            **{name: decimal_string(amount, base) for name, amount in zip(AMOUNTS, amounts, strict=True)},
        }


def read_rates(context: "Context") -> Rates:
    """Return the rates of the file that is configured.

    Raises:
        BadConfiguration: none is configured, or it cannot be used.
    """
    path = context.settings.gateway.rates
    if path is None:
        fix = 'set rates = "rates.csv" in [gateway], a file with the columns currency, date and rate'
        raise BadConfiguration(f"exchange rates are needed, which Intacct keeps: {fix}")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            # The reader of an empty file would read it again for the names once it is closed.
            columns = reader.fieldnames or ()
    except UnicodeDecodeError:
        raise BadConfiguration(f"{path}: the exchange rates are not UTF-8 text; save the file as UTF-8") from None
    except (OSError, csv.Error) as error:
        raise BadConfiguration(f"{path}: the exchange rates cannot be read: {error}") from None
    missing = [name for name in ("currency", "date", "rate") if name not in columns]
    if missing:
        raise _bad_rate(path, 1, f"the column {missing[0]} is missing", "name the columns currency,date,rate")
    found: dict[tuple[str, str, date], tuple[int, Rate]] = {}
    for at, row in enumerate(rows, 2):
        rate = _rate(path, at, row, context)
        before, first = found.setdefault(rate[:3], (at, rate))
        # Whichever of two rates came last would decide what is posted.
        if rate != first:
            said = f"the rate of {rate.currency} on {rate.day} is {rate.rate} here and {first.rate} in row {before}"
            raise _bad_rate(path, at, said, "keep one of them")
    return Rates([rate for _at, rate in found.values()], str(path))


def _rate(path: Path, at: int, row: Mapping[str | None, Any], context: "Context") -> Rate:
    """Return the rate of a row.

    Raises:
        BadConfiguration: a value is missing or cannot be used, or there are more values than columns.
    """
    if None in row:
        # "1,10" without quotes is two values, and 1 is a rate.
        fix = "write decimals with a point, such as EUR,2024-01-31,1.0850"
        raise _bad_rate(path, at, "has more values than the file has columns", fix)
    currency, written, number = ((row[name] or "").strip() for name in ("currency", "date", "rate"))
    base = (row.get("base") or "").strip() or context.settings.gateway.base_currency
    try:
        day = date.fromisoformat(written)
    except ValueError:
        raise _bad_rate(path, at, f'date "{written}" is not a date') from None
    if not _NUMBER.fullmatch(number):
        raise _bad_rate(path, at, f'rate "{number}" is not a number with a decimal point')
    rate = Decimal(number)
    if rate <= 0:
        raise _bad_rate(path, at, f"rate {number} is not above zero")
    try:
        minor_digits(currency)
        minor_digits(base)
    except BadInput as error:
        raise _bad_rate(path, at, str(error)) from None
    return Rate(currency, base, day, rate)


# Without an exponent: 1e999999 would be written out.
_NUMBER = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,18})?")


def _bad_rate(
    path: Path, at: int, reason: str, fix: str = "write currency, date and rate such as EUR,2024-01-31,1.0850"
) -> BadConfiguration:
    return BadConfiguration(f"{path}: row {at}: {reason}; {fix}")
