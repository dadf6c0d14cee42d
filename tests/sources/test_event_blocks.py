"""Events that are read in blocks are the events that are read one by one."""

from typing import Any

import pytest
from hypothesis import strategies as st

from revrec.sources import (
    NATIVE_EVENTS,
    EventBlock,
    read_event_blocks,
    read_events,
)
from revrec.sources.fields import EVENT_COLUMNS
from revrec.sources.mapping_reader import read_mapping
from support.block_reading import BlockReading

PLAIN = {"charge": "shop/INV-1/1", "kind": "pod", "date": "2024-01-05"}
BY_DOCUMENT = {"charge": "", "source": "shop", "document": "INV-1"}
READING = BlockReading(read_events, read_event_blocks, EventBlock, NATIVE_EVENTS, EVENT_COLUMNS, PLAIN)
native, in_blocks, one_by_one, blocks = READING.native, READING.in_blocks, READING.one_by_one, READING.blocks


ORDINARY = [
    {},
    {"quantity": "2.50", "name": "N-1", "note": "left at the door"},
    {"kind": "percent", "percent": "40"},
    {"kind": "credit", "amount": "-5.00", "charge": "shop/INV/2/1"},
    {"kind": "constraint", "percent": "20"},
    {"kind": "service_dates", "name": "end"},
]


def test_ordinary_events_are_one_block() -> None:
    data = native(*ORDINARY)
    assert blocks(data) == [6]
    assert in_blocks(data) == one_by_one(data)


def test_events_of_documents_are_one_block() -> None:
    mapping = read_mapping("test", {"rows": "events", "columns": {"line": "row", "item": "sku"}, "ignore": ["charge"]})
    data = native(BY_DOCUMENT, {**BY_DOCUMENT, "row": "7"}, {**BY_DOCUMENT, "sku": "MAG-1", "document": "a/b"})
    assert blocks(data, mapping) == [3]
    assert [row.line.charge for row in in_blocks(data, mapping)] == ["shop/INV-1/*", "shop/INV-1/7", "shop/a/b/*"]
    assert in_blocks(data, mapping) == one_by_one(data, mapping)


VALUES: dict[str, list[str]] = {
    "charge": ["shop/INV-2/1", "a/b/c/d", "a//b", "a/b", "/a/b", "a/b/", " shop/INV-1/1", "a/b\t/c", "a/b\n/c", "",
               "a/b/*", "a/" + "x" * 300 + "/1", "shop/Ü/1", "shop/U\u0308/1", "shop/INV\u200b/1"],
    "kind": ["milestone", "percent", "usage", "estimate", "credit", "price", "cancel", "constraint", "hold",
             "service_dates", "notice", " pod", "POD", ""],
    "date": ["2024-02-29", "2023-02-29", "20240105", "5/1/2024", "2024-01-05T10:00:00Z", " 2024-01-05", ""],
    "quantity": ["2", "1.50", "01", "-1", "1e3", "two", "-0", "9" * 300],
    "percent": ["40", "40%", "0.5", "101", "-1", "x"],
    "amount": ["24.00", "-24", "24.000", "1,000.00", "$ 4.00", "x"],
    "name": ["N-1", "start", " N", "N\t1", "x" * 300],
    "note": ["late", " late", "two\nlines", "tab\tinside", "é", "x" * 70_000],
}  # fmt: skip
unusual = st.sampled_from([(name, value) for name, values in VALUES.items() for value in values])
a_row = st.one_of(
    st.sampled_from(ORDINARY), unusual.map(lambda one: dict([one])), st.lists(unusual, max_size=4).map(dict)
)


@pytest.mark.parametrize(
    "examples", [60, pytest.param(200, marks=pytest.mark.slow), pytest.param(500, marks=pytest.mark.long)]
)
def test_blocks_never_disagree_with_rows(monkeypatch: pytest.MonkeyPatch, examples: int) -> None:
    READING.check_agreement(a_row, examples, monkeypatch)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in VALUES.items() for value in values], ids=ascii
)
def test_an_event_out_of_the_ordinary_changes_no_other(name: str, value: str) -> None:
    READING.check_alone(name, value)


@pytest.mark.parametrize(
    "mapping",
    [
        {"defaults": {"note": "late"}},
        {"only": {"kind": "p*"}},
        {"decimal": ","},
        {"columns": {"name": "note"}},
    ],
)
def test_each_mapping_reads_the_same_in_blocks(mapping: dict[str, Any]) -> None:
    data, read = native(*ORDINARY), read_mapping("test", {"rows": "events", **mapping})
    assert in_blocks(data, read) == one_by_one(data, read)
