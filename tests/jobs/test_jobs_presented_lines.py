"""Refund liabilities, return assets and payables to principals: what the balance report presents apart.

Source: ASC 606-10-32-10, 55-22 to 55-29 and Example 22; 55-36 to 55-40 and Examples 45 to 48.
"""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from revrec.core.contract_balance import BalanceSheet, BalanceTotal
from revrec.core.filters import NO_FILTERS, Basis, Filters
from revrec.core.money import to_minor
from revrec.core.report import SINGLE
from revrec.core.typed_dates import DateSpan
from revrec.jobs.posting import periods
from revrec.jobs.reports.contract_balances import contract_balances, deferred_balances
from revrec.jobs.reports.costs import CostOptions, costs
from revrec.jobs.reports.disclosures import disclosures
from revrec.jobs.reports.exceptions import exceptions
from revrec.jobs.reports.forecast import forecast
from revrec.jobs.reports.late import late
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.revenue import revenue
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.jobs.reports.tie_out import tie_out
from revrec.jobs.reports.waterfall import waterfall
from revrec.jobs.running.present import present
from support.books import Books, MakeRow
from support.intacct import Intacct
from support.rule_texts import DELIVERY

RETURNS = f"""{DELIVERY}[rule.constraint]
percent = 3
until = "30 days"
from = "delivered"
reason = "right of return"
costs = true
[[rule.cost]]
name = "cogs"
percent = "60"
deferred = "1300"
expense = "5000"
"""
AGENT = f"""{DELIVERY}[rule.post]
deferred = "2400"
accrued = "4000"
[[rule.cost]]
name = "principal"
percent = "80"
deferred = "2410"
expense = "4000"
"""


def balance_sheet(books: Books, day: str) -> BalanceSheet:
    """Return the balance sheet of a day, with all contracts in it."""
    sheet = BalanceSheet()
    list(contract_balances(books.context(), BalanceOptions(date.fromisoformat(day)), sheet))
    return sheet


def total(books: Books, day: str) -> dict[str, int]:
    """Return the amounts of the balance sheet of a day that are not zero, in minor units."""
    (found,) = balance_sheet(books, day).totals() or [BalanceTotal("", "USD", *[0] * 8)]
    return {name: amount for name, amount in found._asdict().items() if isinstance(amount, int) and amount}


