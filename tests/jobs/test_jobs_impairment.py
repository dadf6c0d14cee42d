"""An event writes off part of a deferred cost: the loss, its account, and what is left to expense."""

from datetime import date
from decimal import Decimal

import pytest

from revrec.core.errors import BadInput
from revrec.core.filters import Filters
from revrec.core.rules import RuleErrors
from revrec.core.typed_dates import DateSpan
from revrec.jobs.admin.verify import verify
from revrec.jobs.importing.events import add_event
from revrec.jobs.importing.withdrawals import withdraw_event
from revrec.jobs.reports.costs import CostOptions, costs
from revrec.jobs.reports.drill import CHARGE, drill
from revrec.jobs.rules.load import load_rules
from revrec.sources import EventRow
from support.books import Books, MakeRow
from support.rule_texts import MAGAZINE

MAGAZINES = MAGAZINE + 'offset = "7 days"\nperiods = 12\n'
COST = """
[[rule.cost]]
name = "cogs"
amount = "1.00"
per = "part"
deferred = "1300"
expense = "5000"
"""
IMPAIRABLE = COST + 'impairment = "5900"\n'
COGS = "shop/INV-1/1:cost:cogs"
LOSS = f"{COGS}:impairment"
SPAN = DateSpan(date(2024, 1, 1), date(2024, 12, 31))


@pytest.fixture
def magazine(books: Books, row: MakeRow) -> Books:
    """Return books with a year of a magazine for 24.00, of which each issue costs 1.00."""
    books.rules(MAGAZINES + IMPAIRABLE)
    books.take(row("INV-1", amount="24.00"))
    return books


def impair(books: Books, day: str, amount: str, name: str = "", charge: str = COGS) -> None:
    event = EventRow(charge, "impair", date.fromisoformat(day), amount=Decimal(amount), name=name)
    add_event(books.context("event"), event)


def moved(books: Books, *by: str, each: str = "quarter") -> list[tuple[str, ...]]:
    """Return the report: its checks hold, and each closing is the next opening."""
    found = costs(books.context("report"), CostOptions(SPAN, each, by or ("cost",)))
    assert found.ties_out and len(found.checks) >= len({row["period"] for row in found.rows})
    names = ("period", *(by or ("cost",)), "opening", "capitalized", "amortized", "impaired", "other", "closing")
    return [tuple(row[name] for name in names) for row in found.rows]


def accounts(books: Books) -> list[tuple[str, int]]:
    return [
        (account, int(amount))
        for account, amount in books.sql(
            "SELECT account, sum(CASE side WHEN 'debit' THEN l.amount ELSE -l.amount END) FROM journal_line l"
            " JOIN journal_entry e ON e.id = l.entry_id WHERE e.state = 'POSTED' GROUP BY account ORDER BY account"
        )
    ]


@pytest.mark.both_databases
def test_a_loss_is_expensed_on_its_day_and_the_rest_over_the_parts_to_come(magazine: Books) -> None:
    assert magazine.run("2024-02-29").complete
    impair(magazine, "2024-03-01", "4.00")
    assert magazine.run("2024-12-31").complete
    assert accounts(magazine) == [("1300", -1200), ("2400", 2400), ("4000", -2400), ("5000", 800), ("5900", 400)]
    assert moved(magazine) == [
        ("2024-Q1", "cogs", "0.00", "12.00", "2.60", "4.00", "0.00", "5.40"),
        ("2024-Q2", "cogs", "5.40", "0.00", "1.80", "0.00", "0.00", "3.60"),
        ("2024-Q3", "cogs", "3.60", "0.00", "1.80", "0.00", "0.00", "1.80"),
        ("2024-Q4", "cogs", "1.80", "0.00", "1.80", "0.00", "0.00", "0.00"),
    ]
    assert moved(magazine, "charge")[0][1] == COGS, "the loss belongs to its cost"
    assert verify(magazine.context("verify")).sound


def test_the_figures_of_costs_have_their_lines_and_filters(magazine: Books, row: MakeRow) -> None:
    magazine.take(row("INV-2", customer="C-2", amount="24.00"), name="more.csv")
    impair(magazine, "2024-01-20", "4.00")
    assert magazine.run("2024-01-31").complete
    context = magazine.context()
    wanted = CostOptions(DateSpan(date(2024, 1, 1), date(2024, 1, 31)), by=("cost",))
    report = costs(context, wanted)
    for column, found in (
        ("impaired", [(LOSS, "4.00")]),
        ("amortized", [(COGS, "1.00"), ("shop/INV-2/1:cost:cogs", "1.00")]),
        ("closing", [(COGS, "7.00"), ("shop/INV-2/1:cost:cogs", "11.00")]),
    ):
        behind = drill(
            context, report, f"column={column}", lambda: costs(context, wanted._replace(by=("cost", CHARGE)))
        )
        assert behind.ties_out and [(one["charge"], one["amount"]) for one in behind.rows] == found
    for filters, closing in (
        (Filters(customer="C-2"), ["11.00"]),
        (Filters(charge="shop/INV-1/1"), ["7.00"]),
        (Filters(charge=COGS, rule="magazine", item="MAG-1", account="1300"), ["7.00"]),
        (Filters(account="2400"), []),
    ):
        assert [one["closing"] for one in costs(context, wanted._replace(filters=filters)).rows] == closing


