"""Safe expressions: parse and check them before anything runs. What they may name and combine is a :class:`Grammar`."""

import ast
import re
import warnings
from collections.abc import Callable
from decimal import Decimal
from typing import Protocol

from revrec.core.keys import RejectedValue

LONGEST = 500
DEEPEST = 30


class Grammar(Protocol):
    """The names and operators that an expression may use."""

    def leaf(self, node: ast.expr) -> str | None:
        """Return the type of a name; None if the node is not one. Raises RejectedValue for an unknown name."""

    def combined(self, node: ast.expr, parts: list[str]) -> str | None:
        """Return the type that results when a node combines values of these types, or None if it must not."""


def parsed(text: str, longest: int = LONGEST) -> ast.expr:
    """Return the syntax tree of an expression.

    Raises:
        RejectedValue: it is too long or is not an expression; it has the column of the mistake.
    """
    if len(text) > longest:
        raise RejectedValue(f"it may have at most {longest:,} characters")
    try:
        with warnings.catch_warnings(action="ignore"):
            return ast.parse(text.replace("\n", " "), mode="eval").body
    except SyntaxError as error:
        raise RejectedValue("it cannot be understood from here on", max((error.offset or 1) - 1, 0)) from None
    except (ValueError, MemoryError, RecursionError):
        raise RejectedValue("it cannot be understood") from None


def type_of(text: str, node: ast.expr, grammar: Grammar, depth: int = 0) -> str:
    """Return the type of an expression, such as ``number`` or ``list of text``.

    Raises:
        RejectedValue: a name or an operator is not possible; it has the column of the mistake.
    """

    def refused(why: str) -> RejectedValue:
        return RejectedValue(why, len(text.encode()[: node.col_offset].decode(errors="ignore")))

    if depth > DEEPEST:
        raise refused("it is nested too deeply")
    if isinstance(node, ast.Constant):
        return _constant(text, node, refused)
    try:
        leaf = grammar.leaf(node)
    except RejectedValue as error:
        raise refused(str(error)) from None
    if leaf is not None:
        return leaf
    children = (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr))
    parts = [type_of(text, child, grammar, depth + 1) for child in children]
    found = grammar.combined(node, parts)
    if found is None:
        raise refused(f"{_name(node)} is not possible with {' and '.join(parts) or 'nothing'}")
    return found


def _constant(text: str, node: ast.Constant, refused: Callable[[str], RejectedValue]) -> str:
    value = node.value
    if isinstance(value, float):
        # Read from its text: amounts are decimal, and 0.1 as binary floating point is not 0.1.
        written = ast.get_source_segment(text.replace("\n", " "), node) or ""
        if not re.fullmatch(r"\d{1,20}\.\d{0,10}", written):
            raise refused("write the number out, with at most 20 digits before the point and 10 after it")
        node.value = Decimal(written)  # type: ignore[assignment]
    types = {str: "text", bool: "yes or no", int: "number", float: "number", type(None): "nothing"}
    if type(value) not in types:
        raise refused("only texts, numbers, True, False and None can be written here")
    return types[type(value)]


def _name(node: ast.expr) -> str:
    names = {ast.Call: "calling a function", ast.Attribute: "a dot", ast.BinOp: "this arithmetic"}
    names |= {ast.Compare: "this comparison", ast.BoolOp: "and / or", ast.UnaryOp: "not / minus"}
    return names.get(type(node), f"a {type(node).__name__}")
