"""create: one or more objects. Each stands for itself: those that fail do not undo those that succeed."""

from __future__ import annotations

from collections.abc import Callable

from revrec.sandbox.calls import Call, Function, Outcome
from revrec.sandbox.errors import Error, Refusal, business, schema_fault
from revrec.sandbox.ledger.glbatch import read_entry
from revrec.sandbox.ledger.ledger import write_entry
from revrec.sandbox.ledger.master_creation import CREATED, create_master
from revrec.sandbox.xmltree import Element, Node, text_element


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
    **dict.fromkeys(CREATED, create_master),
}

FUNCTION = Function("create", _run, _check)
