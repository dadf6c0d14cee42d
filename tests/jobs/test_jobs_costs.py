"""Costs beside the charge lines that they belong to: from the import to the ledger."""

from datetime import date
from typing import Any

import pytest

from revrec.core.errors import BadInput
from revrec.core.periods import Periods, PostingDates
from revrec.jobs.admin.verify import verify
from revrec.jobs.importing.events import add_event
from revrec.jobs.importing.import_files import mapping_of
from revrec.jobs.importing.voids import void_charge
from revrec.jobs.reports.preview import preview, preview_file
from revrec.jobs.reports.trace import trace
from revrec.jobs.scheduling.effect import ScheduleEffect
from revrec.jobs.scheduling.rebuild import schedule
from revrec.sources import EventRow
from support.books import Books, MakeRow
from support.rule_texts import MAGAZINE

COST = """
[[rule.cost]]
name = "cogs"
amount = "1.00"
per = "part"
deferred = "1300"
expense = "5000"
"""
MAGAZINES = MAGAZINE + 'offset = "7 days"\nperiods = 12\n'
SOFA = """
[[rule]]
name = "sofa"
when = { item = "POD-*" }
recognize = { method = "pod_date" }
[[rule.cost]]
name = "sofa-cost"
percent = "40"
deferred = "1300"
expense = "5000"
"""
COSTS = "SELECT id, amount FROM charge_line WHERE id LIKE '%:cost:%' ORDER BY no"


def ledger(books: Books) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = books.sql(
        "SELECT account, sum(CASE side WHEN 'debit' THEN l.amount ELSE -l.amount END) FROM journal_line l"
        " JOIN journal_entry e ON e.id = l.entry_id WHERE e.state = 'POSTED' GROUP BY account ORDER BY account"
    )
    return [tuple(map(int, row)) for row in rows]


def sound(books: Books) -> bool:
    return bool(verify(books.context("verify")).sound)


def test_the_trace_of_a_line_goes_on_with_its_costs(books: Books, row: MakeRow) -> None:
    books.rules(MAGAZINES + COST)
    books.take(row("INV-1"), row("INV-1", line="11"))
    assert [life.charge.id for life in trace(books.context("trace"), "shop/INV-1/1")] == [
        "shop/INV-1/1",
        "shop/INV-1/1:cost:cogs",
    ]


@pytest.mark.both_databases
def test_the_cost_of_an_issue_is_expensed_in_the_entry_that_earns_it(books: Books, row: MakeRow) -> None:
    books.rules(MAGAZINES + COST)
    books.take(row("INV-1", amount="24.00"))
    assert books.sql(COSTS) == [("shop/INV-1/1:cost:cogs", -1200)]
    assert books.run("2024-03-31").complete
    assert ledger(books) == [(1300, -300), (2400, 600), (4000, -600), (5000, 300)]
    assert books.sql("SELECT count(*) FROM journal_entry") == [(3,)], "in one entry with the revenue"
    books.take(row("INV-1", amount="24.00"), name="again.csv")
    assert len(books.sql(COSTS)) == 1 and sound(books)


def test_preview_shows_revenue_and_costs_separately(offline: Books, row: MakeRow) -> None:
    offline.rules(MAGAZINES + COST)
    context, path = offline.context("preview"), offline.file("a.csv", [row("INV-1", amount="24.00")])
    before = preview_file(context, path, mapping_of(context, None, events=False))
    offline.take(row("INV-1", amount="24.00"))
    after = preview(context)
    for found in (before, after):
        assert found.totals()[0][:3] == ("2024-01", "USD", "2.00")
        assert found.costs()[0][:3] == ("2024-01", "USD", "1.00")
        (cost,) = (one for one in found.lines if one.date == "2024-01-12" and ":cost:" in one.charge)
        assert (cost.amount, cost.deferred, cost.accrued) == ("-1.00", "1300", "5000")


@pytest.mark.parametrize("by", ["file", "hand"])
def test_what_is_delivered_of_a_line_is_so_of_its_cost(by: str, offline: Books, row: MakeRow) -> None:
    offline.rules(SOFA)
    offline.take(row("INV-1", item="POD-1", amount="100.00"))
    assert offline.sql("SELECT count(*) FROM unscheduled") == [(2,)]
    if by == "hand":
        offline.event("shop/INV-1/1", "pod", "2024-03-07")
    else:
        offline.import_events({"charge": "shop/INV-1/1", "kind": "pod", "date": "2024-03-07"})
    assert offline.open_parts("shop/INV-1/1") == [("2024-03-07", 10000)]
    assert offline.open_parts("shop/INV-1/1:cost:sofa-cost") == [("2024-03-07", -4000)]
    assert sound(offline)


