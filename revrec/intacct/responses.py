"""Parser of Intacct's answers. What an answer means for an entry is decided in ``judgment``.

Answers are treated as hostile: no entities, no network access, no DOCTYPE, no huge trees.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import unquote

from lxml import etree

from revrec.intacct.gateway import GatewayError

_SUPPORT_ID = re.compile(r"\s*\[Support ID:\s*([^\]]*)\]")

RemoveSecrets = Callable[[str], str]


class UnreadableAnswer(ValueError):
    """Bytes that are not an answer of the gateway. The message is the reason: empty, not_xml or truncated."""


class FunctionResult(NamedTuple):
    """One ``result`` element: the outcome of one function. ``data`` is its ``data`` element, if there is one."""

    status: str
    function: str
    control_id: str
    key: str
    errors: tuple[GatewayError, ...]
    data: etree._Element | None


class AuthenticationBlock(NamedTuple):
    """The ``authentication`` element. Times are by Intacct's clock; None if unreadable."""

    status: str
    user_id: str
    company_id: str
    location_id: str
    timestamp: datetime | None
    timeout: datetime | None


class GatewayResponse(NamedTuple):
    """A parsed answer. ``authentication`` is None if the answer ends at the control level."""

    root: etree._Element
    control_status: str
    control_id: str
    control_errors: tuple[GatewayError, ...]
    operations: int
    authentication: AuthenticationBlock | None
    authentication_errors: tuple[GatewayError, ...]
    results: tuple[FunctionResult, ...]


def parse_document(body: bytes) -> etree._Element:
    """Parse an XML document from outside and return its root.

    Raises:
        UnreadableAnswer: the document is empty, truncated, not XML, or has a document type.
    """
    if not body.strip():
        raise UnreadableAnswer("empty")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_pis=True, remove_comments=True
    )
    root, fault = _parsed(body, parser)
    if root is None:
        raise UnreadableAnswer(fault)
    if root.getroottree().docinfo.internalDTD is not None:
        raise UnreadableAnswer("not_xml")
    return root


def _parsed(body: bytes, parser: etree.XMLParser) -> tuple[etree._Element | None, str]:
    """Return the root, or the reason why it is missing; the parser's own error is dropped: it quotes the document."""
    try:
        return etree.fromstring(body, parser), ""
    except (etree.XMLSyntaxError, ValueError, LookupError):
        begins = body.lstrip()[:200].lower()
        return None, "truncated" if b"<response" in begins else "not_xml"


def parse_response(body: bytes, clean: RemoveSecrets) -> GatewayResponse:
    """Parse an answer; ``clean`` removes secrets from each error text.

    Raises:
        UnreadableAnswer: the bytes are empty, truncated, not XML, or another document.
    """
    root = parse_document(body)
    if root.tag != "response":
        raise UnreadableAnswer("not_xml")
    operations = root.findall("operation")
    operation = operations[0] if operations else None
    block = None if operation is None else operation.find("authentication")
    return GatewayResponse(
        root=root,
        control_status=_text(root, "control/status"),
        control_id=_text(root, "control/controlid"),
        control_errors=_errors(root, clean),
        operations=len(operations),
        authentication=None if block is None else _authentication(block),
        authentication_errors=() if operation is None else _errors(operation, clean),
        results=() if operation is None else tuple(_result(one, clean) for one in operation.findall("result")),
    )


def _text(element: etree._Element, path: str) -> str:
    found = element.find(path)
    return "" if found is None else "".join(str(part) for part in found.itertext()).strip()


def _authentication(block: etree._Element) -> AuthenticationBlock:
    return AuthenticationBlock(
        _text(block, "status"), _text(block, "userid"), _text(block, "companyid"), _text(block, "locationid"),
        _time(_text(block, "sessiontimestamp")), _time(_text(block, "sessiontimeout")),
    )  # fmt: skip


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _result(element: etree._Element, clean: RemoveSecrets) -> FunctionResult:
    data = element.find("data")
    return FunctionResult(
        _text(element, "status"), _text(element, "function"), _text(element, "controlid"), _text(element, "key"),
        _errors(element, clean), data,
    )  # fmt: skip


def _errors(parent: etree._Element, clean: RemoveSecrets) -> tuple[GatewayError, ...]:
    return tuple(_error(error, clean) for error in parent.findall("errormessage/error"))


def _error(element: etree._Element, clean: RemoveSecrets) -> GatewayError:
    description, support = _without_support_id(clean(_text(element, "description")))
    description2, support2 = _without_support_id(clean(_text(element, "description2")))
    extra = _lower_case_texts(element.find("additionalinfo"))
    return GatewayError(
        errorno=clean(_text(element, "errorno")),
        description=description,
        description2=description2,
        correction=clean(_text(element, "correction")),
        support_id=support2 or support,
        error_id=clean(extra.get("errorid", "")),
        category=clean(extra.get("category", "")),
        target=clean(extra.get("target", "")),
    )


def _without_support_id(text: str) -> tuple[str, str]:
    match = _SUPPORT_ID.search(text)
    if not match:
        return text, ""
    return (text[: match.start()] + text[match.end() :]).strip(), unquote(match[1]).strip()


def _lower_case_texts(element: etree._Element | None) -> dict[str, str]:
    if element is None:
        return {}
    return {child.tag.lower(): (child.text or "").strip() for child in element.iter() if isinstance(child.tag, str)}
