"""Amounts without a recognition date: every display shows the same figures, and the old ones raise an alarm."""

import re
from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revrec.core.filters import Filters
from revrec.core.money import decimal_string
from revrec.jobs.importing.withdrawals import withdraw_event
from revrec.jobs.reports.contract_balances import deferred_balances
from revrec.jobs.reports.health import WARN, health
from revrec.jobs.reports.metrics import exposition
from revrec.jobs.reports.preview import preview
from revrec.jobs.reports.remaining_obligations import remaining_obligations
from revrec.jobs.reports.status import status
from revrec.jobs.reports.tie_out import tie_out
from revrec.jobs.running.alert import _finished
from support.books import Books, MakeRow
from support.rule_texts import DELIVERY, MAGAZINE, PROJECT

pytestmark = pytest.mark.both_databases

COGS = """\
[[rule.cost]]
name = "cogs"
percent = 60
deferred = "1400"
expense = "5000"
"""
RULES = PROJECT + DELIVERY + COGS + MAGAZINE + "periods = 4\n"
DAY = date(2024, 6, 30)


def undated_by_hand(books: Books) -> Counter[tuple[str, bool]]:
    """Return the amounts without a date, in minor units by currency, from the charge lines and the dated lines."""
    found: Counter[tuple[str, bool]] = Counter()
    for line, currency, amount, dated in books.sql(
        "SELECT c.line, c.currency, c.amount, (SELECT coalesce(sum(l.amount), 0) FROM schedule_line l"
        " WHERE l.charge_no = c.no AND l.superseded_by IS NULL) FROM charge_line c"
    ):
        found[currency, ":cost:" in line] += amount - int(dated)
    return Counter({key: amount for key, amount in found.items() if amount})


def sums(rows: Any, cost: Any) -> Counter[tuple[str, bool]]:
    """The amounts of rows in minor units, by currency; ``cost`` distinguishes the rows of costs."""
    found: Counter[tuple[str, bool]] = Counter()
    for one in rows:
        found[one.currency, cost(one)] += minor(one.amount, one.currency)
    return Counter({key: amount for key, amount in found.items() if amount})


def minor(amount: str, currency: str) -> int:
    return int(Decimal(amount) * (1 if currency == "JPY" else 100))


LINES = st.lists(
    st.tuples(
        st.sampled_from(["PROJ-1", "POD-1", "MAG-1", "NEW-1"]),
        st.sampled_from(["USD", "JPY", "EUR"]),
        st.integers(-90_000, 90_000).filter(bool),
        st.sampled_from(["", "pod", "design", "hold", "release"]),
    ),
    min_size=1,
    max_size=7,
)


@settings(max_examples=8, deadline=None)
@given(LINES)
def test_every_display_shows_the_same_undated_amounts(
    new_books: type[Books], row: MakeRow, tmp_path_factory: pytest.TempPathFactory, lines: Any
) -> None:
    books = new_books(tmp_path_factory.mktemp("books"), {"INTACCT_ENDPOINT_URL": "http://127.0.0.1:9/"})
    books.rules(RULES)
    books.take(
        *(
            row(f"D-{number}", item=item, currency=currency, amount=decimal_string(amount, currency))
            for number, (item, currency, amount, _event) in enumerate(lines)
        )
    )
    for number, (item, _currency, _amount, event) in enumerate(lines):
        if event and item != "NEW-1" and (event != "design" or item == "PROJ-1"):
            kind, name = ("milestone", "design") if event == "design" else (event, "")
            books.event(f"shop/D-{number}/1", kind, "2024-02-15", name=name)
    truth = undated_by_hand(books)

    found = status(books.context(), DAY)
    assert sums([*found.unscheduled_reasons, *found.waiting], lambda one: one.cost) == truth

    shown = preview(books.context(), Filters(last=DAY))
    listed = [*shown.unscheduled, *shown.waiting]
    assert sums(listed, lambda one: ":cost:" in one.charge) == truth
    assert shown.undated_totals() == found.undated

    # Nothing is posted and all is billed, so that the balance report must show what is planned and what is undated.
    with books.context().database.read() as connection:
        deferred = deferred_balances(books.context(), connection, DAY)
    unrecognized: Counter[str] = Counter()
    for (_account, currency), amount in deferred.items():
        unrecognized[currency] += amount
    expected = Counter({one.currency: minor(one.amount, one.currency) for one in status(books.context()).open})
    for (currency, _is_cost), amount in truth.items():
        expected[currency] += amount
    assert {key: value for key, value in unrecognized.items() if value} == {
        key: value for key, value in expected.items() if value
    }

    result = books.run(DAY.isoformat(), dry_run=True)
    assert (result.undated, result.missing) == (found.undated, found.missing)
    alert = " ".join(_finished(books.context(), result).undated)
    assert all(f"{Decimal(total.amount):,} {total.currency}" in alert for total in found.undated)

    exposed: Counter[tuple[str, bool]] = Counter()
    text = "".join(exposition(health(books.context(), DAY)))
    for currency, amount in re.findall(r'^revrec_(?:unscheduled|waiting)_amount{currency="(...)"} (\S+)$', text, re.M):
        exposed[currency, False] += minor(amount, currency)
    assert {key: amount for key, amount in exposed.items() if amount} == {
        key: amount for key, amount in truth.items() if not key[1]
    }


