"""Text and dates in XML elements of a request."""

import re
from datetime import date

from lxml import etree

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def add_text(parent: etree._Element, name: str, text: str) -> None:
    """Add a child with text."""
    element = etree.SubElement(parent, name)
    try:
        element.text = text
    except ValueError:
        # lxml checks every character anyway. Checking before it would slow down every line because of a few.
        element.text = replace_illegal_characters(text)


def add_date(parent: etree._Element, name: str, day: date) -> None:
    """Add a child with year, month and day, as legacy functions require it."""
    element = etree.SubElement(parent, name)
    add_text(element, "year", f"{day.year:04d}")
    add_text(element, "month", f"{day.month:02d}")
    add_text(element, "day", f"{day.day:02d}")


def replace_illegal_characters(text: str) -> str:
    """Replace characters that XML 1.0 does not allow with U+FFFD."""
    return _ILLEGAL.sub("\ufffd", text)
