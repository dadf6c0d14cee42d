"""create: one or more objects, each independent: those that fail do not undo those that succeed."""

from collections.abc import Callable

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.errors import Error, FunctionFailure, business_error, schema_violation
from revrec.sandbox.ledger.glbatch import read_entry
from revrec.sandbox.ledger.ledger import write_entry
from revrec.sandbox.ledger.master_creation import CREATED, CreatedRecord, create_master
from revrec.sandbox.xmltree import Element, Node, text_element


def _check(body: Node) -> None:
    if not body.children:
        raise schema_violation("Element 'create': Missing child element(s).", body.line)


def _run(call: Call) -> FunctionOutput:
    created: list[tuple[str, CreatedRecord]] = []
    errors: list[Error] = []
    for node in call.body:
        try:
            with call.company.store.transaction():
                created.append((node.tag.lower(), _create(node, call)))
        except FunctionFailure as failure:
            errors.extend(failure.errors)
            errors.append(_could_not_create(node.tag.upper()))
    return FunctionOutput(records_written(created), errors=tuple(errors))


def _create(node: Node, call: Call) -> CreatedRecord:
    name = node.tag.upper()
    creator = _CREATORS.get(name)
    if creator is None:
        raise FunctionFailure(Error("XL03000009", description2=f"Object definition {node.tag} not found"))
    call.require("create", name)
    return creator(node, call)


def _create_entry(node: Node, call: Call) -> CreatedRecord:
    return CreatedRecord(write_entry(read_entry(node, call), call))


def _could_not_create(name: str) -> Error:
    errorid = "GL-0951" if name == "GLBATCH" else ""
    return business_error(
        f"Could not create {record_label(name)} record!", errorid=errorid, category="Unable to create record."
    )


def record_label(name: str) -> str:
    """Return the name of an object in the message that one could not be written."""
    return {"GLBATCH": "GLBatch"}.get(name, name.capitalize())


def records_written(written: list[tuple[str, CreatedRecord]]) -> Element:
    """Return the data of a create or update: RECORDNO and key field of each record."""
    data = Element("data", listtype="objects", count=str(len(written)))
    for name, record in written:
        element = text_element(data, name)
        text_element(element, "RECORDNO", str(record.recordno))
        if record.key_field:
            text_element(element, record.key_field, record.key)
    return data


_CREATORS: dict[str, Callable[[Node, Call], CreatedRecord]] = {
    "GLBATCH": _create_entry,
    **dict.fromkeys(CREATED, create_master),
}

FUNCTION = GatewayFunction("create", _run, _check)
