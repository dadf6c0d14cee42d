"""The dimensions of charge lines and journal lines in queries; they are stored as JSON."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, func, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from revrec.store.charges import dimensions_of
from revrec.store.tables import charge_line

BY_DIMENSION = "dimensions."


class _Dimension(FunctionElement[str]):
    """SQL for one dimension of a charge line, from the dimensions' text, the path for SQLite, and the name."""

    type = Text()
    inherit_cache = True


@compiles(_Dimension)
def _dimension(element: Any, compiler: Any, **options: Any) -> str:
    text, path, _name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"json_extract({text}, {path})"


@compiles(_Dimension, "postgresql")
def _dimension_there(element: Any, compiler: Any, **options: Any) -> str:
    text, _path, name = (compiler.process(clause, **options) for clause in element.clauses)
    return f"(CAST({text} AS json) ->> CAST({name} AS TEXT))"


def dimension_of(line: Any, by: str) -> ColumnElement[str]:
    """Return the SQL of a dimension of a charge line or journal line, by its name or as ``dimensions.NAME``."""
    name = by.removeprefix(BY_DIMENSION)
    return _Dimension(line.c.dimensions, literal(f'$."{name}"'), literal(name))


def has_dimension(connection: Connection, by: str) -> bool:
    """Check whether any charge line has a dimension."""
    query = select(charge_line.c.no).where(func.coalesce(dimension_of(charge_line, by), "") != "").limit(1)
    return connection.execute(query).first() is not None


def values_of_dimensions(connection: Connection) -> dict[str, set[str]]:
    """Return the values of each dimension that charge lines have; an empty one is no value."""
    found: dict[str, set[str]] = {}
    for text in connection.execute(select(charge_line.c.dimensions).distinct()).scalars():
        for name, value in dimensions_of(text).items():
            if value:
                found.setdefault(name, set()).add(value)
    return found
