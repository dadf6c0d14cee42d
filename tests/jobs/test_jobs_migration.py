"""Contracts in progress: parts before the cutover are history, and later changes never reach before it."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pytest

from revrec.core.calendar import month_end
from revrec.core.errors import BadInput
from revrec.core.filters import Filters
from revrec.core.report import Report, address_of
from revrec.core.typed_dates import DateSpan
from revrec.jobs.admin.verify import verify
from revrec.jobs.importing import quarantine
from revrec.jobs.importing.mappings import of_source
from revrec.jobs.importing.voids import void_charge
from revrec.jobs.reconciling import opening
from revrec.jobs.reports.exceptions import exceptions
from revrec.jobs.reports.frozen import close_months
from revrec.jobs.reports.late import late
from revrec.jobs.reports.preview import preview, preview_file
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.revenue import revenue
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.jobs.reports.tie_out import tie_out
from revrec.jobs.reports.waterfall import waterfall
from revrec.jobs.scheduling.rebuild import schedule
from revrec.sources import NATIVE_CHARGES, GoodRow, read_charges
from support.books import Books, Row, charge
from support.by_hand import entered
from support.intacct import Intacct

pytestmark = pytest.mark.both_databases

MONTHLY = '[[rule]]\nname = "monthly"\n[rule.recognize]\nmethod = "monthly"\nperiods = 12\noffset = "0 days"\n'
NEW_YEAR = "2024-01-01"
CONTRACT = "shop/INV-1/1"


def subscription(recognized: str = "300.00", **fields: str) -> Row:
    """Return a contract of 1,200.00 for the twelve months from October 2023, taken over on New Year's Day."""
    fields = {"item": "SUB-1", "post_date": "2023-10-01", "amount": "1200.00", "cutover": NEW_YEAR, **fields}
    return charge(recognized_before=recognized, **fields)


def months(amounts: Sequence[int]) -> list[tuple[str, int]]:
    """Return parts on the first days of 2024, one for each amount."""
    return [(f"2024-0{month}-01", amount) for month, amount in enumerate(amounts, 1)]


def is_sound(books: Books) -> bool:
    """Check the whole database."""
    return verify(books.context("verify")).sound


@pytest.fixture
def monthly(books: Books) -> Books:
    """Return books whose rule recognizes a line in twelve equal parts, each on the first of its month."""
    books.rules(MONTHLY)
    return books


def posted(books: Books) -> list[tuple[Any, ...]]:
    """Return the day, the account and the amount of each credit that is in the ledger, in minor units."""
    return books.sql(
        "SELECT e.date, l.account, l.amount FROM journal_line l JOIN journal_entry e ON e.id = l.entry_id"
        " WHERE e.state = 'POSTED' AND l.side = 'credit' ORDER BY e.date, e.id, l.line_no"
    )


def test_what_was_recognized_before_the_cutover_is_never_posted(monthly: Books) -> None:
    monthly.take(subscription())
    assert monthly.open_parts(CONTRACT) == months([10_000] * 9)
    monthly.run("2023-12-31")
    assert posted(monthly) == []
    monthly.run("2024-01-31")
    assert posted(monthly) == [("2024-01-01", "4000", 10_000)]
    assert is_sound(monthly)


def test_another_amount_is_refused_with_the_difference(monthly: Books) -> None:
    result = monthly.import_file(monthly.file("charges.csv", [subscription("350.00")]))
    assert result.refused
    assert result.rejected == 1
    (problem,) = result.report
    assert problem["field"] == "recognized_before"
    assert "300.00 USD before the cutover on 2024-01-01" in str(problem["reason"])
    assert "350.00 USD: a difference of 50.00 USD" in str(problem["reason"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "recognized", "expected"),
    [
        # 850.00 in nine parts by cumulative rounding: 94.44, 188.89, 283.33, 377.78, 472.22, 566.67, 661.11, 755.56.
        ("spread", "350.00", months([9_444, 9_445, 9_444, 9_445, 9_444, 9_445, 9_444, 9_445, 9_444])),
        ("spread", "0.00", months([13_333, 13_334, 13_333] * 3)),
        ("spread", "1200.00", []),
        ("catch_up", "350.00", [(NEW_YEAR, -5_000), *months([10_000] * 9)]),
        ("catch_up", "", [(NEW_YEAR, 30_000), *months([10_000] * 9)]),
    ],
)
def test_the_rule_can_spread_a_difference_or_catch_it_up(
    monthly: Books, policy: str, recognized: str, expected: list[tuple[str, int]]
) -> None:
    monthly.rules(f'{MONTHLY}on_migration = "{policy}"\n')
    monthly.take(subscription(recognized))
    assert monthly.open_parts(CONTRACT) == expected
    assert schedule(monthly.context("schedule")).changes == []
    monthly.run("2024-01-31")
    assert schedule(monthly.context("schedule")).changes == []
    assert sum(amount for _day, _account, amount in posted(monthly)) == sum(abs(one[1]) for one in expected[:-8])
    assert is_sound(monthly)


