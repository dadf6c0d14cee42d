"""``revrec report activity``: debits and credits of each account by period; ``report journal``: every posted line."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from revrec.core.money import decimal_string
from revrec.core.report import Check, ColumnSum, Report, periods_of
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.filters import check_filters
from revrec.jobs.reports.report_header import report_header
from revrec.store.posting.posted import account_sums
from revrec.store.reports.journal import COLUMNS, account_activity, posted_lines

if TYPE_CHECKING:
    from revrec.core.filters import Filters
    from revrec.jobs.context import Context

AMOUNTS = ("opening", "debits", "credits", "closing")
JOURNAL = (*COLUMNS[:9], "debit", "credit", *COLUMNS[11:])


def activity(context: "Context", span: DateSpan, each: str) -> Report:
    """Return for each period and account what posted entries debit and credit; balances are debit minus credit."""
    rows: list[dict[str, Any]] = []
    checks: list[Check] = []
    with context.database.read() as connection:
        before = account_sums(connection, date.min, span.first - timedelta(days=1))
        balances = Counter({(currency, account): amount for (account, currency), amount in before.items()})
        for period in periods_of(span, each):
            found = {
                (one.currency, one.account): one for one in account_activity(connection, period.first, period.last)
            }
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
            ]
        header = report_header(context, connection, "activity", {"from": span.first, "to": span.last, "each": each})
    columns = ("period", "currency", "account", *AMOUNTS, "lines", "entries")
    return Report(
        "Activity of accounts by our entries", header, columns, rows, checks, AMOUNTS,
        formulas={"closing": {"opening": 1, "debits": 1, "credits": -1}},
        balances={"opening": "first", "closing": "last"},
    )  # fmt: skip


def journal(context: "Context", filters: "Filters") -> Iterator[dict[str, Any]]:
    """Yield the posted journal lines that the filters select, with amounts as decimal strings in debit or credit."""
    with context.database.read() as connection:
        check_filters(context, connection, filters)
        for line in posted_lines(connection, filters):
            amount, side = decimal_string(line.pop("amount"), line["currency"]), line.pop("side")
            both = {"debit": amount if side == "debit" else None, "credit": amount if side == "credit" else None}
            row = line | both
            yield {name: row[name] for name in JOURNAL}