def test_a_loss_within_posted_months_stays_on_its_day_and_reduces_what_is_to_come(magazine: Books) -> None:
    assert magazine.run("2024-03-31").complete
    impair(magazine, "2024-01-20", "4.40")
    assert magazine.run("2024-12-31").complete
    first, *_later, last = moved(magazine)
    assert first[3:] == ("12.00", "3.00", "4.40", "0.00", "4.60") and last[-1] == "0.00"


def test_a_file_impairs_a_cost_again_and_corrects_a_loss_by_its_name(magazine: Books) -> None:
    of = {"charge": COGS, "kind": "impair", "date": "2024-02-20"}
    magazine.import_events({**of, "amount": "3.00", "name": "Q1"}, {**of, "amount": "1.00", "name": "extra"})
    magazine.import_events({**of, "amount": "2.00", "name": "Q1"}, name="again.csv")
    assert magazine.run("2024-02-29").complete
    assert moved(magazine)[0] == ("2024-Q1", "cogs", "0.00", "12.00", "2.00", "3.00", "0.00", "7.00")


def test_a_withdrawn_impairment_is_taken_back_from_both_accounts(magazine: Books) -> None:
    impair(magazine, "2024-01-20", "4.00")
    assert magazine.run("2024-01-31").complete
    with pytest.raises(BadInput, match=f"is the copy of an impairment of {COGS}"):
        withdraw_event(magazine.context("event"), 2, "a mistake")
    withdraw_event(magazine.context("event"), 1, "a mistake")
    assert magazine.run("2024-12-31").complete
    assert ("5900", 0) in accounts(magazine) and moved(magazine)[-1][-1] == "0.00"


@pytest.mark.parametrize(
    ("charge", "amount", "said"),
    [
        (COGS, "11.01", "more than what is left of the cost on 2024-01-31: write at most 11.00 USD"),
        (COGS, "0.00", r"an impairment is never reversed \(ASC 340-40-35-6\)"),
        (COGS, "-1.00", "is not above zero"),
        ("shop/INV-1/1", "1.00", "is not a deferred cost"),
    ],
)
def test_an_impossible_impairment_is_refused(magazine: Books, charge: str, amount: str, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        impair(magazine, "2024-01-31", amount, charge=charge)
    event = {"charge": charge, "kind": "impair", "date": "2024-01-31", "amount": amount}
    assert magazine.import_events(event, keep_good=True).rejected == 1
    assert magazine.sql("SELECT count(*) FROM charge_line") == [(2,)], "no line for a loss that is none"


def test_a_cost_is_not_impaired_before_it_is_in_the_books(magazine: Books) -> None:
    with pytest.raises(BadInput, match="2023-12-31 is before 2024-01-05, when the cost is in the books"):
        impair(magazine, "2023-12-31", "1.00")
    impair(magazine, "2024-01-05", "1.00")
    assert magazine.run("2024-01-31").complete
    assert moved(magazine)[0] == ("2024-Q1", "cogs", "0.00", "12.00", "0.92", "1.00", "0.00", "10.08")


def test_a_loss_has_no_events_of_its_own(magazine: Books) -> None:
    impair(magazine, "2024-01-31", "1.00")
    with pytest.raises(BadInput, match=f"follows the events of its cost; name the cost, {COGS}"):
        add_event(magazine.context("event"), EventRow(LOSS, "price", date(2024, 2, 1), amount=Decimal(-5)))
    magazine.import_events({"charge": "shop/INV-1/1", "kind": "cancel", "date": "2024-02-20"})
    assert magazine.sql("SELECT kind FROM fulfillment_event e JOIN charge_line c ON c.no = e.charge_no"
                        f" WHERE c.id = '{LOSS}'") == [("impair",)]  # fmt: skip


def test_a_cost_without_an_account_for_losses_cannot_be_impaired(books: Books, row: MakeRow) -> None:
    books.rules(MAGAZINES + COST)
    books.take(row("INV-1", amount="24.00"))
    with pytest.raises(BadInput, match=r'add impairment = ACCOUNT to the \[\[rule.cost\]\] "cogs"'):
        impair(books, "2024-01-31", "1.00")


@pytest.mark.parametrize(
    ("cost", "said"),
    [
        (COST + 'impairment = "5000"\n', "impairment needs a separate account"),
        (COST.replace("5000", "4000") + 'impairment = "5900"\n', "owed to a principal is no asset"),
    ],
)
def test_an_account_for_losses_that_could_not_be_told_apart_is_refused(books: Books, cost: str, said: str) -> None:
    books.rules(MAGAZINES + cost)
    with pytest.raises(RuleErrors, match=said):
        load_rules(books.context("rules check"))
