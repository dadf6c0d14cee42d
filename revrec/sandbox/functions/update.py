"""update of a GLBATCH: replaces the header fields and all lines. Not in a closed period."""

from __future__ import annotations

from revrec.sandbox.calls import Call, Function, Outcome
from revrec.sandbox.errors import Error, Refusal, business, schema_fault
from revrec.sandbox.fields import fields_of, missing, text_of
from revrec.sandbox.ledger.glbatch import read_entry
from revrec.sandbox.ledger.ledger import own_batch, refuse_closed, replace_entry
from revrec.sandbox.xmltree import Element, Node, text_element


def _check(body: Node) -> None:
    if len(body.children) != 1:
        raise schema_fault("Element 'update': exactly one object is expected.", body.line)


def _run(call: Call) -> Outcome:
    node = call.body.children[0]
    if node.tag.upper() != "GLBATCH":
        raise Refusal(Error("XL03000009", description2=f"Object definition {node.tag} not found"))
    call.require("update", "GLBATCH")
    try:
        recordno = _update(node, call)
    except Refusal as refusal:
        wrapper = business("Could not update GLBatch record!", category="Unable to update record.")
        raise Refusal(*refusal.errors, wrapper) from None
    data = Element("data", listtype="objects", count="1")
    text_element(text_element(data, "glbatch"), "RECORDNO", str(recordno))
    return Outcome(data)


def _update(node: Node, call: Call) -> int:
    fields = fields_of(node)
    number = text_of(fields, "RECORDNO")
    if not number:
        raise Refusal(missing("RECORDNO", "GLBATCH"))
    batch = own_batch(call.desk.store, number)
    refuse_closed(batch, call.desk)
    if not text_of(fields, "JOURNAL"):
        # The journal of an entry cannot change, so an update need not repeat it.
        node.children.append(Node("JOURNAL", batch["journal"]))
    replace_entry(batch["recordno"], read_entry(node, call), call)
    return int(batch["recordno"])


FUNCTION = Function("update", _run, _check)
