"""Presentation entries of a balance sheet, by deferred account."""

from datetime import date

from revrec.core.adjusting import AdjustingLine
from revrec.core.contract_balance import BalanceSheet, LineBalance, PresentedAccount, balance_of
from revrec.core.presentation import EVERY, PresentationAccounts, presentation_entries

DAY = date(2024, 12, 31)


def line(account: str, billed: int, recognized: int = 0, later: int = 0, to_bill_later: int = 0) -> LineBalance:
    return LineBalance(
        "C-1", "shop/INV-1/1", "INV-1", "C1", "ITEM", "", "USD", account, False, billed, recognized, recognized,
        billed, later, 0, to_bill_later,
    )  # fmt: skip


def presented(*lines: LineBalance) -> list[PresentedAccount]:
    sheet = BalanceSheet()
    sheet.add(balance_of(lines), lines)
    return list(sheet.presented())


def test_the_noncurrent_part_is_divided_between_the_accounts_of_a_contract() -> None:
    found = presented(line("2400", 10000, later=6000), line("2410", 5000, later=3000))
    assert found == [PresentedAccount("", "USD", "2400", 0, 0, 6000), PresentedAccount("", "USD", "2410", 0, 0, 3000)]


def test_the_asset_of_a_contract_is_moved_from_each_of_its_accounts() -> None:
    found = presented(line("2400", 0, 50000, to_bill_later=30000), line("2410", 10000))
    assert [(one.account, one.asset) for one in found] == [("2400", 50000), ("2410", -10000)]
    assert sum(one.asset_later for one in found) == 30000


def test_contract_assets_are_debited_and_their_noncurrent_part_is_moved_on() -> None:
    accounts = PresentationAccounts({EVERY: "1200"}, {EVERY: "1210"}, {})
    one = PresentedAccount("DE", "EUR", "2400", 40000, 15000, 0)
    first, second = presentation_entries([one], accounts, DAY, "RR")
    assert first.lines == (AdjustingLine("1200", 40000), AdjustingLine("2400", -40000))
    assert second.lines == (AdjustingLine("1210", 15000), AdjustingLine("1200", -15000))
    assert first.reversed_on == second.reversed_on == date(2025, 1, 1)
    assert (first.entity, first.currency, first.subject) == ("DE", "EUR", "contract_assets 2400")


def test_parts_without_an_account_are_not_moved() -> None:
    accounts = PresentationAccounts({}, {}, {"2410": "2500"})
    both = [PresentedAccount("", "USD", account, 100, 50, 70) for account in ("2400", "2410")]
    (only,) = presentation_entries(both, accounts, DAY, "RR")
    assert only.lines == (AdjustingLine("2500", -70), AdjustingLine("2410", 70))
