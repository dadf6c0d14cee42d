"""create: one or more objects. Each stands for itself: those that fail do not undo those that succeed."""

from __future__ import annotations

from collections.abc import Callable

from revrec.sandbox.calls import Call, Function, Outcome
from revrec.sandbox.dimensions import BY_KIND
from revrec.sandbox.errors import Error, Refusal, business, schema_fault
from revrec.sandbox.fields import fields_of, missing, text_of
from revrec.sandbox.glbatch import read_entry
from revrec.sandbox.ledger import write_entry
from revrec.sandbox.masters import Master
from revrec.sandbox.response import Element, text_element
from revrec.sandbox.xmltree import Node

_MASTERS = ("CUSTOMER", "ITEM", "VENDOR", "DEPARTMENT", "CLASS", "PROJECT", "CONTRACT")


def _check(body: Node) -> None:
    if not body.children:
        raise schema_fault("Element 'create': Missing child element(s).", body.line)


def _run(call: Call) -> Outcome:
    made: list[tuple[str, int]] = []
    errors: list[Error] = []
    for node in call.body:
        try:
            with call.desk.store.transaction():
                made.append((node.tag.lower(), _create(node, call)))
        except Refusal as refusal:
            errors.extend(refusal.errors)
            errors.append(_wrapper(node.tag.upper()))
    return Outcome(_data(made), errors=tuple(errors))


def _create(node: Node, call: Call) -> int:
    name = node.tag.upper()
    creator = _CREATORS.get(name)
    if creator is None:
        raise Refusal(Error("XL03000009", description2=f"Object definition {node.tag} not found"))
    call.require("create", name)
    return creator(node, call)


def _create_entry(node: Node, call: Call) -> int:
    return write_entry(read_entry(node, call), call)


def _create_master(node: Node, call: Call) -> int:
    kind = node.tag.upper()
    fields = fields_of(node)
    code, name = text_of(fields, f"{kind}ID"), text_of(fields, "NAME")
    for field, text in ((f"{kind}ID", code), ("NAME", name)):
        if not text:
            raise Refusal(missing(field, kind))
    if call.desk.masters.get(kind, code) is not None:
        label = BY_KIND[kind].label
        text = f"Another {label} with the given value(s) {code} already exists. Use a unique value instead."
        raise Refusal(Error("BL34000061", description2=text))
    active = text_of(fields, "STATUS") != "inactive"
    call.desk.usage.count(records_written=1)
    return call.desk.masters.put(Master(kind, code, name, active))


def _wrapper(name: str) -> Error:
    label = {"GLBATCH": "GLBatch"}.get(name, name.capitalize())
    errorid = "GL-0951" if name == "GLBATCH" else ""
    return business(f"Could not create {label} record!", errorid=errorid, category="Unable to create record.")


def _data(made: list[tuple[str, int]]) -> Element:
    data = Element("data", listtype="objects", count=str(len(made)))
    for name, recordno in made:
        text_element(text_element(data, name), "RECORDNO", str(recordno))
    return data


_CREATORS: dict[str, Callable[[Node, Call], int]] = {
    "GLBATCH": _create_entry,
    **dict.fromkeys(_MASTERS, _create_master),
}

FUNCTION = Function("create", _run, _check)
