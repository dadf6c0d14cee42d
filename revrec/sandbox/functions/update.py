"""update: replaces the header fields and all lines of a GLBATCH, or name and status of a master record.

A GLBATCH can be updated in open periods only. With REVERSEDATE, it is also reversed.
"""

from collections.abc import Callable

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.errors import Error, FunctionFailure, business_error, schema_violation
from revrec.sandbox.fields import fields_of, missing_field, text_of
from revrec.sandbox.functions.create import record_label, records_written
from revrec.sandbox.ledger.glbatch import read_entry
from revrec.sandbox.ledger.ledger import editable_batch, replace_entry, require_open_period
from revrec.sandbox.ledger.master_creation import CREATED, CreatedRecord, update_master
from revrec.sandbox.ledger.reversals import reverse_stored
from revrec.sandbox.xmltree import Node


def _check(body: Node) -> None:
    if len(body.children) != 1:
        raise schema_violation("Element 'update': exactly one object is expected.", body.line)


def _run(call: Call) -> FunctionOutput:
    node = call.body.children[0]
    kind = node.tag.upper()
    updater = _UPDATERS.get(kind)
    if updater is None:
        raise FunctionFailure(Error("XL03000009", description2=f"Object definition {node.tag} not found"))
    call.require("update", kind)
    try:
        written = updater(node, call)
    except FunctionFailure as failure:
        text = f"Could not update {record_label(kind)} record!"
        raise FunctionFailure(*failure.errors, business_error(text, category="Unable to update record.")) from None
    return FunctionOutput(records_written([(kind.lower(), written)]))


def _update_entry(node: Node, call: Call) -> CreatedRecord:
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
    return CreatedRecord(batch["recordno"])


_UPDATERS: dict[str, Callable[[Node, Call], CreatedRecord]] = {
    "GLBATCH": _update_entry,
    **dict.fromkeys(CREATED, update_master),
}

FUNCTION = GatewayFunction("update", _run, _check)
