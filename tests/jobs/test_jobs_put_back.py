"""Books that were put back from a copy, or are used in two places: nothing is posted twice, nothing is lost."""

import re
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from revrec.core.errors import BadInput, Busy
from revrec.jobs.admin.database import backup, note_restored, restore
from revrec.jobs.admin.verify import verify
from revrec.jobs.posting import resolve
from revrec.jobs.reconciling.reconcile import reconcile
from revrec.store.posting.workers import active_run
from support.books import Books, MakeRow, Row
from support.intacct import Intacct

pytestmark = pytest.mark.slow

DAY = "2024-02-10"
LATER = timedelta(minutes=1)
MUCH_LATER = timedelta(minutes=2)


def copied_back(books: Books, copy: Path) -> None:
    """What a person does who does not know `revrec db restore`."""
    for end in ("-wal", "-shm"):
        Path(f"{books.database}{end}").unlink(missing_ok=True)
    # In this process earlier connections are still open to the old file; they go on with that.
    shutil.copyfile(copy, f"{books.database}.new")
    Path(f"{books.database}.new").replace(books.database)


def folder_copied_back(books: Books, copy: Path) -> None:
    """The whole folder comes back, with the head that is kept beside the database, and a person says so."""
    copied_back(books, copy)
    Path(f"{books.database}.head").unlink(missing_ok=True)
    if Path(f"{copy}.head").exists():
        shutil.copyfile(f"{copy}.head", f"{books.database}.head")
    note_restored(books.context("db restored"), "the folder was put back")


def copied(books: Books) -> Path:
    """A copy of the books as they are."""
    copy = books.folder / f"copy-{time.monotonic_ns()}.db"
    backup(books.context("db backup"), copy)
    if Path(f"{books.database}.head").exists():
        shutil.copyfile(f"{books.database}.head", f"{copy}.head")
    return copy


def restored(books: Books, copy: Path) -> None:
    restore(books.context("db restore"), copy)


WAYS = [restored, copied_back, folder_copied_back]
SPLIT = '[[rule]]\nname = "goods"\n[rule.recognize]\nmethod = "fixed_offset"\noffset = "30 days"\n'
PutBack = Callable[[Any, Path], None]


def looked(books: Books, minute: int = 1) -> Any:
    """A run that looks at the ledger: if the head beside the database shows a copy, the run before only notices it."""
    books.run(DAY, later=timedelta(minutes=minute))
    return books.run(DAY, later=timedelta(minutes=minute + 1))


def states(books: Books) -> list[str]:
    return [state for (state,) in books.sql("SELECT state FROM journal_entry ORDER BY id")]


def documents(intacct: Intacct) -> Counter[tuple[str, str]]:
    """How often each document is in the ledger, by date."""
    return Counter(
        (entry["date"], entry["lines"][at]["document"])
        for entry in intacct.entries()
        for at in range(0, len(entry["lines"]), 2)
    )


def once(intacct: Intacct) -> bool:
    """Nothing is in the ledger twice."""
    return set(documents(intacct).values()) == {1}


@pytest.fixture
def goods(row: MakeRow) -> Callable[[str], Row]:
    """Rows of goods that are all recognized on 2024-02-04."""
    return lambda name: row(name, item="GOODS-1", amount="10.00")


@pytest.mark.parametrize("forgetful", [False, True])
@pytest.mark.parametrize("put_back", WAYS)
def test_what_was_posted_after_the_copy_is_adopted_and_a_line_that_joined_its_date_is_posted_alone(
    books: Books, intacct: Intacct, goods: Callable[[str], Row], put_back: PutBack, forgetful: bool
) -> None:
    books.take(goods("INV-0"), name="first.csv")
    books.run("2024-01-01")
    copy = copied(books)
    books.take(goods("INV-1"), goods("INV-2"), name="second.csv")
    (posted,) = books.run(DAY).entries
    put_back(books, copy)
    if forgetful:
        intacct.fault("forget_ids@before")
    books.take(goods("INV-3"), goods("INV-1"), goods("INV-2"), name="again.csv")
    for minute in (1, 2, 3):
        result = books.run(DAY, later=timedelta(minutes=minute))
    assert result.complete and states(books) == ["POSTED", "POSTED"]
    assert once(intacct) and len(documents(intacct)) == 4
    assert books.sql("SELECT reference, record_no FROM journal_entry WHERE id = 1") == [
        (posted["reference"], posted["record_no"])
    ]


