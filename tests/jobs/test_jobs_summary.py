"""Journal lines that a rule adds up: posted once, traced to their charge lines, and safe to switch on and off."""

import sqlite3
from datetime import date, timedelta
from typing import Any

import pytest

from revrec.core.errors import BadInput
from revrec.core.filters import Filters
from revrec.jobs.admin.database import backup, restore
from revrec.jobs.admin.verify import verify
from revrec.jobs.posting import resolve
from revrec.jobs.posting.reversing import ReversalOrder
from revrec.jobs.reconciling.reconcile import Reconciliation, reconcile
from revrec.jobs.reports.activity import journal as posted_journal
from revrec.jobs.reports.preview import preview
from revrec.jobs.reports.trace import trace_line
from revrec.jobs.running.reverse import reverse
from revrec.jobs.scheduling.rebuild import schedule
from support.books import Books, MakeRow
from support.intacct import Intacct

pytestmark = pytest.mark.both_databases

DAY = "2024-02-04"
MEMO = "GOODS-2 1/1 INV-4 (1 schedule line)"
MINUTE = timedelta(minutes=1)
GOODS = """
[[rule]]
name = "goods"
[rule.when]
item = "GOODS-*"
[rule.recognize]
method = "fixed_offset"
offset = "30 days"
[rule.post]
summarize = "{}"
"""
"""Goods are recognized on 2024-02-04."""


def at(level: str) -> str:
    return GOODS.format(level)


@pytest.fixture
def goods(books: Books, row: MakeRow) -> Books:
    """Books with four charge lines of two items and two customers, summarized by account; one is a credit."""
    books.rules(at("account"))
    books.take(
        row("INV-1", item="GOODS-1", amount="10.00"),
        row("INV-2", item="GOODS-1", amount="20.00", customer="C1008"),
        row("INV-3", item="GOODS-2", amount="40.00"),
        row("INV-4", item="GOODS-2", amount="-5.00"),
    )
    return books


def sound(books: Books) -> None:
    assert verify(books.context("verify")).findings == []


def compared(books: Books, **options: Any) -> Reconciliation:
    return reconcile(books.context("reconcile"), date(2024, 2, 29), **options)


def reconciled(books: Books) -> list[str]:
    found = compared(books)
    assert found.ties or found.findings
    return [one.kind for one in found.findings]


def in_intacct(entry: dict[str, Any]) -> list[tuple[str, float, int]]:
    return [(line["account"], float(line["amount"]), line["type"]) for line in entry["lines"]]


def documents(books: Books, reference: str, line: int) -> list[tuple[str, str]]:
    (found,) = trace_line(books.context("trace"), reference, line)
    return [(part.document, part.amount) for part in found.parts]


def only_on_sqlite(books: Books) -> None:
    if books.url:
        pytest.skip("of an SQLite file")


def level_of(books: Books, level: str) -> None:
    """Change the level, and let the planned lines follow."""
    books.rules(at(level))
    schedule(books.context("schedule"), rebuild=True, reason="another level")


def test_intacct_gets_one_line_for_each_account_and_sign(goods: Books, intacct: Intacct) -> None:
    (entry,) = goods.run(DAY).entries
    assert (entry["lines"], entry["schedule_lines"], entry["amount"]) == (4, 4, "75.00")
    (posted,) = intacct.entries()
    assert in_intacct(posted) == [("2400", 70, 1), ("4000", 70, -1), ("4000", 5, 1), ("2400", 5, -1)]
    assert [(line["document"], line["dimensions"]) for line in posted["lines"]] == [(None, {})] * 4
    assert [line["description"] for line in posted["lines"]][::2] == ["3 schedule lines", MEMO]
    assert goods.run(DAY).entries == [] and len(intacct.entries()) == 1
    assert reconciled(goods) == []
    sound(goods)


