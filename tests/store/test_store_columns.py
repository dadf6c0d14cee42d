"""Rows that are written in columns have the same digests and values as rows that are written one by one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revrec.store import charges
from revrec.store.bulk import MOST_ROWS, insert_columns, insert_rows
from revrec.store.digests import row_text, texts_of_columns
from revrec.store.tables import explanation
from support.store import FilledDatabase

pytestmark = pytest.mark.both_databases

cells = st.none() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=4) | st.sampled_from(["shop", '","', "%s"])


@st.composite
def columns_of_rows(draw: st.DrawFn) -> list[list[Any]]:
    """Return columns of the same length: of texts, of numbers, mixed, or of one value."""
    count = draw(st.integers(1, 5))
    several = [st.lists(kind, min_size=count, max_size=count) for kind in (st.text(max_size=4), st.integers(), cells)]
    return draw(st.lists(st.one_of(cells.map(lambda value: [value] * count), *several), min_size=1, max_size=6))


@given(columns=columns_of_rows())
def test_the_texts_of_columns_are_the_texts_of_their_rows(columns: list[list[Any]]) -> None:
    assert texts_of_columns(columns) == [row_text(row) for row in zip(*columns, strict=True)]


@pytest.mark.parametrize("count", [1, 2, MOST_ROWS, MOST_ROWS + 1, 2 * MOST_ROWS + 3])
def test_any_number_of_rows_is_written(books: FilledDatabase, count: int) -> None:
    rows = [(no, f"because {no}") for no in range(1, count + 1)]
    with books.database.write() as connection:
        insert_rows(connection, explanation, ("id", "text"), rows)
        insert_columns(connection, explanation, ("id", "text"), (range(count + 1, 2 * count + 1), ["again"] * count))
    assert books.sql("SELECT id, text FROM explanation WHERE id <= ? ORDER BY id", count) == rows
    assert books.one("SELECT count(*) FROM explanation WHERE text = 'again'") == count


def test_a_charge_is_found_between_ids(books: FilledDatabase) -> None:
    books.charge([])
    ((id,),) = books.sql("SELECT id FROM charge_line")
    with books.database.read() as connection:
        assert charges.has_charge_between(connection, id, id)
        assert charges.has_charge_between(connection, "shop/", "shop0")
        assert not charges.has_charge_between(connection, f"{id}0", "shop/Z")
