"""Custom fields of journal entries and of their lines, which the company has defined (``/customfields``)."""

from collections.abc import Iterable, Mapping

from revrec.sandbox.company.masters import MasterRecord, MasterRecords
from revrec.sandbox.errors import Error
from revrec.sandbox.fields import missing_field, text_of
from revrec.sandbox.xmltree import Node


def custom_fields(owner: str, masters: MasterRecords) -> dict[str, MasterRecord]:
    """Return the active custom fields of an object (GLBATCH or GLENTRY) by their integration names."""
    own = (one for one in masters.all("CUSTOMFIELD") if one.active and one.parent == owner)
    return {one.id.rpartition(".")[2].upper(): one for one in own}


def custom_values(fields: dict[str, Node], custom: Iterable[str]) -> dict[str, str]:
    """Return the values of these custom fields in a request."""
    values = {name: text_of(fields, name) for name in custom}
    return {name: value for name, value in values.items() if value}


def missing_custom_fields(fields: dict[str, Node], owner: str, custom: Mapping[str, MasterRecord]) -> list[Error]:
    """Return an error for each of these custom fields of an object that is required and has no value."""
    required = [name for name, one in custom.items() if one.details.get("required")]
    return [missing_field(name, owner) for name in required if not text_of(fields, name)]
