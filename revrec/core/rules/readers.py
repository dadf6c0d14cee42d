"""Readers of the sub-tables of a rule: ``[rule.when]``, ``[rule.constraint]`` and ``[[rule.cost]]``."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from revrec.core.anchors import anchor
from revrec.core.constraint import Constraint
from revrec.core.keys import KeyPath, KeyProblem, read_table
from revrec.core.rules.costs import FINANCING, Cost
from revrec.core.rules.declaration import CONSTRAINT_KEYS, COST_KEYS, FINANCING_KEYS
from revrec.core.rules.expression import Expression
from revrec.core.rules.financing import Financing, financing
from revrec.core.rules.model import Condition
from revrec.core.rules.patterns import DIMENSIONS, Patterns
from revrec.core.rules.ranges import Comparison


def conditions_of(
    when: Mapping[str, Any], dimensions: Mapping[str, Sequence[str]], lookups: Sequence[Condition] = ()
) -> Iterator[Condition]:
    """Yield the conditions of a ``when`` table whose values were read; sub-tables are separate arguments."""
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


def read_constraint(raw: Any, path: KeyPath, complaints: list[KeyProblem]) -> Constraint | None:
    """Read the constraint of a rule; None if it has none, or if problems were added to ``complaints``."""
    if raw is None:
        return None
    before = len(complaints)
    values, _refused = read_table(raw, CONSTRAINT_KEYS, path, complaints)
    if len(complaints) == before:
        complaints += [KeyProblem((*path, *key), said) for key, said in _constraint_mistakes(values)]
    if len(complaints) > before:
        return None
    counted = anchor(values["from"]) if "from" in values else None
    figures = (values.get("percent"), values.get("amount"))
    return Constraint(values["reason"], *figures, values.get("until"), counted, values["costs"])


def _constraint_mistakes(values: Mapping[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    if ("amount" in values) == ("percent" in values):
        yield (), "a constraint has either an amount or a percent: give one of them"
    elif values["costs"] and "percent" not in values:
        yield ("costs",), "constraint.costs needs a percent: a cost knows no share of an amount"
    if "until" in values and values["until"].number <= 0:
        yield ("until",), f'constraint.until = "{values["until"].text}": it must be later than what it is counted from'
    if "from" in values and "until" not in values:
        yield ("from",), "constraint.from is what until is counted from: give until as well"


def read_costs(raw: Any, periods: int | None, path: KeyPath, complaints: list[KeyProblem]) -> tuple[Cost, ...]:
    """Read the costs of a rule; costs with problems are left out and their problems added to ``complaints``."""
    if not isinstance(raw, list):
        complaints.append(KeyProblem(path, "write each cost as a block that begins with [[rule.cost]]"))
        return ()
    found = []
    for index, one in enumerate(raw):
        before = len(complaints)
        values, _refused = read_table(one, COST_KEYS, (*path, index), complaints)
        if len(complaints) == before:
            complaints += [KeyProblem((*path, index), said) for said in _cost_mistakes(values, periods)]
        if len(complaints) == before:
            given = (values["name"], values.get("amount"), values.get("percent"), values["per"])
            accounts = values["deferred"], values["expense"], values["category"], values.get("impairment", "")
            found.append(Cost(*given, periods or 1, *accounts))
    return tuple(found)


def read_financing(raw: Any, deferred: str, path: KeyPath, complaints: list[KeyProblem]) -> Financing | None:
    """Read the financing of a rule; None if it has none, or if problems were added to ``complaints``.

    ``deferred`` is the deferred account of the rule; empty if a table has it.
    """
    if raw is None:
        return None
    before = len(complaints)
    values, _refused = read_table(raw, FINANCING_KEYS, path, complaints)
    if len(complaints) == before:
        complaints += [KeyProblem((*path, *key), said) for key, said in _financing_mistakes(values, deferred)]
    return financing(values, deferred) if len(complaints) == before else None


def _financing_mistakes(values: Mapping[str, Any], deferred: str) -> Iterator[tuple[KeyPath, str]]:
    if ("rate" in values) == ("cash_price" in values):
        yield (), "financing has either a rate or a cash_price: give one of them"
    if "term" in values and values["term"].number <= 0:
        yield ("term",), f'financing.term = "{values["term"].text}": it must lead forward in time, such as "2 years"'
    if values["settled"] == "equally" and values["offset"].number:
        yield ("offset",), "financing.offset cannot be combined with equal payments: count the term from its start"
    if not values.get("account") and not deferred:
        yield (), "financing needs an account: the deferred account of the rule comes from a table"


def _cost_mistakes(values: Mapping[str, Any], periods: int | None) -> list[str]:
    found = []
    if ("amount" in values) == ("percent" in values):
        found.append("a cost has either an amount or a percent: give one of them")
    if values["name"].startswith(FINANCING):
        found.append(f'a name that begins with "{FINANCING}" is for [rule.financing]: choose another one')
    if values["per"] == "part" and periods is None:
        found.append('per = "part" needs periods in [rule.recognize]: give the cost per "line" or per "unit"')
    if values.get("impairment") in (values["expense"], values["deferred"]):
        found.append("impairment needs a separate account: losses are disclosed apart from the expense (340-40-50-3)")
    return found
