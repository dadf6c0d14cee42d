"""Documents that hold several things: charges and their events, members of an archive; one transaction for all."""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from revrec.core.errors import BadConfiguration
from revrec.jobs.importing import import_files
from revrec.jobs.importing.import_files import import_document
from revrec.jobs.importing.mappings import mapping_of, mappings_of
from support.books import Books, MakeRow

pytestmark = pytest.mark.both_databases

MAPPING = """
[mapping.both]
format = "jsonl"
source = "shop"
ignore = ["*"]
[mapping.both.charges]
columns = { document = "no", line = "pos", customer = "who", item = "what", post_date = "day", amount = "sum" }
currency = "USD"
only = { type = "sale" }
[mapping.both.events]
kind = "pod"
columns = { document = "no", line = "pos", date = "delivered" }
only = { delivered = "?*" }
"""


@pytest.fixture
def shop(offline: Books) -> Books:
    """Books that know a mapping for a file of sales and deliveries."""
    config = offline.folder / "revrec.toml"
    config.write_text(config.read_text() + MAPPING)
    return offline


def sale(no: str, pos: str = "1", **more: Any) -> dict[str, Any]:
    plain = {"type": "sale", "no": no, "pos": pos, "who": "C-1", "what": "POD-1", "day": "2024-01-05", "sum": "24.00"}
    return {**plain, **more}


def put(books: Books, *records: dict[str, Any], name: str = "sales.jsonl") -> Path:
    path: Path = books.folder / name
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def take(books: Books, path: Path, keep_good: bool = False, dry_run: bool = False) -> list[import_files.ImportResult]:
    context = books.context("import")
    return import_document(context, path, mappings_of(context, "both"), keep_good, dry_run)


def test_charges_and_events_of_one_file_are_imported_together(shop: Books) -> None:
    charges, events = take(shop, put(shop, sale("A", delivered="2024-02-01"), sale("B"), {"type": "note"}))
    assert (charges.kind, charges.accepted, charges.passed_over) == ("charges", 2, {'type is "note"': 1})
    assert (events.kind, events.accepted, events.passed_over) == ("events", 1, {"delivered is empty": 2})
    assert shop.open_parts("shop/A/1") == [("2024-02-01", 2400)] and shop.open_parts("shop/B/1") == []
    assert shop.sql("SELECT kind, mapping FROM import_file ORDER BY id") == [("charges", "both"), ("events", "both")]


def test_the_same_file_twice_changes_nothing_and_a_later_one_brings_its_delivery_alone(shop: Books) -> None:
    path = put(shop, sale("A", delivered="2024-02-01"), sale("B"))
    take(shop, path)
    before = shop.content()
    assert [one.unchanged for one in take(shop, path)] == [2, 1] and shop.content() == before
    charges, events = take(shop, put(shop, sale("A", delivered="2024-02-01"), sale("B", delivered="2024-02-03")))
    assert (charges.accepted, events.accepted, events.unchanged) == (0, 1, 1)
    assert shop.sql("SELECT kind FROM import_file ORDER BY id") == [("charges",), ("events",), ("events",)]


def test_a_bad_event_refuses_the_charges_too(shop: Books) -> None:
    before = shop.content()
    charges, events = take(shop, put(shop, sale("A", delivered="tomorrow"), sale("B")))
    assert "1 of 1 rows cannot be used" in events.refused
    assert "not imported either: the events of" in charges.refused and charges.accepted == 0
    assert shop.content() == before


def test_keep_good_sets_the_bad_event_aside(shop: Books) -> None:
    charges, events = take(shop, put(shop, sale("A", delivered="tomorrow"), sale("B")), keep_good=True)
    assert (charges.accepted, events.rejected, events.quarantined) == (2, 1, True)


def test_a_dry_run_sees_the_events_of_charges_that_would_be_new(shop: Books) -> None:
    before = shop.content()
    charges, events = take(shop, put(shop, sale("A", delivered="2024-02-01")), dry_run=True)
    assert (charges.accepted, events.accepted, events.rejected) == (1, 1, 0) and shop.content() == before


def test_a_file_without_either_is_refused(shop: Books) -> None:
    path = shop.folder / "sales.jsonl"
    path.write_text("\n \n")
    assert "has no charges and no events" in take(shop, path)[-1].refused


def test_an_event_may_be_about_a_whole_document(shop: Books) -> None:
    take(shop, put(shop, sale("A"), sale("A", "2"), sale("B")))
    result = shop.import_events({"charge": "shop/A/*", "kind": "pod", "date": "2024-02-09"})
    assert (result.accepted, result.scheduled) == (1, 2)
    assert shop.open_parts("shop/A/2") == [("2024-02-09", 2400)] and shop.open_parts("shop/B/1") == []
    before = shop.content()
    assert shop.import_events({"charge": "shop/A/*", "kind": "pod", "date": "2024-02-09"}).unchanged == 1
    assert shop.content() == before
    unknown = shop.import_events({"charge": "shop/Z/*", "kind": "pod", "date": "2024-02-09"})
    assert unknown.report[0]["fix"] == "import its charge line first"


