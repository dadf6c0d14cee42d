"""The values of a ``when`` table as conditions on charge lines."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from revrec.core.rules.expression import Expression
from revrec.core.rules.model import Condition
from revrec.core.rules.patterns import DIMENSIONS, Patterns
from revrec.core.rules.ranges import Comparison


def conditions_of(
    when: Mapping[str, Any], dimensions: Mapping[str, Sequence[str]], lookups: Sequence[Condition] = ()
) -> Iterator[Condition]:
    """The conditions of a table whose values were read; those of its sub-tables are given apart."""
    for field, value in when.items():
        if field == "lookup":
            yield from lookups
        elif field == "dimensions":
            yield from (Patterns(DIMENSIONS + name, patterns) for name, patterns in dimensions.items())
        elif isinstance(value, Expression):
            yield value
        elif field in ("amount", "quantity", "post_date"):
            yield Comparison(field, *value)
        else:
            yield Patterns(field, value)