@pytest.mark.parametrize(
    ("event", "day", "amount", "expected"),
    [
        # 1,800.00 less 400.00 by January 15 leaves 1,400.00 for eight months.
        ("price", "2024-01-15", "1800", months([10_000, *[17_500] * 8])),
        ("credit", "2024-01-15", "80", months([10_000, *[9_000] * 8])),
        ("cancel", "2024-01-15", "800", [("2024-01-01", 10_000)]),
        ("cancel", "2024-01-15", "1000", [("2024-01-01", 10_000), ("2024-01-15", -20_000)]),
        # A credit of before the cutover changes what is left at it: nothing is taken back in December.
        ("credit", "2023-12-15", "90", months([9_000] * 9)),
        ("cancel", "2023-12-15", "1000", [(NEW_YEAR, -10_000)]),
        ("hold", "2024-03-10", None, months([10_000] * 3)),
        ("hold", "2023-11-10", None, []),
    ],
)
@pytest.mark.parametrize("is_posted", [False, True])
@pytest.mark.slow
def test_later_events_count_history_as_recognized(
    monthly: Books, event: str, day: str, amount: str | None, expected: list[tuple[str, int]], is_posted: bool
) -> None:
    monthly.take(subscription())
    if is_posted and day >= NEW_YEAR:
        monthly.run("2024-01-31")
    monthly.event(CONTRACT, event, day, amount=amount)
    assert valid_parts(monthly) == expected
    monthly.run("2024-04-30")
    assert is_sound(monthly)
    assert all(one[0] >= NEW_YEAR for one in posted(monthly))


def valid_parts(books: Books) -> list[tuple[str, int]]:
    """Return the schedule lines of the contract that are open or on an entry."""
    return books.sql("SELECT date, amount FROM schedule_line WHERE superseded_by IS NULL ORDER BY date, seq")


def test_the_same_file_again_changes_nothing_and_another_amount_is_a_conflict(monthly: Books) -> None:
    monthly.take(subscription())
    before = monthly.content()
    assert monthly.take(subscription()).unchanged == 1
    assert monthly.content() == before
    result = monthly.import_file(monthly.file("other.csv", [subscription("200.00")]))
    assert [problem["field"] for problem in result.report] == ["recognized_before"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"cutover": ""}, "cutover"),
        ({"post_date": NEW_YEAR}, "recognized_before"),
        ({"recognized": "1200.01"}, "recognized_before"),
        ({"recognized": "-300.00"}, "recognized_before"),
        ({"recognized": "300.001"}, "recognized_before"),
        ({"recognized": "many"}, "recognized_before"),
        ({"cutover": "New Year"}, "cutover"),
    ],
)
def test_what_cannot_be_taken_over_is_refused(monthly: Books, fields: dict[str, str], field: str) -> None:
    result = monthly.import_file(monthly.file("charges.csv", [subscription(**fields)]))
    assert [problem["field"] for problem in result.report] == [field]


def test_the_cutover_of_a_line_that_is_billed_after_it_means_nothing(monthly: Books) -> None:
    monthly.take(subscription("", post_date="2024-01-01"))
    assert len(monthly.open_parts(CONTRACT)) == 12
    assert monthly.sql("SELECT cutover FROM charge_line") == [(None,)]


@pytest.mark.parametrize(
    ("amount", "recognized", "currency", "expected"),
    [
        ("-1200.00", "-300.00", "USD", -10_000),
        ("120000", "30000", "JPY", 10_000),
        ("120.000", "30.000", "KWD", 10_000),
    ],
)
def test_credits_and_other_minor_units(
    monthly: Books, amount: str, recognized: str, currency: str, expected: int
) -> None:
    monthly.take(subscription(recognized, amount=amount, currency=currency))
    assert monthly.open_parts(CONTRACT) == months([expected] * 9)


PRICES = '[[table]]\nname = "list"\nfile = "prices.csv"\nkey = "item"\n'
DELIVERED = '[[rule]]\nname = "delivered"\nrecognize = { method = "pod_date" }\n'


def test_a_line_that_waits_for_delivery_keeps_what_was_recognized_before(books: Books) -> None:
    books.rules(DELIVERED)
    books.take(subscription(), subscription("", line="2"), subscription("1200.00", line="3"))
    assert books.sql("SELECT charge_no, posted, amount FROM schedule ORDER BY charge_no") == [
        (1, 30_000, 120_000),
        (3, 120_000, 120_000),
    ]
    assert books.sql("SELECT charge_no, amount FROM schedule_wait") == [(1, 90_000)]
    for line in ("1", "2"):
        books.event(f"shop/INV-1/{line}", "pod", "2024-02-10")
    assert books.open_parts(CONTRACT) == [("2024-02-10", 90_000)]
    assert books.open_parts("shop/INV-1/2") == [("2024-02-10", 120_000)]
    books.run("2024-02-29")
    assert [amount for _day, _account, amount in posted(books)] == [90_000, 120_000]
    assert is_sound(books)


