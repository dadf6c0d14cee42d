"""read: records of one object by RECORDNO; entries, documents and invoices include their lines."""

from collections.abc import Sequence

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.errors import Error, FunctionFailure, read_failure, schema_violation
from revrec.sandbox.reading.objects import ObjectField, ObjectType, object_type
from revrec.sandbox.reading.selection import (
    RowSelection,
    append_rows,
    read_rows,
    readable_object,
    select_fields,
    select_keys,
    select_visible,
)
from revrec.sandbox.xmltree import Element, Node, text_element

KEY_LIMIT = 100
_LINES_OF = {
    "GLBATCH": ("GLENTRY", "ENTRIES", "l.batch", "l.line_no"),
    "SODOCUMENT": ("SODOCUMENTENTRY", "SODOCUMENTENTRIES", "e.document", "e.line_no"),
    "ARINVOICE": ("ARINVOICEITEM", "ARINVOICEITEMS", "i.invoice", "i.line_no"),
    "ARADJUSTMENT": ("ARADJUSTMENTITEM", "ARADJUSTMENTITEMS", "i.invoice", "i.line_no"),
}
"""Records read with their lines: the object of the lines, their element, and the SQL of parent and order."""
_CHILDREN = ("object", "keys", "fields", "returnFormat", "docparid")


def check_shape(body: Node) -> None:
    """Check the body of read or readByName.

    Raises:
        SchemaViolation: an element is missing, unknown or repeated.
    """
    for node in body:
        if node.tag not in _CHILDREN or len(body.all(node.tag)) > 1:
            raise schema_violation(f"Element '{node.tag}': This element is not expected.", node.line)
    for name in ("object", "keys"):
        if not body.value(name):
            raise schema_violation(
                f"Element '{body.tag}': Missing child element(s). Expected is ( {name} ).", body.line
            )


def _run(call: Call) -> FunctionOutput:
    target = readable_object(call)
    call.company.usage.count(reads=1)
    names = call.body.value("fields") or "*"
    found = _visible_keys(call, target, _parse_keys(call.body.value("keys") or ""))
    return FunctionOutput(records_data(call, target, names, found))


def records_data(call: Call, target: ObjectType, names: str, found: Sequence[int]) -> Element:
    """Return records by RECORDNO, with the fields in ``names``; with all of them, also their lines.

    Raises:
        FunctionFailure: a field is unknown.
    """
    fields = _fields(target, names)
    data = Element("data", listtype=target.name, count=str(len(found)))
    for recordno in found:
        element = _record_element(call, target, fields, recordno)
        if target.name in _LINES_OF and names.strip() in ("*", ""):
            element.append(_lines_element(call, target.name, recordno))
        data.append(element)
    return data


def _fields(target: ObjectType, names: str) -> list[ObjectField]:
    try:
        return select_fields(target, names)
    except FunctionFailure as failure:
        # In a read, Intacct puts the text "Invalid fields list ..." into errorno, and description2 is empty.
        raise FunctionFailure(Error(failure.errors[0].description2)) from None


def _parse_keys(text: str) -> list[int]:
    return [int(part) for part in split_keys(text) if part.isdecimal() and len(part) < 19]


def split_keys(text: str) -> list[str]:
    """Return the keys in a comma-separated list.

    Raises:
        FunctionFailure: there are more than 100.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) > KEY_LIMIT:
        raise read_failure(f"read accepts at most {KEY_LIMIT} keys, not {len(parts)}.")
    return parts


def _visible_keys(call: Call, target: ObjectType, wanted: list[int]) -> list[int]:
    selection = select_visible(target, call, show_private=True)
    selection.add(f"{target.key} IN ({', '.join('?' * len(wanted))})", wanted)
    found = set(select_keys(call, selection))
    return [key for key in dict.fromkeys(wanted) if key in found]


def _record_element(call: Call, target: ObjectType, fields: list[ObjectField], recordno: int) -> Element:
    selection = RowSelection(target, [f"{target.key} = ?"], [recordno], target.key)
    if target.where:
        selection.add(target.where)
    holder = Element("holder")
    append_rows(holder, target.name, fields, read_rows(call, selection, fields, 1))
    return holder[0]


def _lines_element(call: Call, name: str, recordno: int) -> Element:
    line_object, element, parent, order = _LINES_OF[name]
    target = object_type(line_object, call.company, call.body.value("docparid") or "")
    fields = [item for item in target.fields.values() if "." not in item.name]
    selection = RowSelection(target, [f"{parent} = ?"], [recordno], order)
    entries = text_element(Element("holder"), element)
    append_rows(entries, line_object.lower(), fields, read_rows(call, selection, fields, -1))
    return entries


FUNCTION = GatewayFunction("read", _run, check_shape)