def test_an_archive_is_imported_whole_or_not_at_all(shop: Books) -> None:
    good, bad = put(shop, sale("A")).read_text(), put(shop, sale("B", sum="x")).read_text()
    path = shop.folder / "sales.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.jsonl", good)
        archive.writestr("two.jsonl", bad)
    before = shop.content()
    results = take(shop, path)
    assert all(one.refused for one in results) and shop.content() == before
    assert results[0].file.endswith("sales.zip/one.jsonl") and results[2].report[0]["field"] == "amount"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.jsonl", good)
        archive.writestr("two.jsonl", bad.replace('"x"', '"9.00"'))
    assert [one.accepted for one in take(shop, path) if one.kind == "charges"] == [1, 1]
    assert shop.sql("SELECT uri FROM import_file")[1][0].endswith("sales.zip/two.jsonl")
    assert shop.trace(str(path) + "/two.jsonl")["charge"]["id"] == "shop/B/1"


def test_a_gzip_file_is_one_file(shop: Books) -> None:
    path = shop.folder / "sales.jsonl.gz"
    path.write_bytes(gzip.compress(put(shop, sale("A")).read_bytes()))
    charges, events = take(shop, path)
    assert (charges.accepted, events.rows, events.refused) == (1, 0, "")


def test_a_mapping_with_events_alone_needs_no_flag_and_one_with_both_can_give_its_events_alone(shop: Books) -> None:
    context = shop.context()
    assert [one.rows for one in mappings_of(context, "both")] == ["charges", "events"]
    assert [one.rows for one in mappings_of(context, "both", events=True)] == ["events"]
    assert mapping_of(context, "both", events=False).rows == "charges"


def test_a_mapping_builds_on_another(shop: Books) -> None:
    config = shop.folder / "revrec.toml"
    own = '[mapping.ours]\nbase = "both"\nsource = "ours"\n[mapping.ours.charges]\ncolumns = { amount = "net" }\n'
    config.write_text(config.read_text() + own)
    charges, events = mappings_of(shop.context(), "ours")
    assert charges.constants == {"source": "ours", "currency": "USD"}
    assert charges.columns["amount"] == "net" and charges.columns["document"] == "no"
    assert events.constants == {"source": "ours", "kind": "pod"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('base = "nothing"', r"\[mapping.bad\] base = 'nothing': no such mapping \(known: "),
        ('base = "bad"', r"base = 'bad': no such mapping"),
        ("charges = 7", r"charges must be a table \[mapping.bad.charges\]"),
        (
            'rows = "events"\n[mapping.bad.events]\n',
            r"\[mapping.bad\] rows = .* because the name of the table says which rows it reads",
        ),
    ],
)
def test_a_mapping_that_builds_on_nothing_or_contradicts_itself_is_refused(shop: Books, text: str, said: str) -> None:
    config = shop.folder / "revrec.toml"
    config.write_text(config.read_text() + f"[mapping.bad]\n{text}\n")
    with pytest.raises(BadConfiguration, match=said):
        mappings_of(shop.context(), "bad")


def test_cleaning_for_all_sources_is_said_once(shop: Books, row: MakeRow) -> None:
    (shop.folder / "customers.csv").write_text("alias,customer\nC1007,C-ADA\n")
    config = shop.folder / "revrec.toml"
    config.write_text(config.read_text() + '[cleaning.aliases]\ncustomer = "customers.csv"\n')
    context = shop.context("import")
    import_document(context, shop.file("charges.csv", [row()]), mappings_of(context, None))
    life = shop.trace("shop/INV-1/1")
    assert life["charge"]["customer"] == "C-ADA"
    assert life["source"]["cleaning"] == [
        {
            "field": "customer",
            "before": "C1007",
            "after": "C-ADA",
            "step": "alias",
            "table": "customers.csv",
            "table_row": 2,
        }
    ]
    begun = next(event for event in life["audit"] if event["action"] == "import of charges begun")
    assert set(begun["detail"]["tables"]) == {"customers.csv"}


def test_cleaning_for_all_sources_counts_where_a_mapping_has_the_dimension(shop: Books) -> None:
    (shop.folder / "terms.csv").write_text("customer,terms\nC-1,NET10\n")
    config = shop.folder / "revrec.toml"
    lookup = '[cleaning]\nlookups.terms = { table = "terms.csv", by = "customer" }\n'
    with_terms = '[mapping.with]\ndimensions = { terms = "Terms" }\n'
    config.write_text(config.read_text() + lookup + with_terms)
    assert mapping_of(shop.context(), "with", events=False).lookups.keys() == {"terms"}
    assert mapping_of(shop.context(), "both", events=False).lookups == {}
    assert mapping_of(shop.context(), None, events=False).lookups == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[cleaning]\naliases = "x"\n', r"\[cleaning\] aliases must be a table \[cleaning.aliases\]"),
        (
            "[cleaning.alias]\n",
            r'unknown key "alias" in \[cleaning\]; did you mean "aliases"\? \(known: aliases, lookups\)',
        ),
        (
            '[cleaning.aliases]\ncustmer = "x.csv"\n',
            r'unknown key "custmer" in \[cleaning.aliases\]; did you mean "customer"\?',
        ),
    ],
)
def test_wrong_cleaning_is_refused(shop: Books, text: str, said: str) -> None:
    config = shop.folder / "revrec.toml"
    config.write_text(config.read_text() + text)
    with pytest.raises(BadConfiguration, match=said):
        mappings_of(shop.context(), None)