def test_a_delivery_before_the_cutover_that_no_one_recognized_waits_for_a_decision(books: Books) -> None:
    books.rules(DELIVERED)
    books.take(subscription(""))
    books.event(CONTRACT, "pod", "2023-12-20")
    ((code, reason),) = books.sql("SELECT code, reason FROM unscheduled")
    assert code == "migration"
    assert "a difference of -1200.00 USD" in reason


def test_an_event_that_contradicts_history_stops_what_is_left(books: Books) -> None:
    books.rules('[[rule]]\nname = "work"\nrecognize = { method = "percent_complete" }\n')
    books.take(subscription())
    books.event(CONTRACT, "percent", "2024-02-10", percent=50)
    assert books.open_parts(CONTRACT) == [("2024-02-10", 30_000)]
    books.event(CONTRACT, "percent", "2023-12-10", percent=40)
    assert books.open_parts(CONTRACT) == []
    ((code, amount),) = books.sql("SELECT code, amount FROM schedule_wait w WHERE version = 3")
    assert (code, amount) == ("stopped", 90_000)
    books.event(CONTRACT, "percent", "2023-12-10", percent=25)
    assert books.open_parts(CONTRACT) == [("2024-02-10", 30_000)]
    assert is_sound(books)


def test_a_new_rule_plans_what_is_left_and_takes_back_from_the_account_of_before(monthly: Books) -> None:
    monthly.take(subscription())
    monthly.rules(MONTHLY.replace("[rule.recognize]", '[rule.post]\naccrued = "4010"\n[rule.recognize]'))
    schedule(monthly.context("schedule"), rebuild=True, reason="another account")
    assert monthly.open_parts(CONTRACT) == months([10_000] * 9)
    # All that is left is refunded, and 100.00 of the 300.00 of before: these leave the account that had them.
    monthly.event(CONTRACT, "cancel", "2024-01-01", amount="1000")
    monthly.run("2024-01-31")
    assert posted(monthly) == [("2024-01-01", "4010", 10_000), ("2024-01-01", "2400", 20_000)]
    assert monthly.sql("SELECT amount FROM journal_line WHERE account = '4000' AND side = 'debit'") == [(20_000,)]
    assert is_sound(monthly)


BUNDLE = """
[[rule]]
name = "hardware"
[rule.when]
item = "HW"
[rule.recognize]
method = "fixed_offset"
{policy}
[[rule]]
name = "software"
[rule.when]
item = "SW"
[rule.recognize]
method = "monthly"
periods = 12
offset = "0 days"
{policy}
{cost}
[[table]]
name = "list"
file = "prices.csv"
key = "item"
[[allocation]]
name = "bundle"
prices = "list"
price_only = "DISCOUNT"
later = "{later}"
"""


def bundled(books: Books, policy: str = "", later: str = "modify", cost: str = "") -> Books:
    """Return books that allocate hardware and software by a standalone price of 600.00 each."""
    (books.folder / "rules" / "prices.csv").write_text("item,price\nHW,600\nSW,600\n")
    chosen = f'on_migration = "{policy}"' if policy else ""
    books.rules(BUNDLE.format(policy=chosen, later=later, cost=cost))
    return books


def bundle(hardware: str = "540.00", software: str = "135.00", **fields: str) -> list[Row]:
    """Return hardware for 600.00 and software for 480.00, of which each earns 540.00: 45.00 a month of the software."""
    fields = {"post_date": "2023-10-01", "cutover": NEW_YEAR, **fields}
    return [
        charge(line="1", item="HW", amount="600.00", recognized_before=hardware, **fields),
        charge(line="2", item="SW", amount="480.00", recognized_before=software, **fields),
    ]


HARDWARE, SOFTWARE = "shop/INV-1/1", "shop/INV-1/2"


def test_the_lines_of_a_contract_are_taken_over_at_their_shares_of_its_price(books: Books) -> None:
    bundled(books).take(*bundle())
    assert books.open_parts(HARDWARE) == []
    assert books.open_parts(SOFTWARE) == months([4_500] * 9)
    assert schedule(books.context("schedule")).changes == []
    assert books.run("2024-01-31").complete
    assert posted(books) == [("2024-01-01", "4000", 4_500)]
    assert opening_rows(books) == [("2400", "1080.00", "675.00", "405.00")]
    assert tie_out(books.context("report"), date(2024, 1, 31)).ties_out
    assert is_sound(books)


