"""Pass any number of row numbers to a query as one parameter, instead of as one parameter each."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, Text, cast, literal, select
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
    values = _EachOf(literal(_json_of(tuple(numbers)))).table_valued("value")
    return select(cast(values.c.value, BigInteger))


@lru_cache(maxsize=4)
def _json_of(numbers: tuple[int, ...]) -> str:
    """Return the JSON list of numbers. A block of charge lines asks for the same ones in a dozen queries."""
    return json.dumps(numbers)


def limited_to(query: Select[Any], column: ColumnElement[int], numbers: Sequence[int] | None) -> Select[Any]:
    """Return the query of the rows that have one of these numbers; the query itself if all may have (None)."""
    return query if numbers is None else query.where(column.in_(numbers_in(numbers)))
