"""``selftest``: published figures, on the installed program, without books."""

from pathlib import Path

import pytest

from revrec.jobs.admin import selftest
from revrec.jobs.admin.init import shipped as shipped_folder
from support.commands import Revrec


def test_every_published_figure_that_a_rule_reproduces_is_found_and_its_policy_shown(revrec: Revrec) -> None:
    ended = revrec("selftest", "--format", "json")
    assert (ended.code, ended.json["failed"]) == (0, 0)
    golden = selftest.GoldenCases()
    every = len(golden.published) + len(golden.examples)
    assert ended.json["played"] + len(ended.json["not_covered"]) == every
    (case,) = (one for one in ended.json["cases"] if one["case"] == "idempiere-quarterly-4")
    assert case["result"] == "as published"
    assert case["policy"].endswith("-> method every, every 3 months, periods 4, rounding last")
    assert all(one["reason"] for one in ended.json["not_covered"])


def change_published(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, old: str, new: str) -> None:
    """Make the command use copies of the published figures, with another text in one of the files."""
    for file in shipped_folder("golden", beside="tests/golden").iterdir():
        if file.is_file():
            text = file.read_text()
            (folder / file.name).write_text(text.replace(old, new) if file.name == name else text)
    monkeypatch.setattr(selftest, "shipped", lambda *_args, **_named: folder)


def test_another_figure_is_reported_beside_the_published_one(
    revrec: Revrec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_published(tmp_path, monkeypatch, "cases.json", '"518.00"', '"518.01"')
    ended = revrec("selftest")
    assert ended.code == 7 and "518.01 published, 518.00 found" in " ".join(ended.out.split())


def test_another_journal_of_an_example_is_reported(
    revrec: Revrec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_published(tmp_path, monkeypatch, "worked_examples.toml", 'amount = "5820.00"', 'amount = "5821.00"')
    ended = revrec("selftest", "--format", "json")
    (failed,) = (one for one in ended.json["cases"] if one["result"] != "as published")
    assert (ended.code, failed["case"]) == (7, "asc606-example-22")
    assert failed["result"] == (
        "entries: 2024-03-04 PRODUCTS 5000/1300 5821.00 published, 2024-03-04 PRODUCTS 5000/1300 5820.00 found"
    )


def test_no_configuration_is_read(revrec: Revrec, tmp_path: Path) -> None:
    assert revrec("selftest", "--format", "csv", env={"REVREC_CONFIG": str(tmp_path / "none.toml")}).code == 0
