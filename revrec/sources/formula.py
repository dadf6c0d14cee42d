"""Formulas of a mapping: values computed from the columns and fields of a row, such as ``quantity * price - discount``.

They are the expressions of rule conditions with a few more operators: ``/``, ``a if b else c``, ``a or b`` for the
first value that is not empty, and ``+`` to join texts. A name is a field of the mapping, or else a column; ``order.id``
and ``column['Unit price']`` are always columns. Numbers are exact decimals.
"""

import ast
import operator
from collections.abc import Callable, Mapping
from decimal import Context, Decimal, DivisionByZero, InvalidOperation, localcontext
from typing import Any, NamedTuple

from revrec.core.keys import RejectedValue
from revrec.core.safe_expression import parsed, type_of
from revrec.sources.amounts import ParsedNumber, number_text
from revrec.sources.problems import InvalidValue

VALUE, TEXT, NUMBER, YES_OR_NO = "value", "text", "number", "yes or no"
LONGEST = 1_000
"""Characters of a formula: the paths of an electronic invoice are long."""

_EXACT = Context(prec=400)
_QUOTIENT = Context(prec=34)
_COLUMN = "column"
_SUM = "sum"


class Formula:
    """A checked formula. ``text`` is its text in the mapping; ``names`` are the fields and columns that it reads.

    A name in brackets, ``[Unit price]``, is always a column. Not thread-safe: the evaluator is reused from row to row.

    Raises:
        RejectedValue: it cannot be computed, or its result is not of ``kind``; it has the column of the mistake.
    """

    def __init__(self, text: str, kind: str = VALUE) -> None:
        self.text = text
        tree = parsed(text, LONGEST)
        found = type_of(text, tree, _FormulaGrammar())
        if (found == YES_OR_NO) is not (kind == YES_OR_NO) or found.startswith("list"):
            wanted = "true or false" if kind == YES_OR_NO else "a number or a text"
            raise RejectedValue(f"it must come out as {wanted}", 0)
        self._tree = _Names().visit(tree)
        self._evaluator: Any = None
        self.names = tuple(dict.fromkeys(one.id for one in ast.walk(self._tree) if isinstance(one, ast.Name)))

    def value(self, texts: Mapping[str, str], read: Callable[[str], ParsedNumber]) -> "FormulaValue":
        """Return the result for a row. ``texts`` has the texts of :attr:`names`, ``read`` parses their numbers.

        Raises:
            InvalidValue: a value is empty or is not a number, or the formula divides by zero.
        """
        row = _Row(read, set())
        evaluator = self._evaluator = self._evaluator or _evaluator()
        evaluator.names = {name: _Cell(name, text, row) for name, text in texts.items()}
        try:
            with localcontext(_EXACT):
                found = evaluator.eval(self.text, previously_parsed=self._tree)
        except (DivisionByZero, InvalidOperation, ZeroDivisionError):
            raise InvalidValue(f"cannot be computed by {self.text}: it divides by zero", "correct the row") from None
        if len(row.beside) > 1:
            raise InvalidValue(f"is computed from {' and '.join(sorted(row.beside))}", "compute in one currency")
        return FormulaValue(found.text if isinstance(found, _Cell) else found, "".join(row.beside))

    def holds(self, texts: Mapping[str, str], read: Callable[[str], ParsedNumber]) -> bool:
        """Return True if the formula is true for a row; computing with an empty or wrong value makes it false."""
        try:
            return bool(self.value(texts, read).result)
        except InvalidValue:
            return False


def column_named(name: str) -> str:
    """Return the column that a name of a formula means if it is not a field: ``[Unit price]`` without its brackets."""
    return name[1:-1] if name.startswith("[") else name


class UnreadableText(str):
    """The text of a value that a formula could not compute: reading it is refused with this ``reason`` and ``fix``."""

    reason = ""
    fix = ""

    @classmethod
    def of(cls, formula: Formula, refused: InvalidValue) -> "UnreadableText":
        """Return the text for a formula that refused a row."""
        text = cls(formula.text)
        text.reason, text.fix = refused.reason, refused.fix
        return text


class FormulaValue(NamedTuple):
    """The result of a formula: a number or a text, and the currency sign or code that was beside its numbers."""

    result: Any
    beside: str

    def written(self, point: str) -> str:
        """Return the result as text, with this decimal sign and without needless zeros."""
        if not isinstance(self.result, int | Decimal):
            return str(self.result)
        return f"{number_text(Decimal(self.result), point)} {self.beside}".strip()


class _Row(NamedTuple):
    """One row being computed: how its numbers are read, and the currencies beside them."""

    read: Callable[[str], ParsedNumber]
    beside: set[str]


class _Cell:
    """The value of a field or column: a text, which becomes a number where the formula needs one."""

    def __init__(self, name: str, text: str, row: _Row) -> None:
        self.name = column_named(name)
        self.text = text.strip()
        self._row = row

    def __bool__(self) -> bool:
        return bool(self.text)

    def number(self) -> Decimal:
        """Return the number. Raises InvalidValue if the value is empty or is not a number."""
        if not self.text:
            fix = f"write its value, or use ({self.name} or 0) in the formula if empty means zero"
            raise InvalidValue(f"cannot be computed: {self.name} is empty", fix)
        try:
            found = self._row.read(self.text)
        except InvalidValue as refused:
            raise InvalidValue(f"cannot be computed: {self.name} {refused.reason}", refused.fix) from None
        if found.beside:
            self._row.beside.add(found.beside)
        return found.decimal


