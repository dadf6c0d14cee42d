"""Commands that are started in a folder of someone else's: nothing in it is executed or sees a secret."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from revrec.jobs.sandbox_process import sandbox
from revrec.sandbox import running
from revrec.sandbox.partners import PartnerLogin, mail_server

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-P", "-c", "from revrec.cli.main import main; main()"]
"""As the installed ``revrec``, which never has the current folder in its import path."""

SHADOWED = (
    "argparse", "asyncio", "email", "hashlib", "imaplib", "json", "logging", "lxml", "platform", "pymap", "requests",
    "revrec", "secrets", "sitecustomize", "socket", "sqlalchemy", "sqlite3", "ssl", "subprocess", "tempfile", "typer",
    "usercustomize", "uuid",
)  # fmt: skip
TRAP = """
import os
with open({seen!r}, "a") as seen:
    print(__name__, sorted(os.environ.items()), file=seen)
"""
SECRETS = {
    "INTACCT_SENDER_PASSWORD": "s3cret-sender",
    "INTACCT_USER_PASSWORD": "s3cret-user",
    "PGPASSWORD": "s3cret-database",
    "REVREC_ALERTS_PASSWORD": "s3cret-mail",
    "REVREC_SOURCE_PARTNER_PASSWORD": "s3cret-source",
}


def set_traps(folder: Path, seen: Path) -> None:
    """Shadow modules that revrec imports by files that leave a note when they are executed."""
    for name in SHADOWED:
        (folder / f"{name}.py").write_text(TRAP.format(seen=str(seen)))


def revrec(*words: str, folder: Path) -> int:
    """The exit code of a command in ``folder``, with secrets in its environment."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("REVREC_", "INTACCT_", "PYTHON"))}
    return subprocess.run(
        [*PROGRAM, *words], cwd=folder, env={**ours, **SECRETS}, capture_output=True, timeout=120, check=False
    ).returncode


@pytest.mark.parametrize(
    "words",
    [
        ["doctor"],
        *(
            pytest.param(words, marks=pytest.mark.slow)
            for words in (
                ["run", "--date", "2024-04-30"],
                ["reconcile", "--date", "2024-04-30"],
                ["periods", "sync"],
                ["demo", "story"],
                ["selftest"],
            )
        ),
    ],
    ids=" ".join,
)
def test_no_file_of_the_current_folder_is_executed(words: list[str], tmp_path: Path) -> None:
    folder, seen = tmp_path / "books", tmp_path / "seen"
    assert revrec("init", str(folder), folder=tmp_path) == 0
    set_traps(folder, seen)
    assert revrec(*words, folder=folder) == 0
    assert not seen.exists(), seen.read_text()


def test_the_sandbox_gets_its_own_passwords_and_no_other_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    own = {"REVREC_SANDBOX_USER_PASSWORD": "own-user"}
    data = tmp_path / "sandbox.db"
    with sandbox(data, {**os.environ, **own}) as address:
        assert address["user_password"] == "own-user"
        found = running(data)
        assert found
        assert_no_secret_in(Path(f"/proc/{found['pid']}"))


def test_the_mail_server_of_the_demo_shows_no_password_to_other_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    set_traps(tmp_path, tmp_path / "seen")
    others = set(children())  # such as the mail server of other tests
    with mail_server(PartnerLogin("carrier", "s3cret-mailbox")):
        (server,) = (child for child in children() if child not in others and b"pymap" in command_line(child))
        assert_no_secret_in(server)
    assert not (tmp_path / "seen").exists()


def children() -> list[Path]:
    """The processes that this thread started, as the system shows them."""
    listed = Path(f"/proc/self/task/{os.getpid()}/children")
    if not listed.exists():
        pytest.skip("this system does not list the children of a process")
    return [Path(f"/proc/{number}") for number in listed.read_text().split()]


def command_line(process: Path) -> bytes:
    """What every user of the machine can see of a process."""
    return (process / "cmdline").read_bytes()


def assert_no_secret_in(process: Path) -> None:
    """Neither the command line nor the environment of a process holds one of the secrets."""
    if not process.is_dir():
        pytest.skip("this system does not show the environment of a process")
    assert b"s3cret" not in command_line(process) + (process / "environ").read_bytes()
