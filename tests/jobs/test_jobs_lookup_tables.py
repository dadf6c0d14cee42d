"""Accounts from a table beside the rules, from the import to the ledger and the trace."""

from support.books import Books, MakeRow
from support.intacct import Intacct

RULES = """
[[table]]
name = "items"
file = "items.csv"
key = "item"

[[rule]]
name = "by-item"
[rule.recognize]
method = "fixed_offset"
[rule.post]
accrued = { table = "items", column = "revenue" }
"""


def set_up(books: Books, table: str) -> None:
    books.rules(RULES)
    (books.folder / "rules" / "items.csv").write_text(table)


def test_each_line_posts_to_the_account_of_its_item(books: Books, intacct: Intacct, row: MakeRow) -> None:
    set_up(books, "item,revenue\nA,4000\nB,4010\n")
    books.take(row("INV-1", item="A", amount="1.00"), row("INV-2", item="B", amount="2.00"))
    assert books.run("2024-01-31").complete
    lines = books.sql("SELECT account, amount FROM journal_line WHERE side = 'credit' ORDER BY account")
    assert lines == [("4000", 100), ("4010", 200)]
    rule = books.trace("shop/INV-2/1")["rule"]
    assert rule["accrued"] == "4010" and "items has revenue 4010" in rule["explanation"]
    assert 'file = "items.csv"' in rule["text"]


def test_a_line_without_a_row_waits_until_there_is_one(offline: Books, row: MakeRow) -> None:
    from revrec.jobs.scheduling.rebuild import schedule

    set_up(offline, "item,revenue\nA,4000\n")
    offline.take(row("INV-1", item="C"))
    ((reason,),) = offline.sql("SELECT reason FROM unscheduled")
    assert "items.csv has no revenue for item C" in reason
    set_up(offline, "item,revenue\nA,4000\nC,4020\n")
    assert len(schedule(offline.context(), rebuild=True).changes) == 1
    assert offline.sql("SELECT count(*) FROM unscheduled") == [(0,)]


def test_a_changed_account_is_shown_as_a_difference_of_what_is_not_posted(offline: Books, row: MakeRow) -> None:
    from revrec.jobs.scheduling.rebuild import schedule

    set_up(offline, "item,revenue\nA,4000\n")
    offline.take(row("INV-1", item="A"))
    set_up(offline, "item,revenue\nA,4020\n")
    assert len(schedule(offline.context(), rebuild=True).changes) == 1
    assert offline.sql("SELECT accrued FROM rule_version ORDER BY id") == [("4000",), ("4020",)]
