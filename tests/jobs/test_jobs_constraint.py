"""What is constrained, from the import to the ledger: it waits in sight, is credited or earned, and costs go along."""

from datetime import date
from typing import Any

import pytest

from revrec.jobs.admin.verify import verify
from revrec.jobs.importing.voids import void_charge
from revrec.jobs.reports.explain import explain
from revrec.jobs.reports.explain_amounts import explain_amounts
from revrec.jobs.reports.preview import preview
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.status import status
from revrec.jobs.scheduling.rebuild import schedule
from support.books import Books, MakeRow

CHARGE = "shop/INV-1/1"
RULES = """
[[rule]]
name = "goods"
[rule.recognize]
{recognize}
[rule.constraint]
percent = 3
reason = "right of return"
{more}
"""
GOODS = 'method = "pod_date"'
COSTS = """
costs = true
[[rule.cost]]
name = "cogs"
percent = "60"
deferred = "1300"
expense = "5000"
"""
WAITS = (
    'rule "goods": constrained: right of return (ASC 606-10-32-11); record a new estimate with '
    "`revrec event add shop/INV-1/1 constraint DATE --amount N`"
)


def imported(books: Books, row: MakeRow, recognize: str = GOODS, more: str = "") -> Any:
    books.rules(RULES.format(recognize=recognize, more=more))
    books.take(row(amount="10000.00", post_date="2024-03-01"))
    return books


def ledger(books: Books) -> dict[str, int]:
    """Return the amounts on posted entries by account, debits above zero."""
    return dict(
        books.sql(
            "SELECT account, sum(CASE side WHEN 'debit' THEN l.amount ELSE -l.amount END) FROM journal_line l"
            " JOIN journal_entry e ON e.id = l.entry_id WHERE e.state = 'POSTED' GROUP BY account"
        )
    )


def sound(books: Books) -> bool:
    unchanged: bool = schedule(books.context(), rebuild=True).changes == []
    return unchanged and bool(verify(books.context("verify")).sound)


@pytest.mark.both_databases
def test_a_right_of_return_in_the_ledger(books: Books, row: MakeRow) -> None:
    """Example 22: 9,700 of 10,000 are revenue on delivery, and 5,820 of 6,000 cost; 200 come back, 100 are earned."""
    imported(books, row, more=COSTS).event(CHARGE, "pod", "2024-03-04")
    assert books.run("2024-03-31").complete
    assert ledger(books) == {"2400": 970_000, "4000": -970_000, "1300": -582_000, "5000": 582_000}
    books.event(CHARGE, "credit", "2024-03-20", "CRN-1", amount=200)
    books.event(f"{CHARGE}:cost:cogs", "credit", "2024-03-20", "CRN-1", amount=-120)
    assert books.open_parts(CHARGE) == [] and sound(books)
    books.event(CHARGE, "constraint", "2024-04-03", percent=0)
    assert books.open_parts(CHARGE) == [("2024-04-03", 10_000)]
    assert books.run("2024-04-30").complete
    assert ledger(books) == {"2400": 980_000, "4000": -980_000, "1300": -588_000, "5000": 588_000}
    assert books.sql("SELECT amount FROM price_change ORDER BY amount") == [(-20_000,), (12_000,)]
    assert sound(books)


def test_what_is_constrained_is_seen_wherever_something_waits(offline: Books, row: MakeRow) -> None:
    imported(offline, row).event(CHARGE, "pod", "2024-03-04")
    assert [(one.charge, one.amount, one.reason) for one in preview(offline.context()).waiting] == [
        (CHARGE, "300.00", WAITS)
    ]
    assert WAITS in str(status(offline.context()))
    assert offline.trace(CHARGE)["schedule"][-1]["waits_for"] == WAITS
    assert explain(offline.context(), CHARGE).waiting == ("300.00", "USD", WAITS)
    (shown,) = explain_amounts(offline.context(), CHARGE)
    assert (shown.waits, shown.waiting) == (WAITS, "300.00")
    assert "For what is constrained: ASC 606-10-32-11" in str(shown.standard)
    assert shown.parts[0].comes_from == "the whole amount, 9700.00 USD"


def test_a_larger_estimate_takes_back_what_was_posted(books: Books, row: MakeRow) -> None:
    imported(books, row, 'method = "fixed_offset"')
    assert books.run("2024-03-31").complete
    books.event(CHARGE, "constraint", "2024-04-10", amount=1000)
    assert books.open_parts(CHARGE) == [("2024-04-10", -70_000)]
    assert books.run("2024-04-30").complete
    assert ledger(books) == {"2400": 900_000, "4000": -900_000} and sound(books)
    (shown,) = explain_amounts(books.context(), CHARGE)
    assert shown.parts[-1].comes_from == (
        "constraint on 2024-04-10: 9700.00 became 9000.00; the difference up to that day comes at once"
    )
    assert shown.price_changes == "constraint on 2024-04-10: 9700.00 becomes 9000.00 USD" and shown.current


