"""What rules and settings add to entries: attachments, custom fields, and locations between entities."""

from datetime import date, timedelta

import pytest

from revrec.jobs.posting.reversing import ReversalOrder
from revrec.jobs.reconciling.reconcile import Reconciliation, reconcile
from revrec.jobs.running.reverse import reverse
from support.books import Books, MakeRow
from support.intacct import Intacct

pytestmark = pytest.mark.both_databases

DAY = "2024-01-12"
LATER = timedelta(minutes=1)
SUBSIDIARY = """
[[rule]]
name = "subsidiary"
[rule.recognize]
method = "monthly"
periods = 12
[rule.post]
deferred_location = "E100"
accrued_location = "200"
"""
"""A rule of revenue that the holding E100 billed, and its subsidiary 200 earns."""


@pytest.fixture
def between(books: Books, row: MakeRow) -> Books:
    """Return books whose revenue moves from the holding to its subsidiary."""
    books.environment["REVREC_POSTING_INTER_ENTITY"] = "1900, 2900"
    books.rules(SUBSIDIARY)
    books.take(row(entity="E100", location=""))
    return books


def compared(books: Books, entity: str | None = None) -> Reconciliation:
    return reconcile(books.context("reconcile"), date.fromisoformat(DAY), entity=entity)


def test_an_entry_between_entities_is_posted_and_ties_out_without_intacct_s_own_lines(
    between: Books, intacct: Intacct
) -> None:
    result = between.run(DAY)
    assert result.counts["posted"] == 1, result.entries
    (entry,) = intacct.entries()
    assert entry["base_location"] == "E100"
    assert [(line["account"], line["dimensions"]["LOCATION"]) for line in entry["lines"]] == [
        ("2400", "E100"), ("4000", "200"), ("1900", "200"), ("2900", "E100"),
    ]  # fmt: skip
    found = compared(between)
    assert found.ties and found.entries == 1, found.findings


def test_an_edited_line_of_an_entry_between_entities_is_found(between: Books, intacct: Intacct) -> None:
    between.run(DAY)
    (entry,) = intacct.entries()
    intacct.admin("/entries/edit", record_no=entry["record_no"], lines=[{"line_no": 2, "account": "4100"}])
    (finding,) = [one for one in compared(between).findings if one.kind == "edited"]
    assert finding.what == "line 2: credit 4000 2.00 USD INV-1/1 -> credit 4100 2.00 USD INV-1/1"


def test_a_lost_answer_of_an_entry_between_entities_is_settled_by_reading(between: Books, intacct: Intacct) -> None:
    intacct.fault("drop@after:1x:create")
    assert between.run(DAY).counts["in_doubt"] == 1
    assert between.run(DAY, later=LATER).counts["posted"] == 1
    assert len(intacct.entries()) == 1


def test_an_entity_is_compared_with_its_own_side_of_an_entry(between: Books) -> None:
    between.run(DAY)
    assert compared(between, "E100").entries == 1


def test_without_the_setting_intacct_refuses_an_entry_between_entities(between: Books) -> None:
    del between.environment["REVREC_POSTING_INTER_ENTITY"]
    (entry,) = between.run(DAY).entries
    assert entry["status"] == "rejected" and "inter_entity" in str(entry["advice"])


def test_a_reversal_goes_back_between_the_entities(between: Books, intacct: Intacct) -> None:
    (posted,) = between.run(DAY).entries
    order = ReversalOrder(str(posted["reference"]), "wrong entity")
    reverse(between.context("postings reverse"), order)
    mirror = intacct.entries()[-1]
    assert mirror["base_location"] == "E100" and compared(between).ties
