"""``revrec sandbox fault``, ``reset`` and ``status`` speak to the sandbox that serves the data file, if one does."""

import json
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from revrec.sandbox.control import admin_client
from revrec.sandbox.control.admin_client import AdminError
from revrec.sandbox.faults import KINDS
from support.commands import Ended, Revrec


@pytest.fixture
def served(story: Path) -> Iterator[dict[str, Any]]:
    """A sandbox process on the data file of the books; its first line."""
    words = [sys.executable, "-m", "revrec.sandbox", "serve", "--attached", "--quiet", "--data", "sandbox.db"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.terminate()


def test_a_fault_is_played_by_the_running_sandbox_and_ended_again(served: dict[str, Any], revrec: Revrec) -> None:
    ended = revrec("sandbox", "fault", "drop@after:1x:create,503@before:0.5")
    assert (ended.code, ended.out) == (0, "drop@after  next 1  create\n503@before  share 0.5  any function\n")
    assert revrec("sandbox", "fault", "none").out == "no faults\n"
    plan = revrec("sandbox", "fault", "drop@after:1x:create", "--format", "json").json
    whole = {"kind": "drop", "when": "after", "value": "", "left": 1, "share": 1.0, "at": 0, "function": "create"}
    assert plan == {"faults": [whole]}
    assert revrec("run", "--date", "2024-01-31").code == 4
    shown = revrec("sandbox", "status", "--format", "json").json
    assert shown["injected"] == ["drop@after"] and shown["counts"]["entries"] >= 1


def test_a_seed_goes_with_a_plan(served: dict[str, Any], revrec: Revrec) -> None:
    ended = revrec("sandbox", "fault", "503@before:0.5,refuse=BL03000018 Missing unit@before:#2:create", "--seed", "42")
    assert ended.out.splitlines()[1] == "refuse=BL03000018 Missing unit@before  number 2  create"
    assert revrec("sandbox", "status", "--format", "json").json["fault_seed"] == 42


@pytest.mark.parametrize("command", ["fault", "serve"])
def test_the_help_names_every_kind_of_fault(command: str, revrec: Revrec) -> None:
    help = " ".join(revrec("sandbox", command, "--help").out.split())
    assert [kind for kind in KINDS if kind not in help] == []


def test_a_plan_that_is_none_is_refused_and_the_one_before_stays(served: dict[str, Any], revrec: Revrec) -> None:
    assert revrec("sandbox", "fault", "429@before:3x").code == 0
    ended = revrec("sandbox", "fault", "explode@noon")
    assert ended.code == 3 and "fault 'explode@noon': write KIND@before or KIND@after" in ended.err
    assert revrec("sandbox", "status", "--format", "json").json["faults"][0]["kind"] == "429"


def serve_on_a_used_port(revrec: Revrec, *options: str | Path) -> Ended:
    """Serve where another program listens: everything but serving is done."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        return revrec("sandbox", "serve", "--port", str(other.getsockname()[1]), *options)


def test_without_a_configuration_serve_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, revrec: Revrec
) -> None:
    monkeypatch.chdir(tmp_path)
    chart = tmp_path / "chart.csv"
    chart.write_text("kind,id,name\naccount,2400,Deferred Revenue\n", encoding="utf-8")
    assert serve_on_a_used_port(revrec, "--company", chart).code == 2
    assert list(tmp_path.iterdir()) == [chart]


def test_serve_keeps_its_data_in_the_given_or_configured_file(tmp_path: Path, story: Path, revrec: Revrec) -> None:
    for file, options in ((tmp_path / "new" / "ledger.db", ("--data", tmp_path / "new" / "ledger.db")), (None, ())):
        assert serve_on_a_used_port(revrec, *options).code == 2
        assert (file or story / "sandbox.db").is_file()


def test_reset_empties_the_ledger(served: dict[str, Any], revrec: Revrec) -> None:
    assert revrec("run", "--date", "2024-01-31").code == 0
    before = revrec("sandbox", "status").out
    assert "entries 0" not in before and served["admin_url"] in before
    ended = revrec("sandbox", "reset")
    assert ended.code == 0 and "entries 0, posted 0, lines 0, control_ids 0" in ended.out


def test_without_a_sandbox_at_work_the_message_says_how_to_start_one(books: Path, revrec: Revrec) -> None:
    for words in (["fault", "none"], ["reset"], ["status"]):
        ended = revrec("sandbox", *words, "--data", "other.db")
        assert ended.code == 5 and ended.out == ""
        assert (
            ended.err
            == "revrec: other.db: no sandbox serves this file; start one with: revrec sandbox serve --data other.db\n"
        )


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1:80/", "https://127.0.0.1/", "file:///etc/passwd", "", "http://localhost/"]
)
def test_no_other_machine_is_spoken_to_whatever_the_address_file_says(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_client, "running", lambda _data: {"admin_url": url})
    monkeypatch.setattr(urllib.request, "build_opener", lambda *_: pytest.fail("it was asked"))
    with pytest.raises(AdminError, match="not on this machine"):
        admin_client.reset(tmp_path / "x.db")


def test_proxies_of_the_environment_are_not_used(
    served: dict[str, Any], revrec: Revrec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    monkeypatch.delenv("no_proxy", raising=False)
    assert revrec("sandbox", "status").code == 0


def test_no_password_is_shown(served: dict[str, Any], revrec: Revrec) -> None:
    out = revrec("sandbox", "status").out + revrec("sandbox", "status", "--format", "json").out
    assert served["user_password"] not in out and served["sender_password"] not in out
