"""Read the schedule lines that are due, with the memos of their rules filled in."""

from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

from revrec.core.journal import DueLine
from revrec.core.rules import render_memo
from revrec.store.posting.due import due_lines

if TYPE_CHECKING:
    from revrec.store.connection import Connection


def due_with_memos(connection: "Connection", until: date, waiting: bool | None = False) -> Iterator[DueLine]:
    """Yield open schedule lines dated on or before ``until``, in posting order; see ``store.posting.due.due_lines``."""
    for line, description in due_lines(connection, until, waiting):
        words = {
            "item": line.item,
            "seq": str(line.seq),
            "of": str(line.of),
            "document": line.document,
            "customer": line.customer,
            "charge": line.charge,
            "description": description,
        }
        yield line._replace(memo=render_memo(line.memo, words))
