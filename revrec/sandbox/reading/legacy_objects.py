"""The objects that the legacy functions ``get`` and ``get_list`` return, with elements in lower case."""

from collections.abc import Callable
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from revrec.sandbox.calls import Call
from revrec.sandbox.company.masters import SUPDOC, SUPDOCFOLDER, MasterRecord
from revrec.sandbox.dates import us_date_of_iso
from revrec.sandbox.errors import Error, FunctionFailure
from revrec.sandbox.xmltree import Element, text_element


@dataclass(frozen=True, slots=True)
class LegacyObject:
    """An object of the legacy functions: the kind of its records, the element of its key, and its other elements."""

    kind: str
    key: str
    write: Callable[[Element, MasterRecord], None]


def legacy_object(name: str) -> LegacyObject:
    """Return the object called ``name``.

    Raises:
        FunctionFailure: the sandbox does not have it.
    """
    found = LEGACY_OBJECTS.get(name)
    if found is None:
        raise FunctionFailure(Error("XL03000009", description2=f"Object definition {name} not found"))
    return found


def legacy_records(name: str, call: Call) -> list[Element]:
    """Return all records of an object as elements, ordered by key.

    Raises:
        FunctionFailure: the sandbox does not have it, or the user may not read it.
    """
    target = legacy_object(name)
    call.require("read", target.kind)
    return [_record(name, target, record) for record in call.company.masters.all(target.kind)]


def with_fields(record: Element, names: list[str]) -> Element:
    """Return a record with only these elements, in this order; without names, the whole record."""
    if not names:
        return record
    selected = Element(record.tag)
    for name in names:
        found = record.find(name)
        selected.append(found if found is not None else Element(name))
    return selected


def _record(name: str, target: LegacyObject, record: MasterRecord) -> Element:
    element = Element(name)
    text_element(element, "recordno", str(record.recordno))
    text_element(element, target.key, record.id)
    target.write(element, record)
    return element


def _named(element: Element, record: MasterRecord) -> None:
    text_element(element, "name", record.name)
    _status(element, record)


def _titled(element: Element, record: MasterRecord) -> None:
    text_element(element, "title", record.name)
    _status(element, record)


def _status(element: Element, record: MasterRecord) -> None:
    text_element(element, "status", "active" if record.active else "inactive")


def _account(element: Element, record: MasterRecord) -> None:
    text_element(element, "title", record.name)
    text_element(element, "normalbalance", record.details.get("normal", ""))
    text_element(element, "accounttype", record.details.get("type", ""))
    _status(element, record)


def _location(element: Element, record: MasterRecord) -> None:
    text_element(element, "name", record.name)
    text_element(element, "parentid", record.parent)
    _status(element, record)


def _folder(element: Element, record: MasterRecord) -> None:
    text_element(element, "description", record.name)
    text_element(element, "parentfolder", record.parent)


def _attachment(element: Element, record: MasterRecord) -> None:
    text_element(element, "supdocname", record.name)
    text_element(element, "folder", record.parent)
    text_element(element, "description", record.details.get("description", ""))
    text_element(element, "creationdate", us_date_of_iso(record.details["created"]))
    text_element(element, "createdby", record.details["created_by"])
    files = ET.SubElement(element, "attachments")
    for file in record.details["files"]:
        node = ET.SubElement(files, "attachment")
        text_element(node, "attachmentname", file["name"])
        text_element(node, "attachmenttype", file["type"])
        text_element(node, "attachmentdata", file["data"])


LEGACY_OBJECTS = {
    "glaccount": LegacyObject("GLACCOUNT", "glaccountno", _account),
    "journal": LegacyObject("JOURNAL", "journalid", _titled),
    "customer": LegacyObject("CUSTOMER", "customerid", _named),
    "vendor": LegacyObject("VENDOR", "vendorid", _named),
    "department": LegacyObject("DEPARTMENT", "departmentid", _titled),
    "location": LegacyObject("LOCATION", "locationid", _location),
    "supdoc": LegacyObject(SUPDOC, "supdocid", _attachment),
    "supdocfolder": LegacyObject(SUPDOCFOLDER, "supdocfoldername", _folder),
}
