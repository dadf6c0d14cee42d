"""Creating master records through the gateway: what each kind needs, and what of it the sandbox keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from revrec.sandbox.calls import Call
from revrec.sandbox.company.masters import Master
from revrec.sandbox.errors import Error, Refusal, business
from revrec.sandbox.fields import fields_of, illegal, missing, text_of
from revrec.sandbox.xmltree import Node

Fields = dict[str, Node]

CREATED = ("CUSTOMER", "ITEM", "VENDOR", "DEPARTMENT", "CLASS", "PROJECT", "CONTRACT", "ARTERM")
_ITEM_TYPES = ("Non-Inventory", "Non-Inventory (Purchase only)", "Non-Inventory (Sales only)", "Inventory", "Kit")


def create_master(node: Node, call: Call) -> int:
    """Write a new record; its RECORDNO. Raises Refusal for a missing field, an unknown reference, an id in use."""
    kind, masters = node.tag.upper(), call.desk.masters
    fields = fields_of(node)
    key = "NAME" if kind == "ARTERM" else f"{kind}ID"
    code, name = text_of(fields, key), text_of(fields, "NAME")
    for field in dict.fromkeys((key, "NAME")):
        if not text_of(fields, field):
            raise Refusal(missing(field, kind))
    details = _DETAILS[kind](fields, call) if kind in _DETAILS else {}
    if masters.get(kind, code) is not None:
        text = f"Another {_label(kind)} with the given value(s) {code} already exists. Use a unique value instead."
        raise Refusal(Error("BL34000061", description2=text))
    active = text_of(fields, "STATUS") != "inactive"
    call.desk.usage.count(records_written=1)
    return masters.put(Master(kind, code, name, active, details=details))


def _label(kind: str) -> str:
    return "AR Term" if kind == "ARTERM" else kind.capitalize()


def _customer(fields: Fields, call: Call) -> dict[str, Any]:
    contact = fields.get("DISPLAYCONTACT")
    if contact is None or not text_of(fields_of(contact), "PRINTAS"):
        raise Refusal(missing("DISPLAYCONTACT", "CUSTOMER"))
    term = text_of(fields, "TERMNAME")
    if term and call.desk.masters.active("ARTERM", term) is None:
        raise Refusal(business(f"The term name {term} is invalid", errorid="SIM-INVALID-TERM"))
    return {"term": term} if term else {}


def _item(fields: Fields, call: Call) -> dict[str, Any]:
    kind, group = text_of(fields, "ITEMTYPE"), text_of(fields, "GLGROUP")
    if not kind:
        raise Refusal(missing("ITEMTYPE", "ITEM"))
    if kind not in _ITEM_TYPES:
        raise Refusal(illegal("ITEMTYPE", kind, "one of " + ", ".join(_ITEM_TYPES)))
    if group and call.desk.masters.active("ITEMGLGROUP", group) is None:
        raise Refusal(business(f"Item GL group '{group}' specified is not valid.", errorid="SIM-INVALID-GLGROUP"))
    texts = {"glgroup": group, "unit": text_of(fields, "BASEUOM") or "Each", "price": text_of(fields, "BASEPRICE")}
    return {name: text for name, text in texts.items() if text}


def _term(fields: Fields, _call: Call) -> dict[str, Any]:
    days = text_of(fields, "DUE")
    if not days.isdecimal():
        raise Refusal(illegal("DUE", days, "a number of days"))
    return {"days": int(days)}


_DETAILS: dict[str, Callable[[Fields, Call], dict[str, Any]]] = {"CUSTOMER": _customer, "ITEM": _item, "ARTERM": _term}
