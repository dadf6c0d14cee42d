"""Pass any number of row numbers or ids to a query as one parameter, instead of as one parameter each."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Text, bindparam, cast, func, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class _EachOf(FunctionElement[str]):
    """SQL for the elements of a JSON list as the rows of a table with the column ``value``."""

    type = Text()
    inherit_cache = True


@compiles(_EachOf)
def _each(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


@compiles(_EachOf, "postgresql")
def _each_there(element: Any, compiler: Any, **options: Any) -> str:
    return f"json_array_elements_text(CAST({compiler.process(element.clauses, **options)} AS json))"


def numbers_in(numbers: Sequence[int]) -> Select[tuple[int]]:
    """Return the query of these numbers, for ``column.in_(...)``."""
    return _each_number(literal(json_of(tuple(numbers))))


def pairs_in(pairs: Sequence[tuple[int, str]]) -> Any:
    """Return the query of these pairs on SQLite: plans, as ``plan_id``, with ISO days, as ``open_from``."""
    value = _EachOf(literal(json.dumps(pairs))).table_valued("value").c.value
    # With their types: SQLite joins them by an index only then.
    number, text = (func.json_extract(value, f"$[{at}]") for at in range(2))
    return select(cast(number, BigInteger).label("plan_id"), cast(text, Text).label("open_from"))


def _each_number(numbers: ColumnElement[str]) -> Select[tuple[int]]:
    values = _EachOf(numbers).table_valued("value")
    return select(cast(values.c.value, BigInteger))


NUMBERS = _each_number(bindparam("numbers", type_=Text()))
"""The query of the numbers in the parameter ``numbers``, which :func:`json_of` makes, for statements that are built
once: see :func:`revrec.store.bulk.rows_of`."""


IDS = select(_EachOf(bindparam("ids", type_=Text())).table_valued("value").c.value)
"""The query of the ids in the parameter ``ids``, in the same way."""


@lru_cache(maxsize=4)
def json_of(numbers: tuple[int | str, ...]) -> str:
    """Return the JSON list of numbers or ids. A block of charge lines asks for the same ones in a dozen queries."""
    return json.dumps(numbers)


def limited_to(query: Select[Any], column: ColumnElement[int], numbers: Sequence[int] | None) -> Select[Any]:
    """Return the query of the rows that have one of these numbers; the query itself if all may have (None)."""
    return query if numbers is None else query.where(column.in_(numbers_in(numbers)))
