"""Our entries against Intacct's ledger: what a person did there is named, and nothing else is."""

import random
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from revrec.core.errors import BadInput, Busy
from revrec.jobs.reconciling.reconcile import Reconciliation, reconcile
from revrec.store.posting.workers import active_run
from support.books import Books, MakeRow
from support.by_hand import entered
from support.intacct import Intacct

pytestmark = pytest.mark.both_databases

END = date(2024, 3, 31)


def compared(books: Books, **how: Any) -> Reconciliation:
    return reconcile(books.context("reconcile"), how.pop("end", END), **how)


def named(result: Reconciliation) -> list[tuple[str, str]]:
    """Kind and reference of each finding."""
    return sorted((one.kind, one.reference) for one in result.findings)


@pytest.fixture
def posted(books: Books, row: MakeRow) -> Books:
    """Books with three entries in January to March, of one and of two charge lines."""
    books.take(row("INV-1"), row("INV-2", amount="-36.07", post_date="2024-02-05"))
    assert books.run("2024-03-31").counts["posted"] == 3
    return books


@pytest.fixture
def others(intacct: Intacct) -> Callable[..., str]:
    """Enters a journal entry as another user does; its record number."""
    return partial(entered, intacct)


def line(account: str, side: int, amount: str) -> dict[str, Any]:
    return {"account": account, "type": side, "amount": amount, "currency": "USD", "document": "X"}


def test_books_that_no_one_touched_tie_out_to_the_cent(posted: Books) -> None:
    result = compared(posted)
    assert result.ties and result.findings == [] and result.entries == 3
    deferred, accrued = result.balances
    assert (deferred.account, deferred.role, accrued.account, accrued.role) == ("2400", "deferred", "4000", "accrued")
    assert deferred.books == deferred.intacct == -accrued.books == 600 - 601
    assert (deferred.others, deferred.difference, deferred.rest) == (0, 0, 0)
    assert deferred.unrecognized == 2400 - 3607 - (600 - 601), "billed, less what is recognized"
    assert [one.unexplained for one in result.reported] == [0, 0]


def test_the_result_is_kept_in_the_audit_trail(posted: Books) -> None:
    compared(posted)
    ((subject, detail),) = posted.sql("SELECT subject, detail FROM audit_event WHERE action = 'reconciled'")
    assert subject == "REVREC-sandbox" and '"ties":true' in detail and '"from":"2024-01-05"' in detail


def edit(intacct: Intacct, entry: dict[str, Any], **changes: Any) -> None:
    intacct.admin("/entries/edit", record_no=entry["record_no"], **changes)


def reverse(intacct: Intacct, entry: dict[str, Any], day: str) -> None:
    intacct.admin("/entries/reverse", record_no=entry["record_no"], date=day)


def half(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"line_no": at, "amount": "0.50"} for at in (1, 2)]


