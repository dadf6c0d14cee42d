"""A rule can add up journal lines: by item, customer, dimensions or account."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from revrec.core import journal
from revrec.core.journal import (
    DueLine,
    JournalEntry,
    RateDays,
    RepairedValue,
    SentLine,
    build_entries,
    references_of,
    reversal_of,
)
from revrec.core.posting_options import NO_OPTIONS, PostingOptions
from revrec.core.summary import KEPT

JAN = date(2024, 1, 31)
US_DOLLARS = RateDays("USD")
LEVELS = [level for level in KEPT if level != "line"]


def due(no: int, amount: int = 1000, **fields: Any) -> DueLine:
    """Return the first part of charge line ``no``: by default 10.00 of item A of customer C1, in class X."""
    line = DueLine(
        no, 1, 1, 0, 12, f"shop/INV-{no}/1", f"INV-{no}", "C1", "A", "", {"class": "X"}, JAN, amount, "USD",
        "2400", "4000", "RR", f"part 1 of INV-{no}", billed=date(2024, 1, 5),
    )  # fmt: skip
    level = fields.pop("summarize", "account")
    return line._replace(**{"options": PostingOptions(summarize=level), **fields})


def built(*lines: DueLine, limit: int = 500) -> list[JournalEntry]:
    return list(build_entries(lines, "d", "acme", limit, rates=US_DOLLARS))


def sent(lines: Sequence[SentLine]) -> list[tuple[str, str, int, str, str, str]]:
    return [
        (line.side, line.account, line.amount, line.customer, line.item, line.dimensions.get("class", ""))
        for line in lines
    ]


def mixed(level: str) -> list[DueLine]:
    """Return lines of two items, customers and classes."""
    kinds = [("C1", "A", "X"), ("C1", "B", "X"), ("C2", "A", "X"), ("C2", "B", "Y"), ("C2", "B", "Y")]
    return [
        due(no, 10**no, customer=customer, item=item, dimensions={"class": place}, summarize=level)
        for no, (customer, item, place) in enumerate(kinds)
    ]


@pytest.mark.parametrize(
    ("level", "amounts"),
    [
        ("line", [1, 10, 100, 1000, 10000]),
        ("item", [101, 10, 11000]),
        ("customer", [11, 100, 11000]),
        ("dimensions", [111, 11000]),
        ("account", [11111]),
    ],
)
def test_each_level_adds_up_the_lines_that_share_what_it_keeps(level: str, amounts: list[int]) -> None:
    (entry,) = built(*mixed(level))
    assert [line.amount for line in entry.sent_lines if line.side == "debit"] == amounts
    assert [line.amount for line in entry.sent_lines if line.side == "credit"] == amounts


def test_a_line_has_only_what_its_level_keeps() -> None:
    first = {level: sent(built(*mixed(level))[0].sent_lines)[0] for level in KEPT}
    assert first == {
        "line": ("debit", "2400", 1, "C1", "A", "X"),
        "item": ("debit", "2400", 101, "", "A", "X"),
        "customer": ("debit", "2400", 11, "C1", "", "X"),
        "dimensions": ("debit", "2400", 111, "", "", "X"),
        "account": ("debit", "2400", 11111, "", "", ""),
    }


def test_the_parts_of_a_line_follow_each_other_and_keep_all_that_they_had() -> None:
    (entry,) = built(*mixed("item"))
    assert [(line.line_no, line.first, line.last) for line in entry.summary] == [
        (1, 1, 4), (2, 1, 4), (3, 5, 6), (4, 5, 6), (5, 7, 10), (6, 7, 10)
    ]  # fmt: skip
    parts = [line for line in entry.lines if entry.summary[1].has(line.line_no, line.side)]
    assert sent(parts) == [("credit", "4000", 1, "C1", "A", "X"), ("credit", "4000", 100, "C2", "A", "X")]


def test_amounts_that_were_taken_back_have_lines_of_their_own() -> None:
    (entry,) = built(due(1, 1000), due(2, -1000), due(3, 500))
    assert sent(entry.sent_lines) == [
        ("debit", "2400", 1500, "", "", ""), ("credit", "4000", 1500, "", "", ""),
        ("debit", "4000", 1000, "", "", ""), ("credit", "2400", 1000, "", "", ""),
    ]  # fmt: skip


def test_accounts_are_not_mixed() -> None:
    (entry,) = built(due(1), due(2, accrued="4001"), due(3, deferred="2401"))
    assert [(line.account, line.amount) for line in entry.sent_lines] == [
        ("2400", 1000), ("4000", 1000), ("2400", 1000), ("4001", 1000), ("2401", 1000), ("4000", 1000),
    ]  # fmt: skip


def test_an_entry_has_one_level() -> None:
    lines = [due(1), due(2), due(3, summarize="line")]
    assert [len(entry.sent_lines) for entry in built(*lines)] == [2, 2]


@pytest.mark.parametrize(
    ("currency", "rates", "pairs"),
    [("USD", US_DOLLARS, 1), ("EUR", US_DOLLARS, 2), ("EUR", RateDays("USD", billed=False), 1)],
)
def test_foreign_currency_is_not_added_up_across_days_of_exchange_rates(
    currency: str, rates: RateDays, pairs: int
) -> None:
    lines = [due(1, currency=currency), due(2, currency=currency, billed=date(2024, 1, 6))]
    (entry,) = build_entries(lines, "d", "acme", 500, rates=rates)
    assert len(entry.sent_lines) == 2 * pairs
    days = {line.billed for line in entry.sent_lines}
    assert days == ({date(2024, 1, 5), date(2024, 1, 6)} if pairs == 2 else {None})


def test_a_repaired_value_is_kept_at_every_level() -> None:
    changes = (
        RepairedValue("credit", "dimensions.location", None, "L1"),
        RepairedValue("debit", "account", "2400", "2409"),
    )
    (entry,) = built(due(1), due(2, changes=changes))
    assert [(line.account, dict(line.dimensions), line.amount) for line in entry.sent_lines] == [
        ("2400", {}, 1000), ("4000", {}, 1000), ("2409", {}, 1000), ("4000", {"location": "L1"}, 1000)
    ]  # fmt: skip


def test_the_memo_counts_the_parts_and_keeps_what_they_share() -> None:
    different, same = built(due(1), due(2), due(3, summarize="item", memo="Magazine"))
    assert [line.memo for line in different.sent_lines] == ["2 schedule lines"] * 2
    assert [line.memo for line in same.sent_lines] == ["Magazine (1 schedule line)"] * 2


def test_an_entry_has_no_more_lines_than_the_limit() -> None:
    lines = [due(no, item=f"I{no % 4}", summarize="item") for no in range(12)]
    entries = built(*lines, limit=5)
    assert [len(entry.sent_lines) for entry in entries] == [4, 4]
    assert len({entry.reference for entry in entries}) == 2
    assert sorted(line.charge_no for entry in entries for line in entry.lines[::2]) == list(range(12))


def test_a_large_number_of_lines_is_divided_among_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "PARTS_PER_ENTRY", 5)
    entries = built(*(due(no) for no in range(12)))
    assert [(len(entry.sent_lines), len(entry.lines)) for entry in entries] == [(2, 10), (2, 10), (2, 4)]


@pytest.mark.slow
def test_a_month_end_of_195_000_lines_is_ten_entries_of_two_lines() -> None:
    made = built(*(due(no) for no in range(195_000)))
    assert [len(entry.sent_lines) for entry in made] == [2] * 10
    assert sum(entry.amount for entry in made) == 195_000 * 1000


def test_the_reference_is_that_of_the_lines_in_posting_order_whatever_their_level() -> None:
    lines = mixed("item")
    (entry,) = built(*lines)
    assert entry.reference == list(references_of(lines, "d"))[-1]


def test_a_reversal_mirrors_the_summary_and_its_parts() -> None:
    (entry,) = built(*mixed("item"))
    mirror = reversal_of(entry, JAN, 0, "d", "acme")
    turned = [(one.account, one.amount, "credit" if one.side == "debit" else "debit") for one in entry.summary]
    assert Counter((one.account, one.amount, one.side) for one in mirror.summary) == Counter(turned)
    for one in mirror.summary:
        assert one.amount == sum(line.amount for line in mirror.lines if one.has(line.line_no, line.side))


SOME_DUE = st.builds(
    due,
    no=st.integers(1, 10**6),
    amount=st.integers(-(10**9), 10**9).filter(bool),
    item=st.sampled_from("AB"),
    customer=st.sampled_from(["C1", "C2"]),
    dimensions=st.sampled_from([{}, {"class": "X"}, {"class": "Y", "location": "L1"}]),
    accrued=st.sampled_from(["4000", "4001"]),
    deferred=st.sampled_from(["2400", "2401"]),
    currency=st.sampled_from(["EUR", "USD"]),
    billed=st.sampled_from([date(2024, 1, 5), date(2024, 1, 6)]),
    date=st.sampled_from([JAN, date(2024, 2, 29)]),
    entity=st.sampled_from(["", "US"]),
)
"""Due lines that share some of their values."""


def totals(entries: Sequence[JournalEntry]) -> Counter[tuple[object, ...]]:
    """Return the debits and credits by account of each date, entity and currency, as Intacct gets them."""
    found: Counter[tuple[object, ...]] = Counter()
    for entry in entries:
        for line in entry.sent_lines:
            found[entry.date, entry.entity, line.currency, line.account, line.side] += line.amount
    return found


def ordered(lines: Sequence[DueLine]) -> list[DueLine]:
    return sorted(lines, key=lambda line: (journal.entry_group(line), line.charge_no))


@given(st.lists(SOME_DUE, max_size=30, unique_by=lambda line: line.charge_no), st.data(), st.integers(2, 9))
@settings(max_examples=60, deadline=None)
def test_whatever_the_level_each_line_is_posted_once_and_the_sums_are_those_of_the_detailed_entries(
    lines: list[DueLine], data: st.DataObject, limit: int
) -> None:
    levels = [PostingOptions(summarize=data.draw(st.sampled_from(sorted(KEPT)))) for _line in lines]
    in_order = ordered([line._replace(options=level) for line, level in zip(lines, levels, strict=True)])
    detailed = ordered([line._replace(options=NO_OPTIONS) for line in lines])
    entries = built(*in_order, limit=limit)
    assert totals(entries) == totals(built(*detailed))
    posted = Counter((line.charge_no, line.side) for entry in entries for line in entry.lines)
    assert posted == Counter({(line.charge_no, side): 1 for line in lines for side in ("debit", "credit")})
    for entry in entries:
        assert len(entry.sent_lines) <= max(2, limit)
        assert all(line.amount > 0 for line in entry.sent_lines)
        parts = Counter(
            (line.line_no, line.side)
            for one in entry.summary
            for line in entry.lines
            if one.has(line.line_no, line.side)
        )
        assert not entry.summary or parts == Counter((line.line_no, line.side) for line in entry.lines)
        for one in entry.summary:
            assert one.amount == sum(line.amount for line in entry.lines if one.has(line.line_no, line.side))
