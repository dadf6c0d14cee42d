"""delete_sotransaction: removes a document by DOCID, unless something was made from it."""

from __future__ import annotations

from revrec.sandbox.calls import Call, Function, Outcome
from revrec.sandbox.fields import check_order
from revrec.sandbox.orders.books import remove_document, stored_document
from revrec.sandbox.orders.shape import check_key
from revrec.sandbox.xmltree import Node


def _check(body: Node) -> None:
    check_order(body, ())
    check_key(body)


def _run(call: Call) -> Outcome:
    call.require("delete", "SODOCUMENT")
    stored = stored_document(call.body.attributes["key"], call)
    remove_document(stored, call)
    return Outcome(key=stored["docid"])


FUNCTION = Function("delete_sotransaction", _run, _check, legacy=True)
