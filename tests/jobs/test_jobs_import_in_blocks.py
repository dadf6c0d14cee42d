"""Charge lines that are imported in blocks leave the same books as charge lines that are imported one by one."""

from collections.abc import Callable
from typing import Any

import pytest

from revrec.jobs.admin.verify import verify
from revrec.jobs.importing.rows import ChargeImporter
from revrec.sources.columns import ColumnReader
from support.books import Books, MakeBooks, MakeRow, Row
from support.rule_texts import MAGAZINE

pytestmark = pytest.mark.both_databases

CONTENT = (
    "SELECT * FROM charge_line ORDER BY no",
    "SELECT s.charge_no, s.version, r.name, s.amount, s.posted, s.planned, n.kind, s.first_seq, s.lines, e.text,"
    " s.open_from FROM schedule s JOIN rule_version r ON r.id = s.rule_version_id LEFT JOIN plan n ON n.id = s.plan_id"
    " JOIN explanation e ON e.id = s.explanation_id ORDER BY s.charge_no",
    "SELECT l.charge_no, l.version, l.seq, l.date, l.amount, l.entry_id, l.revision, l.superseded_by, r.name"
    " FROM schedule_line l JOIN rule_version r ON r.id = l.rule_version_id ORDER BY l.charge_no, l.version, l.seq",
    "SELECT charge_no, code, reason, rule FROM unscheduled ORDER BY charge_no",
    "SELECT charge_no, amount, code, reason FROM schedule_wait ORDER BY charge_no",
)


def outcome(books: Books, files: list[list[Row]]) -> list[Any]:
    """Return the results of importing the files, one after the other, and all that is stored then."""
    results: list[Any] = []
    for number, rows in enumerate(files):
        result = books.import_file(books.file(f"{number}.csv", rows))
        results.append((result.rows, result.accepted, result.unchanged, result.scheduled, result.unscheduled))
        results.append((result.totals(), result.warnings, result.refused, [one["reason"] for one in result.report]))
    assert verify(books.context("verify")).sound
    return [*results, *map(books.sql, CONTENT)]


def many(row: MakeRow, **fields: str) -> list[Row]:
    """Return rows that the rules of these tests treat differently."""
    return [
        row("INV-1", **fields),
        row("INV-2", post_date="2024-02-29", **fields),
        row("INV-3", item="GOODS-1", amount="-5.00", **fields),
        row("INV-4", item="POD-1", **fields),
        row("INV-5", amount="0.05", **fields),
        row("INV-6", amount="-0.12", quantity="2.50", **fields),
        row("INV-7", currency="JPY", amount="24000", entity="E", **fields),
        row("INV-8", item="OTHER", rev_rec_date="2024-05-01", customer="C2", **fields),
        row("INV-9", credits="INV-0", post_date="2028-01-05", description="late, and a credit", **fields),
    ]


FILES: dict[str, Callable[[MakeRow], list[list[Row]]]] = {
    "new lines": lambda row: [many(row)],
    "dimensions": lambda row: [[*many(row, location="100"), row("INV-20", location="200", department="10")]],
    "the same file twice": lambda row: [many(row), many(row)],
    "old and new lines": lambda row: [many(row)[:3], many(row)],
    "a line that changed": lambda row: [many(row), [row("INV-2", amount="1.00")]],
    "a line twice": lambda row: [[*many(row), row("INV-3")]],
    "the line of a cost": lambda row: [[row("INV-1", line="1:cost:cogs")]],
    "a line that is cleaned": lambda row: [[*many(row), row("INV-20", amount="1,000.00")]],
}


@pytest.mark.parametrize("files", FILES)
def test_blocks_leave_the_same_books_as_rows(
    offline: Books, fresh_books: MakeBooks, row: MakeRow, monkeypatch: pytest.MonkeyPatch, files: str
) -> None:
    chosen = FILES[files](row)
    in_blocks = outcome(offline, chosen)
    monkeypatch.setattr(ColumnReader, "read", lambda *_: None)
    assert outcome(fresh_books({}), chosen) == in_blocks


@pytest.mark.parametrize(
    "rules",
    ['[[rule.cost]]\nname = "fee"\npercent = 3\ndeferred = "1450"\nexpense = "6100"\n', ""],
    ids=["costs", "no rules"],
)
def test_other_rules_leave_the_same_books(
    offline: Books, fresh_books: MakeBooks, row: MakeRow, monkeypatch: pytest.MonkeyPatch, rules: str
) -> None:
    text = f"{MAGAZINE}periods = 3\n{rules}" if rules else ""
    offline.rules(text)
    in_blocks = outcome(offline, [many(row)])
    monkeypatch.setattr(ColumnReader, "read", lambda *_: None)
    other = fresh_books({})
    other.rules(text)
    assert outcome(other, [many(row)]) == in_blocks


def test_new_lines_are_imported_in_blocks(offline: Books, row: MakeRow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(ChargeImporter, "_process_row")
    assert offline.take(*many(row)).accepted == len(many(row))