@pytest.mark.parametrize(
    "how", ["prospective", *(pytest.param(how, marks=pytest.mark.slow) for how in ("restate", "catch_up"))]
)
def test_an_estimate_that_arrives_late_corrects_what_was_posted_since(books: Books, row: MakeRow, how: str) -> None:
    imported(books, row, f'method = "monthly"\nperiods = 4\non_change = "{how}"')
    assert books.run("2024-04-30").complete
    books.event(CHARGE, "constraint", "2024-03-15", percent=50)
    books.event(CHARGE, "constraint", "2024-03-16", percent=100)
    assert sum(amount for _day, amount in books.open_parts(CHARGE)) == -485_000
    assert books.run("2024-12-31").complete
    assert ledger(books) == {"2400": 0, "4000": 0} and sound(books)


def test_a_constraint_that_a_rule_gets_later_leaves_what_was_posted(books: Books, row: MakeRow) -> None:
    books.rules(RULES.format(recognize='method = "monthly"\nperiods = 4', more="").partition("[rule.constraint]")[0])
    books.take(row(amount="10000.00", post_date="2024-03-01"))
    assert books.run("2024-04-30").complete
    books.rules(RULES.format(recognize='method = "monthly"\nperiods = 4', more=""))
    schedule(books.context(), rebuild=True)
    assert sum(amount for _day, amount in books.open_parts(CHARGE)) == 470_000
    assert books.run("2024-12-31").complete
    assert ledger(books) == {"2400": 970_000, "4000": -970_000} and sound(books)


def test_costs_follow_an_estimate_in_percent_or_of_nothing_and_no_other_amount(offline: Books, row: MakeRow) -> None:
    imported(offline, row, more=COSTS).event(CHARGE, "pod", "2024-03-04")
    cost = f"{CHARGE}:cost:cogs"
    offline.event(CHARGE, "constraint", "2024-03-10", percent=1)
    assert offline.open_parts(cost) == [("2024-03-04", -582_000), ("2024-03-10", -12_000)]
    offline.event(CHARGE, "constraint", "2024-03-11", amount=50_00)
    assert len(offline.open_parts(cost)) == 2
    offline.event(CHARGE, "constraint", "2024-03-12", amount=0)
    assert offline.open_parts(cost)[2:] == [("2024-03-12", -6_000)] and sound(offline)


@pytest.mark.parametrize(
    ("figures", "problem"),
    [
        ({}, "needs a percentage or an amount"),
        ({"percent": "2", "amount": "5"}, "is given together with an amount"),
        ({"percent": "101"}, "is not between 0 and 100"),
        ({"amount": "-5"}, "is negative"),
    ],
)
def test_an_estimate_gives_a_percentage_or_an_amount(offline: Books, row: MakeRow, figures: Any, problem: str) -> None:
    imported(offline, row)
    result = offline.import_events({"charge": CHARGE, "kind": "constraint", "date": "2024-03-10", **figures})
    assert result.refused and problem in str(result.report)


def remaining(books: Books, day: str) -> list[tuple[str, ...]]:
    """Return the waiting, constrained and left out amounts of the remaining obligations on a day."""
    report = remaining_obligations(books.context("report"), date.fromisoformat(day), "entity", (12,))
    assert report.ties_out
    return [tuple(row[name] for name in ("waiting", "constrained", "left_out")) for row in report.rows]


def test_an_estimate_for_a_voided_line_is_no_remaining_obligation(books: Books, row: MakeRow) -> None:
    imported(books, row).take(row("INV-2", amount="500.00", post_date="2024-03-01"), name="more.csv")
    books.event(CHARGE, "constraint", "2024-03-10", amount=100_000)
    void_charge(books.context("charge void"), CHARGE, "imported twice")
    assert remaining(books, "2024-03-31") == [("485.00", "15.00", "0.00")]


def test_what_an_expedient_leaves_out_is_not_constrained_too(books: Books, row: MakeRow) -> None:
    imported(books, row, more="[rule.disclose]\nright_to_invoice = true\n")
    books.event(CHARGE, "constraint", "2024-03-10", amount=100_000)
    assert remaining(books, "2024-03-31") == [("0.00", "0.00", "10000.00")]


def test_a_line_is_not_constrained_before_it_is_taken_over(books: Books, row: MakeRow) -> None:
    imported(books, row)
    history = {"cutover": "2024-05-01", "recognized_before": "0.00"}
    books.take(row("INV-2", amount="500.00", post_date="2024-03-01", **history), name="more.csv")
    assert remaining(books, "2024-04-30") == [("9700.00", "300.00", "0.00")]
    assert remaining(books, "2024-05-01") == [("10185.00", "315.00", "0.00")]
