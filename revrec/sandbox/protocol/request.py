"""The parsed request: control, authentication, functions.

A wrong shape raises SchemaViolation (a control failure). Credentials are only read here; the gateway checks them.
"""

import re
from dataclasses import dataclass, field

from revrec.sandbox.errors import ControlFailure, Error, schema_violation
from revrec.sandbox.xmltree import Node

CONTROL_ID_LIMIT = 256
_CONTROL_CHILDREN = (
    "senderid",
    "password",
    "controlid",
    "uniqueid",
    "dtdversion",
    "policyid",
    "debug",
    "validate",
    "includewhitespace",
    "showadditionalerrorinfo",
)
LOGIN_ORDER = ("userid", "companyid", "password", "clientid", "locationid")


@dataclass(frozen=True, slots=True)
class ControlEcho:
    """The fields of a control block that the response repeats, even when the request is rejected."""

    sender: str = ""
    control_id: str = ""
    uniqueid: str = "true"
    dtdversion: str = ""
    whitespace: bool = True
    additional_info: bool = False


@dataclass(frozen=True, slots=True)
class Login:
    """Credentials of a user.

    ``location`` is None when the element is absent. ``in_order`` is true if the elements have the order of the schema.
    """

    user: str
    company_id: str
    password: str = field(repr=False)
    location: str | None
    in_order: bool


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """One ``<function>``: its controlid attribute and its only child."""

    control_id: str
    body: Node


@dataclass(frozen=True, slots=True)
class Request:
    """A request whose shape is valid."""

    echo: ControlEcho
    password: str = field(repr=False)
    unique: bool
    transaction: bool
    login: Login | None
    session_id: str | None = field(repr=False)
    calls: tuple[FunctionCall, ...]


def read_echo(root: Node) -> ControlEcho:
    """Return the echo of the control block in any tree."""
    control = root.child("control")
    if control is None:
        return ControlEcho()
    return ControlEcho(
        sender=control.value("senderid") or "",
        control_id=(control.value("controlid") or "")[:CONTROL_ID_LIMIT],
        uniqueid=control.value("uniqueid") or "true",
        dtdversion=control.value("dtdversion") or "",
        whitespace=control.value("includewhitespace") != "false",
        additional_info=control.value("showadditionalerrorinfo") == "true",
    )


def scan_echo(body: bytes) -> ControlEcho:
    """Return the echo of a document that cannot be parsed, as far as its control block can be found."""
    head = body[:20_000].decode("utf-8", "replace")

    def text(tag: str) -> str:
        found = re.search(rf"<{tag}>([^<>&]*)</{tag}>", head)
        return found.group(1).strip() if found else ""

    return ControlEcho(
        text("senderid"), text("controlid")[:CONTROL_ID_LIMIT], text("uniqueid") or "true", text("dtdversion")
    )


def read_request(root: Node, cut_control_ids: bool = False) -> Request:
    """Return the request in a parsed document.

    Control ids of functions that are too long are cut with ``cut_control_ids``; otherwise they break the schema.

    Raises:
        SchemaViolation: the request has the wrong shape.
        ControlFailure: it names a transport policy.
    """
    if root.tag != "request":
        raise schema_violation(f"Element '{root.tag}': No matching global declaration available.", root.line)
    control = _only(root, "control")
    operation = _only(root, "operation")
    _check_control(control)
    login, session_id = _authentication(_only(operation, "authentication"))
    return Request(
        echo=read_echo(root),
        password=control.value("password") or "",
        unique=_truth(control, "uniqueid", True),
        transaction=_transaction(operation),
        login=login,
        session_id=session_id,
        calls=tuple(_calls(operation, cut_control_ids)),
    )


def _check_control(control: Node) -> None:
    for name in ("senderid", "password", "controlid"):
        if not control.value(name):
            raise schema_violation(
                f"Element 'control': Missing child element(s). Expected is ( {name} ).", control.line
            )
    for node in control:
        if node.tag not in _CONTROL_CHILDREN or len(control.all(node.tag)) > 1:
            raise schema_violation(f"Element '{node.tag}': This element is not expected.", node.line)
    _check_length(control.value("controlid") or "", "controlid", control.line)
    _truth(control, "includewhitespace", True)
    _truth(control, "showadditionalerrorinfo", False)
    version = control.value("dtdversion")
    if version not in (None, "2.1", "3.0"):
        raise schema_violation(f"Element 'dtdversion': '{version}' is not one of {{'2.1', '3.0'}}.", control.line)
    policy = control.value("policyid")
    if policy:
        text = f"{policy} is not a valid transport policy."
        raise ControlFailure(Error("XL03000006", description2=text))


def _check_length(text: str, name: str, line: int) -> None:
    if not 1 <= len(text) <= CONTROL_ID_LIMIT:
        rule = f"its length is {len(text)}; it must be 1 to {CONTROL_ID_LIMIT}."
        raise schema_violation(f"'{name}': The value is not accepted: {rule}", line)


def _authentication(block: Node) -> tuple[Login | None, str | None]:
    login, session = block.child("login"), block.child("sessionid")
    if len(block.children) != 1 or (login is None and session is None):
        raise schema_violation("Element 'authentication': Expected is one of ( login, sessionid ).", block.line)
    if session is not None:
        return None, session.text
    assert login is not None
    return _login(login), None


def _login(node: Node) -> Login:
    tags = [child.tag for child in node]
    known = [tag for tag in LOGIN_ORDER if tag in tags]
    return Login(
        user=node.value("userid") or "",
        company_id=node.value("companyid") or "",
        password=node.value("password") or "",
        location=node.value("locationid"),
        in_order=tags == known,
    )


def _transaction(operation: Node) -> bool:
    text = operation.attributes.get("transaction", "false")
    if text not in ("true", "false"):
        raise schema_violation(f"Element 'operation', attribute 'transaction': '{text}' is not valid.", operation.line)
    return text == "true"


def _calls(operation: Node, cut_control_ids: bool) -> list[FunctionCall]:
    functions = [node for content in operation.all("content") for node in content]
    if not functions:
        raise schema_violation("Element 'content': Missing child element(s). Expected is ( function ).", operation.line)
    return [_call(node, cut_control_ids) for node in functions]


def _call(node: Node, cut_control_ids: bool) -> FunctionCall:
    if node.tag != "function":
        raise schema_violation(
            f"Element '{node.tag}': This element is not expected. Expected is ( function ).", node.line
        )
    control_id = node.attributes.get("controlid")
    if control_id is None:
        raise schema_violation("Element 'function': The attribute 'controlid' is required but missing.", node.line)
    control_id = control_id[:CONTROL_ID_LIMIT] if cut_control_ids else control_id
    _check_length(control_id, "controlid", node.line)
    if len(node.children) != 1:
        raise schema_violation("Element 'function': exactly one child element is expected.", node.line)
    return FunctionCall(control_id, node.children[0])


def _only(parent: Node, tag: str) -> Node:
    found = parent.all(tag)
    if len(found) != 1:
        rule = f"Missing child element(s). Expected is ( {tag} )." if not found else f"( {tag} ) may occur once."
        raise schema_violation(f"Element '{parent.tag}': {rule}", parent.line)
    return found[0]


def _truth(parent: Node, tag: str, default: bool) -> bool:
    text = parent.value(tag)
    if text is None:
        return default
    if text not in ("true", "false"):
        raise schema_violation(f"Element '{tag}': '{text}' is not a valid value of the type 'boolean'.", parent.line)
    return text == "true"
