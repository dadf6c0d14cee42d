"""XML in and out: requests become a plain tree of nodes, responses are built from elements.

This is the only file of the sandbox that uses lxml. Requests are hostile input, so DTDs are rejected and entity
resolution and network access are switched off.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast
from xml.etree import ElementTree as ET

from lxml import etree

from revrec.sandbox.errors import SchemaViolation, parser_error

Element = ET.Element


@dataclass(slots=True)
class Node:
    """One element: tag, attributes, stripped text, child elements and its line in the request."""

    tag: str
    text: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    children: "list[Node]" = field(default_factory=list)
    line: int = 0

    def child(self, tag: str) -> "Node | None":
        """Return the first child element whose tag is exactly ``tag``."""
        return next((node for node in self.children if node.tag == tag), None)

    def all(self, tag: str) -> "list[Node]":
        """Return all child elements whose tag is exactly ``tag``."""
        return [node for node in self.children if node.tag == tag]

    def value(self, tag: str) -> str | None:
        """Return the text of the first child whose tag is exactly ``tag``, or None when there is no such child."""
        node = self.child(tag)
        return None if node is None else node.text

    def __iter__(self) -> "Iterator[Node]":
        return iter(self.children)


def parse(body: bytes) -> Node:
    """Parse a request and return its root element.

    Raises:
        SchemaViolation: the bytes are not well-formed UTF-8 XML, or have a DOCTYPE (XL03000003).
    """
    _require_utf8(body)
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise SchemaViolation(*_parser_errors(parser, error)) from None
    if getattr(root.getroottree().docinfo, "doctype", ""):
        raise SchemaViolation(parser_error(96, "A document type declaration is not allowed", 1, 1))
    return _node(root)


def _require_utf8(body: bytes) -> None:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        column = error.start - body.rfind(b"\n", 0, error.start)
        message = "Input is not proper UTF-8, indicate encoding !"
        raise SchemaViolation(parser_error(9, message, line, column)) from None


def _parser_errors(parser: etree.XMLParser, error: etree.XMLSyntaxError) -> list[dict[str, str]]:
    # The log of the exception has what this thread parsed before, too.
    log: list[Any] = list(cast("Any", parser.error_log))
    if not log:
        return [parser_error(1, str(error), 1, 1)]
    return [parser_error(entry.type, entry.message, entry.line, entry.column) for entry in log[:5]]


def _node(element: etree._Element) -> Node:
    return Node(
        tag=str(element.tag),
        text=(element.text or "").strip() if len(element) == 0 else "",
        attributes={str(name): str(value) for name, value in element.attrib.items()},
        children=[_node(child) for child in element],
        line=cast("int | None", element.sourceline) or 0,
    )


def text_element(parent: Element, tag: str, text: str | None = "") -> Element:
    """Append a child with a text to ``parent`` and return it."""
    child = ET.SubElement(parent, tag)
    child.text = text or None
    return child


def truth_text(value: bool) -> str:
    """Return a truth value as elements contain it."""
    return "true" if value else "false"
