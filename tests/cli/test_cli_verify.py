"""``revrec verify`` at the terminal: what it prints and how it ends."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

from support.commands import Revrec

KEYS = {"sound", "database", "deployment", "events", "rows", "checks", "head", "anchored", "differences", "findings"}


def tamper(books: Path) -> None:
    with closing(sqlite3.connect(books / "revrec.db", isolation_level=None)) as connection:
        guard = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'charge_line_no_update'").fetchone()[0]
        connection.execute("DROP TRIGGER charge_line_no_update")
        connection.execute("UPDATE charge_line SET customer = 'C-EVE' WHERE no = 3")
        connection.execute(guard)


def test_a_sound_database_ends_with_0_and_its_anchor_holds(story: Path, revrec: Revrec) -> None:
    shown = revrec("verify", "--write-anchor", "anchor.json")
    assert shown.code == 0 and "revrec.db: sound; " in shown.out
    again = revrec("verify", "--anchor", "anchor.json", "--format", "json")
    found = json.loads(again.out)
    assert again.code == 0 and found.keys() == KEYS
    assert found["sound"] and found["anchored"] == found["events"] and found["findings"] == []


def test_a_changed_row_ends_with_7_and_is_named(story: Path, revrec: Revrec) -> None:
    tamper(story)
    shown = revrec("verify")
    assert shown.code == 7 and "1 difference found" in shown.out and "no 3" in shown.out
    (found,) = json.loads(revrec("verify", "--format", "json").out)["findings"]
    assert (found["check"], found["table"], found["key"]) == ("rows", "charge_line", "no 3")
    assert revrec("verify", "--format", "csv").out.splitlines()[0] == "check,table,key,problem,meaning"


def test_an_anchor_that_cannot_be_read_is_bad_input(story: Path, revrec: Revrec) -> None:
    shown = revrec("verify", "--anchor", "none.json")
    assert shown.code == 3 and "name a file that revrec verify --write-anchor wrote" in shown.err
