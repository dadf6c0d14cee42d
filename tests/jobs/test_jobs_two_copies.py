"""Two copies of the same books that are at work at the same time: one posts, the other is refused, nothing is twice."""

import json
import random
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from revrec.intacct.client import XmlGateway
from revrec.intacct.gateway import ClaimOutcome
from revrec.jobs.admin.database import note_restored
from revrec.jobs.admin.verify import verify
from revrec.jobs.posting import poster, right_to_post
from revrec.jobs.posting.journal_entries import EntryPostings
from revrec.jobs.running.result import RunResult
from revrec.jobs.running.run import run
from revrec.store.database import sqlite
from support.books import Books, MakeRow, Row
from support.intacct import Intacct

DAY = "2024-06-10"
SECONDS = timedelta(seconds=1)
PLANS = (
    "",
    "drop@after:1x:query",
    "drop@before:1x:query",
    "slow=0.3@before:6x",
    "slow=1@after:2x:create",
    "500@after:0.2",
    "drop@after:0.3:create",
)
"""Faults of the gateway while both are at work."""
UNUSED: Any = None
"""The gateway of a poster that sends nothing."""


def documents(intacct: Intacct) -> Counter[tuple[str, str]]:
    """How often each schedule line is in the ledger, by date and document."""
    return Counter(
        (entry["date"], entry["lines"][at]["document"])
        for entry in intacct.entries()
        for at in range(0, len(entry["lines"]), 2)
    )


def copy_of(books: Books, folder: Path, new_books: type[Books]) -> Books:
    """The whole folder, copied to another place."""
    # In a process of its own: closing the file here would end the locks of the connections that are still open to it.
    subprocess.run(["cp", "-r", str(books.folder), str(folder)], check=True)
    copy = new_books.__new__(new_books)
    copy.__dict__.update(books.__dict__, folder=folder, database=folder / "revrec.db", slept=[])
    return copy


def advice(result: RunResult) -> str:
    """Return the advice of a run that was stopped."""
    assert result.stopped is not None
    return result.stopped.advice


