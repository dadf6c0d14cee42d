"""The library: the names that are exported, that importing them is lazy, and that the manual's code runs."""

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest

import revrec
from revrec import RuleErrors

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"```python\n(.*?)```(?:\n\n```text\n(.*?)```)?", re.DOTALL)
RULES = '[[rule]]\nname = "only"\n[rule.recognize]\nmethod = "fixed_offset"\n'
ACCOUNTS = {"deferred": "2400", "revenue": "4000", "journal": "RR"}


def test_the_exported_names_are_these() -> None:
    exported = ["ChargeLine", "FulfillmentEvent", "RuleBook", "RuleErrors"]
    exported += ["Schedule", "Unscheduled", "__version__", "load_rules"]
    assert sorted(revrec.__all__) == exported
    assert all(getattr(revrec, name) is not None for name in exported)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Rulebook'"):
        _ = revrec.Rulebook


def test_importing_revrec_loads_nothing_of_it() -> None:
    code = "import sys, revrec; print([name for name in sys.modules if name.startswith('revrec.')])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ended.stdout.strip() == "[]"


def test_the_code_of_the_manual_runs_and_prints_what_it_says() -> None:
    names: dict[str, object] = {}
    blocks = BLOCK.findall((ROOT / "docs" / "library.md").read_text(encoding="utf-8"))
    assert len(blocks) >= 2
    for code, expected in blocks:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, "docs/library.md", "exec"), names)
        assert printed.getvalue() == expected


def test_rules_are_loaded_from_a_file_a_folder_or_a_text(tmp_path: Path) -> None:
    file = tmp_path / "rules.toml"
    file.write_text(RULES)
    for source in (file, str(file), tmp_path, RULES):
        assert [rule.name for rule in revrec.load_rules(source, **ACCOUNTS).rules] == ["only"]


def test_a_file_outside_the_folder_cannot_be_included(tmp_path: Path) -> None:
    (tmp_path / "secret.toml").write_text(RULES)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "rules.toml").write_text('include = "../secret.toml"\n')
    with pytest.raises(RuleErrors, match="outside the folder"):
        revrec.load_rules(tmp_path / "rules", **ACCOUNTS)


def test_a_repair_names_a_failure_as_it_does_in_the_rules_of_a_run() -> None:
    repair = '[[repair]]\nname = "r"\n[repair.when]\nerror = "{}"\n[repair.set]\ndate = "next_open"\n'
    assert [one.name for one in revrec.load_rules(RULES + repair.format("period-closed"), **ACCOUNTS).repairs] == ["r"]
    with pytest.raises(RuleErrors, match="no-such-failure"):
        revrec.load_rules(RULES + repair.format("no-such-failure"), **ACCOUNTS)
