"""The ``condition`` of a rule: a safe expression over the fields of a charge line, checked before it runs."""

import ast
import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from revrec.core.charge_line import ChargeLine
from revrec.core.keys import RejectedValue, did_you_mean
from revrec.core.money import minor_digits
from revrec.core.safe_expression import Grammar, parsed, type_of

_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Eq: operator.eq, ast.NotEq: operator.ne, ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt,
    ast.GtE: operator.ge, ast.In: lambda one, many: one in many, ast.NotIn: lambda one, many: one not in many,
    ast.Is: operator.is_, ast.IsNot: operator.is_not, ast.Add: operator.add, ast.Sub: operator.sub,
    ast.Mult: operator.mul, ast.USub: operator.neg, ast.Not: operator.not_,
}  # fmt: skip


class _Dimensions(dict[str, str]):
    def __missing__(self, name: str) -> str:
        return ""


def _iso(field: str) -> Callable[[ChargeLine], str | None]:
    def value(line: ChargeLine) -> str | None:
        day = getattr(line, field)
        return day.isoformat() if day else None

    return value


_TEXTS = ("source", "document", "line", "customer", "item", "description", "currency", "entity")
_DATES = ("post_date", "rev_rec_date", "service_start", "service_end")

NAMES: Mapping[str, tuple[str, Callable[[ChargeLine], Any]]] = {
    **{name: ("text", operator.attrgetter(name)) for name in _TEXTS},
    **{name: ("text", _iso(name)) for name in _DATES},
    "amount": ("number", lambda line: Decimal(line.amount).scaleb(-minor_digits(line.currency))),
    "quantity": ("number", operator.attrgetter("quantity")),
    "dimensions": ("dimensions", lambda line: _Dimensions(line.dimensions)),
}
"""The names an expression may use, with their types: dates are texts such as '2024-03-28', None where empty;
amounts are in currency units; ``dimensions['location']`` is a text, empty where the line has none."""


class Expression:
    """A checked expression; ``text`` is its text in the rule file.

    Raises RejectedValue with the column of a mistake. Not thread-safe: the evaluator is reused from line to line.
    """

    __slots__ = ("_evaluator", "_tree", "_used", "text")
    field = "condition"

    def __init__(self, text: str) -> None:
        self.text = text
        self._tree = parsed(text)
        if type_of(text, self._tree, _Conditions()) != "yes or no":
            raise RejectedValue("it must come out as true or false, such as: quantity > 1", 0)
        self._used = sorted({node.id for node in ast.walk(self._tree) if isinstance(node, ast.Name)})
        self._evaluator: Any = None

    def holds(self, line: ChargeLine) -> bool:
        """Check whether the expression is true for the line; computing with an empty field makes it false."""
        if self._evaluator is None:
            # Imported here: most rule files have no condition.
            from simpleeval import EvalWithCompoundTypes  # type: ignore[import-untyped]

            self._evaluator = EvalWithCompoundTypes(operators=_OPERATORS)
            self._evaluator.functions = {}
        self._evaluator.names = {name: NAMES[name][1](line) for name in self._used}
        try:
            return bool(self._evaluator.eval(self.text, previously_parsed=self._tree))
        except TypeError:
            return False

    def failure(self, line: ChargeLine) -> str:
        """Return why it is not true, with the values that it used."""
        seen = ", ".join(f"{name} is {_shown(NAMES[name][1](line))}" for name in self._used)
        return f"condition {self.text} does not hold: {seen}"


def _shown(value: Any) -> str:
    return "empty" if value is None else str(value) if isinstance(value, Decimal) else repr(value)


class _Conditions(Grammar):
    """The names and operators of conditions."""

    def leaf(self, node: ast.expr) -> str | None:
        """Return the type of a field of the charge line, or of a dimension."""
        if isinstance(node, ast.Name):
            if node.id not in NAMES:
                known = tuple(NAMES)
                raise RejectedValue(
                    f"there is no {node.id}{did_you_mean(node.id, known)}; known are {', '.join(known)}"
                )
            return NAMES[node.id][0]
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "dimensions":
            if not isinstance(node.slice, ast.Constant) or not isinstance(node.slice.value, str):
                raise RejectedValue("write a dimension as dimensions['location']")
            return "text"
        return None

    def combined(self, node: ast.expr, parts: list[str]) -> str | None:
        """Return the type that results when a node combines values of these types, or None if it must not."""
        same = parts[0] if len(set(parts)) == 1 else None
        if isinstance(node, ast.BoolOp) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
            return same if same == "yes or no" else None
        if isinstance(node, ast.UnaryOp | ast.BinOp):
            return same if same == "number" and type(node.op) in _OPERATORS else None
        if isinstance(node, ast.List | ast.Tuple):
            return f"list of {same}" if same in ("text", "number") else None
        if isinstance(node, ast.Compare):
            pairs = zip(node.ops, parts, parts[1:], strict=False)
            return "yes or no" if all(_comparable(*pair) for pair in pairs) else None
        return None


def _comparable(sign: ast.cmpop, left: str, right: str) -> bool:
    if isinstance(sign, ast.Is | ast.IsNot):
        return right == "nothing"
    if isinstance(sign, ast.In | ast.NotIn):
        return right == f"list of {left}" or left == right == "text"
    if isinstance(sign, ast.Eq | ast.NotEq) and "nothing" in (left, right):
        return True
    return left == right and left in ("text", "number")
