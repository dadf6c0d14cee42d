"""``revrec status`` for monitors: one line and an exit code, or a file of figures."""

from pathlib import Path

import pytest

from revrec.sandbox.control.sandbox import Sandbox
from support.commands import Revrec


def test_books_without_trouble_are_ok(story: Path, revrec: Revrec) -> None:
    ended = revrec("status", "--check", "--date", "2024-01-11")
    assert (ended.code, ended.out) == (0, "OK nothing to settle; no run yet\n")
    assert revrec("run", "--date", "2024-03-31").code == 0
    ended = revrec("status", "--check", "--date", "2024-03-31")
    assert ended.code == 0 and ended.out.startswith("OK nothing to settle; last run 1 for 2024-03-31: 1")


def test_a_line_that_waits_for_too_long_is_reported(story: Path, revrec: Revrec) -> None:
    ended = revrec("status", "--check")
    assert ended.code == 4
    assert ended.out == "WARN 1 charge line waiting since 2024-03-02 (1,299.00 USD)\n"
    assert "\nmissing revenue   1 charge line waiting since" in revrec("status").out
    assert revrec("status", "--check", env={"REVREC_ALERTS_WAITING_AFTER": "9999 days"}).code == 0


def test_what_should_be_posted_and_is_not_is_overdue(story: Path, revrec: Revrec) -> None:
    ended = revrec("status", "--check", "--date", "2024-03-31")
    assert ended.code == 4 and ended.out.startswith("WARN ") and "overdue since 2024-01-12 (" in ended.out


def test_an_entry_in_doubt_is_critical(story: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch) -> None:
    served = Sandbox(fault="drop@after:1x:create")
    served.start()
    for name in ("sender_id", "sender_password", "company_id", "user_id", "user_password"):
        monkeypatch.setenv(f"INTACCT_{name.upper()}", served.address[name])
    monkeypatch.setenv("INTACCT_ENDPOINT_URL", served.address["url"])
    try:
        assert revrec("run", "--date", "2024-01-31").code == 4
    finally:
        served.stop()
    ended = revrec("status", "--check", "--format", "json")
    assert ended.code == 4 and ended.json["state"] == "crit" and ended.json["problems"][0] == "1 in doubt"
    assert ended.json["line"].startswith("CRIT 1 in doubt")


def test_what_keeps_it_from_looking_is_critical_in_one_line(books: Path, revrec: Revrec) -> None:
    (books / "revrec.db").unlink()
    ended = revrec("status", "--check")
    assert ended.code == 5 and ended.out.startswith("CRIT ") and "there is no database here" in ended.out
    assert ended.out.count("\n") == 1
    (books / "revrec.toml").write_text("x = 1\ny = 2\n")
    ended = revrec("status", "--check")
    assert ended.code == 5 and ended.out.count("\n") == 1


def test_the_figures_go_into_a_file_and_nothing_is_printed(story: Path, revrec: Revrec) -> None:
    ended = revrec("status", "--prometheus", "revrec.prom")
    assert (ended.code, ended.out, ended.err) == (0, "", "")
    text = Path("revrec.prom").read_text(encoding="utf-8")
    assert "\nrevrec_charge_lines 15\n" in text and text.endswith("\n")


def test_line_and_file_go_together(story: Path, revrec: Revrec) -> None:
    ended = revrec("status", "--prometheus", "revrec.prom", "--check", "--date", "2024-03-31")
    assert ended.code == 4 and "\nrevrec_health 1\n" in "\n" + Path("revrec.prom").read_text(encoding="utf-8")
