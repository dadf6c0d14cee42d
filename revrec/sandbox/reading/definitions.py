"""Definitions of objects, as ``lookup`` and ``inspect`` return them: the fields, and the related objects."""

from collections.abc import Iterator
from dataclasses import dataclass

from revrec.sandbox.company.state import CompanyState
from revrec.sandbox.company.switches import Switches
from revrec.sandbox.ledger.custom_fields import custom_fields
from revrec.sandbox.ledger.dimensions import DIMENSIONS, USER_DIMENSION
from revrec.sandbox.ledger.glbatch import HEADER_FIELDS, text_limits
from revrec.sandbox.ledger.glentry import LINE_FIELDS
from revrec.sandbox.reading.objects import OBJECTS, ObjectField, ObjectType, object_type
from revrec.sandbox.xmltree import Node

_DATA_TYPES = {
    "text": "TEXT",
    "integer": "INTEGER",
    "amount": "CURRENCY",
    "quantity": "DECIMAL",
    "date": "DATE",
    "time": "TIMESTAMP",
    "state": "ENUM",
    "flag": "BOOLEAN",
}
"""The DATATYPE of a field by its kind."""

_REQUIRED = {
    "GLBATCH": {"JOURNAL", "BATCH_DATE", "BATCH_TITLE"},
    "GLENTRY": {"ACCOUNTNO", "TR_TYPE"},
    "ITEM": {"ITEMID", "NAME", "ITEMTYPE"},
    "DEPARTMENT": {"DEPARTMENTID", "TITLE"},
    "ARTERM": {"NAME", "DUE"},
} | {kind: {f"{kind}ID", "NAME"} for kind in ("CUSTOMER", "VENDOR", "CLASS", "PROJECT", "CONTRACT")}
_SET_BY_INTACCT = {"RECORDNO", "WHENCREATED", "WHENMODIFIED", "CREATEDBY", "MEGAENTITYID"}
_WRITABLE = {"GLBATCH": HEADER_FIELDS, "GLENTRY": LINE_FIELDS}


@dataclass(frozen=True, slots=True)
class FieldDefinition:
    """One field of an object. ``valid_values`` are the values of an ENUM; ``max_length`` is None without a limit."""

    id: str
    label: str
    data_type: str
    required: bool
    read_only: bool
    valid_values: tuple[str, ...]
    max_length: int | None
    is_custom: bool = False


@dataclass(frozen=True, slots=True)
class Relationship:
    """A many-to-one relation: ``path`` goes before the dot of a field, ``related_by`` is the field with the key."""

    path: str
    object: str
    related_by: str


def described_object(body: Node, company: CompanyState) -> ObjectType:
    """Return the object that a lookup or inspect asks for: by integration name, or by its name for people.

    A transaction definition, such as Sales Order, names its documents.

    Raises:
        FunctionFailure: it does not exist.
    """
    name, docparid = body.value("name"), body.value("docparid") or ""
    if name and company.masters.get("SODOCUMENTPARAMS", name):
        return object_type("SODOCUMENT", company, name)
    labeled = (one for one in OBJECTS if name and label_of(one).lower() == name.lower())
    return object_type(body.value("object") or next(labeled, name or ""), company, docparid)


def field_definitions(target: ObjectType, company: CompanyState) -> list[FieldDefinition]:
    """Return the definitions of the fields of an object; fields of related objects are not among them."""
    own = custom_fields(target.name, company.masters)
    required = _required(target.name, company.switches) | {
        name for name, one in own.items() if one.details.get("required")
    }
    lengths = _lengths(target.name, company.switches)
    return [
        FieldDefinition(
            id=field.name,
            label=own[field.name].name if field.name in own else label_of(field.name),
            data_type=_DATA_TYPES[field.kind],
            required=field.name in required,
            read_only=field.name not in own and _is_read_only(target.name, field),
            valid_values=tuple(field.codes or ()),
            max_length=lengths.get(field.name),
            is_custom=field.name in own,
        )
        for field in target.fields.values()
        if "." not in field.name
    ]


def relationships(target: ObjectType) -> Iterator[Relationship]:
    """Yield the objects that an object refers to."""
    for dimension in DIMENSIONS:
        name = next((one for one in (dimension.element, f"{dimension.kind}ID") if one in target.fields), None)
        if name and dimension.kind != target.name:
            yield Relationship(dimension.kind, dimension.kind, name)
    for name in target.fields:
        if name.startswith(USER_DIMENSION):
            yield Relationship(name, name.removeprefix(USER_DIMENSION), name)
    for path in dict.fromkeys(name.partition(".")[0] for name in target.fields if "." in name):
        yield Relationship(path, path, {"GLBATCH": "BATCHNO"}.get(path, path))


def label_of(name: str) -> str:
    """Return the label of a field or an object."""
    return name.replace("_", " ").capitalize()


def _required(name: str, switches: Switches) -> set[str]:
    required = set(_REQUIRED.get(name, ()))
    if name == "GLENTRY":
        required |= {"CURRENCY"} if switches.currency_required else set()
        required |= {"LOCATION"} if switches.location_required else set()
    return required


def _lengths(name: str, switches: Switches) -> dict[str, int]:
    if name == "GLENTRY":
        return {"DOCUMENT": switches.max_document, "DESCRIPTION": switches.max_description}
    return text_limits(switches) if name == "GLBATCH" else {}


def _is_read_only(name: str, field: ObjectField) -> bool:
    if field.name in _SET_BY_INTACCT:
        return True
    writable = _WRITABLE.get(name)
    return writable is not None and field.name not in writable and not field.name.startswith(USER_DIMENSION)
