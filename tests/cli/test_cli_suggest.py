"""``revrec import --suggest`` on the command line, and dates that are reported once for each column."""

import shlex
import tomllib
from pathlib import Path

import pytest

from support.commands import SAMPLES, Revrec

ORDERS = SAMPLES / "first_close" / "orders.csv"
HEADER = "Order no.,Billed on,Client,SKU,Net,Currency\n"


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revrec: Revrec) -> Path:
    """Return new books, which are the current folder."""
    assert revrec("init", tmp_path / "books").code == 0
    monkeypatch.chdir(tmp_path / "books")
    return tmp_path / "books"


def test_two_commands_lead_from_an_unknown_file_to_a_preview(books: Path, revrec: Revrec) -> None:
    drafted = revrec("import", "--suggest", ORDERS, "--map", "shop", "--output", "revrec.toml")
    assert (drafted.code, drafted.out) == (0, "")
    following = drafted.err.partition("next: revrec ")[2]
    previewed = revrec(*shlex.split(following), "--format", "json")
    assert previewed.code == 0
    assert {one["charge"] for one in previewed.json["unscheduled"]} == {f"shop/SO-50{at}/1" for at in range(1, 6)}


def test_the_draft_is_printed_as_toml_and_nothing_is_saved(books: Path, revrec: Revrec) -> None:
    before = (books / "revrec.toml").read_bytes()
    drafted = revrec("import", "--suggest", ORDERS)
    assert tomllib.loads(drafted.out)["mapping"]["orders"]["date_format"] == "%m/%d/%Y"
    assert (books / "revrec.toml").read_bytes() == before
    assert revrec("import", "--suggest", ORDERS, "--format", "json").json["readable"] == 5


def test_what_is_undecided_is_named_and_refused_until_it_is_decided(books: Path, revrec: Revrec) -> None:
    Path("march.csv").write_text(HEADER + "A-1,03/05/2024,C-1,MAG-01,24.00,USD\n", encoding="utf-8")
    drafted = revrec("import", "--suggest", "march.csv", "--output", "revrec.toml")
    assert 'replace each "?" (date_format) in revrec.toml' in drafted.err
    refused = revrec("import", "march.csv", "--map", "march")
    assert (refused.code, 'date_format = "?": is not decided yet' in refused.err) == (5, True)
    config = Path("revrec.toml")
    config.write_text(config.read_text(encoding="utf-8").replace('"?"', '"%d/%m/%Y"'), encoding="utf-8")
    assert revrec("import", "march.csv", "--map", "march").code == 0
    assert "2024-05-03" in revrec("trace", "march/A-1/1", "--format", "json").out


def test_a_mapping_that_exists_is_not_replaced(books: Path, revrec: Revrec) -> None:
    assert revrec("import", "--suggest", ORDERS, "--output", "revrec.toml").code == 0
    again = revrec("import", "--suggest", ORDERS, "--output", "revrec.toml")
    assert (again.code, "has [mapping.orders] already; choose another name with --map" in again.err) == (3, True)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--map", "my shop"], 3, "write the name of the mapping with letters, digits, - and _ only"),
        (["--explain"], 2, "--suggest drafts a mapping for one file"),
        (["--output", "broken.toml"], 3, "is not TOML"),
        (["--output", "."], 3, "cannot be "),
    ],
)
def test_a_wrong_use_is_refused(books: Path, revrec: Revrec, words: list[str], code: int, message: str) -> None:
    Path("broken.toml").write_text("[", encoding="utf-8")
    ended = revrec("import", "--suggest", ORDERS, *words)
    assert ended.code == code
    assert message in ended.err


def wrong_dates(*days: str) -> Path:
    """Write a native file with these post dates."""
    lines = [f"shop,A-{at},1,C-1,MAG-01,{day},24.00,USD" for at, day in enumerate(days)]
    file = Path("charges.csv")
    file.write_text(
        "source,document,line,customer,item,post_date,amount,currency\n" + "\n".join(lines), encoding="utf-8"
    )
    return file


def test_dates_in_another_notation_are_reported_once_with_their_format(books: Path, revrec: Revrec) -> None:
    ended = revrec("import", wrong_dates("03/16/2024", "03/05/2024", "03/17/2024", "2024-03-01"))
    assert ended.code == 3
    about = [line for line in ended.err.splitlines() if "post_date" in line]
    assert len(about) == 1
    assert "post_date: 3 dates cannot be read" in about[0]
    assert 'set date_format = "%m/%d/%Y" in a mapping: 2 of 3 dates can only be %m/%d/%Y' in about[0]


def test_a_single_wrong_date_is_reported_with_its_row(books: Path, revrec: Revrec) -> None:
    ended = revrec("import", wrong_dates("03/16/2024", "2024-03-01", "2023-02-29", "2023-02-30"))
    assert 'row 2: post_date "03/16/2024": the order of day and month is never guessed' in ended.err
    assert "2023 is not a leap year" in ended.err and "February 2023 has 28 days" in ended.err


def test_dates_that_nothing_decides_name_both_formats(books: Path, revrec: Revrec) -> None:
    ended = revrec("import", wrong_dates("03/05/2024", "04/05/2024"), "--format", "json")
    [found] = ended.json["files"][0]["dates"]
    assert (found["field"], found["rows"], found["place"]) == ("post_date", 2, "row 2")
    assert 'set date_format = "%m/%d/%Y" or "%d/%m/%Y"' in found["fix"]