def opening_rows(books: Books) -> list[tuple[str, ...]]:
    """Return the account, the original amount, what was recognized and what is open, of each opening balance."""
    rows = opening.opening(books.context("report")).rows
    return [(one["account"], one["original"], one["recognized_before"], one["open"]) for one in rows]


@pytest.mark.parametrize(
    ("policy", "hardware", "software", "of_hardware", "of_software"),
    [
        # The other system did not allocate: 600.00 for the hardware, and 40.00 a month for the software.
        ("catch_up", "600.00", "120.00", [(NEW_YEAR, -6_000)], [(NEW_YEAR, 1_500), *months([4_500] * 9)]),
        # 540.00 less 120.00 is 420.00 in nine parts: 46.67, 93.33, 140.00. Nothing of the hardware is to come.
        ("spread", "600.00", "120.00", [(NEW_YEAR, -6_000)], months([4_667, 4_666, 4_667] * 3)),
        ("catch_up", "540.00", "", [], [(NEW_YEAR, 13_500), *months([4_500] * 9)]),
    ],
)
def test_a_difference_in_a_contract_follows_the_rule_line_by_line(
    books: Books,
    policy: str,
    hardware: str,
    software: str,
    of_hardware: list[tuple[str, int]],
    of_software: list[tuple[str, int]],
) -> None:
    bundled(books, policy).take(*bundle(hardware, software))
    assert (books.open_parts(HARDWARE), books.open_parts(SOFTWARE)) == (of_hardware, of_software)
    assert schedule(books.context("schedule")).changes == []
    assert books.run("2024-12-31").complete
    assert recognized_in_all(books) == 108_000
    assert is_sound(books)


def recognized_in_all(books: Books) -> int:
    """Return what is posted as revenue, and what was recognized before the cutover, in minor units."""
    ((entries,),) = books.sql(
        "SELECT coalesce(sum(CASE side WHEN 'credit' THEN amount ELSE -amount END), 0) FROM journal_line"
        " WHERE account = '4000'"
    )
    ((before,),) = books.sql("SELECT sum(recognized_before) FROM charge_line WHERE line NOT LIKE '%:cost:%'")
    return int(entries) + int(before)


def test_a_contract_with_another_amount_is_refused_as_a_whole(books: Books) -> None:
    bundled(books)
    path = books.file("charges.csv", [*bundle(software="120.00"), *bundle(document="INV-2")])
    result = books.import_file(path, keep_good=True)
    assert (result.accepted, result.rejected) == (2, 2)
    wrong, sibling = sorted(result.report, key=lambda one: str(one["field"]), reverse=True)
    assert (wrong["row"], wrong["field"]) == (3, "recognized_before")
    reason = str(wrong["reason"])
    assert "recognizes 135.00 USD before the cutover on 2024-01-01, and recognized_before is 120.00 USD" in reason
    assert 'allocation "bundle"' in reason and 'on_migration = "spread" or "catch_up"' in str(wrong["fix"])
    assert (sibling["row"], sibling["reason"]) == (2, "row 3 of its contract cannot be taken over")
    assert books.sql("SELECT document FROM charge_line") == [("INV-2",), ("INV-2",)]
    bundled(books, "catch_up")
    ids = [number for (number,) in books.sql("SELECT id FROM quarantine")]
    assert quarantine.release(books.context("quarantine release"), ids).accepted == 2
    assert books.open_parts(SOFTWARE) == [(NEW_YEAR, 1_500), *months([4_500] * 9)]
    assert is_sound(books)


def test_a_file_is_refused_if_a_contract_in_progress_has_other_lines_too(books: Books) -> None:
    bundled(books)
    new = charge(line="3", item="HW", amount="600.00", post_date=NEW_YEAR, cutover=NEW_YEAR)
    result = books.import_file(books.file("charges.csv", [*bundle(software="120.00"), new]), keep_good=True)
    assert "shop/INV-1/3 is of the same contract" in result.refused
    assert books.sql("SELECT count(*) FROM charge_line") == [(0,)]


def test_a_contract_is_refused_if_one_of_its_lines_lacks_the_cutover(books: Books) -> None:
    hardware, software = bundle()
    bare = {**software, "cutover": "", "recognized_before": ""}
    discount = charge(line="3", item="DISCOUNT", amount="-80.00", post_date="2023-10-01")
    result = bundled(books, "catch_up").import_file(books.file("charges.csv", [hardware, bare]))
    assert f"{SOFTWARE} of its contract was billed on 2023-10-01 and has no cutover" in result.refused
    assert books.sql("SELECT count(*) FROM charge_line") == [(0,)], "October to December would be posted again"
    assert books.import_file(books.file("whole.csv", [hardware, software, discount])).accepted == 3


