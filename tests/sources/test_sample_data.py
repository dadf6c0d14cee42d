"""The sample files are read whole by the mappings that ship with them."""

import tomllib
from pathlib import Path

import pytest

from revrec.sources import NATIVE_CHARGES, BadRow, GoodRow, PassedOver, read_charges, read_events, shipped
from revrec.sources.mapping_reader import read_mapping

SAMPLES = Path(__file__).parents[2] / "sample_data"
MANUALS = tuple(SAMPLES.parent / "docs" / f"{page}.md" for page in ("formats", "mappings"))
MAPPINGS = tomllib.loads((SAMPLES / "mapping-example.toml").read_text(encoding="utf-8"))["mapping"]


@pytest.mark.parametrize(
    ("name", "mapping", "count"),
    [
        ("charges.csv", "", 10),
        ("charges.tsv", "", 1),
        ("charges.xlsx", "", 3),
        ("shop-orders.jsonl", "", 3),
        ("orders.xml", "", 2),
        ("bank-payments.csv", "bank", 3),
    ],
)
def test_sample_charges_are_all_good(name: str, mapping: str, count: int) -> None:
    chosen = read_mapping(mapping, MAPPINGS[mapping]) if mapping else NATIVE_CHARGES
    rows = list(read_charges(SAMPLES / name, chosen))
    assert [type(row) for row in rows] == [GoodRow] * count


def test_no_charge_id_appears_twice_in_the_samples() -> None:
    native = ("charges.csv", "shop-orders.jsonl", "orders.xml")
    found = [row.line.id for name in native for row in read_charges(SAMPLES / name) if isinstance(row, GoodRow)]
    assert len(found) == len(set(found)) == 15


def test_sample_events_are_about_sample_charges() -> None:
    native = ("charges.csv", "orders.xml")
    known = {row.line.id for name in native for row in read_charges(SAMPLES / name) if isinstance(row, GoodRow)}
    rows = list(read_events(SAMPLES / "events.csv"))
    assert {row.line.charge for row in rows if isinstance(row, GoodRow)} <= known and len(rows) == 2


def test_the_mappings_of_the_example_are_valid() -> None:
    kinds = {read_mapping(name, config, SAMPLES).rows for name, config in MAPPINGS.items()}
    assert kinds == {"charges", "events"}


def test_a_hosts_report_of_fixed_width() -> None:
    rows = list(read_charges(SAMPLES / "host.fixed", read_mapping("host", MAPPINGS["host"])))
    assert [type(row) for row in rows] == [PassedOver, GoodRow, GoodRow, GoodRow, PassedOver]
    assert [row.line.amount for row in rows if isinstance(row, GoodRow)] == [2400, 8990, -2400]


def test_orders_of_a_desk_are_cleaned_by_tables_and_bad_ones_are_reported() -> None:
    mueller, holm, bad = read_charges(SAMPLES / "desk-orders.csv", read_mapping("desk", MAPPINGS["desk"], SAMPLES))
    assert isinstance(mueller, GoodRow) and isinstance(holm, GoodRow) and isinstance(bad, BadRow)
    assert (mueller.line.customer, mueller.line.item) == ("C-MUELLER", "GOODS-30-LAMP")
    assert (mueller.line.dimensions["terms"], holm.line.dimensions["terms"]) == ("NET45", "NET10")


@pytest.mark.parametrize("name", shipped.names())
def test_every_shipped_mapping_is_valid_and_its_comment_leads_to_the_manual(name: str) -> None:
    config = shipped.resolved(name, {}, "")
    for rows in ("charges", "events"):
        if rows in config or config.get("rows") == rows:
            part = {key: value for key, value in config.items() if key not in ("charges", "events")}
            made = read_mapping(name, {**part, **config.get(rows, {}), "rows": rows})
            assert made.rows == rows and made.format
    text = (Path(shipped.__file__).parent / "mappings" / f"{name}.toml").read_text(encoding="utf-8")
    assert text.startswith("#")
    (manual,) = [one for one in MANUALS if f"revrec docs {one.stem}" in text]
    assert f"`{name}`" in manual.read_text(encoding="utf-8")