@pytest.mark.parametrize(
    ("level", "debits"),
    [("line", [10, 20, 40, 5]), ("item", [30, 40, 5]), ("customer", [50, 20, 5]), ("dimensions", [70, 5])],
)
def test_each_level_posts_what_the_dry_run_shows(
    goods: Books, intacct: Intacct, level: str, debits: list[float]
) -> None:
    level_of(goods, level)
    (planned,) = goods.run(DAY, dry_run=True).entries
    (entry,) = goods.run(DAY).entries
    assert planned["lines"] == entry["lines"] == 2 * len(debits)
    (posted,) = intacct.entries()
    assert sorted(amount for _account, amount, side in in_intacct(posted) if side == 1) == sorted(debits)
    assert reconciled(goods) == []
    sound(goods)


def test_a_preview_shows_the_lines_that_the_run_posts(goods: Books, intacct: Intacct) -> None:
    shown = preview(goods.context("preview"), Filters(last=date.fromisoformat(DAY)), due=True).summarized
    goods.run(DAY)
    (posted,) = intacct.entries()
    sides = {"debit": 1, "credit": -1}
    assert [(one.account, float(one.amount), sides[one.side]) for one in shown] == in_intacct(posted)
    assert [one.schedule_lines for one in shown] == [3, 3, 1, 1]
    assert preview(goods.context("preview"), Filters(last=date.fromisoformat(DAY)), due=True).summarized == []


def test_the_journal_report_names_the_line_in_intacct(goods: Books) -> None:
    goods.run(DAY)
    listed = posted_journal(goods.context("report"), Filters())
    assert [(one["line"], one["document"], one["debit"]) for one in listed if one["debit"]] == [
        (1, "INV-1", "10.00"), (1, "INV-2", "20.00"), (1, "INV-3", "40.00"), (3, "INV-4", "5.00")
    ]  # fmt: skip


def test_a_line_leads_to_the_schedule_lines_behind_it(goods: Books) -> None:
    (entry,) = goods.run(DAY).entries
    assert documents(goods, entry["reference"], 1) == [("INV-1", "10.00"), ("INV-2", "20.00"), ("INV-3", "40.00")]
    assert documents(goods, entry["record_no"] or "", 4) == [("INV-4", "5.00")]
    (line,) = trace_line(goods.context("trace"), entry["reference"], 2)
    assert (line.line.side, line.line.account, line.line.amount) == ("credit", "4000", "70.00")
    assert (line.line.schedule_lines, line.charges) == (3, 3)
    assert goods.trace("shop/INV-2/1")["entries"][0]["lines"] == [
        {**one, "line_no": number, "amount": "20.00", "schedule_lines": 1}
        for number, one in enumerate(goods.trace("shop/INV-2/1")["entries"][0]["lines"], 1)
    ]


def test_a_line_that_is_not_there_is_refused(goods: Books) -> None:
    (entry,) = goods.run(DAY).entries
    with pytest.raises(BadInput, match=r"--line 5: RR\w+ has no such line; its lines are 1 to 4"):
        trace_line(goods.context("trace"), entry["reference"], 5)
    with pytest.raises(BadInput, match=r"--line: shop/INV-1/1: is no entry"):
        trace_line(goods.context("trace"), "shop/INV-1/1", 1)


def test_a_reversal_mirrors_the_summary_and_its_lines_are_due_again(goods: Books, intacct: Intacct) -> None:
    (entry,) = goods.run(DAY).entries
    assert reverse(goods.context("reverse", MINUTE), ReversalOrder(entry["reference"], reason="wrong")).complete
    original, mirror = intacct.entries()
    assert sorted(in_intacct(mirror)) == sorted(
        (account, amount, -side) for account, amount, side in in_intacct(original)
    )
    level_of(goods, "item")
    (again,) = goods.run(DAY, 2 * MINUTE).entries
    assert (again["lines"], again["schedule_lines"]) == (6, 4)
    assert reconciled(goods) == []
    sound(goods)


def test_a_change_of_the_level_is_shown_before_it_is_saved(goods: Books) -> None:
    goods.rules(at("item"))
    shown = schedule(goods.context("schedule")).changes
    assert len(shown) == 4 and all(one.before == one.after for one in shown)
    assert {one.note.partition(";")[0] for one in shown} == {"summarize: account -> item"}


