"""Creation of master records through the gateway: the required fields of each kind, and the ones the sandbox stores."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from revrec.sandbox.calls import Call
from revrec.sandbox.company.masters import MasterRecord
from revrec.sandbox.errors import Error, FunctionFailure, business_error
from revrec.sandbox.fields import fields_of, illegal_value, missing_field, text_of
from revrec.sandbox.ledger.dimensions import BY_KIND
from revrec.sandbox.xmltree import Node

Fields = dict[str, Node]

CREATED = ("CUSTOMER", "ITEM", "VENDOR", "DEPARTMENT", "CLASS", "PROJECT", "CONTRACT", "ARTERM")
_ITEM_TYPES = ("Non-Inventory", "Non-Inventory (Purchase only)", "Non-Inventory (Sales only)", "Inventory", "Kit")


class CreatedRecord(NamedTuple):
    """A record that a function wrote: its RECORDNO and, if its object has an id, the field of the id and the id."""

    recordno: int
    key_field: str = ""
    key: str = ""


def create_master(node: Node, call: Call) -> CreatedRecord:
    """Create a master record.

    Raises:
        FunctionFailure: a field is missing, a reference is unknown, or the id is in use.
    """
    kind, masters = node.tag.upper(), call.company.masters
    fields = fields_of(node)
    code, name = text_of(fields, _key_field(kind)), text_of(fields, _title_field(kind))
    for field in dict.fromkeys((_key_field(kind), _title_field(kind))):
        if not text_of(fields, field):
            raise FunctionFailure(missing_field(field, kind))
    details = _DETAILS[kind](fields, call) if kind in _DETAILS else {}
    if masters.get(kind, code) is not None:
        text = f"Another {_label(kind)} with the given value(s) {code} already exists. Use a unique value instead."
        raise FunctionFailure(Error("BL34000061", description2=text))
    active = text_of(fields, "STATUS") != "inactive"
    call.company.usage.count(records_written=1)
    return CreatedRecord(masters.put(MasterRecord(kind, code, name, active, details=details)), _key_field(kind), code)


def update_master(node: Node, call: Call) -> CreatedRecord:
    """Change name and status of a master record, which is named by RECORDNO or its id.

    Raises:
        FunctionFailure: it does not exist.
    """
    kind, fields = node.tag.upper(), fields_of(node)
    record = _stored_master(kind, text_of(fields, "RECORDNO"), text_of(fields, _key_field(kind)), call)
    name = text_of(fields, _title_field(kind)) or record.name
    active = record.active if "STATUS" not in fields else text_of(fields, "STATUS") != "inactive"
    call.company.usage.count(records_written=1)
    recordno = call.company.masters.put(replace(record, name=name, active=active))
    return CreatedRecord(recordno, _key_field(kind), record.id)


def delete_master(kind: str, recordno: str, call: Call) -> None:
    """Delete a master record.

    Raises:
        FunctionFailure: it does not exist, or a journal entry refers to it.
    """
    record = _stored_master(kind, recordno, "", call)
    if kind in BY_KIND:
        sql = f"SELECT 1 FROM glentry WHERE {BY_KIND[kind].element.lower()} = ? LIMIT 1"  # noqa: S608
        if call.company.store.value(sql, (record.id,)):
            text = f"{_label(kind)} '{record.id}' cannot be deleted, because it is in use."
            raise FunctionFailure(business_error(text, errorid="SIM-IN-USE"))
    call.company.masters.drop(record)


def _stored_master(kind: str, recordno: str, code: str, call: Call) -> MasterRecord:
    """Return a master record by RECORDNO or, without one, by id."""
    records = call.company.masters.all(kind)
    found = [one for one in records if (str(one.recordno) == recordno if recordno else one.id == code)]
    if not found:
        text = f"{kind} with the key '{recordno or code}' does not exist."
        raise FunctionFailure(business_error(text, errorid="SIM-NO-RECORD"))
    return found[0]


def _key_field(kind: str) -> str:
    return "NAME" if kind == "ARTERM" else f"{kind}ID"


def _title_field(kind: str) -> str:
    return "TITLE" if kind == "DEPARTMENT" else "NAME"


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
    texts = {
        "type": kind,
        "glgroup": group,
        "unit": text_of(fields, "BASEUOM") or "Each",
        "price": text_of(fields, "BASEPRICE"),
    }
    return {name: text for name, text in texts.items() if text}


def _term(fields: Fields, _call: Call) -> dict[str, Any]:
    days = text_of(fields, "DUE")
    if not days.isdecimal():
        raise FunctionFailure(illegal_value("DUE", days, "a number of days"))
    return {"days": int(days)}


_DETAILS: dict[str, Callable[[Fields, Call], dict[str, Any]]] = {"CUSTOMER": _customer, "ITEM": _item, "ARTERM": _term}