@pytest.mark.parametrize("put_back", WAYS)
def test_nothing_is_sent_while_something_of_the_lost_future_is_unexplained(
    books: Books, intacct: Intacct, goods: Callable[[str], Row], put_back: PutBack
) -> None:
    books.take(goods("INV-0"), name="first.csv")
    copy = copied(books)
    books.take(goods("INV-1"), name="second.csv")
    (posted,) = books.run(DAY).entries
    put_back(books, copy)
    stopped = looked(books)
    assert stopped.stopped is not None and states(books) == [] and len(intacct.entries()) == 1
    for said in (posted["reference"], posted["record_no"], "INV-1/1", "20.00 USD", "Import again"):
        assert said in stopped.stopped.advice
    books.take(goods("INV-1"), name="second.csv")
    assert books.run(DAY, later=timedelta(minutes=3)).complete
    assert once(intacct) and len(documents(intacct)) == 2 and states(books) == ["POSTED"]


@pytest.mark.parametrize("put_back", WAYS)
def test_books_that_were_put_back_and_have_nothing_due_learn_what_was_posted_since(
    books: Books, intacct: Intacct, goods: Callable[[str], Row], put_back: PutBack
) -> None:
    books.take(goods("INV-0"), name="first.csv")
    books.run(DAY)
    copy = copied(books)
    books.take(goods("INV-1"), name="second.csv")
    books.run(DAY)
    put_back(books, copy)
    stopped = looked(books)
    assert stopped.stopped is not None and "INV-1/1" in stopped.stopped.advice
    assert once(intacct) and states(books) == ["POSTED"]


@pytest.mark.parametrize("first", [restored, copied_back])
def test_a_copy_that_was_made_before_the_restored_books_had_looked_and_is_put_back_in_its_turn_is_known_too(
    books: Books, intacct: Intacct, goods: Callable[[str], Row], first: PutBack
) -> None:
    books.take(goods("INV-0"), name="first.csv")
    older = copied(books)
    books.run(DAY)
    first(books, older)
    # It only notices that the books were put back, and stops: what they sent may still arrive.
    assert books.run(DAY).stopped is not None
    unlooked = copied(books)
    assert looked(books).complete and len(intacct.entries()) == 1
    copied_back(books, unlooked)
    again = books.run(DAY, later=timedelta(minutes=2))
    assert again.stopped is not None and "nothing is sent before" in again.stopped.advice
    assert books.run(DAY, later=timedelta(minutes=4)).complete
    assert once(intacct) and states(books) == ["POSTED"]


def test_nothing_is_sent_while_an_entry_of_the_lost_future_cannot_be_read(
    books: Books, intacct: Intacct, goods: Callable[[str], Row]
) -> None:
    books.take(goods("INV-0"), name="first.csv")
    copy = copied(books)
    books.run(DAY)
    copied_back(books, copy)
    intacct.admin("/switch", denied="read:GLENTRY")
    stopped = looked(books)
    intacct.admin("/switch", denied="")
    assert stopped.stopped is not None and states(books) == []
    assert stopped.stopped.advice.startswith(
        "nothing was sent, because entries that these books do not know cannot be read"
    )
    assert books.run(DAY, later=timedelta(minutes=3)).complete
    assert once(intacct) and states(books) == ["POSTED"]


def test_what_cannot_be_explained_is_accepted_by_a_person_with_a_reason(
    books: Books, intacct: Intacct, goods: Callable[[str], Row]
) -> None:
    books.take(goods("INV-0"), name="first.csv")
    copy = copied(books)
    books.take(goods("INV-1"), name="second.csv")
    books.run(DAY)
    copied_back(books, copy)
    assert looked(books).stopped
    (finding,) = reconcile(books.context("reconcile"), date(2024, 3, 31)).findings
    assert finding.kind == "lost"
    intacct.admin("/entries/reverse", record_no=finding.record_no, date=DAY)
    accepted = reconcile(
        books.context("reconcile"), date(2024, 3, 31), accept=[finding.key], reason="reversed by hand", recognized=False
    )
    assert accepted.accepted == {finding.key}
    assert books.run(DAY, later=timedelta(minutes=3)).complete and states(books) == ["POSTED"]