def test_lines_posted_before_a_switch_keep_theirs(goods: Books, intacct: Intacct, row: MakeRow) -> None:
    (first,) = goods.run(DAY).entries
    level_of(goods, "line")
    goods.take(row("INV-5", item="GOODS-1", amount="1.00"), row("INV-6", item="GOODS-1", amount="2.00"), name="b.csv")
    (second,) = goods.run(DAY, MINUTE).entries
    level_of(goods, "account")
    goods.take(row("INV-7", item="GOODS-1", amount="4.00"), row("INV-8", item="GOODS-1", amount="8.00"), name="c.csv")
    (third,) = goods.run(DAY, 2 * MINUTE).entries
    assert [one["lines"] for one in (first, second, third)] == [4, 4, 2]
    assert len(documents(goods, first["reference"], 1)) == 3 and len(documents(goods, third["reference"], 2)) == 2
    assert reconciled(goods) == [] and len(intacct.entries()) == 3
    sound(goods)


def test_a_lost_answer_is_settled_by_reading_the_summary_back(goods: Books, intacct: Intacct) -> None:
    intacct.fault("drop@after:1x:create")
    assert [one["status"] for one in goods.run(DAY).entries] == ["in_doubt"]
    (entry,) = goods.run(DAY, MINUTE).entries
    assert entry["status"] == "posted" and len(intacct.entries()) == 1
    sound(goods)


