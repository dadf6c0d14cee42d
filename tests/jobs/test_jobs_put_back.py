"""Books that were put back from a copy, or are used in two places: nothing is posted twice, nothing is lost."""

import shutil
import time
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

DAY = "2024-02-10"
LATER = timedelta(minutes=1)
MUCH_LATER = timedelta(minutes=2)


def copied_back(books: Any, copy: Path) -> None:
    """What somebody does who does not know of `revrec db restore`."""
    for end in ("-wal", "-shm"):
        Path(f"{books.database}{end}").unlink(missing_ok=True)
    # In this process earlier connections are still open to the old file; they go on with that.
    shutil.copyfile(copy, f"{books.database}.new")
    Path(f"{books.database}.new").replace(books.database)


def folder_copied_back(books: Any, copy: Path) -> None:
    """The whole folder comes back, with the head that is kept beside the database."""
    copied_back(books, copy)
    shutil.copyfile(f"{copy}.head", f"{books.database}.head")


def copied(books: Any) -> Path:
    """A copy of the books as they are."""
    from revrec.jobs.database import backup

    copy = books.folder / f"copy-{time.monotonic_ns()}.db"
    backup(books.context("db backup"), copy)
    if Path(f"{books.database}.head").exists():
        shutil.copyfile(f"{books.database}.head", f"{copy}.head")
    return copy


def restored(books: Any, copy: Path) -> None:
    from revrec.jobs.restore import restore

    restore(books.context("db restore"), copy)


WAYS = [restored, copied_back, folder_copied_back]
PutBack = Callable[[Any, Path], None]


def states(books: Any) -> list[str]:
    return [state for (state,) in books.sql("SELECT state FROM journal_entry ORDER BY id")]


def documents(intacct: Any) -> Counter[tuple[str, str]]:
    """How often each document stands in the ledger, by date."""
    return Counter(
        (entry["date"], entry["lines"][at]["document"])
        for entry in intacct.entries()
        for at in range(0, len(entry["lines"]), 2)
    )


def once(intacct: Any) -> bool:
    """Whether nothing stands in the ledger twice."""
    return set(documents(intacct).values()) == {1}


@pytest.fixture
def goods(row: Any) -> Callable[[str], Any]:
    """Rows of goods that are all recognised on 2024-02-04."""
    return lambda name: row(name, item="GOODS-1", amount="10.00")


@pytest.mark.parametrize("forgetful", [False, True])
@pytest.mark.parametrize("put_back", WAYS)
def test_what_was_posted_after_the_copy_is_taken_up_and_a_line_that_joined_its_date_is_posted_alone(
    books: Any, intacct: Any, goods: Any, put_back: PutBack, forgetful: bool
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
