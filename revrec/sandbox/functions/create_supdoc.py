"""create_supdoc: an attachment, which is one or more files in a folder; entries and invoices refer to its id."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.company.attachments import check_attachment, with_changes
from revrec.sandbox.company.masters import SUPDOC, MasterRecord
from revrec.sandbox.content_model import content_model
from revrec.sandbox.errors import Error, FunctionFailure
from revrec.sandbox.xmltree import Node

_MODEL = content_model("supdocid? supdocname? supdocfoldername supdocdescription? attachments?")


def _check(body: Node) -> None:
    check_attachment(body, _MODEL)


def _run(call: Call) -> FunctionOutput:
    call.require("create", SUPDOC)
    masters, store = call.company.masters, call.company.store
    code = call.body.value("supdocid") or f"ATT-{store.next('supdocid'):05d}"
    if masters.get(SUPDOC, code) is not None:
        text = f"Another Supdoc with the given value(s) {code} already exists. Use a unique value instead."
        raise FunctionFailure(Error("BL34000061", description2=text))
    created = {"created": call.company.clock.now().date().isoformat(), "created_by": call.caller.user}
    attachment = with_changes(MasterRecord(SUPDOC, code, code, details=created), call.body, masters)
    call.company.usage.count(records_written=1)
    return FunctionOutput(key=str(masters.put(attachment)))


FUNCTION = GatewayFunction("create_supdoc", _run, _check, legacy=True)