def test_a_refused_summary_is_replaced_by_one_with_the_repaired_value(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    intacct.admin("/accounts", id="4000", name="Revenue", details={"requires": ["DEPARTMENT"]})
    repair = """
    [[repair]]
    name = "default-department"
    when = { error = "dimension-missing", account = "4000" }
    set = { dimensions.department = "OPS" }
    """
    books.rules(at("account") + repair)
    books.take(row("INV-1", item="GOODS-1"), row("INV-2", item="GOODS-2"))
    result = books.run(DAY)
    assert result.complete and dict(result.repaired) == {"default-department": 1}
    (posted,) = intacct.entries()
    assert [line["dimensions"].get("DEPARTMENT") for line in posted["lines"]] == [None, "OPS"]
    assert books.sql("SELECT state, lines FROM journal_entry ORDER BY id") == [("REPLACED", 4), ("POSTED", 4)]
    sound(books)


@pytest.mark.parametrize("more", [False, True], ids=["the same lines", "one line more"])
def test_an_entry_that_restored_books_do_not_know_is_found_again(
    goods: Books, intacct: Intacct, row: MakeRow, more: bool
) -> None:
    only_on_sqlite(goods)
    copy = goods.folder / "copy.db"
    backup(goods.context("db backup"), copy)
    (entry,) = goods.run(DAY).entries
    restore(goods.context("db restore"), copy)
    if more:
        goods.take(row("INV-5", item="GOODS-1", amount="1.00"), name="b.csv")
    for minute in (1, 2, 3):
        result = goods.run(DAY, minute * MINUTE)
    assert result.complete
    states = goods.sql("SELECT reference, state, lines FROM journal_entry ORDER BY id")
    assert states[0] == (entry["reference"], "POSTED", 8)
    assert [one[1:] for one in states[1:]] == [("POSTED", 2)] * more
    assert len(intacct.entries()) == 1 + more and reconciled(goods) == []
    sound(goods)


@pytest.mark.parametrize("proven", [True, False], ids=["by its reference", "by its sums"])
def test_a_lost_entry_is_not_taken_for_one_of_another_entity_with_the_same_amount(
    books: Books, intacct: Intacct, row: MakeRow, proven: bool
) -> None:
    only_on_sqlite(books)
    for entity in ("E1", "E2"):
        intacct.admin("/locations", id=entity)
    books.rules(at("account"))
    copy = books.folder / "copy.db"
    backup(books.context("db backup"), copy)
    first = [row("INV-1", item="GOODS-1", amount="10.00", entity="E2")]
    books.take(*first)
    (entry,) = books.run(DAY).entries
    restore(books.context("db restore"), copy)
    more = [row("INV-3", item="GOODS-1", amount="1.00", entity="E2")]
    if not proven:
        # Lines of other documents do not give its reference.
        parts = {"INV-8": "3.00", "INV-9": "7.00"}
        first, more = [row(one, item="GOODS-1", amount=part, entity="E2") for one, part in parts.items()], []
    books.take(*first, row("INV-2", item="GOODS-1", amount="10.00", entity="E1"), *more, name="b.csv")
    for minute in (1, 2, 3):
        result = books.run(DAY, minute * MINUTE)
    assert result.complete
    posted = books.sql("SELECT entity, amount, reference FROM journal_entry WHERE state = 'POSTED' ORDER BY id")
    assert posted[0] == ("E2", 1000, entry["reference"])
    assert [one[:2] for one in posted[1:]] == [("E1", 1000)] + [("E2", 100)] * proven
    assert len(intacct.entries()) == len(posted) and reconciled(books) == []
    sound(books)


def test_an_entry_of_lines_that_were_refused_before_is_found_again_too(goods: Books, intacct: Intacct) -> None:
    only_on_sqlite(goods)
    copy = goods.folder / "copy.db"
    backup(goods.context("db backup"), copy)
    intacct.admin("/accounts", id="4000", name="Revenue", details={"requires": ["DEPARTMENT"]})
    assert goods.run(DAY).counts["failed"] == 1
    intacct.admin("/accounts", id="4000", name="Revenue", details={"requires": []})
    (entry,) = goods.run(DAY, MINUTE).entries
    restore(goods.context("db restore"), copy)
    for minute in (2, 3, 4):
        result = goods.run(DAY, minute * MINUTE)
    assert result.complete and len(intacct.entries()) == 1, result.entries
    assert goods.sql("SELECT reference, state FROM journal_entry") == [(entry["reference"], "POSTED")]
    sound(goods)


def test_an_entry_that_was_canceled_by_mistake_is_found_and_settled(goods: Books, intacct: Intacct) -> None:
    intacct.fault("drop@after:1x:create")
    (lost,) = goods.run(DAY).entries
    resolve.cancel(goods.context("postings resolve"), lost["reference"], "it is not there", early=True)
    (held,) = goods.run(DAY, MINUTE).entries
    assert (held["status"], held["lines"], held["schedule_lines"]) == ("held", 4, 4)
    record_no = str(intacct.entries()[0]["record_no"])
    resolve.as_posted(goods.context("postings resolve"), held["reference"], record_no, "it was there")
    assert goods.run(DAY, 2 * MINUTE).complete and len(intacct.entries()) == 1
    sound(goods)


def test_an_amount_that_was_changed_in_intacct_is_shared_among_the_charge_lines(goods: Books, intacct: Intacct) -> None:
    (entry,) = goods.run(DAY).entries
    lines = [{"line_no": at, "amount": "63.00"} for at in (1, 2)]
    intacct.admin("/entries/edit", record_no=entry["record_no"], lines=lines)
    (finding,) = compared(goods).findings
    assert finding.kind == "edited" and "line 1: debit 2400 70.00 USD -> debit 2400 63.00 USD" in finding.what
    accepted = compared(goods, accept=[finding.key], reason="agreed")
    assert accepted.ties
    changes = goods.sql("SELECT charge_no, sum(amount) FROM ledger_change GROUP BY charge_no ORDER BY charge_no")
    assert changes == [(1, -100), (2, -200), (3, -400)]
    sound(goods)


def test_a_changed_summary_is_found_in_the_database(goods: Books) -> None:
    only_on_sqlite(goods)
    goods.run(DAY)
    with sqlite3.connect(goods.database) as database:
        database.execute("DROP TRIGGER summary_line_no_update")
        database.execute("UPDATE summary_line SET amount = amount - 1 WHERE line_no = 1")
    found = {(one.table, one.key) for one in verify(goods.context("verify")).findings}
    assert ("summary_line", "entry_id 1, line_no 1") in found
    assert ("journal_entry", "id 1") in found
