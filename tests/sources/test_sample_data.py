"""The sample files are read whole by the mappings that ship with them."""

import tomllib
from pathlib import Path

import pytest

from revrec.sources import NATIVE_CHARGES, ColumnMapping, Good, read_charges, read_events

SAMPLES = Path(__file__).parents[2] / "sample_data"
MAPPINGS = tomllib.loads((SAMPLES / "mapping-example.toml").read_text(encoding="utf-8"))["mapping"]


@pytest.mark.parametrize(
    ("name", "mapping", "count"),
    [("charges.csv", "", 10), ("shop-orders.jsonl", "", 3), ("orders.xml", "", 2), ("bank-payments.csv", "bank", 3)],
)
def test_sample_charges_are_all_good(name: str, mapping: str, count: int) -> None:
    chosen = ColumnMapping.from_config(mapping, MAPPINGS[mapping]) if mapping else NATIVE_CHARGES
    rows = list(read_charges(SAMPLES / name, chosen))
    assert [type(row) for row in rows] == [Good] * count


def test_no_charge_id_stands_twice_in_the_samples() -> None:
    native = ("charges.csv", "shop-orders.jsonl", "orders.xml")
    found = [row.line.id for name in native for row in read_charges(SAMPLES / name) if isinstance(row, Good)]
    assert len(found) == len(set(found)) == 15


def test_sample_events_are_about_sample_charges() -> None:
    native = ("charges.csv", "orders.xml")
    known = {row.line.id for name in native for row in read_charges(SAMPLES / name) if isinstance(row, Good)}
    rows = list(read_events(SAMPLES / "events.csv"))
    assert {row.line.charge for row in rows if isinstance(row, Good)} <= known and len(rows) == 2


def test_the_mappings_of_the_example_are_valid() -> None:
    assert {ColumnMapping.from_config(name, config).rows for name, config in MAPPINGS.items()} == {"charges", "events"}