HANDS: dict[str, tuple[Callable[[Any, dict[str, Any], Any], Any], tuple[str, ...], str]] = {
    "delete": (
        lambda intacct, entry, _others: intacct.admin("/entries/delete", record_no=entry["record_no"]),
        ("deleted",), "no entry",
    ),
    "edit an amount": (lambda intacct, entry, _others: edit(intacct, entry, lines=half(entry)), ("edited",), "0.50"),
    "edit the date": (lambda intacct, entry, _others: edit(intacct, entry, date="2024-03-20"), ("edited",), "date: "),
    "date it out of the range": (
        lambda intacct, entry, _others: edit(intacct, entry, date="2025-01-20"), ("edited",), "2025-01-20",
    ),
    "edit the account": (
        lambda intacct, entry, _others: edit(intacct, entry, lines=[{"line_no": 1, "account": "4010"}]),
        ("edited",), "4010",
    ),
    "edit a dimension": (
        lambda intacct, entry, _others: edit(intacct, entry, lines=[{"line_no": 2, "customer": "C-OTHER"}]),
        ("edited",), "line 2, customer: C1007 -> C-OTHER",
    ),
    "clear a dimension": (
        lambda intacct, entry, _others: edit(intacct, entry, lines=[{"line_no": 1, "item": None}]),
        ("edited",), "line 1, item: MAG-1 -> none",
    ),
    "edit the title": (lambda intacct, entry, _others: edit(intacct, entry, title="Mine"), ("edited",), "-> Mine"),
    "edit the reference": (
        lambda intacct, entry, _others: edit(intacct, entry, reference="JAN"), ("edited",), "-> JAN",
    ),
    "back to a draft": (lambda intacct, entry, _others: edit(intacct, entry, state="Draft"), ("edited",), "-> Draft"),
    "reverse": (
        lambda intacct, entry, _others: reverse(intacct, entry, "2024-03-30"),
        ("reversed",), "reversed in Intacct",
    ),
    "reverse out of the range": (
        lambda intacct, entry, _others: reverse(intacct, entry, "2024-05-30"),
        ("reversed",), "dated 2024-05-30",
    ),
    "enter it twice": (
        lambda _intacct, entry, others: others(entry["lines"], entry["date"], reference=entry["reference"]),
        ("doubled",), "has its reference too",
    ),
    "enter it again": (
        lambda intacct, entry, others: (
            intacct.admin("/entries/delete", record_no=entry["record_no"]),
            others(entry["lines"], entry["date"], reference=entry["reference"]),
        ),
        ("moved",), "any more; entry",
    ),
}  # fmt: skip
"""What a person does to one of our entries; the kinds of the findings, and what they say."""


@pytest.mark.parametrize("what", HANDS)
def test_what_is_done_to_an_entry_is_named_with_its_effect_on_the_balances(
    posted: Books, intacct: Intacct, others: Callable[..., str], what: str
) -> None:
    entry = intacct.entries()[0]
    hand, kinds, said = HANDS[what]
    hand(intacct, entry, others)
    result = compared(posted)
    assert named(result) == [(kind, entry["reference"]) for kind in kinds] and not result.ties
    assert said in result.findings[0].what and result.findings[0].advice
    assert all(one.rest == 0 for one in result.balances), "the findings explain the balances whole"
    assert posted.sql("SELECT DISTINCT state FROM journal_entry") == [("POSTED",)], "nothing is changed here"
    assert posted.run("2024-03-31").entries == [], "and nothing is posted again"


def test_who_enters_the_same_under_no_reference_or_something_of_his_own_is_distinguished(
    posted: Books, intacct: Intacct, others: Callable[..., str]
) -> None:
    first = intacct.entries()[0]
    others(first["lines"], first["date"], reference="AGAIN")
    others([line("2400", -1, "7.00"), line("4000", 1, "7.00")], "2024-02-01", reference="MINE")
    others([line("2400", -1, "9.00"), line("4000", 1, "9.00")], "2024-02-01", reference="RRABCDEFGHIJKLMNOP")
    result = compared(posted)
    assert named(result) == [("alike", "AGAIN"), ("foreign", "MINE"), ("foreign", "RRABCDEFGHIJKLMNOP")]
    assert all(one.rest == 0 for one in result.balances)


def test_what_others_book_in_other_journals_is_reported_and_is_no_difference(
    posted: Books, others: Callable[..., str]
) -> None:
    others([line("1100", 1, "24.00"), line("2400", -1, "24.00")], "2024-02-05", journal="GJ", reference="INV-1")
    result = compared(posted)
    assert result.ties
    deferred = result.balances[0]
    assert (deferred.others, deferred.intacct) == (-2400, 600 - 601 - 2400)
    (other,) = result.others
    assert (other.journal, other.account, other.amount, other.reference) == ("GJ", "2400", -2400, "INV-1")


def test_what_was_dated_or_reversed_into_the_range_is_named_too(posted: Books, intacct: Intacct) -> None:
    january, february, _march = intacct.entries()
    edit(intacct, february, date="2024-01-20")
    reverse(intacct, january, "2024-03-01")
    result = compared(posted, start=date(2024, 1, 1), end=date(2024, 1, 31))
    assert named(result) == sorted([("edited", february["reference"]), ("reversed", january["reference"])])
    assert all(one.rest == 0 for one in result.balances)
    result = compared(posted, start=date(2024, 3, 1))
    assert named(result) == [("reversed", january["reference"])]
    assert all(one.rest == 0 for one in result.balances) and any(one.difference for one in result.balances)


