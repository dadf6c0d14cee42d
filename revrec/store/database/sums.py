"""Sums of amounts that may be more than a 64-bit column, or SQLite's ``sum``, can hold.

An overflow would stop a report, or on another database give a wrong figure. So the billions and the rest are summed
apart, and put together here, where a number has no limit. Free of SQLAlchemy, for the quick view of ``revrec status``.
"""

from typing import Any

BILLION = 1_000_000_000


def split_sum(amount: str) -> str:
    """Return the SQL of two columns, from an expression: the sum of its billions, and of the rest."""
    return f"sum({amount} / {BILLION}), sum({amount} % {BILLION})"


def split_sum_columns(amount: Any) -> tuple[Any, Any]:
    """Return the two columns of :func:`split_sum` for a query of SQLAlchemy's."""
    from sqlalchemy import func

    return func.sum(amount // BILLION), func.sum(amount % BILLION)


def joined_sum(billions: Any, rest: Any) -> int:
    """Return the sum, in minor units, from the two columns of :func:`split_sum`."""
    return int(billions) * BILLION + int(rest)
