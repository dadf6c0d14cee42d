"""What lines of documents and invoices have in common: numbers, texts, dimensions, custom fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from revrec.sandbox.calls import Call
from revrec.sandbox.errors import Error, Refusal, business
from revrec.sandbox.fields import illegal
from revrec.sandbox.ledger.dimensions import DIMENSIONS, unknown
from revrec.sandbox.money import parse_decimal
from revrec.sandbox.xmltree import Node

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}", re.ASCII)
_ELEMENTS = {"LOCATION": "locationid", "DEPARTMENT": "departmentid"}


def number(node: Node, name: str, default: str = "") -> Decimal:
    """A decimal in an element. Raises Refusal."""
    text = node.value(name) or default
    found = parse_decimal(text)
    if found is None:
        raise Refusal(illegal(name, text, "a number"))
    return found


def dimensions_of(node: Node, call: Call, more: Mapping[str, str]) -> tuple[dict[str, str], list[Error]]:
    """The dimensions of a line by GLENTRY's element names, `more` filling in what it leaves out; what is wrong.

    Unlike in journal entries, nothing is created on sight.
    """
    texts = {item.element: node.value(_ELEMENTS.get(item.element, item.element.lower())) for item in DIMENSIONS}
    values = dict(more) | {element: text for element, text in texts.items() if text}
    masters = call.desk.masters
    wrong = [
        unknown(item, values[item.element])
        for item in DIMENSIONS
        if item.element in values and masters.active(item.kind, values[item.element]) is None
    ]
    location = values.get("LOCATION", "")
    if not location and call.desk.switches.location_required:
        text = "Missing location: a document of a multi-entity company needs one on each line."
        wrong.append(Error("BL03000018", "Missing location", text, errorid="SIM-EMPTY-LOCATION"))
    if location and call.who.location and masters.entity_of(location) != call.who.location:
        wrong.append(unknown(DIMENSIONS[0], location))
    return values, wrong


def entity_of(dimensions: Mapping[str, str], call: Call) -> str:
    """The entity a line belongs to."""
    location = dimensions.get("LOCATION", "")
    return call.desk.masters.entity_of(location) if location else call.who.location


def custom_fields(node: Node) -> dict[str, str]:
    """Custom fields by upper-case name. Raises Refusal for a name that cannot be one."""
    found: dict[str, str] = {}
    for one in node.child("customfields") or ():
        name = one.value("customfieldname") or ""
        if not _NAME.fullmatch(name):
            raise Refusal(business(f"The custom field '{name}' is not a field of this document."))
        found[name.upper()] = one.value("customfieldvalue") or ""
    return found


def refuse_module(node: Node) -> None:
    """Raises Refusal for what needs Intacct's own revenue management, to which this company does not subscribe."""
    if node.value("revrectemplate"):
        text = "Revenue Management is not subscribed: revenue recognition templates cannot be used."
        raise Refusal(business(text, errorid="SIM-NOT-SUBSCRIBED"))