def test_an_accepted_finding_is_reported_and_differs_no_more_until_it_changes(posted: Books, intacct: Intacct) -> None:
    entry = intacct.entries()[0]
    edit(intacct, entry, title="Mine")
    (finding,) = compared(posted).findings
    with pytest.raises(BadInput, match="needs a reason"):
        compared(posted, accept=[finding.key])
    with pytest.raises(BadInput, match="no finding of these days"):
        compared(posted, accept=["0" * 12], reason="because")
    accepted = compared(posted, accept=[finding.key], reason="a better title")
    assert accepted.ties and accepted.accepted == {finding.key} and len(accepted.findings) == 1
    assert compared(posted).ties
    edit(intacct, entry, title="Yours")
    assert not compared(posted).ties


def test_one_entity_and_one_account_can_be_asked_for(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1", entity="E100"), row("INV-2", entity="200"))
    books.run("2024-01-31")
    for entry in intacct.entries():
        intacct.admin("/entries/delete", record_no=entry["record_no"])
    assert compared(books, entity="E100").entries == 1 and len(compared(books, entity="E100").findings) == 1
    assert all(one.rest == 0 for one in compared(books, entity="200").balances)
    only = compared(books, account="4000")
    assert [one.account for one in only.balances] == ["4000"] and only.entries == 2
    with pytest.raises(BadInput, match="--account 1100: unknown"):
        compared(books, account="1100")


def test_entries_in_other_currencies_tie_out_too(books: Books, row: MakeRow) -> None:
    books.take(row("INV-1", currency="EUR"), row("INV-2", currency="JPY", amount="1000"), row("INV-3", amount="-7.77"))
    assert books.run("2024-03-31").complete
    result = compared(books)
    assert result.ties and {one.currency for one in result.balances} == {"USD", "EUR", "JPY"}
    assert [one.unexplained for one in result.reported] == [0, 0] and all(one.lines for one in result.reported)


def test_an_entry_that_is_in_doubt_here_is_no_outside_hand(books: Books, intacct: Intacct, row: MakeRow) -> None:
    books.take(row("INV-1"))
    intacct.fault("drop@after:1x:create")
    books.run("2024-01-31")
    result = compared(books)
    assert [(one.kind, one.what) for one in result.findings] == [("unsettled", "it is in Intacct; here it is in doubt")]
    assert books.run("2024-01-31", later=timedelta(minutes=1)).complete
    assert compared(books).ties


def test_nothing_is_compared_while_a_run_is_at_work(posted: Books) -> None:
    with active_run(posted.context().database, "another run", 0, 1, 60), pytest.raises(Busy):
        compared(posted)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_whatever_hands_do_to_the_ledger_is_named_and_nothing_else(
    books: Books, intacct: Intacct, others: Callable[..., str], row: MakeRow, seed: int
) -> None:
    """Entries are posted in several runs; between them some are deleted, edited, reversed, doubled, entered again."""
    chance = random.Random(seed)
    expected: list[tuple[str, str]] = []
    touched: set[str] = set()
    for month in (1, 2, 3):
        books.take(
            *(row(f"INV-{month}-{n}", post_date=f"2024-0{month}-{1 + 5 * n:02}") for n in range(3)), name=f"{month}.csv"
        )
        assert books.run(f"2024-0{month}-28").complete
        ours = [entry for entry in intacct.entries() if str(entry["reference"]).startswith("RR")]
        for _ in range(chance.randint(1, 4)):
            entry = chance.choice(ours)
            if entry["reference"] in touched:
                continue
            touched.add(entry["reference"])
            hand, kinds, _said = HANDS[chance.choice(list(HANDS))]
            hand(intacct, entry, others)
            expected += [(kind, entry["reference"]) for kind in kinds]
        if chance.random() < 0.5:
            reference = f"OTHER-{month}"
            others([line("2400", -1, "7.00"), line("4000", 1, "7.00")], f"2024-0{month}-15", reference=reference)
            expected.append(("foreign", reference))
        result = compared(books)
        assert named(result) == sorted(expected)
        assert all(one.rest == 0 for one in result.balances)
