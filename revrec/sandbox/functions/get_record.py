"""get: one record of a legacy object by key, as attributes; the fields can be chosen."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.content_model import check_content, content_model
from revrec.sandbox.errors import FunctionFailure, business_error
from revrec.sandbox.orders.schema_checks import check_attribute
from revrec.sandbox.reading.legacy_objects import legacy_object, legacy_records, with_fields
from revrec.sandbox.xmltree import Element, Node


def _check(body: Node) -> None:
    check_attribute(body, "object")
    check_attribute(body, "key")
    check_content(body, content_model("fields?"))
    for fields in body:
        check_content(fields, content_model("field*"))


def _run(call: Call) -> FunctionOutput:
    call.company.usage.count(reads=1)
    name, key = call.body.attributes["object"], call.body.attributes["key"]
    target = legacy_object(name)
    found = [record for record in legacy_records(name, call) if record.findtext(target.key) == key]
    if not found:
        text = f"{name} with the key '{key}' does not exist."
        raise FunctionFailure(business_error(text, errorid="SIM-NO-RECORD"))
    data = Element("data")
    data.append(with_fields(found[0], [node.text for node in call.body.child("fields") or ()]))
    return FunctionOutput(data)


FUNCTION = GatewayFunction("get", _run, _check, legacy=True)
