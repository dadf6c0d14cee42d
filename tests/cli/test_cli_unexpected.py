"""A failure that nobody foresaw: short, with its traceback on demand, never with a secret."""

import sys
from pathlib import Path
from typing import Any

import pytest

SECRET = "s3cret & <sharp>"


@pytest.fixture
def failing(story: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError(
            f"sent <password>other-secret</password> as {SECRET} to https://anna:third-secret@example.com/x"
        )

    monkeypatch.setattr("revrec.jobs.reports.trace.trace", broken)
    monkeypatch.setenv("INTACCT_USER_PASSWORD", SECRET)


@pytest.mark.usefixtures("failing")
@pytest.mark.parametrize("verbose", [False, True])
def test_no_secret_is_told(verbose: bool, revrec: Any) -> None:
    ended = revrec("trace", "shop/INV-1001/1", *(["-v"] if verbose else []))
    assert ended.code == 1
    assert "sent <password>***</password> as *** to https://anna:***@example.com/x" in ended.err
    for word in (SECRET, "other-secret", "third-secret"):
        assert word not in ended.out + ended.err


@pytest.mark.usefixtures("failing")
def test_only_verbose_shows_the_traceback(revrec: Any) -> None:
    assert "Traceback" not in revrec("trace", "x").err
    told = revrec("trace", "x", "-v").err
    assert "Traceback (most recent call last)" in told and "please report it" in told


@pytest.mark.usefixtures("failing")
def test_a_broken_installation_is_told_too(revrec: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "revrec.intacct.redact", None)  # type: ignore[arg-type]
    ended = revrec("trace", "x")
    assert ended.code == 1
    assert "unexpected RuntimeError" in ended.err and SECRET not in ended.err
