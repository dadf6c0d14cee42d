"""delete: deletes records by RECORDNO; GLBATCH records in open periods only."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.errors import Error, FunctionFailure, schema_violation
from revrec.sandbox.ledger.ledger import delete_entry, editable_batch, require_open_period
from revrec.sandbox.ledger.master_creation import CREATED, delete_master
from revrec.sandbox.xmltree import Node


def _check(body: Node) -> None:
    if sorted(node.tag for node in body) != ["keys", "object"]:
        raise schema_violation("Element 'delete': Expected are ( object, keys ).", body.line)


def _run(call: Call) -> FunctionOutput:
    name = call.body.value("object") or ""
    kind = name.upper()
    if kind != "GLBATCH" and kind not in CREATED:
        raise FunctionFailure(Error("XL03000009", description2=f"Object definition {name} not found"))
    call.require("delete", kind)
    for key in (call.body.value("keys") or "").split(","):
        if kind == "GLBATCH":
            _delete_entry(key.strip(), call)
        else:
            delete_master(kind, key.strip(), call)
        call.company.usage.count(records_written=1)
    return FunctionOutput()


def _delete_entry(key: str, call: Call) -> None:
    batch = editable_batch(call.company.store, key)
    require_open_period(batch, call.company)
    delete_entry(batch["recordno"], call.company)


FUNCTION = GatewayFunction("delete", _run, _check)
