"""reverse_invoice: reverses a receivable that no document of order entry is behind, in an open period."""

from datetime import date
from typing import Any

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.content_model import check_content, content_model
from revrec.sandbox.errors import FunctionFailure, business_error
from revrec.sandbox.fields import legacy_date
from revrec.sandbox.ledger.ledger import require_open_period, stored_batch
from revrec.sandbox.ledger.reversals import reverse_stored
from revrec.sandbox.orders.schema_checks import check_attribute
from revrec.sandbox.xmltree import Node

_FIND = "SELECT * FROM arinvoice WHERE recordtype = 'arinvoice' AND CAST(recordno AS TEXT) = ?"


def _check(body: Node) -> None:
    check_attribute(body, "key")
    check_content(body, content_model("datereversed description?"))
    check_content(body.children[0], content_model("year month day"))


def _run(call: Call) -> FunctionOutput:
    call.require("update", "ARINVOICE")
    day = legacy_date(call.body.child("datereversed"), "datereversed")
    assert day is not None
    invoice = _reversible(call, call.body.attributes["key"], day)
    store = call.company.store
    if invoice["glbatch"] is not None:
        on_this_day = {"batch_date": day.isoformat()}
        require_open_period(stored_batch(store, str(invoice["glbatch"])) | on_this_day, call.company)
        reverse_stored(call.company, invoice["glbatch"], day, call.caller.user)
    store.execute("UPDATE arinvoice SET state = 'Reversed' WHERE recordno = ?", (invoice["recordno"],))
    call.company.usage.count(records_written=1)
    return FunctionOutput(key=str(invoice["recordno"]))


def _reversible(call: Call, key: str, day: date) -> dict[str, Any]:
    found = call.company.store.dicts(_FIND, (key,))
    if not found:
        raise FunctionFailure(
            business_error(f"ARINVOICE with the key '{key}' does not exist.", errorid="SIM-NO-RECORD")
        )
    invoice = found[0]
    if invoice["state"] != "Posted" or invoice["docid"] is not None:
        reason = invoice["docid"] or invoice["state"]
        text = f"ARINVOICE with the key '{key}' cannot be reversed ({reason})."
        raise FunctionFailure(business_error(text, errorid="SIM-NOT-REVERSIBLE"))
    if day < date.fromisoformat(invoice["posted_day"]):
        text = "The reversal date must not be before the posting date."
        raise FunctionFailure(business_error(text, errorid="SIM-REVERSEDATE"))
    return invoice


FUNCTION = GatewayFunction("reverse_invoice", _run, _check, legacy=True)
