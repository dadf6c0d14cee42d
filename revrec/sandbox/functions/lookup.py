"""lookup: the fields of an object with type, valid values and whether they are required, and the related objects."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.content_model import check_content, content_model
from revrec.sandbox.reading.definitions import (
    FieldDefinition,
    Relationship,
    described_object,
    field_definitions,
    label_of,
    relationships,
)
from revrec.sandbox.xmltree import Element, Node, text_element, truth_text


def _check(body: Node) -> None:
    check_content(body, content_model("(object | name) docparid?"))


def _run(call: Call) -> FunctionOutput:
    call.company.usage.count(reads=1)
    target = described_object(call.body, call.company)
    data = Element("data", listtype="All", count="1")
    kind = text_element(data, "Type")
    kind.attrib.update(Name=target.name, DocumentType=call.body.value("docparid") or "")
    fields = text_element(kind, "Fields")
    for definition in field_definitions(target, call.company):
        _append_field(fields, definition)
    related = text_element(kind, "Relationships")
    for relationship in relationships(target):
        _append_relationship(related, relationship)
    return FunctionOutput(data)


def _append_field(fields: Element, definition: FieldDefinition) -> None:
    field = text_element(fields, "Field")
    text_element(field, "ID", definition.id)
    text_element(field, "LABEL", definition.label)
    text_element(field, "DESCRIPTION", definition.label)
    text_element(field, "REQUIRED", truth_text(definition.required))
    text_element(field, "READONLY", truth_text(definition.read_only))
    text_element(field, "DATATYPE", definition.data_type)
    if definition.valid_values:
        values = text_element(field, "VALIDVALUES")
        for value in definition.valid_values:
            text_element(values, "VALIDVALUE", value)
    text_element(field, "ISCUSTOM", truth_text(definition.is_custom))


def _append_relationship(related: Element, relationship: Relationship) -> None:
    node = text_element(related, "Relationship")
    text_element(node, "OBJECTPATH", relationship.path)
    text_element(node, "OBJECTNAME", relationship.object)
    text_element(node, "LABEL", label_of(relationship.path))
    text_element(node, "RELATIONSHIPTYPE", "MANY2ONE")
    text_element(node, "RELATEDBY", relationship.related_by)


FUNCTION = GatewayFunction("lookup", _run, _check)