def _number(value: Any) -> Any:
    return value.number() if isinstance(value, _Cell) else value


def _text(value: Any) -> Any:
    return value.text if isinstance(value, _Cell) else value


def _add(one: Any, other: Any) -> Any:
    if isinstance(one, str) or isinstance(other, str):
        return _text(one) + _text(other)
    return _number(one) + _number(other)


def _divide(one: Any, other: Any) -> Decimal:
    return _QUOTIENT.divide(Decimal(_number(one)), Decimal(_number(other)))


def _same(one: Any, other: Any) -> bool:
    numbers = [value for value in (one, other) if isinstance(value, int | Decimal)]
    if len(numbers) == 1:
        cell = other if numbers[0] is one else one
        return bool(cell) and cell.number() == numbers[0]
    return bool(_text(one) == _text(other))


def _is_in(one: Any, many: Any) -> bool:
    if isinstance(many, list | tuple):
        return any(_same(one, value) for value in many)
    return _text(one) in _text(many)


def _on_numbers(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda one, other: function(_number(one), _number(other))


_OPERATORS: dict[type[ast.AST], Callable[..., Any]] = {
    ast.Add: _add, ast.Sub: _on_numbers(operator.sub), ast.Mult: _on_numbers(operator.mul), ast.Div: _divide,
    ast.USub: lambda value: -_number(value), ast.Not: operator.not_, ast.Eq: _same,
    ast.NotEq: lambda one, other: not _same(one, other), ast.Lt: _on_numbers(operator.lt),
    ast.LtE: _on_numbers(operator.le), ast.Gt: _on_numbers(operator.gt), ast.GtE: _on_numbers(operator.ge),
    ast.In: _is_in, ast.NotIn: lambda one, many: not _is_in(one, many),
}  # fmt: skip


def _evaluator() -> Any:
    # Imported here: most mappings have no formula.
    from simpleeval import EvalWithCompoundTypes  # type: ignore[import-untyped]

    evaluator = EvalWithCompoundTypes(operators=_OPERATORS)
    evaluator.functions = {}
    return evaluator


class _FormulaGrammar:
    """The names and operators of formulas. A column is a ``value``: a text or a number, as the formula needs it."""

    def leaf(self, node: ast.expr) -> str | None:
        """Return ``value`` for a field or column."""
        return VALUE if _name_of(node) is not None else None

    def combined(self, node: ast.expr, parts: list[str]) -> str | None:
        """Return the type that results when a node combines values of these types, or None if it must not."""
        kinds = set(parts)
        if isinstance(node, ast.BoolOp) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
            if isinstance(node.op, ast.Or) and set(parts[:-1]) == {VALUE}:
                return _either(parts)
            return YES_OR_NO if kinds == {YES_OR_NO} else None
        if isinstance(node, ast.UnaryOp | ast.BinOp):
            return _computed(node.op, kinds)
        if isinstance(node, ast.IfExp):
            return _either(parts[1:]) if parts[0] == YES_OR_NO else None
        return self._compared(node, parts, kinds)

    def _compared(self, node: ast.expr, parts: list[str], kinds: set[str]) -> str | None:
        if isinstance(node, ast.List | ast.Tuple):
            return f"list of {parts[0]}" if len(kinds) == 1 and kinds <= {TEXT, NUMBER} else None
        if isinstance(node, ast.Compare):
            pairs = zip(node.ops, parts, parts[1:], strict=False)
            return YES_OR_NO if all(_comparable(*pair) for pair in pairs) else None
        return None


def _computed(sign: ast.operator | ast.unaryop, kinds: set[str]) -> str | None:
    if type(sign) not in _OPERATORS:
        return None
    if kinds <= {VALUE, NUMBER}:
        return NUMBER
    return TEXT if isinstance(sign, ast.Add) and kinds <= {VALUE, TEXT} else None


def _either(parts: list[str]) -> str | None:
    kinds = set(parts)
    if len(kinds) == 1:
        return parts[0]
    return VALUE if kinds <= {VALUE, TEXT, NUMBER} else None


def _comparable(sign: ast.cmpop, left: str, right: str) -> bool:
    if type(sign) not in _OPERATORS:
        return False
    if isinstance(sign, ast.In | ast.NotIn):
        if right.startswith("list"):
            return left in (VALUE, right.removeprefix("list of "))
        return {left, right} <= {VALUE, TEXT}
    if isinstance(sign, ast.Eq | ast.NotEq):
        return {left, right} <= {VALUE, TEXT} or {left, right} <= {VALUE, NUMBER}
    return {left, right} <= {VALUE, NUMBER}


def _name_of(node: ast.AST) -> str | None:
    """Return the field or column that a node names: ``total``, ``order.total``, ``column['Total']``, ``sum(x.y)``."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        above = _name_of(node.value)
        return None if above is None or isinstance(node.value, ast.Subscript | ast.Call) else f"{above}.{node.attr}"
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == _COLUMN:
        key = node.slice
        return f"[{key.value}]" if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
    is_sum = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == _SUM
    if is_sum and isinstance(node, ast.Call) and len(node.args) == 1 and not node.keywords:
        inner = _name_of(node.args[0])
        return None if inner is None else f"{_SUM}({column_named(inner)})"
    return None


class _Names(ast.NodeTransformer):
    """Replaces each node that names a field or column by one name, which is then looked up among the row's values."""

    def visit(self, node: ast.AST) -> Any:
        name = _name_of(node)
        return self.generic_visit(node) if name is None else ast.copy_location(ast.Name(name, ast.Load()), node)
