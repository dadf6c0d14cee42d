"""get_list: the records of a legacy object, filtered, sorted and cut to a page."""

from collections.abc import Callable

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.content_model import check_content, content_model
from revrec.sandbox.errors import schema_violation
from revrec.sandbox.orders.schema_checks import check_attribute
from revrec.sandbox.reading.legacy_filters import check_filter, matches
from revrec.sandbox.reading.legacy_objects import legacy_records, with_fields
from revrec.sandbox.xmltree import Element, Node, text_element

_LARGEST_PAGE = 1000


def _check(body: Node) -> None:
    check_attribute(body, "object")
    for name, lowest in (("maxitems", 1), ("start", 0)):
        text = body.attributes.get(name, "1")
        if not (text.isdecimal() and len(text) < 10 and int(text) >= lowest):
            raise schema_violation(f"Element 'get_list', attribute '{name}': '{text}' is not valid.", body.line)
    check_content(body, content_model("filter? sorts? fields?"))
    filter_node = body.child("filter")
    if filter_node is not None:
        check_filter(filter_node)
    for name, child in (("sorts", "sortfield"), ("fields", "field")):
        node = body.child(name)
        if node is not None:
            check_content(node, content_model(f"{child}*"))


def _run(call: Call) -> FunctionOutput:
    call.company.usage.count(reads=1)
    body, name = call.body, call.body.attributes["object"]
    records = legacy_records(name, call)
    filter_node = body.child("filter")
    if filter_node is not None:
        records = [record for record in records if matches(filter_node, record)]
    for sort in reversed((body.child("sorts") or Node("sorts")).children):
        records.sort(key=_text_of(sort.text), reverse=sort.attributes.get("order") == "desc")
    start, most = int(body.attributes.get("start", "0")), int(body.attributes.get("maxitems", _LARGEST_PAGE))
    page = records[start : start + min(most, _LARGEST_PAGE)]
    fields = [node.text for node in body.child("fields") or ()]
    data = Element("data")
    data.extend(with_fields(record, fields) for record in page)
    return FunctionOutput(data, list_type=_list_type(name, start, len(page), len(records)))


def _list_type(name: str, start: int, shown: int, total: int) -> Element:
    end = start + shown - 1 if shown else start
    list_type = text_element(Element("holder"), "listtype", name)
    list_type.attrib.update(start=str(start), end=str(end), total=str(total))
    return list_type


def _text_of(field: str) -> Callable[[Element], str]:
    return lambda record: record.findtext(field) or ""


FUNCTION = GatewayFunction("get_list", _run, _check, legacy=True)