def accounts(books: Books, day: str) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Return the balance of each account, the refund in it, and what is presented."""
    shown = balance_sheet(books, day).accounts()
    return {(one.account, one.of): (one.balance, one.refund, one.presented) for one in shown}


def test_a_right_of_return_has_a_refund_liability_and_a_return_asset(books: Books, row: MakeRow) -> None:
    """Example 22: 100 products at 100 that cost 60; 97 are expected to be kept."""
    books.rules(RETURNS)
    books.take(row(item="POD-1", amount="10000.00", post_date="2024-03-01"))
    undelivered = {"liability": 970_000, "refund_liability": 30_000, "costs": 600_000}
    assert total(books, "2024-03-01") == undelivered
    books.event("shop/INV-1/1", "pod", "2024-03-04")
    assert books.run("2024-03-31").complete
    assert total(books, "2024-03-31") == {"refund_liability": 30_000, "return_asset": 18_000}
    assert accounts(books, "2024-03-31") == {
        ("1300", "costs"): (-18_000, -18_000, 0),
        ("2400", "revenue"): (30_000, 30_000, 0),
    }
    books.event("shop/INV-1/1", "credit", "2024-04-01", amount=200)
    assert total(books, "2024-04-01") == {"refund_liability": 10_000, "return_asset": 18_000}
    assert books.run("2024-04-30").complete
    assert total(books, "2024-04-30") == {}


@pytest.mark.both_databases
def test_other_reports_show_the_refund_liability_too(books: Books, row: MakeRow) -> None:
    books.rules(RETURNS)
    books.take(row(item="POD-1", amount="10000.00", post_date="2024-03-01"))
    books.event("shop/INV-1/1", "pod", "2024-03-04")
    assert books.run("2024-03-31").complete
    march = DateSpan(date(2024, 3, 1), date(2024, 3, 31))
    (moved,) = rollforward(books.context(), RollforwardOptions(march)).rows
    assert (moved["closing"], moved["refund_liability"]) == ("300.00", "300.00")
    (spent,) = costs(books.context(), CostOptions(march)).rows
    assert (spent["closing"], spent["return_asset"]) == ("180.00", "180.00")
    rows = {row["balance"]: row["closing"] for row in disclosures(books.context(), march, False).tables[0].report.rows}
    assert (rows["refund liabilities"], rows["return assets"]) == ("300.00", "180.00")
    assert rows["contract liabilities, current"] == "0.00"
    assert tie_out(books.context(), date(2024, 3, 31)).ties_out


def test_refund_liabilities_and_return_assets_are_posted_to_accounts_of_theirs(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    day, next_day = date(2024, 3, 31), date(2024, 4, 1)
    books.rules(RETURNS)
    books.take(row(item="POD-1", amount="10000.00", post_date="2024-03-01"))
    books.event("shop/INV-1/1", "pod", "2024-03-04")
    assert books.run(str(day)).complete
    config = books.folder / "revrec.toml"
    names = 'refund_liabilities = "2500"\nreturn_assets = "1300: 1210"\n'
    config.write_text(f"{config.read_text()}[presentation]\n{names}")
    before = intacct.balances(day)
    assert present(books.context("report balance"), day)[0].complete
    moved = {account: amount - before.get(account, 0) for account, amount in intacct.balances(day).items()}
    assert {account: amount for account, amount in moved.items() if amount} == {
        "2400": 300, "2500": -300, "1300": -180, "1210": 180,
    }  # fmt: skip
    assert {account: amount for account, amount in intacct.balances(next_day).items() if amount} == before
    report = tie_out(books.context(), day)
    moved_in_all = {row["amount"] for row in report.rows if "presentation" in row["figure"]}
    assert report.ties_out and moved_in_all == {"480.00"}


@pytest.mark.parametrize(
    ("day", "delivered", "total", "constrained"),
    [
        ("2024-03-03", False, "9700.00", "300.00"),
        ("2024-03-03", True, "9700.00", "300.00"),
        ("2024-03-31", True, "9700.00", "300.00"),
        ("2024-04-02", True, "9700.00", "300.00"),
        ("2024-04-03", True, "10000.00", "0.00"),
    ],
)
def test_what_is_constrained_is_no_obligation_also_if_its_end_has_a_date(
    offline: Books, row: MakeRow, day: str, delivered: bool, total: str, constrained: str
) -> None:
    offline.rules(RETURNS)
    offline.take(row(item="POD-1", amount="10000.00", post_date="2024-03-01"))
    if delivered:
        offline.event("shop/INV-1/1", "pod", "2024-03-04")
    report = remaining_obligations(offline.context(), date.fromisoformat(day), "entity", (1,))
    (found,) = report.rows
    assert report.ties_out and (found["total"], found["constrained"]) == (total, constrained)
    assert found["billed"] == total and found["waiting"] == ("0.00" if delivered else total)
    refund = balance_sheet(offline, day).totals()
    assert sum(one.refund_liability for one in refund) == to_minor(Decimal(constrained), "USD")


def test_the_constrained_amount_of_a_service_is_taken_from_the_bands_that_it_would_be_in(
    offline: Books, row: MakeRow
) -> None:
    lasting = RETURNS.replace('method = "pod_date"', 'method = "monthly"\nperiods = 4').replace(
        "percent = 3", "percent = 10"
    )
    offline.rules(lasting.replace('from = "delivered"\n', ""))
    offline.take(row(item="POD-1", amount="1200.00", post_date="2024-01-01"))
    report = remaining_obligations(offline.context(), date(2024, 1, 20), "entity", (1, 2))
    (found,) = report.rows
    shown = [found[name] for name in ("within_1_months", "months_2_to_2", "later", "total", "constrained")]
    assert shown == ["540.00", "270.00", "270.00", "1080.00", "120.00"] and report.ties_out
    estimated = remaining_obligations(offline.context(), date(2024, 1, 31), "entity", (1, 2)).rows
    assert [one["constrained"] for one in estimated] == ["0.00"], "30 days after January 1"


@pytest.mark.parametrize("with_costs", [True, False])
def test_what_is_constrained_of_an_agent_is_its_commission(offline: Books, row: MakeRow, with_costs: bool) -> None:
    constraint = '[rule.constraint]\npercent = 10\nreason = "right of return"\n'
    constraint += "costs = true\n" if with_costs else ""
    offline.rules(AGENT.replace("[rule.post]", f"{constraint}[rule.post]"))
    offline.take(row(item="POD-1", amount="100.00", post_date="2024-03-01"))
    offline.event("shop/INV-1/1", "pod", "2024-03-04")
    for day in (date(2024, 3, 3), date(2024, 3, 31)):
        report = remaining_obligations(offline.context(), day, "item", (1,))
        (found,) = report.rows
        # Without costs = true, the whole share of the principal is owed, and so all of the price that is constrained.
        expected = ("18.00", "2.00") if with_costs else ("10.00", "10.00")
        assert report.ties_out and (found["total"], found["constrained"]) == expected


def test_an_estimate_without_a_constraint_in_the_rule_is_a_refund_liability(offline: Books, row: MakeRow) -> None:
    offline.take(row(item="MAG-1", amount="24.00", post_date="2024-01-01"))
    offline.event("shop/INV-1/1", "constraint", "2024-01-10", amount=4)
    assert total(offline, "2024-01-09") == {"liability": 2_400}
    assert total(offline, "2024-01-31") == {"liability": 2_000, "refund_liability": 400}


@pytest.mark.both_databases
def test_an_agent_has_no_asset_before_the_sale_and_a_payable_after_it(books: Books, row: MakeRow) -> None:
    books.rules(AGENT)
    books.take(row(item="POD-1", amount="100.00", post_date="2024-03-01"))
    assert total(books, "2024-03-01") == {"liability": 10_000}
    books.event("shop/INV-1/1", "pod", "2024-03-04")
    assert books.run("2024-03-31").complete
    assert total(books, "2024-03-31") == {"payable": 8_000}
    assert accounts(books, "2024-03-31") == {("2410", "payable"): (8_000, 0, 8_000), ("2400", "revenue"): (0, 0, 0)}
    with books.context().database.read() as connection:
        balances = deferred_balances(books.context(), connection, date(2024, 3, 31))
    assert balances == {("2410", "USD"): 8_000, ("2400", "USD"): 0}, "what the ledger has on these accounts"
    march = DateSpan(date(2024, 3, 1), date(2024, 3, 31))
    found = costs(books.context(), CostOptions(march))
    assert found.rows == [] and found.ties_out


def test_the_price_of_an_agent_is_its_commission_in_all_reports_of_revenue(books: Books, row: MakeRow) -> None:
    books.rules(AGENT)
    books.take(row(item="POD-1", amount="100.00", post_date="2024-01-01"))
    january, march, context = date(2024, 1, 31), date(2024, 3, 31), books.context()

    def reports(day: date, by: str = "item") -> list[list[Any]]:
        span = DateSpan(date(2024, 1, 1), day)
        found = (
            revenue(context, span, "span", by),
            revenue(context, span, "span", by, Basis.earned),
            remaining_obligations(context, day, by, [12]),
            waterfall(context, day, by, january, 3),
        )
        assert all(one.ties_out for one in found)
        return [[*one.rows] for one in found]

    recognized, earned, (remaining,), (signed,) = reports(january)
    assert recognized == earned == []
    assert (remaining["total"], remaining["waiting"], remaining["billed"]) == ("20.00", "20.00", "20.00")
    assert (signed["total"], signed["remaining"]) == ("20.00", "20.00")
    assert exceptions(context, january).header["effect_on_revenue"] == {"USD": "20.00"}
    books.event("shop/INV-1/1", "pod", "2024-03-04")
    recognized, (earned,), remaining, (signed,) = reports(march, "rule")
    assert recognized == [] and (earned["rule"], earned["revenue"]) == ("delivery", "20.00")
    assert books.run("2024-03-31").complete
    (recognized,), earned, remaining, (signed,) = reports(march, "rule")
    assert remaining == [] and (recognized["rule"], recognized["revenue"]) == ("delivery", "20.00")
    assert (signed["total"], signed["2024-03"], signed["recognized"]) == ("20.00", "20.00", "20.00")
    (timed,) = revenue(context, DateSpan(january, march), "span", "timing").rows
    assert (timed["timing"], timed["revenue"]) == ("point_in_time", "20.00")
    for filters in (Filters(charge="shop/INV-1/1"), Filters(rule="delivery"), Filters(account="2400")):
        (part,) = revenue(context, DateSpan(january, march), "span", "item", filters=filters).rows
        assert part["revenue"] == "20.00", filters


def test_the_late_revenue_of_an_agent_is_its_commission(books: Books, row: MakeRow) -> None:
    books.environment["REVREC_POSTING_CLOSED_PERIOD"] = "next_open"
    books.rules(AGENT)
    books.take(row(item="POD-1", amount="100.00", post_date="2024-01-01"))
    periods.decide(books.context("periods close"), [date(2024, 1, 1)], "closed", "reported", "")
    books.event("shop/INV-1/1", "pod", "2024-01-20")
    (month,) = late(books.context(), NO_FILTERS, "month").rows
    assert (month["as_reported"], month["late"], month["now"]) == ("0.00", "20.00", "20.00")
    assert books.run("2024-02-29").complete
    (january, february), context = late(books.context(), NO_FILTERS, "month").rows, books.context()
    assert (january["late"], january["now"]) == ("20.00", "20.00")
    assert (february["as_reported"], february["from_other_months"], february["now"]) == ("20.00", "20.00", "0.00")
    span = DateSpan(date(2024, 2, 1), date(2024, 2, 29))
    for by in ("item", "rule"):
        found = forecast(context, span, by)
        (planned,) = found.rows
        assert found.ties_out and planned["actual"] == planned["difference"] == "20.00", by
    assert sum(Decimal(one["amount"]) for one in forecast(context, span, SINGLE).rows) == 20


def test_the_forecast_of_an_agent_has_a_month_that_only_takes_back(books: Books, row: MakeRow) -> None:
    books.rules(AGENT)
    books.take(row(item="POD-1", amount="100.00", post_date="2024-01-01"))
    books.event("shop/INV-1/1", "pod", "2024-01-20")
    assert books.run("2024-01-31").complete
    books.event("shop/INV-1/1", "credit", "2024-02-10", amount="50.00")
    books.event("shop/INV-1/1:cost:principal", "credit", "2024-02-10", amount="-40.00")
    assert books.run("2024-02-29").complete
    found = forecast(books.context(), DateSpan(date(2024, 2, 1), date(2024, 2, 29)), "item", "1")
    assert [one["actual"] for one in found.rows] == ["-10.00"]
    assert found.ties_out


def test_the_rollforward_of_an_agent_has_what_became_owed_apart_from_its_revenue(books: Books, row: MakeRow) -> None:
    books.rules(AGENT.replace('method = "pod_date"', 'method = "monthly"\nperiods = 4\non_credit = "earned_first"'))
    books.take(row(item="POD-1", amount="400.00", post_date="2024-01-05"))
    assert books.run("2024-02-29").complete
    books.event("shop/INV-1/1", "credit", "2024-03-10", amount="50.00")
    books.event("shop/INV-1/1:cost:principal", "credit", "2024-03-10", amount="-40.00")
    assert books.run("2024-03-31").complete
    quarter = DateSpan(date(2024, 1, 1), date(2024, 3, 31))
    names = (
        "recognized_from_opening",
        "recognized_from_period",
        "taken_back",
        "recognized",
        "to_principals",
        "closing",
    )
    for basis in Basis:
        found = rollforward(books.context(), RollforwardOptions(quarter, basis=basis))
        assert found.ties_out
        assert [tuple(one[name] for name in names) for one in found.rows] == [
            ("0.00", "20.00", "0.00", "20.00", "80.00", "300.00"),
            ("20.00", "0.00", "0.00", "20.00", "80.00", "200.00"),
            ("20.00", "0.00", "-10.00", "10.00", "40.00", "100.00"),
        ]
    tables = {one.name: one.report for one in disclosures(books.context(), quarter, False).tables}
    (split,) = tables["D2"].rows
    assert split["revenue"] == "50.00" and all(one.ties_out for one in tables.values())
    assert tie_out(books.context(), date(2024, 3, 31)).ties_out


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2024-03-01", {"liability": 970_000, "refund_liability": 30_000, "costs": 600_000}),
        ("2024-03-31", {"refund_liability": 30_000, "return_asset": 18_000}),
    ],
)
def test_a_rule_that_was_edited_since_keeps_what_it_was(
    books: Books, row: MakeRow, day: str, expected: dict[str, int]
) -> None:
    books.rules(RETURNS)
    books.take(row(item="POD-1", amount="10000.00", post_date="2024-03-01"))
    books.event("shop/INV-1/1", "pod", "2024-03-04")
    assert books.run("2024-03-31").complete
    for edited in (RETURNS.replace("percent = 3", "percent = 50"), DELIVERY):
        books.rules(edited)
        assert total(books, day) == expected
        (found,) = remaining_obligations(books.context(), date.fromisoformat(day), "item", (1,)).rows
        assert found["constrained"] == "300.00"


AGENT_BY_MONTH = """[[rule]]
name = "agency"
[rule.recognize]
method = "monthly"
on = "last"
[rule.post]
deferred = "2400"
accrued = "4000"
[[rule.cost]]
name = "principal"
percent = "80"
deferred = "2100"
expense = "4000"
[[rule.cost]]
name = "fee"
amount = "4.00"
deferred = "1300"
expense = "5000"
"""


@pytest.mark.parametrize("how", ["event", "file"])
@pytest.mark.parametrize(
    ("refund", "commission", "payable"),
    # 240.00 for a year, of which 60.00 are earned by March 31: the commission is 20 percent of what the customer pays.
    [("180.00", 1_200, 4_800), ("100.00", 2_800, 11_200), ("", 4_800, 19_200), ("240.00", 0, 0), ("250.00", -1_000, 0)],
)
def test_an_agent_recognizes_only_its_commission_of_what_is_not_refunded(
    books: Books, row: MakeRow, how: str, refund: str, commission: int, payable: int
) -> None:
    books.rules(AGENT_BY_MONTH)
    year = {"service_start": "2024-01-01", "service_end": "2024-12-31"}
    books.take(row(amount="240.00", post_date="2024-01-01", **year))
    assert books.run("2024-03-31").complete
    if how == "event":
        books.event("shop/INV-1/1", "cancel", "2024-03-31", amount=refund or None)
    else:
        books.import_events({"charge": "shop/INV-1/1", "kind": "cancel", "date": "2024-03-31", "amount": refund})
    assert books.run("2024-12-31").complete
    revenue = dict(
        books.sql(
            "SELECT account, sum(CASE side WHEN 'credit' THEN amount ELSE -amount END) FROM journal_line GROUP BY 1"
        )
    )
    assert (revenue["4000"], revenue["2100"]) == (commission, payable)
    assert revenue["5000"] == -400, "other costs are expensed in full"
    assert total(books, "2024-12-31") == ({"payable": payable} if payable else {})


def test_a_corrected_refund_of_an_agent_corrects_what_it_owes(offline: Books, row: MakeRow) -> None:
    offline.rules(AGENT_BY_MONTH)
    offline.take(row(amount="240.00", post_date="2024-01-01", service_start="2024-01-01", service_end="2024-12-31"))
    offline.event("shop/INV-1/1", "cancel", "2024-03-31", amount="100.00")
    offline.event("shop/INV-1/1", "cancel", "2024-03-31", amount="180.00")
    parts = offline.open_parts("shop/INV-1/1:cost:principal")
    assert sum(amount for _day, amount in parts) == -4_800
