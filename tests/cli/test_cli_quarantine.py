"""``revrec quarantine`` and ``revrec import --explain`` as people and programs see them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.commands import Revrec

SAMPLES = Path(__file__).parents[2] / "sample_data"


@pytest.fixture
def aside(books: Path, revrec: Revrec) -> Path:
    """Books with two rows set aside: an amount that is no number, and a total line."""
    ended = revrec("import", SAMPLES / "charges-with-mistakes.csv", "--keep-good")
    assert ended.code == 3 and "2 of 3 rows quarantined, the others imported" in ended.err
    return books


def test_the_keys_of_a_list_a_row_and_a_release(aside: Path, revrec: Revrec) -> None:
    listed = revrec("quarantine", "list", "--format", "json").json["quarantine"]
    assert [row["id"] for row in listed] == [1, 2]
    assert listed[0].keys() == {
        "id", "file", "row", "document", "customer", "item", "date", "amount", "currency", "kind", "mapping", "state",
        "charge", "reason",
    }  # fmt: skip
    fixed = revrec("quarantine", "fix", "1", "amount=12.00", "--reason", "mail", "--format", "json").json
    assert fixed.keys() == {
        *listed[0].keys(), "imported_at", "raw", "problems", "fixes", "now", "unreadable", "outcome",
    }  # fmt: skip
    assert fixed["now"] == [] and fixed["fixes"][0]["fields"] == {"amount": "12.00"}
    released = revrec("quarantine", "release", "1", "--format", "json").json
    assert released.keys() == {"rows", "accepted", "unchanged", "scheduled", "unscheduled", "refused", "report"}
    assert released["accepted"] == 1


BAD = (
    "shop,I-1,1,C-ADA,MAG-01,2024-01-05,24.00,USD",
    "shop,I-2,1,C-ADA,MAG-01,2024-02-05,twelve,USD",
    "shop,I-3,1,C-BOB,,2024-02-05,30.00,USD",
    "shop,I-4,1,C-BOB,MAG-01,2024-03-50,1.50,EUR",
)


@pytest.fixture
def bad(books: Path, revrec: Revrec, charges: Callable[..., Path]) -> None:
    """Three rows set aside, each with another mistake; the first row is good."""
    assert revrec("import", charges(*BAD), "--keep-good").code == 3


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        (["--customer", "C-BOB"], [2, 3]),
        (["--document", "shop/I-2"], [1]),
        (["--charge", "shop/I-4/1"], [3]),
        (["--item", "MAG-01"], [1, 3]),
        (["--period", "2024-02"], [1, 2]),
        (["--customer", "C-BOB", "--item", "MAG-01"], [3]),
        (["--document", "I-1"], []),
    ],
)
def test_the_list_has_filters_by_what_can_be_read_of_the_rows(
    bad: None, revrec: Revrec, words: list[str], ids: list[int]
) -> None:
    listed = revrec("quarantine", "list", *words, "--format", "json").json["quarantine"]
    assert [row["id"] for row in listed] == ids


def test_a_filter_that_no_row_and_no_charge_line_has_is_refused(bad: None, revrec: Revrec) -> None:
    ended = revrec("quarantine", "list", "--customer", "C-BBO")
    assert ended.code == 3 and "--customer C-BBO: unknown" in ended.err
    for option, value in (("--rule", "magazine-12-issues"), ("--account", "4000"), ("--dimension", "department=200")):
        refused = revrec("quarantine", "list", option, value)
        assert refused.code == 2 and f"quarantine list has no {option}: a row has no rule" in refused.err, refused
        assert "use --customer, --item or --document" in refused.err


def test_the_amounts_of_quarantined_rows_are_listed_and_in_status(bad: None, revrec: Revrec) -> None:
    rows = revrec("quarantine", "list", "--format", "json").json["quarantine"]
    assert [(row["amount"], row["currency"]) for row in rows] == [(None, "USD"), ("30.00", "USD"), ("1.50", "EUR")]
    said = "set aside         3 rows not imported, 1.50 EUR, 30.00 USD; 1 without an amount that can be read"
    assert said in revrec("status").out.splitlines()
    assert revrec("status", "--format", "json").json["quarantined_amounts"] == [
        {"currency": "EUR", "rows": 1, "amount": "1.50"},
        {"currency": "USD", "rows": 1, "amount": "30.00"},
    ]


def test_a_release_of_what_is_still_wrong_reports_all_of_it_and_imports_nothing(aside: Path, revrec: Revrec) -> None:
    ended = revrec("quarantine", "release", "all")
    assert ended.code == 3 and ended.out == ""
    assert "quarantine 1, row 3: amount: is not a number" in ended.err
    assert "revrec: 2 of 2 rows cannot be used; none was released. Fix them first" in ended.err


def test_what_is_dismissed_is_in_the_list_of_all_alone(aside: Path, revrec: Revrec) -> None:
    assert revrec("quarantine", "dismiss", "2", "--reason", "a total").out == "quarantine 2: dismissed\n"
    assert [row["id"] for row in revrec("quarantine", "list", "--format", "json").json["quarantine"]] == [1]
    csv = revrec("quarantine", "list", "--all", "--format", "csv").out.splitlines()
    assert csv[0] == "id,file,row,document,customer,item,date,amount,currency,kind,state,reason,mapping,charge"
    assert ",dismissed," in csv[2]
    assert (
        "dismissed by" in revrec("quarantine", "show", "2").out and "a total" in revrec("quarantine", "show", "2").out
    )


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["fix", "1", "amount"], 2, "write FIELD=VALUE"),
        (["fix", "1", "amuont=1"], 3, "amuont: there is no such field"),
        (["fix", "9", "amount=1"], 3, "quarantine 9: no such row"),
        (["show", "9"], 3, "see: revrec quarantine list"),
        (["release", "x"], 3, "not a row of the quarantine"),
        (["dismiss", "1", "--reason", " "], 3, "with a reason"),
    ],
)
def test_what_cannot_be_is_reported_with_the_fix(
    aside: Path, revrec: Revrec, words: list[str], code: int, said: str
) -> None:
    ended = revrec("quarantine", *words)
    assert ended.code == code and said in ended.err


def test_an_empty_quarantine_says_so(books: Path, revrec: Revrec) -> None:
    assert revrec("quarantine", "list").out == "0 quarantined rows\n"


def test_explain_shows_each_field_and_writes_nothing(books: Path, revrec: Revrec) -> None:
    before = (books / "revrec.db").read_bytes()
    words = ("import", "--explain", SAMPLES / "edi" / "invoices.x12", "--map", "x12", "--rows", "1")
    found = revrec(*words, "--format", "json").json["files"]
    assert [(file["kind"], file["format"], file["mapping"]) for file in found] == [
        ("charges", "x12", "x12"), ("events", "x12", "x12"),
    ]  # fmt: skip
    fields = {one["field"]: one for one in found[0]["rows"][0]["fields"]}
    assert fields["amount"] == {
        "field": "amount", "column": "amount", "raw": "4210.5", "value": "4210.50",
        "how": "", "steps": [], "problem": None,
    }  # fmt: skip
    assert fields["post_date"]["steps"] == [
        {"field": "post_date", "before": "20240328", "after": "2024-03-28", "step": "date", "table": "", "row": 0}
    ]
    assert found[1]["rows"][0]["said"] == "passed over: set 810 has no deliveries"
    assert (books / "revrec.db").read_bytes() == before


def test_explain_shows_what_is_wrong_where_it_is(books: Path, revrec: Revrec) -> None:
    ended = revrec("import", "--explain", SAMPLES / "charges-with-mistakes.csv")
    assert ended.code == 0 and "is not a number; write it as 1200.00" in ended.out
    missing = revrec("import", "--explain", "nothing.csv")
    assert missing.code == 3 and "nothing.csv: no such file; check the path" in missing.out


def test_an_unknown_mapping_is_reported_with_those_that_ship(books: Path, revrec: Revrec) -> None:
    ended = revrec("import", "x.csv", "--map", "shopfy")
    assert ended.code == 5 and "known: amazon-settlement, bigcommerce-orders, cargowise" in ended.err
