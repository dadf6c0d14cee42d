"""The global options, before and after a command's name, and where the configuration comes from."""

from pathlib import Path

import pytest

from support.commands import Revrec

CALLS = {
    "db status": ["db", "status"],
    "db upgrade": ["db", "upgrade"],
    "event add": ["event", "add", "shop/INV-1005/1", "pod", "2024-05-02"],
    "import": ["import", "sample.csv"],
    "postings list": ["postings", "list"],
    "preview": ["preview", "--date", "2024-04-30"],
    "rules check": ["rules", "check"],
    "rules explain": ["rules", "explain", "shop/INV-1001/1"],
    "rules list": ["rules", "list"],
    "run": ["run", "--date", "2024-04-30", "--dry-run"],
    "schedule": ["schedule"],
    "status": ["status"],
    "trace": ["trace", "shop/INV-1001/1"],
}
"""One call of each command that reads the books."""


@pytest.fixture
def elsewhere(story: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str | Path]:
    """Global options that lead to the story's books from a folder that has none."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    header = "source,document,line,customer,item,post_date,amount,currency"
    (folder / "sample.csv").write_text(f"{header}\nshop,I-1,1,C-ADA,MAG-01,2024-01-05,24.00,USD\n", encoding="utf-8")
    monkeypatch.chdir(folder)
    database = f"sqlite:///{story / 'revrec.db'}"
    return ["--config", story / "revrec.toml", "--database", database, "--format", "json", "-v"]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_global_options_may_stand_before_and_after_the_name(
    call: list[str], elsewhere: list[str | Path], revrec: Revrec
) -> None:
    before = revrec(*elsewhere, *call)
    after = revrec(*call, *elsewhere)
    assert (before.code, after.code) == (0, 0), before.err + after.err
    assert before.json.keys() == after.json.keys()


def test_global_options_may_stand_between_a_group_and_its_command(elsewhere: list[str | Path], revrec: Revrec) -> None:
    assert revrec("rules", *elsewhere, "list").json == revrec("rules", "list", *elsewhere).json


def test_an_option_after_the_name_wins_over_the_same_before_it(story: Path, revrec: Revrec) -> None:
    assert revrec("--format", "csv", "status", "--format", "json").json["charges"] == 15


def test_options_of_one_command_line_do_not_reach_the_next(story: Path, revrec: Revrec) -> None:
    revrec("--format", "json", "status")
    assert revrec("status").out.startswith("charge lines ")


def test_the_configuration_of_the_environment_is_used_where_none_is_given(
    story: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revrec: Revrec
) -> None:
    monkeypatch.chdir(tmp_path)
    env = {"REVREC_CONFIG": str(story / "revrec.toml")}
    assert revrec("status", "--format", "json", env=env).json["charges"] == 15


def test_the_database_of_the_command_line_wins_over_that_of_the_environment(story: Path, revrec: Revrec) -> None:
    env = {"REVREC_DATABASE_URL": "sqlite:////nowhere/revrec.db"}
    assert revrec("status", env=env).code == 5
    given = f"sqlite:///{story / 'revrec.db'}"
    assert revrec("status", "--database", given, env=env).code == 0


def test_init_and_backup_and_demo_take_or_refuse_the_options_that_they_cannot_use(
    story: Path, tmp_path: Path, revrec: Revrec
) -> None:
    assert revrec("init", tmp_path / "more", "--format", "json").json["made"][0].endswith("revrec.toml")
    backup = revrec("--format", "json", "db", "backup", tmp_path / "copy.db").json
    assert backup == {
        "file": str(tmp_path / "copy.db"),
        "bytes": (tmp_path / "copy.db").stat().st_size,
        "checked": True,
    }
    refused = revrec("--format", "json", "demo")
    assert (refused.code, refused.out) == (2, "")
