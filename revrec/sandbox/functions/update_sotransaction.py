"""update_sotransaction: changes header fields and lines (numbered from 1) of a document by DOCID, and adds lines."""

import json
from typing import Any

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.errors import FunctionFailure, business_error
from revrec.sandbox.orders.schema_checks import check_update
from revrec.sandbox.orders.stored_documents import from_plain, replace_document, stored_document
from revrec.sandbox.xmltree import Node


def _run(call: Call) -> FunctionOutput:
    call.require("update", "SODOCUMENT")
    try:
        stored = stored_document(call.body.attributes["key"], call)
        replace_document(stored, _with_changes(stored, call.body), call)
    except FunctionFailure as failure:
        raise FunctionFailure(*failure.errors, business_error("Could not update Document record!")) from None
    return FunctionOutput(key=stored["docid"])


def _with_changes(stored: dict[str, Any], changes: Node) -> Node:
    """Return the document as it was created, with the changes applied."""
    body = from_plain(json.loads(stored["body"]))
    for node in changes:
        if node.tag not in ("updatesotransitems", "disablevalidation"):
            _replace_child(body, node)
    items = body.child("sotransitems")
    assert items is not None
    for node in changes.child("updatesotransitems") or ():
        if node.tag == "sotransitem":
            items.children.append(node)
            continue
        number = int(node.attributes["line_num"])
        if not 1 <= number <= len(items.children):
            text = f"The document has no line {number}; lines are numbered from 1."
            raise FunctionFailure(business_error(text, errorid="SIM-LINE-NUMBER"))
        for change in node:
            _replace_child(items.children[number - 1], change)
    return body


def _replace_child(parent: Node, node: Node) -> None:
    parent.children = [child for child in parent if child.tag != node.tag]
    parent.children.append(node)


FUNCTION = GatewayFunction("update_sotransaction", _run, check_update, legacy=True)
