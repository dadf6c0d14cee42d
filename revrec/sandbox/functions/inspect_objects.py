"""inspect: the names of all objects, the names of the fields of one object, or these fields with their details."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.content_model import check_content, content_model
from revrec.sandbox.errors import schema_violation
from revrec.sandbox.reading.definitions import FieldDefinition, described_object, field_definitions, label_of
from revrec.sandbox.reading.objects import OBJECTS
from revrec.sandbox.xmltree import Element, Node, text_element, truth_text

_STORED_TYPES = {
    "INTEGER": ("Pt_FieldInt", "integer"),
    "CURRENCY": ("Pt_FieldCurrency", "currency"),
    "DECIMAL": ("Pt_FieldDouble", "decimal"),
    "DATE": ("Pt_FieldDate", "date"),
    "TIMESTAMP": ("Pt_FieldDateTime", "datetime"),
    "BOOLEAN": ("Pt_FieldBoolean", "boolean"),
    "ENUM": ("Pt_FieldPickList", "picklist"),
}
"""``dataName`` and ``externalDataName`` of a field by its DATATYPE."""


def _check(body: Node) -> None:
    check_content(body, content_model("(object | name)"))
    detail = body.attributes.get("detail", "0")
    if detail not in ("0", "1"):
        raise schema_violation(f"Element 'inspect', attribute 'detail': '{detail}' is not valid.", body.line)


def _run(call: Call) -> FunctionOutput:
    call.company.usage.count(reads=1)
    if call.body.value("object") == "*":
        return FunctionOutput(_all_objects())
    target = described_object(call.body, call.company)
    data = Element("data", listtype="All", count="1")
    kind = text_element(data, "Type")
    kind.set("Name", target.name)
    definitions = field_definitions(target, call.company)
    if call.body.attributes.get("detail") == "1":
        _append_details(kind, target.name, definitions)
    else:
        fields = text_element(kind, "Fields")
        for definition in definitions:
            text_element(fields, "Field", definition.id)
    return FunctionOutput(data)


def _all_objects() -> Element:
    data = Element("data", listtype="All", count="1")
    for name in OBJECTS:
        text_element(data, "type", label_of(name)).set("typename", name.lower())
    return data


def _append_details(kind: Element, name: str, definitions: list[FieldDefinition]) -> None:
    attributes = text_element(kind, "Attributes")
    text_element(attributes, "SingularName", label_of(name))
    text_element(attributes, "PluralName", f"{label_of(name)}s")
    text_element(attributes, "Description")
    fields = text_element(kind, "Fields")
    for number, definition in enumerate(definitions, 1):
        stored, external = _STORED_TYPES.get(definition.data_type, ("Pt_FieldString", "string"))
        values = {
            "Name": definition.id,
            "GroupName": "",
            "dataName": stored,
            "externalDataName": external,
            "isRequired": truth_text(definition.required),
            "isReadOnly": truth_text(definition.read_only),
            "maxLength": str(definition.max_length or ""),
            "DisplayLabel": definition.label,
            "Description": definition.label,
            "id": str(number),
        }
        field = text_element(fields, "Field")
        for tag, text in values.items():
            text_element(field, tag, text)


FUNCTION = GatewayFunction("inspect", _run, _check)
