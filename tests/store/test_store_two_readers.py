"""Two processes that see the same moment of the books add up the charge lines in two halves."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from unittest import mock

import pytest
from sqlalchemy import Select, func, select
from sqlalchemy.exc import OperationalError

from revrec.core.errors import RevrecError
from revrec.store import two_readers
from revrec.store.tables import charge_line
from revrec.store.two_readers import Half, SecondReader, added_up, halves, stream_halves
from support.store import FilledDatabase


def amounts(half: Half) -> Select[Any]:
    """Return the query of the sum of the amounts by currency."""
    return select(charge_line.c.currency, func.sum(charge_line.c.amount)).where(*half).group_by(charge_line.c.currency)


@pytest.fixture
def lines(books: FilledDatabase) -> FilledDatabase:
    for amount, currency in ((100, "USD"), (20, "EUR"), (3, "USD"), (4, "USD")):
        books.charge([(date(2024, 1, 31), amount)], currency)
    return books


@pytest.fixture
def few() -> Iterator[None]:
    """Few charge lines are read in halves too."""
    with mock.patch.object(two_readers, "FEWEST_LINES", 0):
        yield


@pytest.mark.usefixtures("few")
def test_a_second_process_computes_the_sums_of_the_other_half(lines: FilledDatabase) -> None:
    with lines.database.read_twice() as connection:
        low, high = (list(half) for half in halves(connection, amounts))
        whole = list(connection.execute(amounts([])))
        assert isinstance(high[0], list), "these rows are from the other process"
        assert len(low) + len(high) > len(whole), "a currency has lines in both halves"
        again = list(stream_halves(connection, amounts))
    assert sorted(added_up(again, keys=1)) == sorted(map(tuple, whole)) == [("EUR", 20), ("USD", 107)]


@pytest.mark.usefixtures("few")
def test_lines_with_one_key_are_in_one_half(lines: FilledDatabase) -> None:
    with lines.database.read_twice() as connection:
        rows = list(stream_halves(connection, amounts, charge_line.c.currency))
    assert sorted(map(tuple, rows)) == [("EUR", 20), ("USD", 107)]


def test_few_lines_are_read_by_one_query(lines: FilledDatabase) -> None:
    with lines.database.read_twice() as connection:
        assert len(list(halves(connection, amounts))) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_an_error_in_the_other_half_is_raised(lines: FilledDatabase) -> None:
    def query_of(half: Half) -> Select[Any]:
        is_high = half[0].operator.__name__ == "ge"
        return select(func.no_such_function() if is_high else func.count()).where(*half)

    with pytest.raises(RevrecError, match="no_such_function"), lines.database.read_twice() as connection:
        list(stream_halves(connection, query_of))


@pytest.mark.slow
def test_an_error_after_the_first_rows_of_the_other_process_is_raised(lines: FilledDatabase) -> None:
    """Its text must not become rows, and nothing follows it that could be waited for."""
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)"
    overflow = "CASE WHEN i < 2500 THEN i ELSE abs(-9223372036854775807 - 1) END"
    assert lines.database.path is not None
    with SecondReader(lines.database.path, lambda: True) as second:
        second.ask(f"{numbers} SELECT {overflow} FROM n", [])
        rows = second.rows()
        assert rows is not None and next(rows) == [1]
        with pytest.raises(OperationalError, match="second process that reads the database failed: integer overflow"):
            sum(number for (number,) in rows)


@pytest.mark.usefixtures("few")
def test_a_process_that_would_see_a_later_moment_is_not_used(lines: FilledDatabase) -> None:
    with lines.database.read_twice() as connection:
        lines.charge([(date(2024, 1, 31), 1)], "JPY")
        low, high = (list(half) for half in halves(connection, amounts))
        assert not isinstance(high[0], list)
        assert sorted(added_up([*low, *high], keys=1)) == [("EUR", 20), ("USD", 107)]


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_a_process_that_saw_the_moment_keeps_seeing_it(lines: FilledDatabase) -> None:
    with lines.database.read_twice() as connection:
        list(stream_halves(connection, amounts))
        lines.charge([(date(2024, 1, 31), 1)], "JPY")
        low, high = (list(half) for half in halves(connection, amounts))
        assert isinstance(high[0], list)
        assert sorted(added_up([*low, *high], keys=1)) == [("EUR", 20), ("USD", 107)]


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_without_a_second_process_one_reads_both_halves(lines: FilledDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(two_readers, "PROGRAM", two_readers.PROGRAM.with_name("missing.py"))
    with lines.database.read_twice() as connection:
        for _time in range(2):
            found = sorted(added_up(stream_halves(connection, amounts), keys=1))
            assert found == [("EUR", 20), ("USD", 107)]


@pytest.mark.slow
@pytest.mark.usefixtures("few")
def test_an_answer_that_is_not_read_to_its_end_is_not_mixed_with_the_next_one(lines: FilledDatabase) -> None:
    with lines.database.read_twice() as connection:
        next(iter(stream_halves(connection, amounts, charge_line.c.currency)))
        assert sorted(added_up(stream_halves(connection, amounts), keys=1)) == [("EUR", 20), ("USD", 107)]


@pytest.mark.usefixtures("few")
def test_there_is_one_reader_within_a_write(lines: FilledDatabase) -> None:
    database = lines.database
    with database.write() as writing, database.reading_within(writing), database.read_twice() as connection:
        assert connection is writing
        assert len(list(halves(connection, amounts))) == 1
