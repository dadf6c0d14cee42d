"""delete_sotransaction: deletes a document by DOCID, unless it was converted to another one."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.content_model import check_empty
from revrec.sandbox.orders.schema_checks import check_attribute
from revrec.sandbox.orders.stored_documents import remove_document, stored_document
from revrec.sandbox.xmltree import Node


def _check(body: Node) -> None:
    check_empty(body)
    check_attribute(body, "key")


def _run(call: Call) -> FunctionOutput:
    call.require("delete", "SODOCUMENT")
    stored = stored_document(call.body.attributes["key"], call)
    remove_document(stored, call)
    return FunctionOutput(key=stored["docid"])


FUNCTION = GatewayFunction("delete_sotransaction", _run, _check, legacy=True)
