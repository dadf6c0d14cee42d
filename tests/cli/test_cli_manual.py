"""``docs/cli.md`` is true: its commands are those of the help, its keys those of the results."""

import json
import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from revrec.cli.output import RENAMED
from support.commands import Revrec

DOCS = Path(__file__).resolve().parents[2] / "docs"
MANUAL = (DOCS / "cli.md").read_text(encoding="utf-8")


def shown(command: str) -> Any:
    """The example of a command's JSON in the manual."""
    found = re.search(
        rf"^### `{command}`\n.*?^```json\n(.*?)^```", MANUAL.partition("## JSON")[2], re.DOTALL | re.MULTILINE
    )
    assert found, f"the manual has no JSON of {command}"
    return json.loads(found[1])


def shape(value: Any, free: tuple[str, ...] = ("detail", "dimensions")) -> Any:
    """The keys of a JSON value at every depth; of a list, those of its first element."""
    value = current(value)
    if isinstance(value, dict):
        return {key: None if key in free else shape(one, free) for key, one in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0], free)] if value else []
    return None


def current(value: Any) -> Any:
    """Return a JSON result without the former names of its keys, which the manual does not repeat."""
    if isinstance(value, dict):
        former = {old for group in RENAMED if group.keys() | set(group.values()) <= value.keys() for old in group}
        return {key: current(one) for key, one in value.items() if key not in former}
    return [current(one) for one in value] if isinstance(value, list) else value


def test_the_commands_of_the_manual_are_those_of_the_help() -> None:
    written = runpy.run_path(str(DOCS / "write_cli.py"))["written"]
    assert written(MANUAL) == MANUAL, "run: python docs/write_cli.py"


def test_the_exit_codes_of_the_manual_are_those_of_the_help(revrec: Revrec) -> None:
    codes = re.findall(r"^\| (\d+) \|", MANUAL, re.MULTILINE)
    assert codes == ["0", "1", "2", "3", "4", "5", "6", "7", "130"]
    printed = revrec("--help").out.partition("Exit codes:")[2]
    assert re.findall(r"\b(\d) [a-z]", printed) == codes[:-1]


def test_the_keys_of_a_preview(story: Path, revrec: Revrec) -> None:
    revrec("event", "add", "shop/INV-1006/1", "hold", "2024-05-01")
    window = ("--from", "2024-01-01", "--to", "2024-12-31")
    assert shape(revrec("preview", *window, "--format", "json").json) == shape(shown("preview"))


def test_the_keys_of_a_run_a_trace_and_a_status(story: Path, intacct: dict[str, str], revrec: Revrec) -> None:
    revrec("event", "add", "shop/INV-1006/1", "hold", "2024-05-01")
    ran = revrec("run", "--date", "2024-03-31", "--format", "json", env=intacct).json
    assert shape(ran) == shape(shown("run"))
    assert shape(revrec("trace", "shop/INV-1004/1", "--format", "json").json) == shape(shown("trace"))
    revrec("periods", "close", "2024-05", "--reason", "reported")
    status = revrec("status", "--format", "json").json
    example = shown("status")
    # Their keys are states, and this story has other ones.
    states: dict[str, Any] = {"entries": {}, "adjustments": {}}
    apart: dict[str, Any] = {"attention": [], "documents": [], "failed_sources": [], **states}
    assert shape({**status, **apart}) == shape({**example, **apart})


def test_the_keys_of_documents_that_were_not_imported(books: Path, revrec: Revrec) -> None:
    (books / "inbox").mkdir()
    (books / "inbox" / "a.csv").write_text("no,charges\n")
    with (books / "revrec.toml").open("a") as config:
        config.write('[source.edi]\ntransport = "folder"\npath = "inbox"\nsettle_seconds = 0\n')
        config.write('[source.gone]\ntransport = "folder"\npath = "nowhere"\n')
    assert revrec("fetch").code == 5
    status, example = revrec("status", "--format", "json").json, shown("status")
    for key in ("documents", "failed_sources"):
        assert shape(status[key]) == shape(example[key])


