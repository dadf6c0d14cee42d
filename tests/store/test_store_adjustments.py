"""What the database itself refuses of adjusting entries."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from revrec.core.errors import RevrecError
from support.store import FilledDatabase

pytestmark = pytest.mark.both_databases

FEB = date(2024, 2, 1)


@pytest.mark.parametrize(
    ("amounts", "fields"), [((500, -499), {}), ((), {"reason": ""}), ((), {"date": FEB})], ids=["sum", "reason", "date"]
)
def test_it_balances_and_has_a_reason_and_the_date_of_its_day(
    books: FilledDatabase, amounts: tuple[int, ...], fields: dict[str, Any]
) -> None:
    with pytest.raises(RevrecError, match="adjusting entry"):
        books.adjust(*amounts, **fields)
    books.adjust()


def test_its_content_never_changes(books: FilledDatabase, refused: Callable[..., None]) -> None:
    number = books.adjust()
    for column in ("amount", "reason", "day", "sequence", "reverses_id"):
        refused("never changes", f"UPDATE adjusting_entry SET {column} = 7 WHERE id = {number}")
    refused("no line can be added", "INSERT INTO adjusting_line VALUES (?, 3, '1200', 5, '', '', '', '{}')", number)


def test_a_reversal_mirrors_its_entry_once_and_is_sent_after_it(
    books: FilledDatabase, refused: Callable[..., None]
) -> None:
    number = books.adjust()
    with pytest.raises(RevrecError, match="a reversal has the lines of its adjusting entry"):
        books.adjust(-400, 400, reverses=number, date=FEB)
    reversal = books.adjust(-500, 500, reverses=number, date=FEB)
    with pytest.raises(RevrecError, match="and is its only one"):
        books.adjust(-500, 500, reverses=number, date=FEB)
    refused(
        "only once its adjusting entry is posted",
        "UPDATE adjusting_entry SET state = 'SENDING', owner = 'a', lease_until = 'b' WHERE id = ?",
        reversal,
    )


def test_posted_needs_proof(books: FilledDatabase, refused: Callable[..., None]) -> None:
    number = books.adjust()
    books.sql("UPDATE adjusting_entry SET state = 'SENDING', owner = 'a', lease_until = 'b' WHERE id = ?", number)
    refused("the answer that shows it", "UPDATE adjusting_entry SET state = 'POSTED', record_no = '7' WHERE id = 1")
    refused("cannot change that way", "UPDATE adjusting_entry SET state = 'CANCELED' WHERE id = 1")