def finished(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """The exit code of a run, and all that it printed."""
    out, err = process.communicate(timeout=120)
    return process.returncode, out + err


@pytest.fixture
def due(row: MakeRow) -> list[Row]:
    """Charges of which thirty schedule lines are due, on six days."""
    return [row(f"INV-{number}", amount="24.00") for number in range(5)]


@pytest.mark.parametrize(
    ("copied", "one_more"),
    [
        ("after a run", True),
        pytest.param("after a run", False, marks=pytest.mark.slow),
        pytest.param("before the first run", True, marks=pytest.mark.slow),
        pytest.param("before the first run", False, marks=pytest.mark.slow),
    ],
)
def test_of_two_copies_that_run_in_the_same_minute_one_posts_and_the_other_is_refused(
    books: Books,
    intacct: Intacct,
    row: MakeRow,
    due: list[Row],
    new_books: type[Books],
    tmp_path: Path,
    copied: str,
    one_more: bool,
) -> None:
    books.take(*due)
    if copied == "after a run":
        books.run("2024-02-10")
    other = copy_of(books, tmp_path / "other", new_books)
    if one_more:
        other.take(row("INV-MORE", amount="24.00"), name="more.csv")
    both = [one.start("run", "--date", DAY, REVREC_POSTING_QUARANTINE="60 s") for one in (books, other)]
    ended = [finished(process) for process in both]
    assert sorted(code for code, _ in ended) == [0, 4], ended
    (said,) = (text for code, text in ended if code == 4)
    assert "nothing was sent" in said and "Only one copy may post" in said and "revrec db restored" in said
    assert set(documents(intacct).values()) == {1} and len(documents(intacct)) >= 25


def test_the_refusal_names_the_copy_that_posts_and_when_it_did(
    books: Books, intacct: Intacct, row: MakeRow, new_books: type[Books], tmp_path: Path
) -> None:
    books.take(row("INV-1"))
    books.run("2024-02-10")
    other = copy_of(books, tmp_path / "other", new_books)
    for _ in range(2):
        said = advice(other.run(DAY))
        assert f"{other.database}, are a copy of " in said and f":{books.database}, which" in said
        assert " UTC. Only one copy may post" in said
    assert len(intacct.entries()) == 1 and books.run(DAY).complete
    assert verify(other.context("verify")).sound


def test_a_copy_that_takes_over_waits_out_the_quarantine_and_the_other_is_refused_from_then_on(
    books: Books, intacct: Intacct, row: MakeRow, new_books: type[Books], tmp_path: Path
) -> None:
    books.take(row("INV-1"))
    books.run("2024-02-10")
    other = copy_of(books, tmp_path / "other", new_books)
    books.run("2024-03-10")
    note_restored(other.context("db restored"), "moved to another machine")
    assert "nothing is sent before" in advice(other.run(DAY))
    for _ in range(2):
        assert "another copy of these books" in advice(books.run(DAY))
    assert other.run(DAY, later=4 * SECONDS).complete
    assert set(documents(intacct).values()) == {1} and len(documents(intacct)) == 5
    assert "another copy of these books" in advice(books.run("2024-07-10", later=9 * SECONDS))
    assert verify(other.context("verify")).sound and verify(books.context("verify")).sound


@pytest.fixture
def other(books: Books, row: MakeRow, new_books: type[Books], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Books:
    """A copy that has taken over from books with one entry posted; the right to post is checked for each entry."""
    books.take(row("INV-1"))
    books.run("2024-01-13")
    other = copy_of(books, tmp_path / "other", new_books)
    note_restored(other.context("db restored"), "taken over")
    monkeypatch.setattr(right_to_post, "right_to_send", lambda _context: timedelta(0))
    return other


def test_a_run_that_goes_on_for_long_stops_when_another_copy_has_taken_over(
    books: Books, intacct: Intacct, other: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = right_to_post.RightToPost.begin

    def begun(self: Any, run: int) -> None:
        begin(self, run)
        if self._context.settings.database_url.endswith(f"{books.database}"):
            monkeypatch.setattr(right_to_post.RightToPost, "begin", begin)
            other.run(DAY)

    monkeypatch.setattr(right_to_post.RightToPost, "begin", begun)
    assert "another copy of these books" in advice(books.run(DAY))
    sent = len(intacct.entries())
    assert other.run(DAY, later=4 * SECONDS).complete and sent == 1
    assert set(documents(intacct).values()) == {1}


@pytest.fixture
def locked(books: Books, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """Another command's connection, which can lock the books; no command waits for the lock."""
    if books.url:
        pytest.skip("the lock of a database file")
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0)
    with closing(sqlite3.connect(books.database, isolation_level=None)) as other:
        yield other


def test_a_run_that_waited_for_the_database_sends_nothing_if_another_copy_has_taken_over_meanwhile(
    books: Books, intacct: Intacct, locked: sqlite3.Connection, other: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm, confirmed = right_to_post.RightToPost.confirm, 0

    def confirm_and_lock(self: Any) -> None:
        nonlocal confirmed
        if self._context.settings.database_url.endswith(f"{books.database}"):
            confirmed += 1
            if confirmed == 2:
                locked.rollback()
                other.run(DAY)
        confirm(self)
        if confirmed == 1:
            locked.execute("BEGIN IMMEDIATE")

    monkeypatch.setattr(right_to_post.RightToPost, "confirm", confirm_and_lock)
    monkeypatch.setattr(poster, "WRITE_LOCK_TIMEOUT", 60)
    assert "another copy of these books" in advice(books.run(DAY))
    assert confirmed == 2 and not books.slept and len(intacct.entries()) == 1


def test_a_run_that_cannot_get_at_the_database_before_it_sends_reports_what_to_do(
    books: Books, locked: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poster, "WRITE_LOCK_TIMEOUT", 0)
    locked.execute("BEGIN IMMEDIATE")
    sender = poster.Poster(books.context("run"), UNUSED, EntryPostings())
    entry: Any = SimpleNamespace(reference="RR-1")
    with pytest.raises(poster.RunStopped, match="RR-1 was not sent, because another command kept the database locked"):
        sender.begin_request(entry, lambda _connection: pytest.fail("nothing is committed"))


def test_a_claim_whose_answer_is_lost_is_made_again_after_the_quarantine(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1"))
    intacct.fault("drop@after:1x:query")
    assert "nothing is sent before" in advice(books.run(DAY)) and intacct.entries() == []
    assert books.run(DAY, later=4 * SECONDS).complete
    assert set(documents(intacct).values()) == {1} and verify(books.context("verify")).sound


def test_a_copy_that_asks_while_the_claim_of_the_other_is_in_process_is_refused(
    books: Books,
    intacct: Intacct,
    row: MakeRow,
    new_books: type[Books],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    books.take(row("INV-1"))
    other = copy_of(books, tmp_path / "other", new_books)
    claim = XmlGateway.claim

    def claim_beside_the_other(self: XmlGateway, control_ids: Sequence[str]) -> list[ClaimOutcome]:
        monkeypatch.setattr(XmlGateway, "claim", claim)
        assert books.run(DAY).complete
        return [ClaimOutcome.IN_PROCESS for _ in control_ids]

    monkeypatch.setattr(XmlGateway, "claim", claim_beside_the_other)
    for _ in range(2):
        assert "another copy of these books is at work" in advice(other.run(DAY))
    assert books.run(DAY).complete and set(documents(intacct).values()) == {1}


def test_a_run_whose_later_claim_loses_its_answer_sends_nothing_more_when_it_is_tried_again(
    books: Books, intacct: Intacct, row: MakeRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    books.take(row("INV-1"))
    monkeypatch.setattr(right_to_post, "right_to_send", lambda _context: timedelta(0))
    confirm = right_to_post.RightToPost.confirm

    faults = ["drop@after:1x:query"]

    def confirmed(self: Any) -> None:
        if faults and len(intacct.entries()) == 1:
            intacct.fault(faults.pop())
        confirm(self)

    monkeypatch.setattr(right_to_post.RightToPost, "confirm", confirmed)
    assert "claimed again; run again" in advice(books.run(DAY)) and books.slept
    assert len(intacct.entries()) == 1, "another copy may have posted since the journals were read"
    assert "nothing is sent before" in advice(books.run(DAY))
    assert books.run(DAY, later=9 * SECONDS).complete
    assert set(documents(intacct).values()) == {1} and verify(books.context("verify")).sound


def test_a_claim_leaves_nothing_in_the_ledger_and_costs_one_request(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.take(row("INV-1"))
    books.run("2024-02-10")
    (before,) = books.sql("SELECT count(*) FROM audit_event WHERE action = 'posting claimed'")
    books.run("2024-02-10")
    assert books.sql("SELECT count(*) FROM audit_event WHERE action = 'posting claimed'") == [before], "nothing is due"
    assert len(intacct.entries()) == 1


@pytest.mark.parametrize("remembers", [True, False])
def test_where_intacct_does_not_remember_the_control_ids_of_reads_the_first_run_warns(
    books: Books, intacct: Intacct, row: MakeRow, remembers: bool
) -> None:
    books.take(row("INV-1"))
    intacct.admin("/switch", remember_reads=remembers)
    said: list[str] = []
    context = replace(books.context("run"), say=said.append)
    assert run(context, date.fromisoformat(DAY)).counts["posted"] == 5
    intacct.admin("/switch", remember_reads=True)
    assert any("only one runs" in one for one in said) is not remembers


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=pytest.mark.slow if seed < 4 else pytest.mark.long) for seed in range(8)]
)
def test_copies_that_take_over_from_one_another_under_faults_and_kills_post_each_line_once(
    books: Books, intacct: Intacct, row: MakeRow, due: list[Row], new_books: type[Books], tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    more = row("INV-MORE", amount="24.00")
    books.take(*due)
    if chance.random() < 0.5:
        books.run("2024-01-13")
    other = copy_of(books, tmp_path / "other", new_books)
    if chance.random() < 0.5:
        other.take(more, name="more.csv")
    fast = {"REVREC_POSTING_QUARANTINE": "2 s", "REVREC_POSTING_RETRIES": "1"}
    for _ in range(3):
        intacct.fault(chance.choice(PLANS))
        if chance.random() < 0.5:
            note_restored(chance.choice((books, other)).context("db restored"), "taken over")
        both = [one.start("run", "--date", DAY, **fast) for one in (books, other)]
        if chance.random() < 0.5:
            time.sleep(chance.uniform(0.5, 3))
            chance.choice(both).kill()
        for process in both:
            finished(process)
        assert set(documents(intacct).values()) <= {1}, json.dumps(intacct.entries())
    intacct.fault("")
    for one, name in ((books, "again.csv"), (other, "again.csv")):
        one.take(more, name=name)
    note_restored(other.context("db restored"), "this is the one that stays")
    for minute in range(1, 8):
        last = other.run(DAY, later=timedelta(minutes=minute))
    assert last.complete, last.stopped
    assert set(documents(intacct).values()) == {1} and len(documents(intacct)) == 30
    assert books.run(DAY, later=timedelta(minutes=9)).stopped is not None