@pytest.mark.parametrize(
    ("event", "amount", "left"),
    [("credit", "30.00", ["70.00"]), ("price", "120.00", ["120.00"]), ("credit", "100.00", [])],
)
def test_what_waits_without_a_schedule_is_the_price_that_events_leave(
    offline: Books, row: MakeRow, event: str, amount: str, left: list[str]
) -> None:
    offline.rules(RULES)
    offline.take(row("P-1", item="POD-1", amount="100.00"))
    offline.event("shop/P-1/1", event, "2024-02-15", amount=amount)
    context = offline.context()
    found = status(context, DAY)
    listed = preview(context, Filters(last=DAY)).unscheduled
    assert [one.amount for one in found.unscheduled_reasons if not one.cost] == left
    assert [one.amount for one in listed if ":cost:" not in one.charge] == left
    exposed = "".join(exposition(health(context, DAY)))
    assert f'revrec_unscheduled_amount{{currency="USD"}} {left[0] if left else "0.00"}\n' in exposed
    amounts = [(minor(one, "USD"),) for one in left]
    assert offline.sql("SELECT amount FROM v1_waiting WHERE charge = 'shop/P-1/1'") == amounts
    remaining = remaining_obligations(context, DAY, "item", [12])
    assert [one["total"] for one in remaining.rows] == left
    assert not any(check.difference for check in [*remaining.checks, *tie_out(context, DAY).checks])


def test_a_withdrawn_credit_restores_what_waits(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    offline.take(row("P-1", item="POD-1", amount="100.00"))
    offline.event("shop/P-1/1", "credit", "2024-02-15", amount="30.00")
    withdraw_event(offline.context("event withdraw"), 1, "by mistake")
    (one,) = [one for one in preview(offline.context(), Filters(last=DAY)).unscheduled if ":cost:" not in one.charge]
    assert one.amount == "100.00"


def test_a_charge_line_without_a_rule_is_missing_revenue_at_once(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    offline.take(row("N-1", item="NEW-1", amount="700.00"), row("N-2", item="NEW-1", amount="500.00"))
    (missing,) = status(offline.context(), date(2024, 1, 6)).missing
    assert str(missing) == "2 charge lines without a rule (1,200.00 USD)"
    assert health(offline.context(), date(2024, 1, 6)).state == WARN


def test_a_line_that_no_event_can_date_is_missing_revenue_at_once(offline: Books, row: MakeRow) -> None:
    offline.rules('[[rule]]\nname = "date-on-the-line"\n[rule.recognize]\nmethod = "rev_rec_date"\n')
    offline.take(row("N-1", item="NEW-1", amount="700.00"))
    (missing,) = status(offline.context(), date(2024, 1, 6)).missing
    assert str(missing) == "1 charge line that the rule cannot schedule (700.00 USD)"


@pytest.mark.parametrize(("day", "late"), [("2024-04-04", False), ("2024-04-05", True)])
def test_a_line_that_waits_is_missing_after_the_time_in_the_settings(
    offline: Books, row: MakeRow, day: str, late: bool
) -> None:
    offline.rules(RULES)
    offline.take(row("P-1", item="POD-1", amount="100.00"))
    setting = {"REVREC_ALERTS_WAITING_AFTER": "90 days"}
    found = status(offline.context(also=setting), date.fromisoformat(day)).missing
    words = ["1 charge line waiting since 2024-01-05 (100.00 USD)", "1 cost waiting since 2024-01-05 (60.00 USD)"]
    assert [str(one) for one in found] == (words if late else [])
    assert bool(offline.run(day, dry_run=True, also=setting).missing) == late


def test_each_event_restarts_the_wait(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    offline.take(row("P-1", item="PROJ-1", amount="100.00"))
    offline.event("shop/P-1/1", "milestone", "2024-03-01", name="design")
    (waiting,) = status(offline.context(), date(2024, 4, 30)).waiting
    assert (waiting.amount, waiting.since) == ("60.00", "2024-03-01")
    assert not status(offline.context(), date(2024, 4, 30)).missing
    assert status(offline.context(), date(2024, 6, 1)).missing


def test_a_time_beyond_the_calendar_means_never(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    offline.take(row("P-1", item="POD-1", amount="100.00"))
    assert not status(offline.context(REVREC_ALERTS_WAITING_AFTER="900000 days"), date(2024, 12, 31)).missing


def test_the_list_shows_customer_item_amount_and_age(offline: Books, row: MakeRow) -> None:
    offline.rules(RULES)
    offline.take(row("N-1", item="NEW-1", amount="700.00", customer="C-ADA"))
    (one,) = preview(offline.context(), Filters(last=date(2024, 1, 31))).unscheduled
    assert one[:7] == ("shop/N-1/1", "C-ADA", "NEW-1", "700.00", "USD", "2024-01-05", 26)
