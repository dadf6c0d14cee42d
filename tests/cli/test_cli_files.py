"""The files that commands write: private, whole or not at all, and never through a link."""

import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from revrec import files
from revrec.sandbox.control.address import address_file, write_address
from support.commands import Revrec

PROGRAM = [sys.executable, "-c", "from revrec.cli.main import main; main()"]
WRITERS = {
    "report balance": ["report", "balance", "--date", "2024-04-30", "--output"],
    "reconcile": ["reconcile", "--date", "2024-04-30", "--output"],
    "status": ["status", "--prometheus"],
    "verify": ["verify", "--write-anchor"],
    "db backup": ["db", "backup"],
}
REPLACING = [name for name in WRITERS if name != "db backup"]


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("writer", WRITERS)
def test_output_is_private_and_whole(writer: str, story: Path, revrec: Revrec) -> None:
    before = os.umask(0)
    try:
        ended = revrec(*WRITERS[writer], "result")
    finally:
        os.umask(before)
    assert ended.code == 0, ended.err
    assert mode(Path("result")) == 0o600 and Path("result").stat().st_size
    assert not list(Path().glob("*.part"))


@pytest.mark.parametrize("writer", [name for name in REPLACING if name != "status"])
def test_a_file_that_others_could_read_is_private_afterwards(writer: str, story: Path, revrec: Revrec) -> None:
    Path("result").write_text("old")
    Path("result").chmod(0o644)
    assert revrec(*WRITERS[writer], "result").code == 0
    assert mode(Path("result")) == 0o600


def test_a_collector_that_may_read_the_figures_still_can(story: Path, revrec: Revrec) -> None:
    Path("revrec.prom").touch()
    Path("revrec.prom").chmod(0o640)
    assert revrec("status", "--prometheus", "revrec.prom").code == 0
    assert mode(Path("revrec.prom")) == 0o640 and "revrec_health" in Path("revrec.prom").read_text()


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing"])
def test_nothing_is_written_through_a_link(
    writer: str, there: bool, story: Path, tmp_path: Path, revrec: Revrec
) -> None:
    victim = tmp_path / "victim"
    if there:
        victim.write_text("precious")
    Path("result").symlink_to(victim)
    ended = revrec(*WRITERS[writer], "result")
    assert ended.code in (2, 3) and "result: " in ended.err
    assert "link" in ended.err or "already exists" in ended.err
    assert Path("result").is_symlink()
    assert victim.read_text() == "precious" if there else not victim.exists()


def test_init_writes_nothing_through_a_link(tmp_path: Path, revrec: Revrec) -> None:
    shipped = sorted(path.name for path in (Path(__file__).parents[2] / "rules").glob("*.toml"))
    (tmp_path / "books" / "rules").mkdir(parents=True)
    for name in shipped:
        (tmp_path / "books" / "rules" / name).symlink_to(tmp_path / "victim")
    assert revrec("init", tmp_path / "books").code == 0
    assert shipped and not (tmp_path / "victim").exists()


def test_the_address_of_a_sandbox_is_not_written_through_a_link(tmp_path: Path) -> None:
    data, victim = tmp_path / "sandbox.db", tmp_path / "victim"
    victim.write_text("precious")
    address_file(data).with_name(f"{address_file(data).name}.{os.getpid()}").symlink_to(victim)
    write_address(data, {"url": "http://127.0.0.1:9/"})
    assert victim.read_text() == "precious" and not address_file(data).is_symlink()


def test_the_log_of_a_sandbox_is_not_written_through_a_link(story: Path, tmp_path: Path, revrec: Revrec) -> None:
    Path("sandbox.db.log").symlink_to(tmp_path / "victim")
    ended = revrec("run", "--date", "2024-04-30")
    assert ended.code == 5 and "sandbox.db.log: cannot be written" in ended.err
    assert not (tmp_path / "victim").exists()


def test_a_device_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is not a regular file"):
        files.write_text(tmp_path / "pipe", "text")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_block_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    result = tmp_path / "result"
    result.write_text("old")
    with pytest.raises(TypeError), files.writing(result) as file:
        file.writelines(["half of ", None])  # type: ignore[list-item]
    assert result.read_text() == "old" and list(tmp_path.iterdir()) == [result]


def test_a_file_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    result = tmp_path / "result"
    with pytest.raises(FileExistsError), files.draft_of(result, overwrite=False):
        result.write_text("theirs")
    assert result.read_text() == "theirs" and list(tmp_path.iterdir()) == [result]


def test_a_killed_backup_leaves_nothing_under_its_name(books: Path) -> None:
    with closing(sqlite3.connect("revrec.db")) as database, database:
        database.execute("CREATE TABLE ballast AS SELECT randomblob(60000000) AS much")
    process = subprocess.Popen([*PROGRAM, "db", "backup", "copies/copy.db"])
    while process.poll() is None and not list(Path().glob("copies/copy.db*")):
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not Path("copies/copy.db").exists()
