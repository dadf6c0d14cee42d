"""Response documents, with their elements in the order of the real gateway."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree as ET

from revrec.sandbox.errors import Error
from revrec.sandbox.protocol.request import ControlEcho
from revrec.sandbox.xmltree import Element, text_element


@dataclass(frozen=True, slots=True)
class FunctionResult:
    """One ``<result>``: ``status`` is success, failure or aborted."""

    status: str
    function: str
    control_id: str
    data: Element | None = None
    key: str | None = None
    errors: tuple[Error, ...] = ()
    list_type: Element | None = None


@dataclass(frozen=True, slots=True)
class AuthenticationBlock:
    """The ``<authentication>`` block of a response."""

    status: str
    user: str
    company_id: str
    location: str = ""
    now: datetime | None = None
    expires: datetime | None = None


class ResponseWriter:
    """The writer of the response to one request; ``support`` is the support id at the end of error texts."""

    def __init__(self, echo: ControlEcho, support: str) -> None:
        self._echo = echo
        self._support = support

    def control_failure(self, errors: Sequence[Error], echo: bool = True) -> bytes:
        """Return a response with control status failure: nothing was executed."""
        root = self._root("failure", echo)
        root.append(self._errormessage(errors))
        return self._bytes(root)

    def authentication_failure(self, block: AuthenticationBlock, error: Error) -> bytes:
        """Return a response with control success and authentication failure: nothing was executed."""
        root = self._root("success")
        operation = ET.SubElement(root, "operation")
        operation.append(_authentication(block))
        operation.append(self._errormessage((error,)))
        return self._bytes(root)

    def results(self, block: AuthenticationBlock, results: Sequence[FunctionResult]) -> bytes:
        """Return a response with control and authentication success, and one result for each function."""
        root = self._root("success")
        operation = ET.SubElement(root, "operation")
        operation.append(_authentication(block))
        for result in results:
            operation.append(self._result(result))
        return self._bytes(root)

    def _root(self, status: str, echo: bool = True) -> Element:
        root = Element("response")
        control = ET.SubElement(root, "control")
        text_element(control, "status", status)
        if echo:
            text_element(control, "senderid", self._echo.sender)
            text_element(control, "controlid", self._echo.control_id)
            text_element(control, "uniqueid", self._echo.uniqueid)
            text_element(control, "dtdversion", self._echo.dtdversion)
        return root

    def _result(self, result: FunctionResult) -> Element:
        block = Element("result")
        text_element(block, "status", result.status)
        text_element(block, "function", result.function)
        text_element(block, "controlid", result.control_id)
        if result.list_type is not None:
            block.append(result.list_type)
        if result.key is not None:
            text_element(block, "key", result.key)
        if result.data is not None:
            block.append(result.data)
        if result.errors:
            block.append(self._errormessage(result.errors))
        return block

    def _errormessage(self, errors: Sequence[Error]) -> Element:
        block = Element("errormessage")
        for position, error in enumerate(errors):
            block.append(self._error(error, first=position == 0))
        return block

    def _error(self, error: Error, first: bool) -> Element:
        block = Element("error")
        text_element(block, "errorno", error.errorno)
        text_element(block, "description", error.description)
        support = f" [Support ID: {self._support}]" if first and error.description2 else ""
        text_element(block, "description2", error.description2 + support)
        text_element(block, "correction", error.correction)
        if self._echo.additional_info:
            block.append(_additional_info(error, self._support))
        return block

    def _bytes(self, root: Element) -> bytes:
        if self._echo.whitespace:
            ET.indent(root, "    ")
        text = ET.tostring(root, encoding="unicode", short_empty_elements=False)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


def _authentication(block: AuthenticationBlock) -> Element:
    node = Element("authentication")
    text_element(node, "status", block.status)
    text_element(node, "userid", block.user)
    text_element(node, "companyid", block.company_id)
    if block.now and block.expires:
        text_element(node, "locationid", block.location)
        text_element(node, "sessiontimestamp", block.now.isoformat(timespec="seconds"))
        text_element(node, "sessiontimeout", block.expires.isoformat(timespec="seconds"))
    return node


def _additional_info(error: Error, support: str) -> Element:
    block = Element("additionalinfo")
    text_element(block, "errorid", error.errorid)
    text_element(block, "category", error.category)
    _target(block, support)
    for part in ("description", "cdescription", "correction"):
        message = ET.SubElement(block, part)
        text_element(message, "messageid", error.messageid if part == "cdescription" else "")
        _target(message)
        placeholders = ET.SubElement(message, "placeholders")
        for name, value in error.placeholders if part == "cdescription" else ():
            ET.SubElement(placeholders, "placeholder", name=name, value=value)
    return block


def _target(parent: Element, support: str = "") -> None:
    ET.SubElement(parent, "target", domain="", requestinfo=support, object="", field="", businessinfo="")
