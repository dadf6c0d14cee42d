"""An older database file put in the place of the newest one is found by verify alone, without an anchor."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from support.commands import Revrec

ADVICE = "revrec db restored --reason TEXT"


class Folder:
    """A folder of books, and the commands that are given in it."""

    def __init__(self, path: Path, revrec: Revrec, charges: Callable[..., Path]) -> None:
        self.path, self.do, self.charges = path, revrec, charges
        self.database = path / "revrec.db"
        self.head = path / "revrec.db.head"
        self.files = 0

    def ok(self, *words: str) -> None:
        done = self.do(*words)
        assert done.code == 0, done.err

    def take(self) -> None:
        """Import one more charge line."""
        self.files += 1
        row = f"shop,INV-{self.files},1,C1,GOODS-1,2024-01-05,10.00,USD"
        self.ok("import", str(self.charges(row, name=f"{self.files}.csv")))

    def copy(self, name: str) -> Path:
        """A copy of the file by hand, while no command works."""
        with closing(sqlite3.connect(self.database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return Path(shutil.copyfile(self.database, self.path / name))

    def put_back(self, copy: Path) -> None:
        for end in ("-wal", "-shm"):
            Path(f"{self.database}{end}").unlink(missing_ok=True)
        shutil.copyfile(copy, f"{self.database}.new")
        Path(f"{self.database}.new").replace(self.database)

    def found(self) -> list[dict[str, str]]:
        """What verify finds; its exit code agrees."""
        done = self.do("verify", "--format", "json")
        findings: list[dict[str, str]] = json.loads(done.out)["findings"]
        assert done.code == (7 if findings else 0), done.err
        return findings


@pytest.fixture
def folder(books: Path, revrec: Revrec, charges: Callable[..., Path]) -> Folder:
    made = Folder(books, revrec, charges)
    made.take()
    return made


def test_an_older_file_in_the_place_of_the_database_is_found_and_stays_found_until_a_person_records_it(
    folder: Folder,
) -> None:
    copy = folder.copy("copy.db")
    folder.take()
    assert folder.found() == []
    folder.put_back(copy)
    other = "it is not the event that revrec.db.head has"
    for problem in ("the trail ends at event", other, other):
        (finding,) = folder.found()
        assert (finding["check"], finding["table"]) == ("kept head", "audit_event")
        assert problem in finding["problem"]
        assert "an older copy of the database is in its place" in finding["meaning"] and ADVICE in finding["meaning"]
        # What is written to the older file does not make it the newest one.
        folder.take()
    folder.ok("db", "restored", "--reason", "the disk was replaced")
    assert folder.found() == []
    with closing(sqlite3.connect(folder.database)) as connection:
        query = "SELECT detail FROM audit_event WHERE action = 'epoch raised'"
        ((detail,),) = connection.execute(query).fetchall()
    assert json.loads(detail)["why"] == "the disk was replaced" and json.loads(detail)["kept"]["seq"] > 1


def test_the_newer_file_put_back_again_is_sound(folder: Folder) -> None:
    copy = folder.copy("copy.db")
    folder.take()
    newer = folder.copy("newer.db")
    folder.put_back(copy)
    assert folder.found()
    folder.put_back(newer)
    assert folder.found() == []


def test_a_restore_by_the_command_raises_no_alarm(folder: Folder) -> None:
    folder.ok("db", "backup", "backup.db")
    folder.take()
    folder.ok("db", "restore", "backup.db")
    assert folder.found() == []
    folder.take()
    assert folder.found() == []


def test_a_backup_can_be_verified_where_it_is(folder: Folder) -> None:
    folder.ok("db", "backup", "backup.db")
    folder.take()
    folder.ok("verify", "--database", f"sqlite:///{folder.path / 'backup.db'}")


@pytest.mark.parametrize("spoil", ["", "{", "[]", '{"deployment": "x", "seq": "one", "hash": ""}'])
def test_a_kept_head_that_cannot_be_read_is_found(folder: Folder, spoil: str) -> None:
    folder.head.write_text(spoil)
    (finding,) = folder.found()
    assert finding["check"] == "kept head" and "cannot be read" in finding["problem"] and ADVICE in finding["meaning"]
    folder.ok("db", "restored", "--reason", "the file was damaged")
    assert folder.found() == []


def edited(**changes: object) -> Callable[[Folder], None]:
    def edit(folder: Folder) -> None:
        folder.head.write_text(json.dumps({**json.loads(folder.head.read_text()), **changes}))

    return edit


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (edited(seq=10**6), "has event 1000000"),
        (edited(hash="0" * 64), "it is not the event that revrec.db.head has"),
        (edited(deployment="another"), "revrec.db.head is of database another"),
    ],
)
def test_a_kept_head_that_was_edited_is_found(folder: Folder, edit: Callable[[Folder], None], said: str) -> None:
    edit(folder)
    (finding,) = folder.found()
    assert said in finding["problem"]
