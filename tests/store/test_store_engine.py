"""Opening the database: what can be wrong with the file, and what the user is told."""

import os
import sqlite3
import stat
from pathlib import Path

import pytest
from filelock import FileLock
from sqlalchemy import text

from revrec.core.errors import BadConfiguration, BadInput, Busy, RevrecError
from revrec.store.database import backups, sqlite
from revrec.store.database.engine import Database, discarded
from revrec.store.posting.run_lock import run_lock_file
from revrec.store.posting.workers import active_run
from revrec.store.reports import figures


def made(path: Path) -> Database:
    database = Database(f"sqlite:///{path}")
    database.create()
    return database


def test_only_its_owner_may_read_the_database(tmp_path: Path) -> None:
    database = made(tmp_path / "revrec.db")
    with database.write() as connection:
        connection.execute(text("UPDATE meta SET value = '2' WHERE key = 'epoch'"))
        files = sorted(tmp_path.glob("revrec.db*"))
        assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * len(files)
    assert len(files) == 3, "the write-ahead log and its index belong to it"


@pytest.mark.usefixtures("durable")
def test_commits_are_durable_and_constraints_bite(tmp_path: Path) -> None:
    with made(tmp_path / "revrec.db").read() as connection:
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
        assert found == ["wal", 2]
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def test_a_read_only_file_can_be_read_and_refuses_writing_with_the_fix(ordinary_user: Path) -> None:
    made(ordinary_user / "revrec.db").engine.dispose()
    (ordinary_user / "revrec.db").chmod(0o400)
    database = Database(f"sqlite:///{ordinary_user / 'revrec.db'}")
    with database.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM charge_line")).scalar() == 0
    said = "cannot be written to; give this user write permission"
    with pytest.raises(BadConfiguration, match=said), database.write() as connection:
        connection.execute(text("UPDATE meta SET value = '2' WHERE key = 'epoch'"))


def test_a_read_only_folder_is_reported(ordinary_user: Path) -> None:
    made(ordinary_user / "revrec.db").engine.dispose()
    ordinary_user.chmod(0o500)
    database = Database(f"sqlite:///{ordinary_user / 'revrec.db'}")
    with (
        pytest.raises(
            BadConfiguration, match=r"revrec\.db: the database cannot be .*write permission on the file and its folder"
        ),
        database.write(),
    ):
        pytest.fail("nothing may be done on it")
    with (
        pytest.raises(
            BadConfiguration, match=r"revrec\.db: the database cannot be .*write permission on the file and its folder"
        ),
        figures.quick_view(database.url) as view,
    ):
        view.execute("SELECT 1")
    with pytest.raises(BadConfiguration, match=r"other\.db: the database cannot be created here: Permission denied"):
        made(ordinary_user / "other.db")


def test_a_folder_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="the database cannot be created here: No such file"):
        made(tmp_path / "nowhere" / "revrec.db")


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "charges.csv"
    file.write_text("source,document,line\n" * 100)
    before = file.read_bytes()
    database = Database(f"sqlite:///{file}")
    said = r"charges\.csv: this file is not a sound SQLite database"
    for work in (database.read, database.write):
        with pytest.raises(BadConfiguration, match=said), work():
            pytest.fail("nothing may be done on it")
    with pytest.raises(BadConfiguration, match=said):
        database.create()
    with pytest.raises(BadConfiguration, match="charges"), figures.quick_view(database.url):
        pytest.fail("nothing may be read from it")
    assert file.read_bytes() == before


def test_a_locked_database_is_busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.05)
    database = made(tmp_path / "revrec.db")
    with database.write():
        said = "another revrec is writing to the database; try again when it is done"
        with pytest.raises(Busy, match=said), Database(database.url).write():
            pytest.fail("two writers at once")
        with Database(database.url).read() as connection:
            assert connection.execute(text("SELECT count(*) FROM meta")).scalar() == 2


