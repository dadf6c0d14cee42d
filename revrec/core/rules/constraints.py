"""Reading ``[rule.constraint]``."""

from collections.abc import Iterator, Mapping
from typing import Any

from revrec.core.anchors import anchor
from revrec.core.constraint import Constraint
from revrec.core.rules.declaration import CONSTRAINT_KEYS
from revrec.core.rules.tables import Complaint, read_table
from revrec.core.rules.toml_text import Path


def read_constraint(raw: Any, path: Path, complaints: list[Complaint]) -> Constraint | None:
    """The constraint of a rule; None if it has none, or after complaints."""
    if raw is None:
        return None
    before = len(complaints)
    values, _refused = read_table(raw, CONSTRAINT_KEYS, path, complaints)
    if len(complaints) == before:
        complaints += [Complaint((*path, *key), said) for key, said in _mistakes(values)]
    if len(complaints) > before:
        return None
    counted = anchor(values["from"]) if "from" in values else None
    figures = (values.get("percent"), values.get("amount"))
    return Constraint(values["reason"], *figures, values.get("until"), counted, values["costs"])


def _mistakes(values: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    if ("amount" in values) == ("percent" in values):
        yield (), "a constraint has either an amount or a percent: give one of them"
    elif values["costs"] and "percent" not in values:
        yield ("costs",), "constraint.costs needs a percent: a cost knows no share of an amount"
    if "until" in values and values["until"].number <= 0:
        yield ("until",), f'constraint.until = "{values["until"].text}": it must be later than what it is counted from'
    if "from" in values and "until" not in values:
        yield ("from",), "constraint.from is what until is counted from: give until as well"
