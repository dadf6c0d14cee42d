"""``report balance --status``: how far charge lines and contracts are, and how old their balances."""

from datetime import date

import pytest

from revrec.core.contract_balance import BalanceSheet, ContractBalance
from revrec.core.line_status import LineStatus, status_of
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.contract_balances import BalanceNotes, contract_balances, contract_name
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from support.books import Books, MakeRow
from support.rule_texts import DELIVERY

DAY = date(2024, 2, 29)
RULES = f"""{DELIVERY}
[[rule]]
name = "magazine"
when = {{ item = "MAG-*" }}
recognize = {{ method = "monthly", periods = 3 }}

[[rule]]
name = "on-its-day"
when = {{ item = "ODD" }}
recognize = {{ method = "rev_rec_date" }}
"""


def contracts(books: Books, planned: bool = False, notes: BalanceNotes | None = None) -> dict[str, ContractBalance]:
    """Return the contracts of the day with the status of each and of its lines."""
    wanted = BalanceOptions(DAY, planned, status=True)
    found = contract_balances(books.context("report balance"), wanted, BalanceSheet(), notes, with_lines=False)
    return {contract_name(one.contract): one for one in found}


@pytest.mark.parametrize(
    ("recognized", "complete", "next_date", "waits", "status"),
    [
        (False, False, "2024-03-01", "", "not started"),
        (True, False, "2024-03-01", "", "in progress"),
        (True, True, "", "", "complete"),
        (False, True, "", "", "complete"),
        (True, True, "2024-03-01", "", "in progress"),
        (True, False, "", "waiting", "waiting"),
        (False, False, "", "no_rule", "waiting"),
        (False, False, "2024-03-01", "waiting", "not started"),
        (True, False, "2024-03-01", "held", "held"),
        (True, False, "", "stopped", "held"),
    ],
)
def test_a_status_follows_from_what_is_recognized_and_what_is_left(
    recognized: bool, complete: bool, next_date: str, waits: str, status: str
) -> None:
    assert status_of(recognized, complete, next_date, waits) == status


@pytest.mark.both_databases
def test_each_contract_has_the_status_of_its_lines_and_the_age_of_its_oldest_balance(
    books: Books, row: MakeRow
) -> None:
    books.rules(RULES)
    books.take(
        row("A", post_date="2024-01-10", amount="30.00"),
        row("A", line="2", post_date="2024-02-10", item="POD-1", amount="50.00"),
        row("B", post_date="2024-01-10", item="POD-1", amount="50.00"),
        row("C", post_date="2024-01-15", amount="30.00"),
        row("D", post_date="2024-04-01", item="ODD", rev_rec_date="2024-02-20", amount="9.00"),
        row("E", post_date="2024-01-05", item="ODD", rev_rec_date="2024-01-20", amount="9.00"),
        row("F", post_date="2024-02-09", item="ODD", rev_rec_date="2024-03-20", amount="-4.00"),
    )
    books.event("shop/C/1", "hold", "2024-02-01")
    assert books.run("2024-01-31").complete
    notes = BalanceNotes()
    found = contracts(books, notes=notes)
    # D is not posted yet: nothing of it has happened until a run.
    assert {name: one.status for name, one in found.items()} == {
        "shop/A": LineStatus("in progress", "2024-02-10", "2024-01-10", 50),
        "shop/B": LineStatus("waiting", "", "2024-01-10", 50),
        "shop/C": LineStatus("held", "", "2024-01-15", 45),
        "shop/D": LineStatus("not started", "2024-02-20", "", None),
        "shop/E": LineStatus("complete", "", "", None),
        "shop/F": LineStatus("not started", "2024-03-20", "2024-02-09", 20),
    }
    assert [one.status.status for one in found["shop/A"].lines if one.status] == ["in progress", "waiting"]
    assert "1 credit line belongs to no sale" in notes.days[-1]
    memo = rollforward(books.context(), RollforwardOptions(DateSpan(DAY, DAY), memo=True)).header["memo"]
    assert {name: sums["USD"] for name, sums in memo.items()} == {
        "not_posted": "19.00", "waiting": "120.00", "constrained": "0.00",
    }  # fmt: skip
    assert contracts(books, planned=True)["shop/A"].status == LineStatus("in progress", "2024-03-10", "2024-01-10", 50)
    assert books.run("2024-02-29").complete
    # What is earned and not billed is as old as its entry.
    assert contracts(books)["shop/D"].status == LineStatus("complete", "", "2024-02-20", 9)
