"""create_supdocfolder: a folder for attachments, in another folder or at the top."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.company.attachments import existing_folder
from revrec.sandbox.company.masters import SUPDOCFOLDER, MasterRecord
from revrec.sandbox.content_model import check_content, content_model
from revrec.sandbox.errors import Error, FunctionFailure
from revrec.sandbox.xmltree import Node


def _check(body: Node) -> None:
    check_content(body, content_model("supdocfoldername supdocfolderdescription? supdocparentfoldername?"))


def _run(call: Call) -> FunctionOutput:
    call.require("create", SUPDOCFOLDER)
    masters = call.company.masters
    name, parent = call.body.value("supdocfoldername") or "", call.body.value("supdocparentfoldername") or ""
    if masters.get(SUPDOCFOLDER, name) is not None:
        text = f"Another Supdocfolder with the given value(s) {name} already exists. Use a unique value instead."
        raise FunctionFailure(Error("BL34000061", description2=text))
    if parent:
        existing_folder(parent, masters)
    description = call.body.value("supdocfolderdescription") or ""
    call.company.usage.count(records_written=1)
    return FunctionOutput(key=str(masters.put(MasterRecord(SUPDOCFOLDER, name, description, parent=parent))))


FUNCTION = GatewayFunction("create_supdocfolder", _run, _check, legacy=True)
