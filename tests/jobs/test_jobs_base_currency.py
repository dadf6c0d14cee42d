"""Balances and rollforward with ``--base``: amounts at the rates of their invoices, and exchange differences apart.

The rates of the euro are 1.10 in January, 1.20 in February and 1.05 in March.
"""

from collections import Counter
from datetime import date
from decimal import Decimal

import pytest

from revrec.core.contract_balance import BalanceSheet
from revrec.core.errors import BadConfiguration, BadInput
from revrec.core.filters import NO_FILTERS, Basis, Filters
from revrec.core.report import Report
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.activity import journal
from revrec.jobs.reports.contract_balances import contract_balances
from revrec.jobs.reports.exchange import exchange
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.jobs.reports.waterfall import Cells, waterfall
from support.books import Books, MakeRow

RATES = "currency,date,rate\nEUR,2024-01-01,1.10\nEUR,2024-02-01,1.20\nEUR,2024-03-01,1.05\n"
EURO = {"item": "ODD", "currency": "EUR", "amount": "100.00"}
QUARTER = DateSpan(date(2024, 1, 1), date(2024, 3, 31))
RULES = """
[[rule]]
name = "on-its-day"
when = { item = "ODD" }
recognize = { method = "rev_rec_date" }

[[rule]]
name = "magazine"
when = { item = "MAG-*" }
recognize = { method = "monthly", periods = 3 }
"""


@pytest.fixture
def earned(books: Books, row: MakeRow) -> Books:
    """Return books with euros that are earned before and after they are billed, and with dollars."""
    (books.folder / "rates.csv").write_text(RATES)
    books.environment["REVREC_GATEWAY_RATES"] = str(books.folder / "rates.csv")
    books.rules(RULES)
    books.take(
        row("C-1", **EURO, bills="later", rev_rec_date="2024-01-31"),
        row("INV-1", **EURO | {"amount": "40.00"}, post_date="2024-02-10", bills="C-1/1"),
        row("INV-2", **EURO | {"amount": "60.00"}, post_date="2024-03-10", bills="C-1/1"),
        row("INV-3", **EURO, post_date="2024-03-15", rev_rec_date="2024-01-31"),
        row("INV-4", currency="EUR", amount="90.00", post_date="2024-02-10"),
        row("INV-5", amount="9.00", post_date="2024-02-10"),
    )
    for day in ("2024-01-31", "2024-02-29"):
        assert books.run(day).complete
    books.event("shop/INV-4/1", "credit", "2024-03-20", amount=9)
    assert books.run("2024-03-31").complete
    return books


def base_lines(books: Books, day: date) -> dict[str, tuple[int, int, int, int]]:
    """Return what is billed, recognized, exchange difference and deferred of each line in dollars, in cents."""
    found = contract_balances(books.context(), BalanceOptions(day, base=True), BalanceSheet(), with_lines=False)
    lines = [line for contract in found for line in contract.lines]
    return {
        line.charge: (line.base.billed, line.base.recognized, line.base.exchange, line.base.balance)
        for line in lines
        if line.base is not None
    }


def sums(report: Report, column: str) -> dict[tuple[str, str], Decimal]:
    """Return the sums of a column by period and currency of the transaction."""
    found: Counter[tuple[str, str]] = Counter()
    for row in report.rows:
        found[row["period"], row["currency"]] += Decimal(row[column])  # type: ignore[assignment]
    return {key: Decimal(amount) for key, amount in found.items()}


def test_each_line_keeps_the_rate_at_which_it_was_billed(earned: Books) -> None:
    assert base_lines(earned, date(2024, 2, 29)) == {
        # 40.00 of the contract is billed at 1.20, and 60.00 of its revenue waits for a bill at 1.10.
        "shop/C-1/1": (0, 110_00, 4_00, -114_00),
        "shop/INV-1/1": (48_00, 0, 0, 48_00),
        "shop/INV-3/1": (0, 110_00, 0, -110_00),
        "shop/INV-4/1": (108_00, 36_00, 0, 72_00),
        "shop/INV-5/1": (9_00, 3_00, 0, 6_00),
    }
    assert base_lines(earned, QUARTER.last) == {
        "shop/C-1/1": (0, 110_00, 1_00, -111_00),
        "shop/INV-1/1": (48_00, 0, 0, 48_00),
        "shop/INV-2/1": (63_00, 0, 0, 63_00),
        "shop/INV-3/1": (105_00, 110_00, -5_00, 0),
        # 81.00 after the credit, of which 60.00 is earned: 21.00 at 1.20.
        "shop/INV-4/1": (97_20, 72_00, 0, 25_20),
        "shop/INV-5/1": (9_00, 6_00, 0, 3_00),
    }


def test_the_journal_has_the_rate_of_each_line_and_agrees_with_the_balances(earned: Books) -> None:
    lines = list(journal(earned.context(), NO_FILTERS, base=True))
    assert {(one["base_currency"], one["approved_at"]) for one in lines} == {("USD", None)}
    assert sum(Decimal(one["base_amount"]) for one in lines) == 0, "debits are above zero, credits below"
    recognized: Counter[str] = Counter()
    for one in lines:
        if one["account"] == "2400":
            recognized[one["charge"]] += int(Decimal(one["base_amount"]) * 100)
    shown = {charge: amounts[1] for charge, amounts in base_lines(earned, QUARTER.last).items() if amounts[1]}
    assert dict(recognized) == shown
    rated = {one["charge"]: (one["rate"], one["rate_date"]) for one in lines}
    # Entries of a contract line have the rate of their date, others the one of the invoice if it was there by then.
    assert rated["shop/C-1/1"] == rated["shop/INV-3/1"] == ("1.10", "2024-01-31")
    assert rated["shop/INV-4/1"] == ("1.20", "2024-02-10") and rated["shop/INV-5/1"] == (None, None)


