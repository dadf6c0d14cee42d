"""Documents that arrive again with other figures: traced changes of their lines, or a refusal of one document."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from revrec.core.pricing import price_of
from revrec.jobs.admin.verify import verify
from revrec.jobs.importing import fetch, import_files, quarantine
from revrec.jobs.importing.mappings import mappings_of
from revrec.jobs.importing.withdrawals import withdraw_event
from revrec.jobs.trust import confirm
from revrec.store import charges, events
from support.books import Books, MakeRow
from support.intacct import Intacct
from support.rule_texts import PRINT_COST

pytestmark = pytest.mark.both_databases

FIRST = "2024-03-28"
Item = dict[str, Any]


def item(id: int = 1, price: str = "50.00", quantity: int = 2, less: str = "", **more: Any) -> Item:
    """Return a line item of an order: two magazine plans by default, and a discount of ``less``."""
    discounts = [{"amount": less}] if less else []
    plain = {"id": id, "sku": "MAG-1", "title": "Plan", "quantity": quantity, "price": price, "tax_lines": []}
    return {**plain, "discount_allocations": discounts, **more}


def order(*items: Item, id: int = 8001, **more: Any) -> dict[str, Any]:
    plain = {"id": id, "name": f"#{id}", "processed_at": f"{FIRST}T10:00:00-05:00", "currency": "USD"}
    paid = {"financial_status": "paid", "taxes_included": False, "email": "a@example.com"}
    return {**plain, **paid, "line_items": list(items or [item()]), **more}


def send(books: Books, *orders: dict[str, Any], dry_run: bool = False, name: str = "") -> import_files.ImportResult:
    """Import a page of orders; return the result of its charge lines."""
    content = json.dumps({"orders": orders})
    path = books.folder / (name or f"page-{len(list(books.folder.glob('page-*')))}.json")
    path.write_text(content)
    mappings = mappings_of(books.context(), "shopify-orders")
    return import_files.import_document(books.context("import"), path, mappings, dry_run=dry_run)[0]


def prices(books: Books) -> dict[str, int]:
    """Return what each stored line earns in all, without the lines that earn nothing."""
    with books.context().database.read() as connection:
        numbers = charges.all_numbers(connection)
        recorded = events.events_of_charges(connection, numbers)
        lines = charges.read_charges(connection, numbers)
        found = {line.line: price_of(line, recorded.get(no, ())) for no, line in lines}
    return {line: price for line, price in found.items() if price}


def planned(books: Books, line: str = "1") -> int:
    return sum(amount for _day, amount in books.open_parts(f"shopify/8001/{line}"))


def changes(result: import_files.ImportResult) -> list[tuple[str, str, str]]:
    return [(one["field"], one["before"], one["after"]) for one in result.changes]


def test_a_discount_becomes_a_price_event_of_the_same_line(offline: Books) -> None:
    send(offline, order())
    result = send(offline, order(item(less="10.00")))
    assert (result.refused, result.rejected, result.changed) == ("", 0, 1)
    assert result.changes == [
        {"charge": "shopify/8001/1", "field": "amount", "before": "100.00", "after": "90.00",
         "event": f"price on {FIRST}"},
    ]  # fmt: skip
    assert prices(offline) == {"1": 9000} and planned(offline) == 9000
    assert [one["total"] for one in result.totals()] == ["90.00"]
    assert offline.sql("SELECT count(*), max(amount) FROM charge_line") == [(1, 10000)]
    assert verify(offline.context()).sound


def test_the_same_change_again_does_nothing_and_a_later_one_changes_again(offline: Books) -> None:
    first = send(offline, order())
    send(offline, order(item(less="10.00")))
    before = offline.content()
    again = send(offline, order(item(less="10.00")), name="again.json")
    assert (again.changed, again.unchanged, again.accepted) == (0, 1, 0) and offline.content() == before
    assert send(offline, order(item(less="15.00"))).changed == 1
    assert prices(offline) == {"1": 8500}
    assert send(offline, order(item(less="10.00")), name="back.json").changed == 0, "this file was imported before"
    assert send(offline, order(), name=Path(first.file).name).changed == 0
    assert prices(offline) == {"1": 8500} and planned(offline) == 8500


def test_an_older_version_changes_nothing_if_its_sender_dates_it(offline: Books) -> None:
    send(offline, order(item(less="10.00"), updated_at="2024-03-30T09:00:00Z"))
    result = send(offline, order(updated_at="2024-03-29T23:00:00-05:00"))
    assert (result.changed, result.unchanged) == (0, 1), "04:00Z on March 30 is before 09:00Z"
    assert prices(offline) == {"1": 9000}


def test_a_change_has_the_day_on_which_its_sender_made_it(offline: Books) -> None:
    send(offline, order(updated_at="2024-03-28T10:00:00Z"))
    (change,) = send(offline, order(item(less="10.00"), updated_at="2024-05-02T10:00:00Z")).changes
    assert change["event"] == "price on 2024-05-02"
    result = send(offline, order(item(less="20.00"), updated_at="2024-04-02T10:00:00Z"))
    assert (result.changed, result.unchanged) == (0, 1), "a version from before the last one"
    assert prices(offline) == {"1": 9000}


def test_one_order_that_cannot_be_changed_does_not_refuse_the_rest_of_its_page(offline: Books) -> None:
    send(offline, order(), order(id=8002))
    other = order(item(less="10.00"), item(2), id=8001, customer={"id": 77})
    result = send(offline, other, order(item(less="5.00"), id=8002), order(id=8003))
    assert (result.refused, result.accepted, result.changed, result.rejected) == ("", 2, 1, 2)
    assert [(one["field"], one["value"]) for one in result.report] == [("customer", "77"), ("document", "")]
    assert "was imported with a@example.com" in str(result.report[0]["reason"])
    assert offline.sql("SELECT id FROM charge_line ORDER BY no") == [
        ("shopify/8001/1",), ("shopify/8002/1",), ("shopify/8003/1",),
    ]  # fmt: skip
    assert offline.sql("SELECT count(*) FROM charge_change") == [(1,)]
    assert [one.row for one in quarantine.listed(offline.context())] == [1, 2]


def test_lines_are_added_removed_and_come_back(offline: Books) -> None:
    send(offline, order(item(1), item(2, "30.00")))
    result = send(offline, order(item(1), item(3, "7.00")))
    assert changes(result) == [("line", "60.00", "")] and (result.accepted, result.changed) == (1, 1)
    assert prices(offline) == {"1": 10000, "3": 1400}
    assert planned(offline, "2") == 0 and planned(offline, "3") == 1400
    assert send(offline, order(item(1), item(3, "7.00")), name="same.json").changed == 0
    result = send(offline, order(item(1), item(2, "20.00"), item(3, "7.00")))
    assert changes(result) == [("line", "", "60.00"), ("amount", "60.00", "40.00")]
    assert prices(offline) == {"1": 10000, "2": 4000, "3": 1400} and planned(offline, "2") == 4000
    send(offline, order(item(1)))
    assert prices(offline) == {"1": 10000}
    assert verify(offline.context()).sound


def test_a_canceled_order_is_taken_back_whole(offline: Books) -> None:
    send(offline, order(item(1), item(2)))
    result = send(offline, order(item(1), item(2), financial_status="voided"))
    assert result.changed == 2 and prices(offline) == {} and planned(offline) == planned(offline, "2") == 0
    assert send(offline, order(item(1), item(2), financial_status="voided"), name="same.json").changed == 0


def test_refunds_and_credit_memos_that_a_page_does_not_repeat_are_not_removed(offline: Books) -> None:
    refund = {"id": 5, "created_at": "2024-04-02T10:00:00Z", "refund_line_items": [
        {"line_item_id": 1, "quantity": 1, "subtotal": "50.00", "total_tax": "0.00"}]}  # fmt: skip
    send(offline, order(refunds=[refund], financial_status="partially_refunded"))
    assert send(offline, order(item(less="10.00"))).changed == 1
    assert prices(offline) == {"1": 9000, "refund-5-1": -5000}


def test_a_changed_quantity_delivers_its_new_units(offline: Books) -> None:
    lamp = item(sku="POD-1")
    send(offline, order(lamp))
    assert send(offline, order({**lamp, "quantity": 4})).changed == 1
    offline.event("shopify/8001/1", "pod", "2024-04-02", quantity=1)
    assert prices(offline) == {"1": 20000} and planned(offline) == 5000


def test_a_description_changes_nothing_but_is_kept(offline: Books) -> None:
    send(offline, order())
    result = send(offline, order(item(title="Plan of 2024")))
    assert changes(result) == [("description", "Plan", "Plan of 2024")]
    assert offline.sql("SELECT count(*) FROM fulfillment_event") == [(0,)]
    assert send(offline, order(item(title="Plan of 2024")), name="same.json").changed == 0


def test_credits_that_were_recorded_before_stay(offline: Books) -> None:
    send(offline, order())
    offline.event("shopify/8001/1", "credit", "2024-04-02", amount=20)
    send(offline, order(item(less="10.00")))
    assert prices(offline) == {"1": 7000}


def test_costs_of_a_removed_line_are_taken_back_and_come_back(offline: Books) -> None:
    offline.rules(f'[[rule]]\nname = "all"\n[rule.recognize]\nmethod = "monthly"\nperiods = 2\n{PRINT_COST}')
    send(offline, order(item(1), item(2, "30.00")))
    send(offline, order(item(1)))
    assert prices(offline) == {"1": 10000, "1:cost:print": -5000}
    send(offline, order(item(1), item(2, "30.00")), name="new.json")
    assert prices(offline) == {"1": 10000, "1:cost:print": -5000}, "the first page again"
    send(offline, order(item(1), item(2, "30.00"), note="changed"))
    assert prices(offline) == {"1": 10000, "1:cost:print": -5000, "2": 6000, "2:cost:print": -3000}
    assert verify(offline.context()).sound


def test_a_dry_run_shows_the_changes_and_saves_nothing(offline: Books) -> None:
    send(offline, order())
    before = offline.content()
    result = send(offline, order(item(less="10.00")), dry_run=True)
    assert result.changed == 1 and changes(result) == [("amount", "100.00", "90.00")]
    assert sum(month.difference for month in result.effect.months()) == -1000
    assert offline.content() == before


def test_a_trace_shows_both_files(offline: Books) -> None:
    first = send(offline, order())
    second = send(offline, order(item(less="10.00")))
    for reference in ("shopify/8001/1", second.file):
        trace = offline.trace(reference)
        assert trace["source"]["uri"] == first.file
        (change,) = trace["changes"]
        assert (change["uri"], change["row"]) == (second.file, 1)
        assert change["figures"] == [{"field": "amount", "before": "100.00", "after": "90.00"}]
        assert [one["source"]["uri"] for one in trace["events"]] == [second.file]


def test_an_order_can_be_twice_in_a_page_the_last_one_counts(offline: Books) -> None:
    result = send(offline, order(), order(item(less="10.00")))
    assert (result.refused, result.accepted, result.changed) == ("", 2, 1)
    assert prices(offline) == {"1": 9000}


def rows_as_events(books: Books, *rows: dict[str, str], how: str = "event") -> import_files.ImportResult:
    """Import rows of a table by a mapping that treats changes in this way."""
    file = books.folder / "revrec.toml"
    if "[mapping.desk]" not in file.read_text():
        file.write_text(f'{file.read_text()}[mapping.desk]\non_changed = "{how}"\n')
    path = books.file(f"table-{len(list(books.folder.glob('table-*')))}.csv", rows)
    return import_files.import_document(books.context(), path, mappings_of(books.context(), "desk"))[0]


def test_changed_dates_become_events(offline: Books, row: MakeRow) -> None:
    dated = '[[rule]]\nname = "date"\nwhen = { item = "ODD" }\n[rule.recognize]\nmethod = "rev_rec_date"\n'
    offline.rules(f'{dated}[[rule]]\nname = "span"\nwhen = {{ item = "MAG-*" }}\n[rule.recognize]\nmethod = "daily"\n')
    span = {"service_start": "2024-01-01", "service_end": "2024-01-02"}
    rows_as_events(offline, row("INV-1", **span), row("INV-2", item="ODD", rev_rec_date="2024-02-01"))
    moved = {"service_start": "2024-01-02", "service_end": "2024-01-03"}
    result = rows_as_events(offline, row("INV-1", **moved), row("INV-2", item="ODD", rev_rec_date="2024-03-01"))
    assert result.changed == 2 and {one["event"][:13] for one in result.changes} == {"service_dates"}
    assert offline.open_parts("shop/INV-1/1") == [("2024-01-02", 1200), ("2024-01-03", 1200)]
    assert offline.open_parts("shop/INV-2/1") == [("2024-03-01", 2400)]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"item": "GOODS-1"}, "item"),
        ({"post_date": "2024-01-06"}, "post_date"),
        ({"currency": "EUR"}, "currency"),
        ({"entity": "E1"}, "entity"),
        ({"department": "D1"}, "department"),
        ({"credits": "INV-9"}, "credits"),
        ({"service_end": ""}, "service_end"),
        ({"quantity": ""}, "quantity"),
    ],
)
def test_a_change_that_no_event_can_express_refuses_its_document(
    offline: Books, row: MakeRow, changed: dict[str, str], field: str
) -> None:
    before = row("INV-1", service_end="2024-12-31", quantity="2")
    rows_as_events(offline, before, row("INV-2"))
    result = rows_as_events(offline, {**before, **changed, "amount": "20.00"}, row("INV-2", amount="12.00"))
    assert (result.refused, result.rejected, result.changed) == ("", 1, 1)
    assert field in [one["field"] for one in result.report]
    assert offline.sql("SELECT e.amount FROM fulfillment_event e JOIN charge_line c ON c.no = e.charge_no"
                       " WHERE c.document = 'INV-2'") == [(1200,)]  # fmt: skip
    assert offline.sql("SELECT count(*) FROM fulfillment_event") == [(1,)]


def test_a_table_refuses_the_file_unless_changes_become_events(offline: Books, row: MakeRow) -> None:
    offline.take(row("INV-1"))
    result = offline.import_file(offline.file("again.csv", [row("INV-1", amount="20.00"), row("INV-2")]))
    assert result.refused.startswith("1 of 2 rows") and not result.accepted


def test_where_changes_are_refused_only_the_changed_document_is(offline: Books) -> None:
    file = offline.folder / "revrec.toml"
    keys = '[mapping.web]\nbase = "shopify-orders"\non_changed = "refuse"\n'
    file.write_text(file.read_text() + keys)
    send(offline, order(item(1), item(2)), order(id=8002))
    path = offline.folder / "again.json"
    path.write_text(json.dumps([order(item(1, less="1.00"), item(2)), order(item(1), id=8003), order(id=8002)]))
    result = import_files.import_document(offline.context(), path, mappings_of(offline.context(), "web"))[0]
    assert (result.refused, result.rejected, result.accepted, result.unchanged) == ("", 1, 1, 2)
    assert 'set on_changed = "event"' in str(result.report[0]["fix"])
    path.write_text(json.dumps([order(item(1))]))
    result = import_files.import_document(offline.context(), path, mappings_of(offline.context(), "web"))[0]
    assert (result.rejected, result.report[0]["field"]) == (1, "line"), "a removed line"


def test_a_source_can_treat_changes_in_its_own_way(offline: Books) -> None:
    file = offline.folder / "revrec.toml"
    keys = 'transport = "folder"\npath = "in"\nsettle_seconds = 0\nformat = "shopify"\n'
    file.write_text(f'{file.read_text()}[source.shop]\n{keys}map = "shopify-orders"\non_changed = "refuse"\n')
    confirm(offline.context())
    (offline.folder / "in").mkdir()
    for name, page in (("a.json", order()), ("b.json", order(item(less="10.00")))):
        (offline.folder / "in" / name).write_text(json.dumps([page]))
    (result,) = fetch.fetch(offline.context("fetch"))
    assert [(one.accepted, one.rejected) for one in result.imports if one.kind == "charges"] == [(1, 0), (0, 1)]
    assert prices(offline) == {"1": 10000}


def test_a_refused_change_can_be_fixed_and_released(offline: Books) -> None:
    send(offline, order())
    send(offline, order(item(less="10.00"), customer={"id": 77}))
    assert [one["field"] for one in quarantine.show(offline.context(), 1).now] == ["customer"]
    assert not quarantine.fix(offline.context(), 1, {"customer": "a@example.com"}, "the same person").now
    assert quarantine.release(offline.context(), [1]).changed == 1
    assert prices(offline) == {"1": 9000} and planned(offline) == 9000


def test_the_books_earn_what_each_order_stated_last(offline: Books) -> None:
    chance = random.Random(13)
    stated: dict[str, int] = {}
    for step in range(12):
        page = []
        for id in (8001, 8002):
            picked = chance.sample(range(1, 5), k=chance.randint(1, 4))
            items = [item(one, f"{chance.randint(1, 3)}0.00", less=chance.choice(["", "5.00"])) for one in picked]
            page.append(order(*items, id=id, updated_at=f"2024-04-{step + 1:02d}T10:00:00Z"))
            for line in range(1, 5):
                stated.pop(f"{id}/{line}", None)
            for one in items:
                less = 500 if one["discount_allocations"] else 0
                stated[f"{id}/{one['id']}"] = int(one["price"][:2]) * 200 - less
        result = send(offline, *page)
        assert (result.refused, result.rejected) == ("", 0)
        assert sum(stated.values()) == sum(amounts.total for amounts in result.amounts.values())
        sums = offline.sql(
            "SELECT c.id, sum(l.amount) FROM schedule_line l JOIN charge_line c ON c.no = l.charge_no"
            " WHERE l.superseded_by IS NULL GROUP BY c.id HAVING sum(l.amount) <> 0"
        )
        assert {id.removeprefix("shopify/"): amount for id, amount in sums} == stated
    assert verify(offline.context()).sound


def test_a_refused_document_waits_once_and_is_passed_over_after_its_dismissal(offline: Books) -> None:
    send(offline, order())
    moved = order(customer={"id": 77})
    send(offline, moved)
    assert send(offline, moved, order(id=8002)).rejected == 1
    assert [one.row for one in quarantine.listed(offline.context())] == [1]
    quarantine.dismiss(offline.context(), [1], "the guest has an account now")
    result = send(offline, moved, order(id=8002), order(id=8003))
    assert (result.rejected, result.accepted, result.quarantined) == (0, 1, False)
    assert result.passed_over == {"dismissed from the quarantine before": 1}


def test_a_change_of_a_posted_line_is_a_change_of_today_unless_its_sender_dates_it(
    intacct: Intacct, books: Books
) -> None:
    goods = [item(id, sku="GOODS-1") for id in (1, 2)]
    send(books, order(goods[0], id=8001), order(goods[1], id=8002))
    books.run("2024-04-30")
    today = books.context().timestamp()[:10]
    less = [{**one, "discount_allocations": [{"amount": "10.00"}]} for one in goods]
    send(books, order(less[0]), order(less[1], id=8002, updated_at="2024-06-03T09:00:00-04:00"))
    assert books.open_parts("shopify/8001/1") == [(today, -1000)]
    assert books.open_parts("shopify/8002/2") == [("2024-06-03", -1000)]
    assert verify(books.context()).sound


def test_a_row_from_the_quarantine_removes_no_other_line(offline: Books, row: MakeRow) -> None:
    two = row("INV-1", line="1"), row("INV-1", line="2")
    rows_as_events(offline, *two)
    rows_as_events(offline, two[0], {**two[1], "customer": "C1008", "amount": "20.00"})
    quarantine.fix(offline.context(), 1, {"customer": "C1007"}, "a typing mistake")
    assert quarantine.release(offline.context(), [1]).changed == 1
    assert prices(offline) == {"1": 2400, "2": 2000}


def test_a_missing_row_of_a_table_is_a_removed_line(offline: Books, row: MakeRow) -> None:
    rows_as_events(offline, row("INV-1", line="1"), row("INV-1", line="2"), row("INV-2", line="3"))
    assert rows_as_events(offline, row("INV-1", line="1")).changed == 1
    assert prices(offline) == {"1": 2400, "3": 2400}


def test_the_delivery_of_a_new_line_of_a_refused_order_does_not_refuse_the_page(offline: Books) -> None:
    send(offline, order())
    fulfillment = {"id": 9, "status": "success", "shipment_status": "delivered", "updated_at": "2024-04-02T09:00:00Z",
                   "line_items": [{"id": 2, "quantity": 2}]}  # fmt: skip
    refused = order(item(1), item(2), customer={"id": 77}, fulfillments=[fulfillment])
    path = offline.folder / "page.json"
    path.write_text(json.dumps([refused, order(id=8002)]))
    mappings = mappings_of(offline.context(), "shopify-orders")
    charged, delivered = import_files.import_document(offline.context(), path, mappings)
    assert (charged.refused, charged.rejected, charged.accepted) == ("", 2, 1)
    assert (delivered.refused, delivered.rejected) == ("", 1)
    assert "of a document that was refused" in str(delivered.report[0]["reason"])


def test_of_two_versions_in_one_page_the_later_one_counts(offline: Books) -> None:
    old, new = (order(item(less=less), updated_at=f"2024-04-0{day}T09:00:00Z") for day, less in ((1, ""), (2, "10.00")))
    send(offline, new, old)
    assert prices(offline) == {"1": 9000}
    canceled = order(item(2), financial_status="voided", updated_at="2024-04-03T09:00:00Z", id=8002)
    send(offline, order(item(2), id=8002, updated_at="2024-04-02T09:00:00Z"), canceled)
    assert prices(offline) == {"1": 9000}


def test_changes_with_and_without_a_time_add_up(offline: Books) -> None:
    send(offline, order(updated_at="2024-03-28T09:00:00Z"))
    send(offline, order(item(less="10.00"), updated_at="2024-05-02T09:00:00Z"))
    send(offline, order(item(less="15.00")))
    assert prices(offline) == {"1": 8500} and planned(offline) == 8500


def test_a_cancellation_that_a_person_withdrew_does_not_stop_the_line_from_coming_back(offline: Books) -> None:
    send(offline, order(item(1), item(2)))
    send(offline, order(item(1)))
    withdraw_event(offline.context(), 1, "the export was not complete")
    assert send(offline, order(item(1), item(2, "40.00"))).changed == 1
    assert prices(offline) == {"1": 10000, "2": 8000}


def test_lines_that_the_mapping_leaves_out_are_not_removed(offline: Books) -> None:
    send(offline, order(item(1), item(2)))
    file = offline.folder / "revrec.toml"
    only = '[mapping.web.charges]\nonly = { line = "1" }\n'
    file.write_text(f'{file.read_text()}[mapping.web]\nbase = "shopify-orders"\n{only}')
    path = offline.folder / "again.json"
    path.write_text(json.dumps([order(item(1, less="1.00"), item(2))]))
    result = import_files.import_document(offline.context(), path, mappings_of(offline.context(), "web"))[0]
    assert result.changed == 1 and prices(offline) == {"1": 9900, "2": 10000}


def test_an_order_of_a_mapped_shop_is_changed_and_taken_back(offline: Books) -> None:
    line = {"id": 1, "sku": "MAG-1", "name": "Plan", "quantity": 1, "total": "50.00"}
    woo = {"id": 7, "status": "processing", "currency": "USD", "customer_id": 3, "date_created": "2024-03-28T10:00:00",
           "total": "50.00", "total_tax": "0.00", "line_items": [line]}  # fmt: skip

    def sent(**more: Any) -> import_files.ImportResult:
        path = offline.folder / f"woo-{len(list(offline.folder.glob('woo-*')))}.json"
        path.write_text(json.dumps([{**woo, **more}]))
        mappings = mappings_of(offline.context(), "woocommerce-orders")
        return import_files.import_document(offline.context(), path, mappings)[0]

    assert sent().accepted == 1
    assert sent(total="45.00", line_items=[{**line, "total": "45.00"}]).changed == 1
    assert prices(offline) == {"1": 4500}
    assert sent(status="cancelled").changed == 1 and prices(offline) == {}


@pytest.mark.slow
def test_a_long_order_is_compared_in_queries_of_a_bounded_size(offline: Books) -> None:
    """Databases limit the values of a statement, so that a query for all lines of long documents would fail."""
    lines = [item(number) for number in range(1, 3_001)]
    send(offline, order(*lines))
    sizes: list[int] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_more: Any) -> None:
        if statement.startswith("SELECT"):
            sizes.append(len(values))

    sqlalchemy.event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        assert send(offline, order(item(1, "60.00"), *lines[1:])).changed == 1
        assert send(offline, order(*lines, email="b@example.com")).rejected == 3_000
    finally:
        sqlalchemy.event.remove(sqlalchemy.Engine, "before_cursor_execute", note)
    assert 1_000 < max(sizes) <= 2_100