@pytest.mark.parametrize(
    ("rows", "field", "said"),
    [
        (bundle(software="-135.00"), "recognized_before", "has another sign than the line's share of the price"),
        ([*bundle(), bundle()[0]], "charge", "appears in row 2 of this file already"),
        (
            [*bundle(), charge(line="3", item="DISCOUNT", amount="-80.00", recognized_before="-20.00",
                               post_date="2023-10-01", cutover=NEW_YEAR)],
            "recognized_before",
            "the line is only a price of its contract",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_over_of_a_contract_is_a_problem_of_its_row(
    books: Books, rows: list[Row], field: str, said: str
) -> None:
    bundled(books)
    result = books.import_file(books.file("charges.csv", rows))
    assert result.refused
    assert any(one["field"] == field and said in str(one["reason"]) for one in result.report)


def test_a_line_in_progress_cannot_modify_a_contract_at_a_day_of_the_past(books: Books) -> None:
    first, second = bundle(hardware="600.00")
    bundled(books).take(first)
    result = books.import_file(books.file("more.csv", [second]))
    (problem,) = result.report
    assert (problem["field"], problem["reason"]) == (
        "cutover",
        "the other lines of its contract were imported before",
    )


def test_later_changes_of_a_contract_in_progress_are_shared(books: Books) -> None:
    discount = charge(line="3", item="DISCOUNT", amount="-80.00", post_date="2023-10-01", cutover=NEW_YEAR)
    # 1,000.00 is the price: 500.00 each, and 125.00 of the software until December.
    bundled(books).take(*bundle("500.00", "125.00"), discount)
    assert books.open_parts(SOFTWARE) == [(day, amount) for day, amount in monthly_shares(50_000)]
    assert books.run("2024-01-31").complete
    # A credit of 100.00 is shared: 50.00 of each. The hardware is satisfied, and four of twelve months are.
    books.event(SOFTWARE, "credit", "2024-01-31", amount=100)
    assert books.open_parts(HARDWARE) == [("2024-01-31", -5_000)]
    assert books.open_parts(SOFTWARE)[0] == ("2024-01-31", -1_667)
    # New hardware joins in April, at its standalone price.
    books.take(charge(line="4", item="HW", amount="600.00", post_date="2024-04-15"), name="later.csv")
    assert books.run("2024-12-31").complete
    assert recognized_in_all(books) == 108_000 - 8_000 - 10_000 + 60_000
    assert is_sound(books)


RETURNS = '[rule.constraint]\npercent = 10\nuntil = "30 days"\nreason = "right of return"\n'


@pytest.mark.parametrize("is_delivered", [False, True])
def test_hardware_whose_right_of_return_ended_is_taken_over_with_its_service(books: Books, is_delivered: bool) -> None:
    method = f'method = "{"pod_date" if is_delivered else "fixed_offset"}"\n{{policy}}\n{RETURNS}'
    bundled(books)
    policy = 'on_migration = "catch_up"' if is_delivered else ""
    rules = BUNDLE.replace('method = "fixed_offset"\n{policy}', method)
    books.rules(rules.format(policy=policy, later="modify", cost=""))
    books.take(*bundle())
    if is_delivered:
        # Until the delivery is recorded, 60.00 are no part of the price: the software would earn 42.50 a month.
        assert books.open_parts(SOFTWARE)[:2] == [(NEW_YEAR, -750), (NEW_YEAR, 4_250)]
        books.event(HARDWARE, "pod", "2023-10-02")
    assert books.open_parts(HARDWARE) == []
    assert books.open_parts(SOFTWARE) == months([4_500] * 9)
    # A new estimate for the software: the plan of the import stays what recognized_before is compared with.
    books.event(SOFTWARE, "constraint", "2024-02-01", amount=10, scope="line")
    assert books.run("2024-12-31").complete
    assert recognized_in_all(books) == 108_000 - 1_000
    assert is_sound(books)


@pytest.mark.parametrize(
    ("event", "amount", "price"),
    # 60.00 of the hardware are constrained until October 31: a credit of 20.00 uses them.
    [("credit", 20, 106_000), ("credit", 80, 100_000), ("constraint", 0, 108_000), ("constraint", 90, 108_000)],
)
def test_an_event_before_the_cutover_changes_what_is_left_of_a_contract(
    books: Books, event: str, amount: int, price: int
) -> None:
    bundled(books)
    rules = BUNDLE.replace('method = "fixed_offset"\n{policy}', f'method = "fixed_offset"\n{RETURNS}')
    books.rules(rules.format(policy="", later="modify", cost=""))
    books.take(*bundle())
    books.event(HARDWARE, event, "2023-10-15", amount=amount)
    assert books.sql("SELECT code FROM schedule_wait") == []
    assert books.run("2024-12-31").complete
    assert recognized_in_all(books) == price
    assert all(day >= NEW_YEAR for day, _account, _amount in posted(books))
    assert is_sound(books)


def monthly_shares(price: int) -> list[tuple[str, int]]:
    """Return the months from January of a price in twelve parts, by cumulative rounding."""
    return [(f"2024-0{at - 2}-01", round(price * (at + 1) / 12) - round(price * at / 12)) for at in range(3, 12)]


COMMISSION = '[[rule.cost]]\nname = "commission"\npercent = 10\ndeferred = "1400"\nexpense = "6100"\n'


def test_the_costs_of_a_contract_in_progress_were_expensed_by_its_share(books: Books) -> None:
    bundled(books, "spread", cost=COMMISSION).take(*bundle("540.00", "270.00"))
    # 270.00 is half of the share of 540.00, so half of the commission of 48.00 was expensed.
    assert books.sql("SELECT amount, recognized_before FROM charge_line WHERE line LIKE '%cost%'") == [(-4_800, -2_400)]
    assert sum(amount for _day, amount in books.open_parts(f"{SOFTWARE}:cost:commission")) == -2_400
    assert is_sound(books)


def test_a_cost_that_a_rule_gets_later_was_expensed_by_the_share_of_a_contract_in_progress(books: Books) -> None:
    bundled(books, "spread").take(*bundle("540.00", "270.00"))
    bundled(books, "spread", cost=COMMISSION)
    schedule(books.context("schedule"), rebuild=True, reason="commissions")
    assert books.sql("SELECT amount, recognized_before FROM charge_line WHERE line LIKE '%cost%'") == [(-4_800, -2_400)]
    assert is_sound(books)


def test_costs_were_expensed_as_their_revenue_was_recognized(monthly: Books) -> None:
    cost = '[[rule.cost]]\nname = "commission"\npercent = 10.01\ndeferred = "1400"\nexpense = "6100"\n'
    monthly.rules(f"{MONTHLY}{cost}")
    monthly.take(subscription())
    # 120.12 in twelve parts is 10.01 each.
    assert monthly.sql("SELECT amount, recognized_before FROM charge_line ORDER BY no") == [
        (120_000, 30_000),
        (-12_012, -3_003),
    ]
    assert is_sound(monthly)


def test_a_line_that_was_billed_before_the_cutover_is_not_invoiced_or_waited_for(monthly: Books) -> None:
    monthly.rules(f"{MONTHLY}after_invoice = true\n")
    monthly.take(subscription())
    monthly.run("2024-01-31")
    assert posted(monthly) == [("2024-01-01", "4000", 10_000)]


def report_rows(report: Report) -> list[Mapping[str, Any]]:
    """Return the rows of a report, all of whose checks hold."""
    assert [check for check in report.checks if check.difference] == []
    return list(report.rows)


def test_reports_show_what_was_brought_in_and_never_what_was_recognized_before(monthly: Books) -> None:
    monthly.take(subscription(), charge("INV-2", item="SUB-1", post_date="2024-01-01", amount="12.00"))
    monthly.run("2024-01-31")
    context = monthly.context("report")
    days = DateSpan(date(2023, 12, 1), date(2024, 1, 31))
    (january, _other) = report_rows(rollforward(context, RollforwardOptions(days, by=("document",))))
    assert january["period"] == "2024-01"
    moved = {name: january[name] for name in ("opening", "migrated", "billed", "recognized", "closing")}
    assert moved == {
        "opening": "0.00", "migrated": "900.00", "billed": "0.00", "recognized": "100.00", "closing": "800.00",
    }  # fmt: skip
    # What was deferred at the cutover is the opening liability (ASC 606-10-50-8(b)).
    assert january["recognized_from_opening"] == "100.00"
    (billed, _other) = report_rows(waterfall(context, days.last, "billed", date(2023, 10, 1), 6))
    assert billed["billed"] == "2023-10"
    assert {name: billed[name] for name in ("total", "before", "2023-11", "2024-01", "recognized", "remaining")} == {
        "total": "1200.00", "before": "300.00", "2023-11": "0.00", "2024-01": "100.00", "recognized": "400.00",
        "remaining": "800.00",
    }  # fmt: skip
    (owed, _new) = report_rows(remaining_obligations(context, days.last, "document", (12,)))
    assert (owed["total"], owed["billed"]) == ("800.00", "800.00")
    assert report_rows(remaining_obligations(context, days.first, "document", (12,)))[0]["document"] == "INV-2"
    sold = report_rows(revenue(context, DateSpan(date(2023, 1, 1), days.last), "year", "document"))
    assert [(row["period"], row["revenue"]) for row in sold] == [("2024", "100.00"), ("2024", "1.00")]
    assert tie_out(context, days.last).ties_out
    assert tie_out(context, days.first).ties_out


def test_trace_and_preview_show_the_historical_parts(monthly: Books) -> None:
    monthly.take(subscription())
    life = monthly.trace(CONTRACT)
    assert [(part["date"], part["amount"]) for part in life["historical"]] == [
        ("2023-10-01", "100.00"),
        ("2023-11-01", "100.00"),
        ("2023-12-01", "100.00"),
    ]
    assert (life["charge"]["recognized_before"], life["charge"]["cutover"]) == ("300.00", NEW_YEAR)
    assert life["schedule"][0]["carried"] == "300.00"
    shown = preview(monthly.context("preview"))
    assert [(line.seq, line.of, line.status) for line in shown.lines[2:4]] == [
        (3, 12, "historical"),
        (4, 12, "planned"),
    ]
    assert [total.period for total in shown.totals()] == [f"2024-0{month}" for month in range(1, 10)]
    assert preview(monthly.context("preview"), due=True, filters=Filters(last=date(2023, 12, 31))).lines == []
    file = monthly.file("again.csv", [subscription()])
    assert [line.status for line in preview_file(monthly.context("preview"), file, NATIVE_CHARGES).lines][2:4] == [
        "historical",
        "not imported",
    ]


def test_a_refund_of_everything_before_delivery_takes_back_what_was_recognized(books: Books) -> None:
    books.rules(DELIVERED)
    books.take(subscription())
    books.event(CONTRACT, "cancel", "2024-02-10", amount="1200")
    assert books.open_parts(CONTRACT) == [("2024-02-10", -30_000)]
    assert is_sound(books)


def test_a_source_has_a_cutover_for_all_of_its_documents(monthly: Books) -> None:
    (found,) = of_source([NATIVE_CHARGES], {"format": "", "cutover": date(2024, 1, 1)})
    file = monthly.file("charges.csv", [subscription(cutover=""), subscription("", cutover="2023-11-01", line="2")])
    rows = [row for row in read_charges(file, found) if isinstance(row, GoodRow)]
    assert [row.line.cutover for row in rows] == [date(2024, 1, 1), date(2023, 11, 1)]


def test_opening_balances_are_compared_with_the_ledger_and_signed(monthly: Books, intacct: Intacct) -> None:
    monthly.take(subscription(), subscription("100.00", line="2", amount="400.00"))
    context = monthly.context("report")
    with pytest.raises(BadInput, match="the ledger has other balances"):
        opening.sign(context, None, "agrees")
    (row,) = opening.opening(context).rows
    assert (row["account"], row["lines"], row["open"], row["ledger"]) == ("2400", 2, "1200.00", "0.00")
    sides = [{"account": account, "type": side, "amount": "1200.00", "currency": "USD", "document": "OPEN"}
             for account, side in (("4000", 1), ("2400", -1))]  # fmt: skip
    entered(intacct, sides, "2023-12-31")
    # An entry on the cutover is of the new system.
    entered(intacct, sides, NEW_YEAR, reference="JE-2")
    report = opening.opening(context)
    assert report.ties_out
    for column in report.amounts:
        behind = opening.drill_opening(context, opening.WHOLE, address_of(report, report.rows[0], column))
        assert behind.ties_out, behind.differences
        charges = [row["charge"] for row in behind.rows if row["charge"]]
        assert column == "ledger" or set(charges) == {"shop/INV-1/1", "shop/INV-1/2"}
    (row,) = opening.opening(context, opening.OpeningOptions(account="2400", entity="")).rows
    assert (row["open"], row["ledger"]) == ("1200.00", "1200.00")
    assert opening.opening(context, opening.OpeningOptions(account="4000")).rows == []
    signed = opening.sign(context, date(2024, 1, 1), "agrees with the closing trial balance").header["signed"]
    assert "agrees with the closing trial balance" in signed[0]
    assert opening.opening(context).header["signed"] == signed
    assert is_sound(monthly)


def test_opening_balances_need_a_cutover_of_these_books(monthly: Books) -> None:
    with pytest.raises(BadInput, match="no charge line has a cutover"):
        opening.opening(monthly.context("report"))
    monthly.take(subscription())
    with pytest.raises(BadInput, match="these books have 2024-01-01"):
        opening.opening(monthly.context("report"), opening.OpeningOptions(date(2024, 2, 1)))


def test_a_row_that_is_set_aside_is_an_exception_until_it_is_fixed(monthly: Books) -> None:
    monthly.import_file(monthly.file("charges.csv", [subscription("350.00")]), keep_good=True)
    (found,) = exceptions(monthly.context("report"), date(2024, 1, 31)).rows
    assert (found["kind"], found["amount"]) == ("quarantined row", "1200.00")
    assert "a difference of 50.00 USD" in found["reason"]
    quarantine.fix(monthly.context("quarantine fix"), 1, {"recognized_before": "300.00"}, "a typing error")
    assert quarantine.release(monthly.context("quarantine release"), [1]).accepted == 1
    assert monthly.open_parts(CONTRACT) == months([10_000] * 9)


@pytest.mark.parametrize(
    ("policy", "recognized", "expected"),
    [
        # 366 days from October 2023, 92 of them history; then 18 months: 900.00 over the 457 days from January on.
        ("refuse", "301.64", ("2025-03-31", 89_836)),
        ("spread", "350.00", ("2025-03-31", 85_000)),
    ],
)
def test_a_longer_service_spreads_what_is_left_and_history_stays(
    books: Books, policy: str, recognized: str, expected: tuple[str, int]
) -> None:
    books.rules(
        f'[[rule]]\nname = "days"\nrecognize = {{ method = "daily", by = "month", on_migration = "{policy}" }}\n'
    )
    service = {"service_start": "2023-10-01", "service_end": "2024-09-30"}
    books.take(subscription(recognized, **service))
    books.run("2024-01-31")
    books.import_events({"charge": CONTRACT, "kind": "service_dates", "date": "2025-03-31", "name": "end"})
    parts = valid_parts(books)
    assert (parts[-1][0], sum(amount for _day, amount in parts)) == expected
    assert all(amount > 0 for _day, amount in parts)
    assert is_sound(books)


def test_a_line_that_should_never_have_been_taken_over_can_be_voided(monthly: Books) -> None:
    monthly.take(subscription())
    void_charge(monthly.context("charge void"), CONTRACT, "of another company")
    assert monthly.open_parts(CONTRACT) == []
    assert tie_out(monthly.context("report"), date(2024, 1, 31)).ties_out
    with pytest.raises(BadInput, match="no charge line has"):
        opening.opening(monthly.context("report"))
    assert is_sound(monthly)


def moved_in(books: Books, month: date) -> list[tuple[str, ...]]:
    """Return how the deferred balance moved in a month."""
    report = rollforward(books.context("report"), RollforwardOptions(DateSpan(month, month_end(month))))
    return [
        tuple(row[name] for name in ("opening", "migrated", "billed", "credited", "closing"))
        for row in report_rows(report)
    ]


def test_a_line_that_is_voided_after_its_month_was_closed_leaves_with_what_was_brought_in(monthly: Books) -> None:
    monthly.take(subscription())
    close_months(monthly.context("periods close"), [date(2024, 1, 1)], "reported")
    void_charge(monthly.context("charge void"), CONTRACT, "of another company")
    assert moved_in(monthly, date(2024, 2, 1)) == [("900.00", "-900.00", "0.00", "0.00", "0.00")]


def test_a_line_that_was_recognized_in_full_before_the_cutover_moves_nothing(monthly: Books) -> None:
    monthly.take(subscription("1200.00", post_date="2022-10-01"))
    assert moved_in(monthly, date(2024, 1, 1)) == []


def late_balances(books: Books) -> list[tuple[str, ...]]:
    """Return what became known of balances after their month was closed."""
    report = late(books.context("report"), Filters(), "change")
    return [
        tuple(row[name] for name in ("what", "dated", "amount"))
        for row in report_rows(report)
        if row["figure"] == "billed"
    ]


def test_a_line_that_is_taken_over_after_the_close_is_late_with_what_it_brings_in(monthly: Books) -> None:
    monthly.take(charge("INV-2", item="SUB-1", post_date=NEW_YEAR, amount="12.00"))
    close_months(monthly.context("periods close"), [date(2024, 1, 1)], "reported")
    monthly.take(subscription(), name="forgotten.csv")
    assert late_balances(monthly) == [("charge line", NEW_YEAR, "900.00")]


def test_a_line_that_is_not_revenue_since_the_close_is_late_on_the_day_of_its_cutover(monthly: Books) -> None:
    monthly.take(subscription())
    close_months(monthly.context("periods close"), [date(2024, 1, 1)], "reported")
    monthly.rules('[[rule]]\nname = "deposit"\nrecognize = { method = "none", reason = "a deposit" }\n')
    schedule(monthly.context("schedule"), rebuild=True)
    assert late_balances(monthly) == [("not revenue", NEW_YEAR, "-900.00")]


def test_a_line_without_a_rule_is_taken_over_when_it_has_one(books: Books) -> None:
    books.rules(MONTHLY.replace("[rule.recognize]", '[rule.when]\nitem = "OTHER"\n[rule.recognize]'))
    books.take(subscription())
    assert books.sql("SELECT code, amount FROM unscheduled") == [("no_rule", 90_000)]
    assert tie_out(books.context("report"), date(2024, 1, 31)).ties_out
    books.rules(MONTHLY)
    books.run("2024-01-31")
    assert posted(books) == [("2024-01-01", "4000", 10_000)]
    assert tie_out(books.context("report"), date(2024, 1, 31)).ties_out
