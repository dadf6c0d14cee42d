"""delete of GLBATCH records by key. Not in a closed period."""

from __future__ import annotations

from revrec.sandbox.calls import Call, Function, Outcome
from revrec.sandbox.errors import Error, Refusal, schema_fault
from revrec.sandbox.ledger.ledger import delete_entry, own_batch, refuse_closed
from revrec.sandbox.xmltree import Node


def _check(body: Node) -> None:
    if sorted(node.tag for node in body) != ["keys", "object"]:
        raise schema_fault("Element 'delete': Expected are ( object, keys ).", body.line)


def _run(call: Call) -> Outcome:
    name = call.body.value("object") or ""
    if name.upper() != "GLBATCH":
        raise Refusal(Error("XL03000009", description2=f"Object definition {name} not found"))
    call.require("delete", "GLBATCH")
    for key in (call.body.value("keys") or "").split(","):
        batch = own_batch(call.desk.store, key.strip())
        refuse_closed(batch, call.desk)
        delete_entry(batch["recordno"], call.desk)
        call.desk.usage.count(records_written=1)
    return Outcome()


FUNCTION = Function("delete", _run, _check)
