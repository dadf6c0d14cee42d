"""update: replaces the header fields and all lines of a GLBATCH, in open periods only; REVERSEDATE also reverses it."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.errors import Error, FunctionFailure, business_error, schema_violation
from revrec.sandbox.fields import fields_of, missing_field, text_of
from revrec.sandbox.ledger.glbatch import read_entry
from revrec.sandbox.ledger.ledger import editable_batch, replace_entry, require_open_period
from revrec.sandbox.ledger.reversals import reverse_stored
from revrec.sandbox.xmltree import Element, Node, text_element


def _check(body: Node) -> None:
    if len(body.children) != 1:
        raise schema_violation("Element 'update': exactly one object is expected.", body.line)


def _run(call: Call) -> FunctionOutput:
    node = call.body.children[0]
    if node.tag.upper() != "GLBATCH":
        raise FunctionFailure(Error("XL03000009", description2=f"Object definition {node.tag} not found"))
    call.require("update", "GLBATCH")
    try:
        recordno = _update(node, call)
    except FunctionFailure as failure:
        wrapper = business_error("Could not update GLBatch record!", category="Unable to update record.")
        raise FunctionFailure(*failure.errors, wrapper) from None
    data = Element("data", listtype="objects", count="1")
    text_element(text_element(data, "glbatch"), "RECORDNO", str(recordno))
    return FunctionOutput(data)


def _update(node: Node, call: Call) -> int:
    fields = fields_of(node)
    number = text_of(fields, "RECORDNO")
    if not number:
        raise FunctionFailure(missing_field("RECORDNO", "GLBATCH"))
    batch = editable_batch(call.company.store, number)
    require_open_period(batch, call.company)
    if not text_of(fields, "JOURNAL"):
        # JOURNAL is required in a create. An update may omit it, because the journal of an entry cannot change.
        node.children.append(Node("JOURNAL", batch["journal"]))
    entry = read_entry(node, call)
    replace_entry(batch["recordno"], entry, call)
    if entry.reverse_day is not None:
        reverse_stored(call.company, batch["recordno"], entry.reverse_day, call.caller.user)
    return int(batch["recordno"])


FUNCTION = GatewayFunction("update", _run, _check)
