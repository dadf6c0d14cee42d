"""delete_supdoc: deletes an attachment with its files."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.company.attachments import stored_attachment
from revrec.sandbox.company.masters import SUPDOC
from revrec.sandbox.content_model import check_empty
from revrec.sandbox.orders.schema_checks import check_attribute
from revrec.sandbox.xmltree import Node


def _check(body: Node) -> None:
    check_empty(body)
    check_attribute(body, "key")


def _run(call: Call) -> FunctionOutput:
    call.require("delete", SUPDOC)
    attachment = stored_attachment(call.body.attributes["key"], call.company.masters)
    call.company.masters.drop(attachment)
    call.company.usage.count(records_written=1)
    return FunctionOutput(key=str(attachment.recordno))


FUNCTION = GatewayFunction("delete_supdoc", _run, _check, legacy=True)