def test_the_keys_of_an_entry_that_needs_attention(story: Path, intacct: dict[str, str], revrec: Revrec) -> None:
    revrec("schedule", "--rebuild", "--reason", "tested", env={"REVREC_POSTING_JOURNAL": "NONE"})
    assert revrec("run", "--date", "2024-01-31", env=intacct).code == 4
    attention = revrec("status", "--format", "json").json["attention"]
    assert shape(attention) == shape(shown("status")["attention"])
    listed = revrec("postings", "list", "--format", "json").json["postings"]
    assert [{key: one[key] for key in attention[0]} for one in listed] == attention


def test_the_keys_of_what_is_confirmed(books: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(books / "config"))
    with (books / "revrec.toml").open("a") as config:
        config.write('[source.shop]\ntransport = "http"\nurl = "https://shop.example/orders"\n')
    assert revrec("trust", "--yes").code == 0
    assert shape(revrec("trust", "--list", "--format", "json").json) == shape(shown("trust"))


def test_the_keys_of_a_reconciliation(story: Path, intacct: dict[str, str], revrec: Revrec) -> None:
    revrec("run", "--date", "2024-03-31", env=intacct)
    printed = revrec("reconcile", "--date", "2024-03-31", "--format", "json", env=intacct).json
    example = shown("reconcile")
    empty = ("findings", "others", "other_invoices")
    whole = {**printed, **{key: example[key] for key in empty}}
    assert shape(whole) == shape(example)


def test_the_keys_of_an_import(books: Path, revrec: Revrec, charges: Callable[..., Path]) -> None:
    path = charges("shop,I-1,1,C-ADA,MAG-01,2024-01-05,0.00,USD")
    assert shape(revrec("import", path, "--format", "json").json) == shape(shown("import"))


def test_the_keys_of_a_schedule(story: Path, revrec: Revrec) -> None:
    rules = story / "rules" / "goods_and_freight.toml"
    rules.write_text(rules.read_text(encoding="utf-8").replace('"1 month"', '"2 months"'), encoding="utf-8")
    assert shape(revrec("schedule", "--format", "json").json) == shape(shown("schedule"))


LISTS = re.findall(
    r"^\| `([a-z ]+)` \| `(\w+)` \| (`.*) \|$", MANUAL.partition("### Lists\n")[2].partition("\n### ")[0], re.MULTILINE
)


@pytest.mark.parametrize(("name", "key", "keys"), LISTS, ids=[name for name, *_rest in LISTS])
def test_the_keys_of_the_objects_of_a_list(
    name: str, key: str, keys: str, story: Path, intacct: dict[str, str], revrec: Revrec
) -> None:
    assert revrec("run", "--date", "2024-01-31", env=intacct).code == 0
    every = ["--state", "all"] if name == "postings list" else []
    printed = revrec(*name.split(), *every, "--format", "json").json
    assert printed.keys() == {key}
    assert [one for one in printed[key][0] if one != "recognised"] == re.findall(r"`(\w+)`", keys)


OTHERS = dict(re.findall(r"^\| `([a-z ]+)` \| (`.*) \|$", MANUAL.partition("### Other commands")[2], re.MULTILINE))


@pytest.mark.parametrize(
    "call",
    [
        ["init", "more"],
        ["event", "add", "shop/INV-1005/1", "pod", "2024-05-02"],
        ["rules", "check"],
        ["rules", "list"],
        ["rules", "explain", "shop/INV-1001/1"],
        ["rules", "calendar", "freight-one-month", "2024"],
        ["postings", "list"],
        ["db", "upgrade"],
        ["db", "status"],
        ["db", "backup", "copy.db"],
        ["db", "restored", "--reason", "the night's copy"],
    ],
    ids=" ".join,
)
def test_the_keys_of_the_others(call: list[str], story: Path, revrec: Revrec) -> None:
    keys = re.findall(r"`(\w+)`", next(keys for name, keys in OTHERS.items() if " ".join(call).startswith(name)))
    assert list(revrec(*call, "--format", "json").json) == keys
