"""Rows that a mapping leaves out although their charge lines were imported before: taken back, or refused."""

import json
from pathlib import Path

import pytest

from revrec.jobs.importing import import_files
from revrec.jobs.importing.mappings import mappings_of
from revrec.jobs.importing.voids import void_charge
from support.books import Books

pytestmark = pytest.mark.both_databases

HEADER = "Number,Line,Customer,Item,Date,Amount,Status"
FIRST, SECOND, OTHER = (
    "INV-1,1,C-1,MUG,2024-03-28,50.00,Posted",
    "INV-1,2,C-1,MUG,2024-03-28,30.00,Posted",
    "INV-2,1,C-2,MUG,2024-03-28,20.00,Posted",
)
BILLING = """
[mapping.billing]
source = "billing"
currency = "USD"
ignore = ["Status"]

[mapping.billing.columns]
document = "Number"
line = "Line"
customer = "Customer"
item = "Item"
post_date = "Date"
amount = "Amount"

[mapping.billing.skip]
"the invoice is void" = "Status == 'Void'"
"its amount is zero" = "amount == 0"

[mapping.changing]
base = "billing"
on_changed = "event"
"""


def send(books: Books, *rows: str, mapping: str = "billing", keep_good: bool = False) -> import_files.ImportResult:
    """Import a table of these rows."""
    config = books.folder / "revrec.toml"
    if "[mapping.billing]" not in config.read_text(encoding="utf-8"):
        config.write_text(config.read_text(encoding="utf-8") + BILLING, encoding="utf-8")
    path = books.folder / f"billing-{len(list(books.folder.glob('billing-*')))}.csv"
    path.write_text("\n".join([HEADER, *rows, ""]), encoding="utf-8")
    context = books.context("import")
    return import_files.import_document(context, path, mappings_of(context, mapping), keep_good)[0]


def void(row: str) -> str:
    return row.replace("Posted", "Void")


def events(books: Books) -> list[tuple[str, str]]:
    query = "SELECT c.id, e.kind FROM fulfillment_event e JOIN charge_line c ON c.no = e.charge_no ORDER BY c.id"
    return [(id, kind) for id, kind in books.sql(query)]


def reasons(result: import_files.ImportResult) -> list[str]:
    return [f"{one['reason']}; {one['fix']}" for one in result.report]


def test_an_imported_line_whose_row_is_left_out_refuses_the_file(offline: Books) -> None:
    assert send(offline, FIRST, SECOND, OTHER).accepted == 3
    result = send(offline, void(FIRST), SECOND, OTHER)
    assert result.refused and reasons(result) == [
        "billing/INV-1/1 was imported, and is left out now: the invoice is void; the imported line stays as it is; "
        'record the change as an event, or set on_changed = "event" in the mapping'
    ]
    assert (result.rows, result.passed_over) == (3, {})
    assert result.totals() == [
        {"currency": "USD", "accepted": "0.00", "unchanged": "50.00", "rejected": "50.00", "total": "100.00",
         "left_out": "0.00"},
    ]  # fmt: skip


def test_a_line_whose_amount_becomes_zero_is_not_kept_silently(offline: Books) -> None:
    send(offline, FIRST, OTHER)
    (reason,) = reasons(send(offline, FIRST.replace("50.00", "0.00"), OTHER))
    assert "billing/INV-1/1 was imported, and is left out now: its amount is zero" in reason


def test_the_row_waits_in_the_quarantine_while_the_others_are_imported(offline: Books) -> None:
    send(offline, FIRST)
    result = send(offline, void(FIRST), OTHER, keep_good=True)
    assert (result.refused, result.accepted, result.rejected) == ("", 1, 1)
    assert offline.sql("SELECT document, line FROM quarantine") == [("INV-1", "1")]


def test_a_row_that_was_never_imported_is_left_out(offline: Books) -> None:
    assert send(offline, void(FIRST), OTHER).passed_over == {"the invoice is void": 1}
    again = send(offline, void(FIRST), OTHER, OTHER.replace("INV-2", "INV-3"))
    assert (again.refused, again.accepted, again.passed_over) == ("", 1, {"the invoice is void": 1})


def test_a_canceled_or_void_line_no_longer_refuses_the_file(offline: Books) -> None:
    send(offline, FIRST, SECOND, OTHER)
    offline.event("billing/INV-1/1", "cancel", "2024-03-28", amount="50.00")
    void_charge(offline.context(), "billing/INV-1/2", "the invoice is void")
    assert send(offline, void(FIRST), void(SECOND), OTHER).refused == ""


def test_a_number_that_is_used_again_after_a_void_invoice_is_not_refused(offline: Books) -> None:
    assert send(offline, void(FIRST), FIRST).accepted == 1
    again = send(offline, FIRST, void(FIRST), OTHER)
    assert (again.refused, again.unchanged, again.accepted) == ("", 1, 1)


def test_with_events_the_line_is_canceled(offline: Books) -> None:
    send(offline, FIRST, SECOND, OTHER, mapping="changing")
    result = send(offline, void(FIRST), SECOND, OTHER, mapping="changing")
    assert (result.refused, result.changed) == ("", 1)
    assert events(offline) == [("billing/INV-1/1", "cancel")]


@pytest.mark.parametrize("name", ["stripe-invoices", "xero-csv"])
def test_a_document_of_a_shipped_mapping_that_becomes_void_is_refused(offline: Books, name: str) -> None:
    samples = Path(__file__).parents[2] / "sample_data" / "mapped"
    before, after, file = {
        "stripe-invoices": ('"status": "paid"', '"status": "void"', "stripe-invoices.json"),
        "xero-csv": ("Sent,Awaiting Payment", "Sent,Voided", "xero.csv"),
    }[name]
    text = (samples / file).read_text(encoding="utf-8")
    assert before in text
    context = offline.context("import")
    results = []
    for number, content in enumerate((text, text.replace(before, after))):
        path = offline.folder / f"{number}-{file}"
        path.write_text(content, encoding="utf-8")
        results += import_files.import_document(context, path, mappings_of(context, name))
    assert results[0].accepted and results[1].refused and "is left out now" in json.dumps(results[1].report)
