"""Functions for a probe, element by element: what the posting's own writer would never write."""

from lxml import etree

from revrec.intacct.glbatch import legal


def parent(tag: str, **texts: str) -> etree._Element:
    """An element with text children in the given order."""
    element = etree.Element(tag)
    for name, text in texts.items():
        etree.SubElement(element, name).text = legal(text)
    return element


def function(control_id: str, body: etree._Element) -> bytes:
    """A function with its control id."""
    element = etree.Element("function", controlid=control_id)
    element.append(body)
    return etree.tostring(element, encoding="UTF-8", xml_declaration=False)
