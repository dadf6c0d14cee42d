"""The lists read the same from both databases, row by row, whatever they are narrowed to."""

from dataclasses import fields
from datetime import date, timedelta

import pytest

from revrec.core.filters import Basis, Filters
from revrec.core.money import decimal_string
from revrec.jobs.reports import lists
from revrec.jobs.reports.preview import preview
from revrec.jobs.reports.trace import trace_entries
from support.books import Books, MakeRow

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgresql"], indirect=True)

NARROWED = {
    "customer": "C-2", "item": "MAG-2", "account": "4000", "charge": "shop/INV-2/1", "document": "shop/INV-2",
    "rule": "magazine", "currency": "USD", "dimension": ("location=200",), "first": date(2024, 1, 1),
    "last": date(2024, 12, 31),
}  # fmt: skip


@pytest.fixture
def posted(books: Books, row: MakeRow) -> Books:
    """Two yearly plans of two customers, two months of them posted, and a delivery that has not come."""
    books.take(
        row("INV-1"),
        row("INV-2", item="MAG-2", customer="C-2", post_date="2024-01-20", location="200"),
        row("INV-3", item="POD-1"),
    )
    books.run("2024-02-29")
    return books


def test_each_list_has_the_rows_of_the_database(posted: Books) -> None:
    context, everything = posted.context(), Filters()
    found = list(lists.postings(context, everything, "posted"))
    stored = posted.sql("SELECT reference, date, amount, record_no FROM journal_entry ORDER BY date, id")
    assert [(one["reference"], one["date"], one["amount"], one["record_no"]) for one in found] == [
        (reference, day, decimal_string(amount, "USD"), record_no) for reference, day, amount, record_no in stored
    ]
    assert all(one["posted_by"] == context.actor for one in found)
    (run,) = lists.runs(context, everything)
    assert (run["entries"], run["posted"]) == (len(stored), len(stored))
    charges = {
        one["charge"]: (one["posted"], one["planned"], one["state"]) for one in lists.charges(context, everything)
    }
    assert charges["shop/INV-3/1"] == ("0.00", "0.00", "unscheduled")
    assert charges["shop/INV-1/1"] == ("4.00", "20.00", "scheduled")
    (file,) = lists.imports(context, everything)
    assert file["rows"] == 3
    events = [one["seq"] for one in lists.audit_events(context, everything, None, None)]
    assert events == [seq for (seq,) in posted.sql("SELECT seq FROM audit_event ORDER BY seq DESC")]


def test_all_filters_together_select_one_charge_line_in_every_list(posted: Books) -> None:
    context, wanted = posted.context(), Filters(**NARROWED)  # type: ignore[arg-type]
    assert {one.name for one in fields(Filters)} - {"entity"} == NARROWED.keys()
    assert [one["charge"] for one in lists.charges(context, wanted)] == ["shop/INV-2/1"]
    assert {one.charge for one in preview(context, wanted).lines} == {"shop/INV-2/1"}
    for basis in Basis:
        days = [one["date"] for one in lists.postings(context, wanted, "all", basis)]
        assert days == ["2024-01-27", "2024-02-27"]
    assert len(list(lists.runs(context, wanted))) == 1
    today = context.now().date()
    imported = Filters(**{**NARROWED, "first": today - timedelta(days=1), "last": today})  # type: ignore[arg-type]
    assert len(list(lists.imports(context, imported))) == 1
    subjects = {one["subject"] for one in lists.audit_events(context, imported, None, None)}
    assert {one["reference"] for one in lists.postings(context, wanted, "all")} <= subjects


def test_an_entry_is_traced_with_its_sums(posted: Books) -> None:
    for (reference,) in posted.sql("SELECT reference FROM journal_entry"):
        (found,) = trace_entries(posted.context(), reference)
        assert [(one.debit, one.credit) for one in found.totals] == [("2.00", "0.00"), ("0.00", "2.00")]
        assert (found.charges, len(found.entry.lines)) == (1, 2)


def test_a_rule_that_changed_moved_the_open_parts(posted: Books) -> None:
    from revrec.jobs.scheduling.rebuild import schedule

    rules = posted.folder / "rules" / "rules.toml"
    rules.write_text(rules.read_text().replace("periods = 12", "periods = 6"))
    schedule(posted.context("schedule"), rebuild=True, reason="six issues")
    first, second = lists.rule_versions(posted.context(), "magazine", Filters())
    assert (first.charges, second.charges, second.reasons) == (2, 2, ("six issues",))
    # Each plan has 20.00 left: the ten months after February had 2.00 each, now four months have 5.00 each.
    assert second.moved == {"USD": "24.00"}
    assert "-periods = 12" in second.diff and "+periods = 6" in second.diff
