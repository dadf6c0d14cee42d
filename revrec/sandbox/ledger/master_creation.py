"""Creation of master records through the gateway: the required fields of each kind, and the ones the sandbox stores."""

from collections.abc import Callable
from typing import Any

from revrec.sandbox.calls import Call
from revrec.sandbox.company.masters import MasterRecord
from revrec.sandbox.errors import Error, FunctionFailure, business_error
from revrec.sandbox.fields import fields_of, illegal_value, missing_field, text_of
from revrec.sandbox.xmltree import Node

Fields = dict[str, Node]

CREATED = ("CUSTOMER", "ITEM", "VENDOR", "DEPARTMENT", "CLASS", "PROJECT", "CONTRACT", "ARTERM")
_ITEM_TYPES = ("Non-Inventory", "Non-Inventory (Purchase only)", "Non-Inventory (Sales only)", "Inventory", "Kit")


def create_master(node: Node, call: Call) -> int:
    """Create a master record and return its RECORDNO.

    Raises:
        FunctionFailure: a field is missing, a reference is unknown, or the id is in use.
    """
    kind, masters = node.tag.upper(), call.company.masters
    fields = fields_of(node)
    key = "NAME" if kind == "ARTERM" else f"{kind}ID"
    code, name = text_of(fields, key), text_of(fields, "NAME")
    for field in dict.fromkeys((key, "NAME")):
        if not text_of(fields, field):
            raise FunctionFailure(missing_field(field, kind))
    details = _DETAILS[kind](fields, call) if kind in _DETAILS else {}
    if masters.get(kind, code) is not None:
        text = f"Another {_label(kind)} with the given value(s) {code} already exists. Use a unique value instead."
        raise FunctionFailure(Error("BL34000061", description2=text))
    active = text_of(fields, "STATUS") != "inactive"
    call.company.usage.count(records_written=1)
    return masters.put(MasterRecord(kind, code, name, active, details=details))


def _label(kind: str) -> str:
    return "AR Term" if kind == "ARTERM" else kind.capitalize()


def _customer(fields: Fields, call: Call) -> dict[str, Any]:
    contact = fields.get("DISPLAYCONTACT")
    if contact is None or not text_of(fields_of(contact), "PRINTAS"):
        raise FunctionFailure(missing_field("DISPLAYCONTACT", "CUSTOMER"))
    term = text_of(fields, "TERMNAME")
    if term and call.company.masters.active("ARTERM", term) is None:
        raise FunctionFailure(business_error(f"The term name {term} is invalid", errorid="SIM-INVALID-TERM"))
    return {"term": term} if term else {}


def _item(fields: Fields, call: Call) -> dict[str, Any]:
    kind, group = text_of(fields, "ITEMTYPE"), text_of(fields, "GLGROUP")
    if not kind:
        raise FunctionFailure(missing_field("ITEMTYPE", "ITEM"))
    if kind not in _ITEM_TYPES:
        raise FunctionFailure(illegal_value("ITEMTYPE", kind, "one of " + ", ".join(_ITEM_TYPES)))
    if group and call.company.masters.active("ITEMGLGROUP", group) is None:
        raise FunctionFailure(
            business_error(f"Item GL group '{group}' specified is not valid.", errorid="SIM-INVALID-GLGROUP")
        )
    texts = {"glgroup": group, "unit": text_of(fields, "BASEUOM") or "Each", "price": text_of(fields, "BASEPRICE")}
    return {name: text for name, text in texts.items() if text}


def _term(fields: Fields, _call: Call) -> dict[str, Any]:
    days = text_of(fields, "DUE")
    if not days.isdecimal():
        raise FunctionFailure(illegal_value("DUE", days, "a number of days"))
    return {"days": int(days)}


_DETAILS: dict[str, Callable[[Fields, Call], dict[str, Any]]] = {"CUSTOMER": _customer, "ITEM": _item, "ARTERM": _term}
