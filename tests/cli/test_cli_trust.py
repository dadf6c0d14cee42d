"""``revrec trust``: confirm, list and remove the servers that a configuration sends passwords to."""

from pathlib import Path

import pytest

from support.commands import Revrec

GATEWAY = 'endpoint = "http://127.0.0.1:9/ia/xml/xmlgw.phtml"'
INTACCT = {
    "INTACCT_SENDER_ID": "acme",
    "INTACCT_SENDER_PASSWORD": "s3cret",
    "INTACCT_COMPANY_ID": "ACME",
    "INTACCT_USER_ID": "robot",
    "INTACCT_USER_PASSWORD": "s3cret",
}


@pytest.fixture
def foreign(books: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Books whose configuration names a gateway of its own; nothing is confirmed yet."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    config = books / "revrec.toml"
    config.write_text(config.read_text().replace("[gateway]\n", f"[gateway]\n{GATEWAY}\n"))
    return config


@pytest.mark.parametrize(
    "words",
    [["run", "--date", "2024-04-30"], ["reconcile", "--date", "2024-04-30"], ["periods", "sync"], ["doctor"]],
    ids=" ".join,
)
def test_a_command_that_would_send_a_password_ends_with_5(words: list[str], foreign: Path, revrec: Revrec) -> None:
    ended = revrec(*words, env=INTACCT)
    assert ended.code == 5
    assert "you have not confirmed the gateway that it names, http://127.0.0.1:9/" in ended.out + ended.err
    assert "run: revrec trust 'revrec.toml'" in ended.out + ended.err
    assert "s3cret" not in ended.out + ended.err


def test_without_a_terminal_nothing_is_confirmed_unless_it_is_said(foreign: Path, revrec: Revrec) -> None:
    ended = revrec("trust")
    assert ended.code == 2 and "run the command again with --yes" in ended.err
    assert "gateway            http://127.0.0.1:9/ia/xml/xmlgw.phtml" in ended.err
    assert revrec("trust", "--list").out == "nothing is confirmed\n"


def test_what_is_confirmed_is_listed_and_removed(foreign: Path, revrec: Revrec) -> None:
    done = revrec("trust", "--yes", "--format", "json")
    (row,) = done.json["trusted"]
    assert row["file"] == str(foreign) and row["name"] == "gateway" and row["address"].startswith("http://127.0.0.1:9/")
    assert revrec("trust", "--list", "--format", "json").json["trusted"] == [row]
    assert str(foreign) in revrec("trust", "--list", "--format", "csv").out
    foreign.rename(foreign.with_name("gone.toml"))
    assert revrec("trust", foreign, "--remove").out == f"{foreign}: removed\n"
    assert revrec("trust", foreign, "--remove").out == f"{foreign}: was not confirmed\n"
    assert revrec("trust", "--list").out == "nothing is confirmed\n"


def test_a_configuration_for_the_sandbox_names_nothing_to_confirm(books: Path, revrec: Revrec) -> None:
    assert revrec("trust").out == "revrec.toml: names no server that must be confirmed\n"


def test_list_and_remove_do_not_go_together(books: Path, revrec: Revrec) -> None:
    assert revrec("trust", "--list", "--remove").code == 2
