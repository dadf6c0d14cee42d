"""The filters of ``get_list``: expressions on the elements of a record, combined by and and or."""

import operator
from collections.abc import Callable
from fnmatch import fnmatchcase
from glob import escape

from revrec.sandbox.content_model import check_content, content_model
from revrec.sandbox.errors import schema_violation
from revrec.sandbox.xmltree import Element, Node

_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "like": lambda text, pattern: fnmatchcase(text, escape(pattern).replace("%", "*").replace("_", "?")),
    "is null": lambda text, _: not text,
}


def check_filter(node: Node) -> None:
    """Check the shape of a ``filter`` and of the conditions in it.

    Raises:
        SchemaViolation: an element, an operator or an attribute is missing or unknown.
    """
    check_content(node, content_model("(expression | logical)"))
    _check_condition(node.children[0])


def matches(node: Node, record: Element) -> bool:
    """Return true if a record meets a ``filter`` whose shape was checked."""
    return _matches(node.children[0], record)


def _check_condition(node: Node) -> None:
    if node.tag == "logical":
        check_content(node, content_model("(expression | logical) (expression | logical)+"))
        if node.attributes.get("logical_operator") not in ("and", "or"):
            raise schema_violation("Element 'logical': The attribute 'logical_operator' is 'and' or 'or'.", node.line)
        for child in node:
            _check_condition(child)
        return
    check_content(node, content_model("field operator value?"))
    if (node.value("operator") or "").lower() not in _COMPARISONS:
        raise schema_violation(f"Element 'operator': '{node.value('operator')}' is not valid.", node.line)


def _matches(condition: Node, record: Element) -> bool:
    if condition.tag == "logical":
        combine = any if condition.attributes["logical_operator"] == "or" else all
        return combine(_matches(part, record) for part in condition)
    compare = _COMPARISONS[(condition.value("operator") or "").lower()]
    return compare(record.findtext(condition.value("field") or "") or "", condition.value("value") or "")