def test_an_entry_whose_figures_were_changed_since_is_adopted_and_needs_review(
    books: Books, intacct: Intacct, goods: Callable[[str], Row]
) -> None:
    copy = copied(books)
    books.take(goods("INV-1"))
    books.run(DAY)
    (entry,) = intacct.entries()
    lines = [{"line_no": at, "amount": "9.00"} for at in (1, 2)]
    intacct.admin("/entries/edit", record_no=entry["record_no"], lines=lines)
    copied_back(books, copy)
    books.take(goods("INV-1"))
    result = looked(books)
    assert states(books) == ["HELD"] and "other figures" in result.entries[0]["error"]
    assert len(intacct.entries()) == 1


def test_what_was_refused_and_replaced_since_the_copy_is_adopted_as_it_was_posted(
    books: Books, intacct: Intacct, goods: Callable[[str], Row]
) -> None:
    books.environment["REVREC_POSTING_CLOSED_PERIOD"] = "fail"
    books.take(goods("INV-1"))
    intacct.admin("/periods/close", month="2024-02")
    books.run(DAY)
    assert states(books) == ["REJECTED"]
    copy = copied(books)
    books.run(DAY, later=LATER)
    intacct.admin("/periods/open", month="2024-02")
    books.run(DAY, later=MUCH_LATER)
    assert states(books) == ["REPLACED", "REPLACED", "POSTED"]
    copied_back(books, copy)
    assert looked(books, 3).complete
    assert states(books) == ["REPLACED", "POSTED"] and once(intacct)
    assert verify(books.context("verify")).sound


def test_lines_that_were_canceled_a_different_number_of_times_are_found_by_what_the_entry_shows(
    books: Books, intacct: Intacct, goods: Callable[[str], Row]
) -> None:
    copy = copied(books)
    books.take(goods("INV-1"), name="first.csv")
    intacct.fault("refuse=BL03000018 Missing unit@before:1x:create")
    books.run(DAY, REVREC_POSTING_REFUSALS="1")
    intacct.fault("")
    ((reference,),) = books.sql("SELECT reference FROM journal_entry WHERE state = 'HELD'")
    resolve.cancel(books.context(), reference, "the unit is there now")
    books.take(goods("INV-2"), name="second.csv")
    (posted,) = books.run(DAY).entries
    copied_back(books, copy)
    books.take(goods("INV-1"), goods("INV-2"), name="again.csv")
    assert looked(books).complete
    assert books.sql("SELECT reference, state FROM journal_entry") == [(posted["reference"], "POSTED")]
    assert once(intacct) and len(documents(intacct)) == 2


def test_an_entry_that_was_ready_in_the_copy_and_whose_reference_was_edited_away_is_held(
    books: Books, intacct: Intacct, goods: Callable[[str], Row]
) -> None:
    books.take(goods("INV-1"))
    intacct.fault("429@before:9x:create")
    books.run(DAY)
    assert states(books) == ["READY"]
    intacct.fault("")
    copy = copied(books)
    books.run(DAY)
    (entry,) = intacct.entries()
    intacct.admin("/entries/edit", record_no=entry["record_no"], reference="FEB")
    intacct.admin("/control_ids/forget")
    copied_back(books, copy)
    result = looked(books)
    assert states(books) == ["HELD"] and len(intacct.entries()) == 1
    assert f"its entry {entry['record_no']}" in result.entries[0]["error"]
    assert f"--as-posted {entry['record_no']}" in result.entries[0]["advice"]


def test_an_answer_that_was_lost_with_the_reference_edited_away_is_held_and_a_person_settles_it(
    books: Books, intacct: Intacct, goods: Callable[[str], Row]
) -> None:
    books.take(goods("INV-1"))
    intacct.fault("drop@after:1x:create")
    books.run(DAY)
    (entry,) = intacct.entries()
    intacct.admin("/entries/edit", record_no=entry["record_no"], reference="FEB")
    intacct.admin("/control_ids/forget")
    (held,) = books.run(DAY, later=LATER).entries
    assert states(books) == ["HELD"] and len(intacct.entries()) == 1
    resolve.send_again(books.context(), str(held["reference"]), "the other one is the lessor's")
    assert books.run(DAY, later=MUCH_LATER).complete and len(intacct.entries()) == 2


