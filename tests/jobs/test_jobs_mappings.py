"""Mappings with documents: values from the books, and documents that contradict their total."""

import json
from pathlib import Path
from typing import Any

import pytest

from revrec.jobs.importing import documents, import_files, list_mappings, quarantine
from support.books import Books

pytestmark = pytest.mark.both_databases

SHOPS = Path(__file__).parents[2] / "sample_data" / "shops"
MAPPED = Path(__file__).parents[2] / "sample_data" / "mapped"


def load(books: Books, path: Path, mapping: str, **more: Any) -> import_files.ImportResult:
    context = books.context()
    return import_files.import_document(context, path, import_files.mappings_of(context, mapping), **more)[0]


def test_a_credit_memo_has_the_customer_that_the_books_have_for_its_order(offline: Books) -> None:
    memo = SHOPS / "magento-documents.jsonl"
    refused = load(offline, memo, "magento-orders")
    assert refused.refused and refused.waits_for == ["magento/301/*"], "its order is not in the books yet"
    assert not load(offline, SHOPS / "magento-orders.json", "magento-orders").refused
    assert not load(offline, memo, "magento-orders").refused
    assert offline.sql("SELECT customer, amount FROM charge_line WHERE amount < 0") == [("23", -4500)]
    found = list_steps(offline)
    assert ["customer", "", "23", "from its document", "", 0] in found


def list_steps(books: Books) -> list[Any]:
    return [step for (steps,) in books.sql("SELECT steps FROM cleaning") for step in json.loads(steps)]


def test_a_row_in_quarantine_is_imported_once_its_order_is(offline: Books) -> None:
    load(offline, SHOPS / "magento-documents.jsonl", "magento-orders", keep_good=True)
    (row,) = [one for one in quarantine.listed(offline.context()) if one.kind == "charges"]
    assert row.reason.startswith("customer")
    documents.retry_waiting(offline.context())
    assert offline.sql("SELECT amount FROM charge_line") == []
    load(offline, SHOPS / "magento-orders.json", "magento-orders")
    assert quarantine.show(offline.context(), row.id).now == []
    documents.retry_waiting(offline.context())
    assert offline.sql("SELECT customer, amount FROM charge_line WHERE amount < 0") == [("23", -4500)]


def test_a_document_that_contradicts_its_total_is_set_aside_and_the_others_are_imported(
    offline: Books, tmp_path: Path
) -> None:
    path = tmp_path / "orders.json"
    text = (MAPPED / "woocommerce-orders.json").read_text(encoding="utf-8")
    path.write_text(text.replace('"total": "41.07"', '"total": "42.07"'), encoding="utf-8")
    assert load(offline, path, "woocommerce-orders").refused
    result = load(offline, path, "woocommerce-orders", keep_good=True)
    assert (result.accepted, result.rejected) == (2, 1)
    assert result.totals()[0] | {"currency": ""} == {
        "currency": "", "accepted": "25.45", "unchanged": "0.00", "rejected": "40.00", "total": "65.45",
        "left_out": "12.00",
    }  # fmt: skip
    (row,) = quarantine.listed(offline.context())
    assert "is 41.00, the charge lines add up to 40.00" in row.reason


@pytest.mark.parametrize("name", ["ubl", "magento-orders"])
def test_a_shipped_mapping_is_listed_and_shown(offline: Books, name: str) -> None:
    (listed,) = [one for one in list_mappings.list_mappings(offline.context()) if one.name == name]
    shown = list_mappings.show_mapping(offline.context(), name)
    assert (listed.origin, shown.origin) == ("shipped", "shipped")
    assert listed.about and listed.about in shown.text.replace("\n# ", " ")


def test_a_line_that_is_left_out_for_itself_takes_no_other_line_back(offline: Books, tmp_path: Path) -> None:
    path = MAPPED / "woocommerce-orders.json"
    first = load(offline, path, "woocommerce-orders")
    assert first.totals()[0]["accepted"] == "65.45"
    assert offline.sql("SELECT COUNT(*) FROM fulfillment_event") == [(0,)]
    later = tmp_path / "later.json"
    later.write_text(path.read_text(encoding="utf-8").replace('"processing"', '"cancelled"'), encoding="utf-8")
    load(offline, later, "woocommerce-orders")
    assert offline.sql("SELECT COUNT(*) FROM fulfillment_event WHERE kind = 'cancel'") == [(3,)], (
        "the lines of order 727"
    )
