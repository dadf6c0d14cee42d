"""Attachments: the rules for their files and folders, and for references to them."""

import base64
import binascii
from dataclasses import replace

from revrec.sandbox.company.masters import SUPDOC, SUPDOCFOLDER, MasterRecord, MasterRecords
from revrec.sandbox.content_model import Particle, check_content, content_model
from revrec.sandbox.errors import FunctionFailure, business_error, schema_violation
from revrec.sandbox.xmltree import Node

_FILE = content_model("attachmentname attachmenttype attachmentdata")


def check_attachment(body: Node, model: Particle) -> None:
    """Check the header of an attachment against its content model, and its files: name, type, and data in base64.

    Raises:
        SchemaViolation: an element is missing or unknown, or the data is not base64.
    """
    check_content(body, model)
    files = body.child("attachments")
    if files is None:
        return
    check_content(files, content_model("attachment*"))
    for node in files:
        check_content(node, _FILE)
        try:
            base64.b64decode(node.value("attachmentdata") or "", validate=True)
        except binascii.Error:
            raise schema_violation("Element 'attachmentdata': The value is not base64.", node.line) from None


def existing_folder(name: str, masters: MasterRecords) -> str:
    """Return the name of a folder.

    Raises:
        FunctionFailure: it does not exist.
    """
    if masters.active(SUPDOCFOLDER, name) is None:
        text = f"The attachment folder '{name}' is invalid."
        raise FunctionFailure(business_error(text, errorid="SIM-INVALID-FOLDER"))
    return name


def with_changes(attachment: MasterRecord, body: Node, masters: MasterRecords) -> MasterRecord:
    """Return an attachment with the name, folder, description and additional files that a request has.

    Raises:
        FunctionFailure: the folder does not exist, or a file has the name of another one.
    """
    files = [*attachment.details.get("files", ()), *(_file(node) for node in body.child("attachments") or ())]
    names = [(file["name"], file["type"]) for file in files]
    double = next((name for name in names if names.count(name) > 1), None)
    if double is not None:
        text = f"The attachment '{attachment.id}' has two files named '{double[0]}.{double[1]}'."
        raise FunctionFailure(business_error(text, errorid="SIM-DUPLICATE-FILE"))
    folder, description = body.value("supdocfoldername"), body.value("supdocdescription")
    return replace(
        attachment,
        name=body.value("supdocname") or attachment.name,
        parent=attachment.parent if folder is None else existing_folder(folder, masters),
        details=attachment.details
        | {"files": files}
        | ({"description": description} if description is not None else {}),
    )


def stored_attachment(code: str, masters: MasterRecords) -> MasterRecord:
    """Return the attachment with this id.

    Raises:
        FunctionFailure: it does not exist.
    """
    found = masters.active(SUPDOC, code)
    if found is None:
        raise FunctionFailure(business_error(f"The attachment '{code}' is invalid.", errorid="SIM-INVALID-ATTACHMENT"))
    return found


def _file(node: Node) -> dict[str, str]:
    parts = {"name": "attachmentname", "type": "attachmenttype", "data": "attachmentdata"}
    return {key: node.value(tag) or "" for key, tag in parts.items()}
