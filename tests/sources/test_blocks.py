"""Rows that are read in blocks are the rows that are read one by one."""

from typing import Any

import pytest
from hypothesis import strategies as st

from revrec.sources import (
    NATIVE_CHARGES,
    ChargeBlock,
    read_charge_blocks,
    read_charges,
)
from revrec.sources.fields import CHARGE_COLUMNS
from revrec.sources.mapping_reader import read_mapping
from support.block_reading import BlockReading

COLUMNS = [name for name in CHARGE_COLUMNS if name not in ("project", "contract")]
PLAIN = {
    "source": "shop", "document": "INV-1", "line": "1", "customer": "C-1", "item": "MAG-1", "post_date": "2024-01-05",
    "amount": "24.00", "currency": "USD", "description": "Plan, yearly", "quantity": "1", "location": "100",
}  # fmt: skip


TERM = {"service_start": "2024-01-05", "service_end": "2024-02-05"}
READING = BlockReading(read_charges, read_charge_blocks, ChargeBlock, NATIVE_CHARGES, COLUMNS, PLAIN)
native, in_blocks, one_by_one, blocks = READING.native, READING.in_blocks, READING.one_by_one, READING.blocks


def test_ordinary_rows_are_one_block() -> None:
    data = native({}, {"amount": "-0.01"}, {"currency": "JPY", "amount": "24"}, {"service_start": "2024-02-01"})
    assert blocks(data) == [4]
    assert in_blocks(data) == one_by_one(data)


VALUES: dict[str, list[str]] = {
    "source": ["web", "a/b", " shop", ""],
    "document": ["INV-2", "a/b", " INV-1", "I\tV", "", "x" * 300, "Ü", "U\u0308", "\u200bINV"],
    "line": ["2", "2:cost:cogs", "a/b", ""],
    "customer": ["C-2", "C\u00a02", "Zo\u0308", ""],
    "item": ["GOODS-1", "", " "],
    "post_date": ["2024-02-29", "2023-02-29", "20240105", "5/1/2024", "2024-01-05T10:00:00Z", " 2024-01-05", ""],
    "rev_rec_date": ["2024-02-29", "2024-02-30", "01.02.2024"],
    "service_start": ["2024-02-01", "2025-01-01"],
    "service_end": ["2024-01-01", "2024-12-31"],
    "amount": ["-24.00", "0.00", "-0.00", "24", "24.000", "1,000.00", "(3.00)", "$ 4.00", "9" * 15 + ".00", "x"],
    "currency": ["EUR", "JPY", "KWD", "usd", " USD", "XXX", ""],
    "quantity": ["2", "1.50", "01", "-1", "1e3", "two"],
    "description": [" Plan", "two\nlines", "a \" quote", "tab\tinside", "é", "x" * 70_000],
    "location": ["200", " 200", "2\n0"],
    "entity": ["E-1", " "],
    "credits": ["INV-0", "INV-0/1 "],
    "recognized_before": ["1.00", "0.00", "-1.00", "25.00", "x"],
    "cutover": ["2024-02-01", "2023-01-01", "20240201", "soon"],
}  # fmt: skip
unusual = st.sampled_from([(name, value) for name, values in VALUES.items() for value in values])
a_row = st.one_of(*[st.just({})] * 3, unusual.map(lambda one: dict([one])), st.lists(unusual, max_size=3).map(dict))


@pytest.mark.parametrize(
    "examples", [60, pytest.param(600, marks=pytest.mark.slow), pytest.param(2_000, marks=pytest.mark.long)]
)
def test_blocks_never_disagree_with_rows(monkeypatch: pytest.MonkeyPatch, examples: int) -> None:
    READING.check_agreement(a_row, examples, monkeypatch)


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in VALUES.items() for value in values], ids=ascii
)
def test_a_row_out_of_the_ordinary_changes_no_other(name: str, value: str) -> None:
    READING.check_alone(name, value)


@pytest.mark.parametrize(
    "mapping",
    [
        {"defaults": {"entity": "E"}},
        {"line": "7"},
        {"line": "#", "ignore": ["line"]},
        {"only": {"item": "MAG-*"}},
        {"decimal": ","},
        {"control": {"total": ["24.00 USD"]}},
        {"columns": {"rev_rec_date": "post_date"}},
        {"dimensions": {"region": "customer"}},
        {"service_end_is": "exclusive"},
    ],
)
def test_each_mapping_reads_the_same_in_blocks(mapping: dict[str, Any]) -> None:
    data, read = native({}, {"document": "INV-2", **TERM}), read_mapping("test", mapping)
    assert in_blocks(data, read) == one_by_one(data, read)


def test_rows_before_damage_in_a_block_are_read() -> None:
    data = native(*({"document": f"INV-{number}"} for number in range(5_000))) + b"\xff\xff\n"
    *rows, error = in_blocks(data)
    assert len(rows) > 3_000 and "is not valid utf-8" in error
    assert [*rows, error] == one_by_one(data)
