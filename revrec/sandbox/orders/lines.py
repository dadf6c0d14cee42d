"""Fields that lines of documents and invoices share: numbers, dimensions, custom fields."""

import re
from collections.abc import Mapping
from decimal import Decimal

from revrec.sandbox.calls import Call
from revrec.sandbox.errors import Error, FunctionFailure, business_error
from revrec.sandbox.fields import illegal_value
from revrec.sandbox.ledger.dimensions import DIMENSIONS, unknown
from revrec.sandbox.money import parse_decimal
from revrec.sandbox.xmltree import Node

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}", re.ASCII)
_ELEMENTS = {"LOCATION": "locationid", "DEPARTMENT": "departmentid"}


def read_number(node: Node, name: str, default: str = "") -> Decimal:
    """Parse the decimal in an element.

    Raises:
        FunctionFailure: the text is not a number.
    """
    text = node.value(name) or default
    found = parse_decimal(text)
    if found is None:
        raise FunctionFailure(illegal_value(name, text, "a number"))
    return found


def read_dimensions(node: Node, call: Call, more: Mapping[str, str]) -> tuple[dict[str, str], list[Error]]:
    """Return the dimensions of a line by GLENTRY element name, and the errors in them.

    ``more`` fills in dimensions that the line leaves out. Unlike in journal entries, no records are created.
    """
    texts = {item.element: node.value(_ELEMENTS.get(item.element, item.element.lower())) for item in DIMENSIONS}
    values = dict(more) | {element: text for element, text in texts.items() if text}
    masters = call.company.masters
    wrong = [
        unknown(item, values[item.element])
        for item in DIMENSIONS
        if item.element in values and masters.active(item.kind, values[item.element]) is None
    ]
    location = values.get("LOCATION", "")
    if not location and call.company.switches.location_required:
        text = "Missing location: a multi-entity company needs one on each line of a document."
        wrong.append(Error("BL03000018", "Missing location", text, errorid="SIM-EMPTY-LOCATION"))
    if location and call.caller.location and masters.entity_of(location) != call.caller.location:
        wrong.append(unknown(DIMENSIONS[0], location))
    return values, wrong


def entity_of(dimensions: Mapping[str, str], call: Call) -> str:
    """Return the entity of a line: the entity of its location, else the one signed in to."""
    location = dimensions.get("LOCATION", "")
    return call.company.masters.entity_of(location) if location else call.caller.location


def custom_fields(node: Node) -> dict[str, str]:
    """Return the custom fields by upper-case name.

    Raises:
        FunctionFailure: a name is not a valid field name.
    """
    found: dict[str, str] = {}
    for one in node.child("customfields") or ():
        name = one.value("customfieldname") or ""
        if not _NAME.fullmatch(name):
            raise FunctionFailure(business_error(f"The custom field '{name}' is not a field of this document."))
        found[name.upper()] = one.value("customfieldvalue") or ""
    return found


def reject_revenue_management(node: Node) -> None:
    """Reject fields of Intacct's Revenue Management module, to which this company does not subscribe.

    Raises:
        FunctionFailure: the line names a revenue recognition template.
    """
    if node.value("revrectemplate"):
        text = "Revenue Management is not subscribed: revenue recognition templates cannot be used."
        raise FunctionFailure(business_error(text, errorid="SIM-NOT-SUBSCRIBED"))
