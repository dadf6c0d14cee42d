"""delete: deletes GLBATCH records by key, in open periods only."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.errors import Error, FunctionFailure, schema_violation
from revrec.sandbox.ledger.ledger import delete_entry, editable_batch, require_open_period
from revrec.sandbox.xmltree import Node


def _check(body: Node) -> None:
    if sorted(node.tag for node in body) != ["keys", "object"]:
        raise schema_violation("Element 'delete': Expected are ( object, keys ).", body.line)


def _run(call: Call) -> FunctionOutput:
    name = call.body.value("object") or ""
    if name.upper() != "GLBATCH":
        raise FunctionFailure(Error("XL03000009", description2=f"Object definition {name} not found"))
    call.require("delete", "GLBATCH")
    for key in (call.body.value("keys") or "").split(","):
        batch = editable_batch(call.company.store, key.strip())
        require_open_period(batch, call.company)
        delete_entry(batch["recordno"], call.company)
        call.company.usage.count(records_written=1)
    return FunctionOutput()


FUNCTION = GatewayFunction("delete", _run, _check)
