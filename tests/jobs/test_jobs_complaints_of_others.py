"""What users of other systems complained of when it came to posting, each with its thread, held not to happen here."""

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from revrec.jobs.admin.verify import verify
from revrec.jobs.reconciling.reconcile import reconcile
from support.books import Books, MakeRow
from support.intacct import Intacct

CHARGE = "shop/INV-1/1"


def sums(entry: dict[str, Any]) -> dict[int, Decimal]:
    """What an entry of the ledger debits (1) and credits (-1)."""
    sides: dict[int, Decimal] = defaultdict(Decimal)
    for line in entry["lines"]:
        sides[int(line["type"])] += Decimal(line["amount"])
    return dict(sides)


def test_a_run_that_comes_late_dates_each_month_with_its_own_day(books: Books, intacct: Intacct, row: MakeRow) -> None:
    # https://github.com/odoo/odoo/pull/13818
    books.take(row())
    assert books.run("2024-06-30").complete
    assert [entry["date"] for entry in intacct.entries()] == [f"2024-{month:02}-12" for month in range(1, 7)]


def test_nothing_depends_on_what_day_it_is_today(books: Books, row: MakeRow) -> None:
    books.take(row())
    years = timedelta(days=3650)
    here = books.run("2024-06-30", dry_run=True)
    later = books.run("2024-06-30", later=years, dry_run=True)
    days = [[(one["date"], one["amount"]) for one in found.entries] for found in (here, later)]
    assert days[0] == days[1] and len(days[0]) == 6


def test_a_credit_memo_reverses_what_was_recognized_and_what_is_to_come(books: Books, row: MakeRow) -> None:
    # https://github.com/frappe/erpnext/issues/51020
    books.take(row())
    assert books.run("2024-06-30").complete
    books.event(CHARGE, "credit", "2024-07-01", "CRN-1", amount=24)
    assert books.open_parts(CHARGE) == [("2024-07-01", -1200)]
    assert books.run("2024-12-31").complete
    accrued = "SUM(CASE side WHEN 'credit' THEN amount ELSE -amount END)"
    assert books.sql(f"SELECT {accrued} FROM journal_line WHERE account = '4000'") == [(0,)]


def test_a_credit_before_anything_was_recognized_touches_no_income(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    # https://github.com/frappe/erpnext/issues/40463
    books.take(row())
    books.event(CHARGE, "credit", "2024-01-06", "CRN-1", amount=24)
    assert books.run("2024-12-31").complete
    assert intacct.entries() == []


def test_a_credit_above_the_invoice_is_planned_to_the_cent(books: Books, row: MakeRow) -> None:
    # https://github.com/microsoft/BCApps/issues/6281
    books.take(row())
    books.event(CHARGE, "credit", "2024-03-20", "CRN-1", amount=30)
    assert sum(amount for _day, amount in books.open_parts(CHARGE)) == -600
    assert books.run("2024-12-31").complete and verify(books.context("verify")).sound


def test_one_entry_undone_by_hand_leaves_the_others_and_is_named_alone(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    # https://github.com/frappe/erpnext/pull/47805
    books.take(row(), row("INV-2"))
    assert books.run("2024-02-28").complete
    assert books.run("2024-03-31").complete
    first, *others = intacct.entries()
    intacct.admin("/entries/delete", record_no=first["record_no"])
    found = reconcile(books.context("reconcile"), date(2024, 3, 31))
    about_entries = {one.reference for one in found.findings if one.reference.startswith("RR")}
    assert about_entries == {first["reference"]}
    assert books.run("2024-03-31").complete
    assert [entry["record_no"] for entry in intacct.entries()] == [entry["record_no"] for entry in others]


@pytest.mark.parametrize(("currency", "amounts"), [("JPY", ("1000", "997")), ("KWD", ("10.001", "7.333"))])
def test_lines_sum_to_their_invoice_in_foreign_currency_and_every_entry_balances(
    books: Books, intacct: Intacct, row: MakeRow, currency: str, amounts: tuple[str, str]
) -> None:
    # https://github.com/OCA/account-closing/issues/107, https://github.com/microsoft/BCApps/pull/9943
    books.take(*(row(line=str(at), amount=amount, currency=currency) for at, amount in enumerate(amounts, 1)))
    assert books.run("2024-12-31").complete
    entries = intacct.entries()
    assert len(entries) == 12
    found = [sums(entry) for entry in entries]
    assert all(side[1] == side[-1] for side in found)
    assert sum(side[1] for side in found) == sum(map(Decimal, amounts))


def test_an_amount_that_comes_in_two_files_is_counted_once(books: Books, intacct: Intacct, row: MakeRow) -> None:
    # https://github.com/frappe/erpnext/pull/21671
    books.take(row(), row("INV-2"))
    books.take(row(), row("INV-3"), name="again.csv")
    assert books.run("2024-01-31").complete
    assert sum(sums(entry)[1] for entry in intacct.entries()) == Decimal("6.00")


def test_two_hundred_invoices_are_posted_by_the_day_and_not_by_the_line(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    # https://github.com/odoo/documentation/pull/6455
    books.take(*(row(f"INV-{number}") for number in range(1, 201)))
    result = books.run("2024-01-31")
    assert result.complete and result.counts["posted"] == len(intacct.entries()) == 1
    assert sums(intacct.entries()[0]) == {1: Decimal("400.00"), -1: Decimal("400.00")}


@pytest.mark.slow
def test_ten_thousand_lines_are_posted_in_one_run(books: Books, intacct: Intacct, row: MakeRow) -> None:
    # https://github.com/frappe/erpnext/pull/17430
    books.take(*(row(f"INV-{number}") for number in range(10_000)))
    assert books.run("2024-01-31").complete
    assert sum(sums(entry)[1] for entry in intacct.entries()) == Decimal("20000.00")
    assert verify(books.context("verify")).sound
