"""The views ``v1_*`` are as documented, and their example queries come to the figures of the reports."""

import re
from datetime import date
from pathlib import Path

import pytest
from iso4217 import Currency

from revrec.core.contract_balance import BalanceSheet
from revrec.core.money import minor_digits
from revrec.jobs.posting.periods import decide
from revrec.jobs.reports.contract_balances import contract_balances
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.store.database.report_views import FOUR_DIGITS, NO_MINOR_UNITS, REPORT_VIEWS, THREE_DIGITS
from support.books import ROOT, Books, MakeRow
from support.views import NETTED, PLANNED


@pytest.mark.both_databases
def test_each_view_has_the_columns_that_the_documentation_names(books: Books) -> None:
    text = (ROOT / "docs" / "views.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `(v1_\w+)` \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE))
    assert documented.keys() == REPORT_VIEWS.keys()
    with books.context().database.read() as connection:
        for name, columns in documented.items():
            found = list(connection.exec_driver_sql(f"SELECT * FROM {name}").keys())
            assert found == [re.sub(r" \(.*", "", one) for one in re.split(r", (?![^(]*\))", columns)]


def test_the_digits_of_every_currency_are_as_everywhere_else() -> None:
    listed = dict.fromkeys(NO_MINOR_UNITS, 0) | dict.fromkeys(THREE_DIGITS, 3) | dict.fromkeys(FOUR_DIGITS, 4)
    for currency in Currency:
        if currency.exponent is not None:
            assert listed.get(currency.code, 2) == minor_digits(currency.code), currency.code


@pytest.mark.both_databases
def test_what_is_planned_by_month_is_what_the_schedules_plan(books: Books, row: MakeRow) -> None:
    books.rules('[[rule]]\nname = "m"\nwhen = { item = "*" }\nrecognize = { method = "monthly", periods = 3 }\n')
    books.take(row("D1", amount="30.00", post_date="2024-01-15"), row("D2", amount="10.00", post_date="2024-02-15"))
    with books.context().database.read() as connection:
        found = [tuple(one) for one in connection.exec_driver_sql(PLANNED)]
    assert found == [
        ("2024-01", "2024-01", "USD", 1000), ("2024-01", "2024-02", "USD", 1000), ("2024-01", "2024-03", "USD", 1000),
        ("2024-02", "2024-02", "USD", 333), ("2024-02", "2024-03", "USD", 334), ("2024-02", "2024-04", "USD", 333),
    ]  # fmt: skip


@pytest.mark.both_databases
def test_what_is_netted_by_contract_is_what_the_balance_nets(books: Books, row: MakeRow) -> None:
    books.rules('[[rule]]\nname = "m"\nwhen = { item = "*" }\nrecognize = { method = "monthly", periods = 3 }\n')
    books.take(
        row("D1", amount="30.00", post_date="2024-01-15", contract='CON "7"'),
        row("D2", amount="-6.00", post_date="2024-03-15", contract='CON "7"'),
        row("D3", amount="10.00", post_date="2024-02-15"),
        row("D4", amount="-4.00", post_date="2024-03-15", credits="D3/1"),
        row("D5", amount="-1.00", post_date="2024-03-15", credits="D4"),
        row("D6", amount="90.00", post_date="2024-03-31", currency="EUR", contract='CON "7"'),
        row("D7", amount="-2.00", post_date="2024-03-15", credits="gone"),
    )
    assert books.run("2024-03-31").complete
    context = books.context("report balance")
    balances = list(contract_balances(context, BalanceOptions(date(2024, 3, 31)), BalanceSheet()))
    reported = {(one.contract, one.entity, one.currency): one.liability - one.asset for one in balances}
    contracts = {line.charge: one.contract for one in balances for line in one.lines}
    with context.database.read() as connection:
        netted = {tuple(one[:3]): int(one[3]) for one in connection.exec_driver_sql(NETTED)}
        view = connection.exec_driver_sql("SELECT charge, contract FROM v1_netting")
        assert {one.charge: one.contract for one in view} == contracts
        (home,) = connection.exec_driver_sql("SELECT home_charge_no FROM v1_netting WHERE charge = 'shop/D5/1'").one()
    assert home == 3, "a credit of a credit counts with the sale"
    assert netted == reported and len(contracts) == 7


@pytest.mark.both_databases
def test_a_closed_month_has_the_last_rows_that_its_figures_count(books: Books, row: MakeRow) -> None:
    books.take(row("D1", item="POD-1"))
    books.event("shop/D1/1", "pod", "2024-03-07")
    for kind in ("closed", "open"):
        decide(books.context(), [date(2024, 3, 1)], kind, f"{kind} on April 5")
        books.take(row(f"{kind}", item="POD-1"), name=f"{kind}.csv")
    with books.context().database.read() as connection:
        query = "SELECT entity, kind, day, reason, last_charge_no, last_event_id FROM v1_period ORDER BY period_id"
        found = [tuple(one) for one in connection.exec_driver_sql(query)]
    assert found == [
        ("", "closed", "2024-03-01", "closed on April 5", 1, 1),
        ("", "open", "2024-03-01", "open on April 5", None, None),
    ]


def test_no_view_has_a_sign_that_a_driver_would_read_as_a_parameter() -> None:
    assert not [name for name, query in REPORT_VIEWS.items() if "%" in query]


def test_the_page_is_part_of_the_documentation() -> None:
    assert "views.md" in (Path(ROOT) / "docs" / "reports.md").read_text(encoding="utf-8")