def test_two_entries_of_ours_that_are_alike_are_not_confused_with_one_another(
    books: Books, intacct: Intacct, row: MakeRow
) -> None:
    books.rules(SPLIT)
    books.take(row("INV-1", item="GOODS-1"), row("INV-2", item="GOODS-1"))
    intacct.fault("drop@before:1x:create")
    books.run(DAY, REVREC_POSTING_LINES_PER_ENTRY="2")
    assert sorted(states(books)) == ["IN_DOUBT", "POSTED"]
    assert books.run(DAY, later=LATER).complete and len(intacct.entries()) == 2 and once(intacct)


def test_books_that_were_put_back_with_their_folder_post_nothing_before_a_person_says_so(
    books: Books, intacct: Intacct, goods: Callable[[str], Row]
) -> None:
    books.take(goods("INV-0"))
    books.run("2024-01-01")
    copy = copied(books)
    books.take(goods("INV-1"), name="more.csv")
    books.run(DAY)
    copied_back(books, copy)
    shutil.copyfile(f"{copy}.head", f"{books.database}.head")
    books.take(goods("INV-1"), goods("INV-2"), name="again.csv")
    for minute in (1, 2):
        stopped = books.run(DAY, later=timedelta(minutes=minute)).stopped
        assert stopped is not None and "revrec db restored --reason" in stopped.advice and states(books) == []
    note_restored(books.context("db restored"), "the machine was put back")
    for minute in (3, 4):
        result = books.run(DAY, later=timedelta(minutes=minute))
    assert result.complete and once(intacct) and len(documents(intacct)) == 3


def test_nothing_is_sent_before_the_quarantine_after_a_restore_is_over(
    books: Books, intacct: Intacct, goods: Callable[[str], Row]
) -> None:
    books.take(goods("INV-1"))
    restored(books, copied(books))
    early = books.run(DAY, REVREC_POSTING_QUARANTINE="10 min")
    assert early.stopped is not None and "nothing is sent before" in early.stopped.advice and not intacct.entries()
    late = books.run(DAY, later=timedelta(minutes=11), REVREC_POSTING_QUARANTINE="10 min")
    assert late.complete and len(intacct.entries()) == 1


def test_a_restore_is_reported_in_the_audit_trail_and_keeps_what_it_replaces(
    books: Books, goods: Callable[[str], Row]
) -> None:
    copy = copied(books)
    books.take(goods("INV-1"))
    restored(books, copy)
    assert books.sql("SELECT count(*) FROM charge_line") == [(0,)]
    assert books.sql("SELECT value FROM meta WHERE key = 'epoch'") == [("2",)]
    ((detail,),) = books.sql("SELECT detail FROM audit_event WHERE action = 'epoch raised'")
    assert f"restored from {copy}" in detail and '"replaced"' in detail
    assert verify(books.context("verify")).sound
    (kept,) = (path for path in books.folder.glob("revrec.db.replaced-*") if path.name[-4:] not in ("-wal", "-shm"))
    with closing(sqlite3.connect(kept)) as old:
        assert old.execute("SELECT count(*) FROM charge_line").fetchone() == (1,)
    assert kept.stat().st_mode & 0o077 == 0 and books.database.stat().st_mode & 0o077 == 0
    assert not list(books.folder.glob("*.restoring*"))


