"""A failure that no one foresaw: short, with its traceback on demand, never with a secret."""

import errno
import sys
from pathlib import Path

import pytest
import typer

from revrec.cli.shared import Options, guarded
from support.commands import Revrec

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
def test_no_secret_is_shown(verbose: bool, revrec: Revrec) -> None:
    ended = revrec("trace", "shop/INV-1001/1", *(["-v"] if verbose else []))
    assert ended.code == 1
    assert "sent <password>***</password> as *** to https://anna:***@example.com/x" in ended.err
    for word in (SECRET, "other-secret", "third-secret"):
        assert word not in ended.out + ended.err


@pytest.mark.usefixtures("failing")
def test_only_verbose_shows_the_traceback(revrec: Revrec) -> None:
    assert "Traceback" not in revrec("trace", "x").err
    shown = revrec("trace", "x", "-v").err
    assert "Traceback (most recent call last)" in shown and "please report it" in shown


@pytest.mark.usefixtures("failing")
def test_a_broken_installation_is_reported_too(revrec: Revrec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lxml", None)
    ended = revrec("trace", "x")
    assert ended.code == 1
    assert "unexpected RuntimeError" in ended.err and SECRET not in ended.err


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        ImportError("libx.so: failed to map segment from shared object"),
        RuntimeError("can't start new thread"),
    ],
    ids=repr,
)
def test_running_out_of_memory_is_reported_with_the_fix(
    error: Exception, story: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr("revrec.jobs.reports.trace.trace", full)
    ended = revrec("trace", "shop/INV-1001/1")
    assert ended.code == 1 and ended.err.count("\n") == 1
    assert "memory" in ended.err and "ulimit -v" in ended.err and "unexpected" not in ended.err


def test_a_password_of_one_letter_does_not_garble_messages(
    story: Path, revrec: Revrec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a batch failed as <password>a</password>")

    monkeypatch.setattr("revrec.jobs.reports.trace.trace", broken)
    ended = revrec("trace", "x", env={"INTACCT_USER_PASSWORD": "a"})
    assert "unexpected RuntimeError: a batch failed as <password>***</password>; run it again" in ended.err


def test_an_error_of_the_operating_system_is_a_sentence_with_the_place(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        raise OSError(errno.EIO, "Input/output error", "/srv/books/revrec.db")

    with pytest.raises(typer.Exit) as ended:
        guarded(Options(), work)
    said = capsys.readouterr().err
    assert said.startswith("revrec: /srv/books/revrec.db: Input/output error; what was committed is kept")
    assert (ended.value.exit_code, "unexpected" in said) == (1, False)
