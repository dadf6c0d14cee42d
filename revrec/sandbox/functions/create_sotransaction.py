"""create_sotransaction: an order-entry document; an invoice posts to receivables and the ledger."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.errors import FunctionFailure, business_error
from revrec.sandbox.orders.schema_checks import check_document
from revrec.sandbox.orders.stored_documents import write_document


def _run(call: Call) -> FunctionOutput:
    call.require("create", "SODOCUMENT")
    try:
        return FunctionOutput(key=write_document(call.body, call))
    except FunctionFailure as failure:
        raise FunctionFailure(*failure.errors, business_error("Could not create Document record!")) from None


FUNCTION = GatewayFunction("create_sotransaction", _run, check_document, legacy=True)
