"""The rows of reports that are longer than memory."""

from collections.abc import Iterator
from datetime import date
from itertools import islice
from operator import itemgetter
from typing import Any

import pytest

from revrec.jobs.reports import long_rows


def test_long_lists_are_on_disk_and_are_read_like_short_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_rows, "AT_ONCE", 2)
    monkeypatch.setattr(long_rows, "IN_MEMORY", 5)
    rows: list[dict[str, Any]] = [{"no": no, "name": "Zoë\n", "amount": None} for no in range(6)]
    short, long = long_rows.kept_rows(iter(rows[:5])), long_rows.kept_rows(iter(rows))
    assert isinstance(short, list) and isinstance(long, long_rows.RowsOnDisk)
    assert (list(short), list(long), len(long)) == (rows[:5], rows, 6)
    # A second reader does not move the first one.
    first = iter(long)
    assert [*islice(first, 3), *islice(long, 1), *first] == [*rows[:3], rows[0], *rows[3:]]
    assert (long[-1], long[1:3]) == (rows[-1], rows[1:3])
    assert (long[:], long[::2], long[::-1]) == (rows, rows[::2], rows[::-1])
    with pytest.raises(IndexError):
        long[6]


def test_a_table_of_a_long_list_reads_its_file_once() -> None:
    read: list[Any] = []

    class Observed(long_rows.RowsOnDisk[Any]):
        def __iter__(self) -> Iterator[Any]:
            for row in super().__iter__():
                read.append(row)
                yield row

    rows = Observed([{"no": no} for no in range(20)])
    assert len(rows[:]) == len(read) == 20


def test_many_rows_are_sorted_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(long_rows, "SORTED_AT_ONCE", 3)
    monkeypatch.setattr(long_rows, "IN_MEMORY", 2)
    rows = [(no * 7 % 5, no) for no in range(11)]
    # Rows with the same key stay in their order.
    assert list(long_rows.sorted_rows(iter(rows), key=itemgetter(0))) == sorted(rows, key=itemgetter(0))
    assert list(long_rows.sorted_rows([], key=itemgetter(0))) == []
    kept = long_rows.kept_rows(iter(rows))
    assert long_rows.kept_rows(kept) is kept


def test_values_are_read_back_as_they_were() -> None:
    rows = [{"day": date(2024, 3, 31), "no": None}]
    assert list(long_rows.RowsOnDisk(rows)) == rows and not long_rows.RowsOnDisk([])