def test_a_credit_leaves_the_cost_and_a_cancellation_expenses_what_is_left(offline: Books, row: MakeRow) -> None:
    offline.rules(MAGAZINES + COST)
    offline.take(row("INV-1", amount="24.00"))
    offline.event("shop/INV-1/1", "credit", "2024-01-20", amount=11)
    assert sum(amount for _day, amount in offline.open_parts("shop/INV-1/1:cost:cogs")) == -1200
    offline.event("shop/INV-1/1", "cancel", "2024-03-20", amount=5)
    cost = offline.open_parts("shop/INV-1/1:cost:cogs")
    assert cost[-1] == ("2024-03-20", -900) and sum(amount for _day, amount in cost) == -1200
    offline.event("shop/INV-1/1:cost:cogs", "price", "2024-03-21", amount=-10)
    assert sum(amount for _day, amount in offline.open_parts("shop/INV-1/1:cost:cogs")) == -1000
    assert sum(amount for _day, amount in offline.open_parts("shop/INV-1/1")) == 800
    assert sound(offline)


def test_a_void_of_a_cost_names_its_line_also_if_the_document_number_contains_the_mark(
    offline: Books, row: MakeRow
) -> None:
    offline.rules(SOFA)
    offline.take(row("A:cost:1", item="POD-1", amount="100.00"))
    with pytest.raises(BadInput, match=r"void its charge line, shop/A:cost:1/1$"):
        void_charge(offline.context("charge void"), "shop/A:cost:1/1:cost:sofa-cost", "a test order")


def test_a_cost_that_a_rule_gets_later_is_added_by_a_rebuild_once(offline: Books, row: MakeRow) -> None:
    offline.rules(MAGAZINES)
    offline.take(row("INV-1", amount="24.00"), row("INV-2", amount="12.00"))
    offline.rules(MAGAZINES + COST)
    assert schedule(offline.context("schedule")).charges == 4
    assert offline.sql(COSTS) == [], "shown first"
    schedule(offline.context("schedule"), rebuild=True)
    assert offline.sql(COSTS) == [("shop/INV-1/1:cost:cogs", -1200), ("shop/INV-2/1:cost:cogs", -1200)]
    assert not schedule(offline.context("schedule"), rebuild=True).changes
    offline.rules(MAGAZINES)
    kept = schedule(offline.context("schedule"), rebuild=True).changes
    assert {one.note for one in kept} == {
        'keeps its present schedule: no rule has a [[rule.cost]] of the name "cogs"'
    }, "what was deferred is still expensed"
    assert sound(offline)


def test_a_row_that_calls_itself_a_cost_is_refused(offline: Books, row: MakeRow) -> None:
    refused = offline.import_file(offline.file("odd.csv", [row("INV-1", line="1:cost:cogs")]))
    (problem,) = refused.report
    assert (problem["field"], problem["value"]) == ("line", "1:cost:cogs")


def test_a_cost_belongs_to_no_contract_and_its_line_keeps_its_cost_as_billed(offline: Books, row: MakeRow) -> None:
    (offline.folder / "rules" / "ssp.csv").write_text("item,price\nMAG-1,40\nPOD-1,60\n")
    tables = '[[table]]\nname = "ssp"\nfile = "ssp.csv"\nkey = "item"\n[[allocation]]\nname = "all"\nprices = "ssp"\n'
    offline.rules(tables + MAGAZINES + COST + SOFA)
    offline.take(row(line="1", item="MAG-1", amount="50.00"), row(line="2", item="POD-1", amount="50.00"))
    assert offline.sql(COSTS) == [("shop/INV-1/1:cost:cogs", -1200), ("shop/INV-1/2:cost:sofa-cost", -2000)]
    assert offline.sql("SELECT count(*) FROM contract_line") == [(2,)]
    assert sum(amount for _day, amount in offline.open_parts("shop/INV-1/1")) == 4000
    assert sound(offline)


def test_what_a_rebuild_moves_is_revenue_without_its_costs(offline: Books, row: MakeRow) -> None:
    offline.rules(MAGAZINES + COST)
    offline.take(row("INV-1", amount="24.00"))
    offline.rules((MAGAZINES + COST).replace("periods = 12", "periods = 1"))
    moved = schedule(offline.context("schedule")).by_period()
    assert moved["2024-01", "USD"] == 2_400 - 200


def test_the_effect_of_an_event_is_revenue_without_its_costs(offline: Books, row: MakeRow) -> None:
    offline.rules(SOFA)
    offline.take(row("INV-1", item="POD-1", amount="100.00"))
    event = EventRow("shop/INV-1/1", "pod", date(2024, 2, 10), None, None, None, "", "")
    effect = ScheduleEffect()
    effect.add(add_event(offline.context("event add"), event, dry_run=True)[1])
    assert [one.after for one in effect.months()] == [10_000]
    assert effect.due(date(2024, 2, 29), PostingDates("hold", Periods([]))) == {"USD": 10_000}
