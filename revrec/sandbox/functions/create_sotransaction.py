"""create_sotransaction: a document of order entry; an invoice posts to receivables and the ledger."""

from __future__ import annotations

from revrec.sandbox.calls import Call, Function, Outcome
from revrec.sandbox.errors import Refusal, business
from revrec.sandbox.orders.books import write_document
from revrec.sandbox.orders.shape import check_document


def _run(call: Call) -> Outcome:
    call.require("create", "SODOCUMENT")
    try:
        return Outcome(key=write_document(call.body, call))
    except Refusal as refusal:
        raise Refusal(*refusal.errors, business("Could not create Document record!")) from None


FUNCTION = Function("create_sotransaction", _run, check_document, legacy=True)