@pytest.mark.both_databases
def test_balances_rollforward_and_exchange_differences_agree(earned: Books) -> None:
    months = rollforward(earned.context(), RollforwardOptions(QUARTER, base=True))
    assert months.ties_out and {row["base_currency"] for row in months.rows} == {"USD"}
    assert sums(months, "base_closing")["2024-03", "EUR"] == Decimal("25.20")
    by_fields = rollforward(earned.context(), RollforwardOptions(QUARTER, by=("rule", "source"), base=True))
    assert {row["rule"] for row in by_fields.rows} >= {"magazine", "on-its-day"}
    assert sums(by_fields, "base_closing") == sums(months, "base_closing")
    assert sums(months, "base_credited")["2024-03", "EUR"] == Decimal("-10.80")
    assert set(sums(months, "base_other").values()) == {Decimal(0)}
    for name in ("opening", "billed", "recognized", "recognized_from_opening", "closing"):
        assert [row[name] for row in months.rows if row["currency"] == "USD"] == [
            row[f"base_{name}"] for row in months.rows if row["currency"] == "USD"
        ]
    moved = Decimal(0)
    for day in (date(2024, 1, 31), date(2024, 2, 29), QUARTER.last):
        sheet = BalanceSheet()
        for _contract in contract_balances(earned.context(), BalanceOptions(day, base=True), sheet):
            pass
        for one in sheet.accounts():
            closing = sums(months, "base_closing")[f"{day:%Y-%m}", one.currency]
            assert closing * 100 == sheet.base_of_account(one)
        total = sheet.base_total("", "EUR")
        assert (
            total is not None
            and total.liability - total.asset == sums(months, "base_closing")[f"{day:%Y-%m}", "EUR"] * 100
        )
        moved -= sums(months, "base_exchange")[f"{day:%Y-%m}", "EUR"]
        assert moved == sum(Decimal(row["difference"]) for row in exchange(earned.context(), day).rows)
    assert moved == Decimal("-4.00")


def test_the_waterfall_shows_each_line_at_the_rate_of_its_day_of_billing(earned: Books) -> None:
    def shown(filters: Filters) -> Report:
        cells = Cells(net=True, base=True)
        return waterfall(earned.context(), QUARTER.last, "item", QUARTER.first, 3, filters, cells)

    names = ("before", "2024-01", "2024-02", "2024-03", "later", "waiting")
    for filters in (Filters(item="MAG-1"), Filters(document="INV-3")):
        report = shown(filters)
        for row in report.rows:
            assert sum(Decimal(row[f"base_{name}"]) for name in names) == Decimal(row["base_total"])
            assert Decimal(row["base_recognized"]) + Decimal(row["base_remaining"]) == Decimal(row["base_total"])
    euro, dollar = shown(Filters(item="MAG-1")).rows
    assert (euro["base_total"], euro["base_2024-02"], euro["base_remaining"]) == ("97.20", "36.00", "25.20")
    assert (dollar["base_total"], dollar["base_2024-02"], dollar["base_remaining"]) == ("9.00", "3.00", "3.00")
    (early,) = shown(Filters(document="INV-3")).rows
    assert (early["base_total"], early["base_2024-01"], early["base_remaining"]) == ("105.00", "105.00", "0.00")
    with pytest.raises(BadInput, match=r"shop/C-1/1 is a contract line in EUR, .* narrow the report with filters"):
        shown(NO_FILTERS)


def test_only_posted_entries_have_rates(books: Books) -> None:
    planned = BalanceOptions(QUARTER.last, planned=True, base=True)
    with pytest.raises(BadInput, match="leave out --planned"):
        list(contract_balances(books.context(), planned, BalanceSheet()))
    with pytest.raises(BadInput, match="leave out --basis earned"):
        rollforward(books.context(), RollforwardOptions(QUARTER, basis=Basis.earned, base=True))


def test_amounts_in_base_currency_need_no_rates_and_others_need_one_for_their_day(books: Books, row: MakeRow) -> None:
    books.take(row("D1", amount="9.00", post_date="2024-01-10"))
    (first,) = rollforward(books.context(), RollforwardOptions(QUARTER, "span", base=True)).rows
    assert first["base_closing"] == first["closing"] == "9.00"
    books.take(row("D2", amount="9.00", currency="EUR", post_date="2024-01-10"), name="euro.csv")
    with pytest.raises(BadConfiguration, match=r'exchange rates are needed.* set rates = "rates.csv" in \[gateway\]'):
        rollforward(books.context(), RollforwardOptions(QUARTER, base=True))
    (books.folder / "rates.csv").write_text(RATES.replace("2024-01-01", "2024-01-20"))
    books.environment["REVREC_GATEWAY_RATES"] = str(books.folder / "rates.csv")
    with pytest.raises(BadInput, match="no rate of EUR in USD on 2024-01-10 or before it; add one"):
        rollforward(books.context(), RollforwardOptions(QUARTER, base=True))


def test_rows_have_one_base_currency(books: Books, row: MakeRow) -> None:
    books.take(row("D1", amount="9.00", location="100", post_date="2024-01-10"))
    with (books.folder / "revrec.toml").open("a") as settings:
        settings.write('\n[entities.200]\nbase_currency = "EUR"\n')
    with pytest.raises(BadInput, match="entities have the base currencies EUR, USD: add --by entity"):
        rollforward(books.context(), RollforwardOptions(QUARTER, base=True))
    assert rollforward(books.context(), RollforwardOptions(QUARTER, by=("entity",), base=True)).rows