def damaged(copy: Path) -> None:
    data = bytearray(copy.read_bytes())
    data[len(data) // 2 :] = b"x" * (len(data) - len(data) // 2)
    copy.write_bytes(data)


def tampered(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as database, database:
        database.execute("DROP TRIGGER charge_line_no_update")
        database.execute("UPDATE charge_line SET amount = amount + 1")


def no_database(copy: Path) -> None:
    copy.write_text("something else")


def of_another_program(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as database, database:
        database.executescript("DROP TABLE alembic_version")


@pytest.mark.parametrize("spoil", [damaged, tampered, no_database, of_another_program, Path.unlink])
def test_a_copy_that_is_not_sound_is_refused_and_nothing_changes(
    books: Books, goods: Callable[[str], Row], spoil: Callable[[Path], None]
) -> None:
    books.take(goods("INV-1"))
    copy = copied(books)
    spoil(copy)
    before = books.content()
    with pytest.raises(BadInput):
        restored(books, copy)
    assert books.content() == before
    assert not list(books.folder.glob("*.restoring*")) and not list(books.folder.glob("*.replaced-*"))


def test_a_copy_of_other_books_is_refused(
    books: Books, new_books: type[Books], tmp_path: Path, intacct: Intacct
) -> None:
    other = new_books(tmp_path / "other", intacct.environment)
    with pytest.raises(BadInput, match="other books"):
        restored(books, copied(other))


def test_nothing_is_restored_while_a_run_is_at_work(books: Books) -> None:
    copy = copied(books)
    with active_run(books.context().database, "a run", 0, 1, 60), pytest.raises(Busy):
        restored(books, copy)


def test_a_database_that_is_gone_or_damaged_can_be_restored(books: Books, goods: Callable[[str], Row]) -> None:
    books.take(goods("INV-1"))
    copy = copied(books)
    books.database.write_bytes(b"gone with the disk")
    for end in ("-wal", "-shm"):
        Path(f"{books.database}{end}").unlink(missing_ok=True)
    restored(books, copy)
    assert books.sql("SELECT count(*) FROM charge_line") == [(1,)]
    books.database.unlink()
    restored(books, copy)
    assert books.sql("SELECT count(*) FROM charge_line") == [(1,)]


def test_a_restore_by_other_means_is_reported_with_its_reason(books: Books, goods: Callable[[str], Row]) -> None:
    with pytest.raises(BadInput, match="--reason"):
        note_restored(books.context(), " ")
    assert note_restored(books.context(), "the night's copy") == 2
    books.take(goods("INV-1"))
    assert books.run(DAY, REVREC_POSTING_QUARANTINE="10 min").stopped


def test_a_machine_that_went_down_in_the_middle_of_a_run_lets_nothing_be_sent_before_the_quarantine_is_over(
    books: Books, intacct: Intacct, goods: Callable[[str], Row]
) -> None:
    books.take(goods("INV-1"))
    intacct.fault("429@before:9x:create")
    books.run(DAY)
    intacct.fault("")
    with closing(sqlite3.connect(books.database)) as database, database:
        database.execute("UPDATE posting_run SET finished_at = NULL, outcome = NULL")
    head = Path(f"{books.database}.head")
    head.write_text(re.sub('"boot": "[^"]*"', '"boot": "an earlier one"', head.read_text()))
    stopped = books.run(DAY).stopped
    assert stopped is not None and "cut off with the machine" in stopped.advice and not intacct.entries()
    assert books.run(DAY, later=LATER).complete and len(intacct.entries()) == 1


@pytest.mark.parametrize("put_back", WAYS)
def test_an_entry_that_was_dated_in_the_next_open_period_is_adopted_with_that_date(
    books: Books, intacct: Intacct, goods: Callable[[str], Row], put_back: PutBack
) -> None:
    books.environment["REVREC_POSTING_CLOSED_PERIOD"] = "next_open"
    books.take(goods("INV-1"))
    intacct.admin("/periods/close", month="2024-02")
    books.run("2024-01-01")
    copy = copied(books)
    (posted,) = books.run(DAY).entries
    assert posted["date"] == "2024-03-01"
    put_back(books, copy)
    for minute in (1, 2, 3):
        result = books.run(DAY, later=timedelta(minutes=minute))
    assert result.complete and states(books) == ["POSTED"] and once(intacct)
    assert books.sql("SELECT recognition_date, reason FROM entry_date_override") == [
        ("2024-02-04", "recognized on 2024-02-04; Intacct has it dated 2024-03-01")
    ]


@pytest.mark.parametrize("put_back", WAYS)
def test_an_entry_that_awaits_approval_and_was_forgotten_is_found_and_not_posted_again(
    books: Books, intacct: Intacct, row: MakeRow, put_back: PutBack
) -> None:
    books.take(row(item="GOODS-1"))
    copy = copied(books)
    intacct.admin("/switch", approval=True)
    assert books.run(DAY).counts["awaiting_approval"] == 1
    put_back(books, copy)
    for minute in range(4):
        looked(books, minute)
    states = "SELECT state FROM journal_entry"
    assert books.sql(states) == [("AWAITING_APPROVAL",)] and len(intacct.entries()) == 1
    intacct.admin("/entries/edit", record_no=intacct.entries()[0]["record_no"], state="Posted")
    looked(books, 5)
    assert books.sql(states) == [("POSTED",)]
