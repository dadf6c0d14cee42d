"""get_list: the records of a legacy object, filtered, sorted and cut to a page."""

import operator
import re
from collections.abc import Callable

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.content_model import check_content, content_model
from revrec.sandbox.errors import schema_violation
from revrec.sandbox.reading.legacy_objects import legacy_records, with_fields
from revrec.sandbox.xmltree import Element, Node, text_element


def _like(text: str, pattern: str) -> bool:
    parts = (".*" if part == "%" else "." if part == "_" else re.escape(part) for part in pattern)
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


_LARGEST_PAGE = 1000
_COMPARISONS: dict[str, Callable[[str, str], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "like": _like,
    "is null": lambda text, _: not text,
}


def _check(body: Node) -> None:
    if not body.attributes.get("object"):
        raise schema_violation("Element 'get_list': The attribute 'object' is required but missing.", body.line)
    for name, lowest in (("maxitems", 1), ("start", 0)):
        text = body.attributes.get(name, "1")
        if not (text.isdecimal() and len(text) < 10 and int(text) >= lowest):
            raise schema_violation(f"Element 'get_list', attribute '{name}': '{text}' is not valid.", body.line)
    check_content(body, content_model("filter? sorts? fields?"))
    filter_node = body.child("filter")
    if filter_node is not None:
        check_content(filter_node, content_model("(expression | logical)"))
        _check_condition(filter_node.children[0])
    for name, child in (("sorts", "sortfield"), ("fields", "field")):
        node = body.child(name)
        if node is not None:
            check_content(node, content_model(f"{child}*"))


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


def _run(call: Call) -> FunctionOutput:
    call.company.usage.count(reads=1)
    body, name = call.body, call.body.attributes["object"]
    records = legacy_records(name, call)
    filter_node = body.child("filter")
    if filter_node is not None:
        records = [record for record in records if _matches(filter_node.children[0], record)]
    for sort in reversed((body.child("sorts") or Node("sorts")).children):
        records.sort(key=_text_of(sort.text), reverse=sort.attributes.get("order") == "desc")
    start = int(body.attributes.get("start", "0"))
    page = records[start : start + min(int(body.attributes.get("maxitems", str(_LARGEST_PAGE))), _LARGEST_PAGE)]
    fields = [node.text for node in body.child("fields") or ()]
    data = Element("data")
    data.extend(with_fields(record, fields) for record in page)
    return FunctionOutput(data, list_type=_list_type(name, start, len(page), len(records)))


def _list_type(name: str, start: int, shown: int, total: int) -> Element:
    end = start + shown - 1 if shown else start
    list_type = text_element(Element("holder"), "listtype", name)
    list_type.attrib.update(start=str(start), end=str(end), total=str(total))
    return list_type


def _matches(condition: Node, record: Element) -> bool:
    if condition.tag == "logical":
        combine = any if condition.attributes["logical_operator"] == "or" else all
        return combine(_matches(part, record) for part in condition)
    compare = _COMPARISONS[(condition.value("operator") or "").lower()]
    return compare(record.findtext(condition.value("field") or "") or "", condition.value("value") or "")


def _text_of(field: str) -> Callable[[Element], str]:
    return lambda record: record.findtext(field) or ""


FUNCTION = GatewayFunction("get_list", _run, _check, legacy=True)