def test_only_one_run_at_a_time_holds_the_run_lock_whatever_name_the_file_goes_by(tmp_path: Path) -> None:
    database = made(tmp_path / "revrec.db")
    (tmp_path / "link.db").symlink_to(tmp_path / "revrec.db")
    with active_run(database, "one", 0, 1, 0):
        for other in ("revrec.db", "link.db"):
            same = Database(f"sqlite:///{tmp_path / other}")
            with pytest.raises(Busy, match="another revrec run is posting"), active_run(same, "two", 0, 1, 0):
                pytest.fail("two runs at once")
    with active_run(Database(database.url), "two", 0, 1, 0):
        pass


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "mysql://ada:geheim@db/books",
            "revrec cannot use this kind of database; write sqlite:///FILE or postgresql://",
        ),
        ("nonsense geheim", r"cannot be used: .*; write sqlite:///FILE or postgresql://"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str, said: str) -> None:
    with pytest.raises(BadConfiguration, match=said) as refused:
        Database(url)
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:hidden@h:abc/x",
        "postgresql://u:hidden@h:-1/x",
        "postgresql://u:hidden@h:70000/x",
        "postgresql://u:hidden@h,j:1,2/x",
        "postgresql://u:hidden@[::1/x",
        "postgresql://u:hidden@h/x?port=abc",
        "sqlite:///x.db?timeout=abc",
        "sqlite:///x.db?check_same_thread=perhaps",
    ],
)
def test_a_url_with_a_wrong_port_or_option_is_refused_with_the_fix(url: str) -> None:
    with pytest.raises(
        BadConfiguration, match=r"^database URL.*: cannot be used: .*(write a port|correct it)"
    ) as refused:
        Database(url)
    assert "hidden" not in str(refused.value)


def test_an_error_of_the_operating_system_in_a_run_is_not_reported_as_one_of_the_lock(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'revrec.db'}")
    database.create()
    error = PermissionError(13, "Permission denied", "rules.toml")
    with pytest.raises(PermissionError) as raised, active_run(database, "a", 0, 1, 0):
        raise error
    assert raised.value is error
    with active_run(database, "b", 0, 1, 0):
        """The lock was released."""


def test_a_monitor_that_looks_at_the_lock_for_an_instant_does_not_end_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = made(tmp_path / "revrec.db")
    monitor = FileLock(run_lock_file(tmp_path / "revrec.db"))
    monitor.acquire()
    monkeypatch.setattr("filelock._api.time.sleep", lambda _seconds: monitor.release())
    with active_run(database, "a", 0, 1, 0):
        """The run waited until the monitor was done."""


def test_a_transaction_that_fails_keeps_nothing(tmp_path: Path) -> None:
    database = made(tmp_path / "revrec.db")

    def broken() -> None:
        with database.write() as connection:
            connection.execute(text("UPDATE meta SET value = '2' WHERE key = 'epoch'"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        broken()
    with discarded(database) as connection:
        connection.execute(text("UPDATE meta SET value = '3' WHERE key = 'epoch'"))
    with database.read() as connection:
        assert connection.execute(text("SELECT value FROM meta WHERE key = 'epoch'")).scalar() == "1"


def test_a_backup_is_whole_and_private_even_while_another_process_writes(tmp_path: Path) -> None:
    database = made(tmp_path / "revrec.db")
    with database.write() as connection:
        connection.execute(text("UPDATE meta SET value = '2' WHERE key = 'epoch'"))
    copy = tmp_path / "backups" / "copy.db"
    with database.write() as connection:
        connection.execute(text("UPDATE meta SET value = '3' WHERE key = 'epoch'"))
        size = backups.copy(database, copy)
    assert size == copy.stat().st_size and stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert [file.name for file in copy.parent.iterdir()] == ["copy.db"], "one file, no log beside it"
    with sqlite3.connect(copy) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT value FROM meta WHERE key = 'epoch'").fetchone() == ("2",)
    with Database(f"sqlite:///{copy}").read():
        pass


def test_a_backup_never_overwrites(tmp_path: Path) -> None:
    database = made(tmp_path / "revrec.db")
    (tmp_path / "copy.db").write_text("dear old books")
    with pytest.raises(BadInput, match=r"copy\.db: already exists; a backup never overwrites"):
        backups.copy(database, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "dear old books"


def test_a_backup_that_cannot_be_made_is_reported_and_leaves_nothing(tmp_path: Path) -> None:
    database = made(tmp_path / "revrec.db")
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"cannot be created: Not a directory|cannot be created: File exists"):
        backups.copy(database, tmp_path / "file" / "copy.db")
    database.engine.dispose()
    with (tmp_path / "revrec.db").open("r+b") as file:
        file.seek(0)
        file.write(os.urandom(4096))
    with pytest.raises(RevrecError, match="the copy failed"):
        backups.copy(database, tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_the_quick_view_cannot_write(tmp_path: Path) -> None:
    database = made(tmp_path / "revrec.db")
    with pytest.raises(BadConfiguration, match="cannot be written to"), figures.quick_view(database.url) as view:
        view.execute("UPDATE meta SET value = '2' WHERE key = 'epoch'")
