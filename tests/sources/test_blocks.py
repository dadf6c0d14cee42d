"""Rows that are read in blocks are the rows that are read one by one."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from revrec.sources import (
    NATIVE_CHARGES,
    ChargeBlock,
    ColumnMapping,
    SourceError,
    SourceStream,
    read_charge_blocks,
    read_charges,
)
from revrec.sources.fields import CHARGE_COLUMNS
from revrec.sources.formats import csv as csv_format
from revrec.sources.mapping_reader import read_mapping

COLUMNS = [name for name in CHARGE_COLUMNS if name not in ("project", "contract")]
PLAIN = {
    "source": "shop", "document": "INV-1", "line": "1", "customer": "C-1", "item": "MAG-1", "post_date": "2024-01-05",
    "amount": "24.00", "currency": "USD", "description": "Plan, yearly", "quantity": "1", "location": "100",
}  # fmt: skip


TERM = {"service_start": "2024-01-05", "service_end": "2024-02-05"}


def native(*rows: dict[str, str]) -> bytes:
    """Return a native file; a row has the values that differ from :data:`PLAIN`."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({**PLAIN, **row} for row in rows)
    return out.getvalue().encode("utf-8", "surrogatepass")


def one_by_one(data: bytes, mapping: ColumnMapping = NATIVE_CHARGES) -> Any:
    return _list(read_charges(SourceStream(io.BytesIO(data), "in.csv"), mapping))


def in_blocks(data: bytes, mapping: ColumnMapping = NATIVE_CHARGES) -> Any:
    return _list(read_charge_blocks(SourceStream(io.BytesIO(data), "in.csv"), mapping))


def _list(rows: Iterator[Any]) -> Any:
    """Return the rows, those of blocks one by one, and the error at which reading ended."""
    found: list[Any] = []
    try:
        for row in rows:
            found += row.good_rows() if isinstance(row, ChargeBlock) else [row]
    except SourceError as error:
        found.append(str(error))
    return found


def blocks(data: bytes, mapping: ColumnMapping = NATIVE_CHARGES) -> list[int]:
    """Return the number of rows in each block."""
    rows = read_charge_blocks(SourceStream(io.BytesIO(data), "in.csv"), mapping)
    return [len(one.rows) for one in rows if isinstance(one, ChargeBlock)]


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
}  # fmt: skip
unusual = st.sampled_from([(name, value) for name, values in VALUES.items() for value in values])
a_row = st.one_of(*[st.just({})] * 3, unusual.map(lambda one: dict([one])), st.lists(unusual, max_size=3).map(dict))


@pytest.mark.parametrize("examples", [60, pytest.param(2_000, marks=pytest.mark.slow)])
def test_blocks_never_disagree_with_rows(monkeypatch: pytest.MonkeyPatch, examples: int) -> None:
    monkeypatch.setattr(csv_format, "LINES_AT_ONCE", 3)

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(rows=st.lists(a_row, max_size=9), damage=st.sampled_from([b"", b"\n", b'"', b"a,b\n", b"\xff\n", b",,\n"]))
    def holds(rows: list[dict[str, str]], damage: bytes) -> None:
        data = native(*rows) + damage + native(*rows).partition(b"\n")[2]
        assert in_blocks(data) == one_by_one(data)

    holds()


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in VALUES.items() for value in values], ids=ascii
)
def test_a_row_out_of_the_ordinary_changes_no_other(name: str, value: str) -> None:
    data = native({}, {name: value}, {})
    assert in_blocks(data) == one_by_one(data)
    assert len(one_by_one(data)) == 3


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
