"""Keys of results that were renamed: JSON has both names for one release, CSV and tables the new ones."""

from pathlib import Path

from revrec.cli.output import renamed, with_former_keys
from support.commands import Revrec


def test_json_has_the_former_name_beside_the_new_one(story: Path, revrec: Revrec) -> None:
    line = revrec("preview", "--date", "2024-01-31", "--format", "json").json["lines"][0]
    assert line["revenue"] == line["accrued"] == "4000"


def test_csv_and_tables_have_the_new_names_only(story: Path, revrec: Revrec) -> None:
    header, first, *_ = revrec("preview", "--date", "2024-01-31", "--format", "csv").out.splitlines()
    assert "accrued" not in header.split(",")
    assert first.split(",")[header.split(",").index("revenue")] == "4000"
    assert "accrued" not in revrec("preview", "--date", "2024-01-31").out


def test_a_result_may_have_either_name_and_gets_both() -> None:
    both = {"recognized": "2.00", "recognised": "2.00"}
    assert with_former_keys([{"recognised": "2.00"}]) == [both] == with_former_keys([{"recognized": "2.00"}])


def test_keys_at_every_depth_get_their_former_names() -> None:
    assert with_former_keys({"checks": [{"fix": "x"}]}) == {"checks": [{"fix": "x", "mend": "x"}]}


def test_names_that_changed_together_are_renamed_only_together() -> None:
    assert renamed({"now": "1", "then": "2"}) == {"current": "1", "proposed": "2"}
    assert with_former_keys({"now": []}) == {"now": []}
    assert with_former_keys({"current": True}) == {"current": True}
