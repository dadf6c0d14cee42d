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


def test_another_figure_is_reported_beside_the_published_one(
    revrec: Revrec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = shipped_folder("golden", beside="tests/golden")
    for file in shipped.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_text(file.read_text())
    cases = tmp_path / "cases.json"
    cases.write_text(cases.read_text().replace('"518.00"', '"518.01"'))
    monkeypatch.setattr(selftest, "shipped", lambda *_args, **_named: tmp_path)
    ended = revrec("selftest")
    assert ended.code == 7 and "518.01 published, 518.00 found" in " ".join(ended.out.split())


def test_another_journal_of_an_example_is_reported(
    revrec: Revrec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = shipped_folder("golden", beside="tests/golden")
    for file in shipped.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_text(file.read_text())
    examples = tmp_path / "worked_examples.toml"
    examples.write_text(examples.read_text().replace('amount = "5820.00"', 'amount = "5821.00"'))
    monkeypatch.setattr(selftest, "shipped", lambda *_args, **_named: tmp_path)
    ended = revrec("selftest", "--format", "json")
    (failed,) = (one for one in ended.json["cases"] if one["result"] != "as published")
    assert (ended.code, failed["case"]) == (7, "asc606-example-22")
    assert failed["result"] == (
        "entries: 2024-03-04 PRODUCTS 5000/1300 5821.00 published, 2024-03-04 PRODUCTS 5000/1300 5820.00 found"
    )


def test_no_configuration_is_read(revrec: Revrec, tmp_path: Path) -> None:
    assert revrec("selftest", "--format", "csv", env={"REVREC_CONFIG": str(tmp_path / "none.toml")}).code == 0
