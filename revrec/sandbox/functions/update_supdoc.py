"""update_supdoc: changes the header of an attachment and adds files; existing files cannot be changed."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.company.attachments import check_attachment, stored_attachment, with_changes
from revrec.sandbox.company.masters import SUPDOC
from revrec.sandbox.content_model import content_model
from revrec.sandbox.xmltree import Node

_MODEL = content_model("supdocid supdocname? supdocfoldername? supdocdescription? attachments?")


def _check(body: Node) -> None:
    check_attachment(body, _MODEL)


def _run(call: Call) -> FunctionOutput:
    call.require("update", SUPDOC)
    masters = call.company.masters
    attachment = stored_attachment(call.body.value("supdocid") or "", masters)
    call.company.usage.count(records_written=1)
    return FunctionOutput(key=str(masters.put(with_changes(attachment, call.body, masters))))


FUNCTION = GatewayFunction("update_supdoc", _run, _check, legacy=True)
