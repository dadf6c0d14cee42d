"""Readable objects: their rows in the store, and their fields with the SQL and format of each."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from revrec.sandbox.dates import us_date_of_iso, us_time_of_iso
from revrec.sandbox.ledger.dimensions import DIMENSIONS
from revrec.sandbox.ledger.entry import STATES
from revrec.sandbox.money import format_mills
from revrec.sandbox.xmltree import truth_text

_CUSTOM_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ObjectField:
    """One readable field. ``kind``: text, integer, amount (mills), quantity (millionths), date, time, state or flag.

    ``codes`` maps the labels of a state to its codes.
    """

    name: str
    sql: str
    kind: str = "text"
    currency_sql: str = ""
    codes: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One readable object.

    ``source`` is a FROM clause. These are SQL expressions: ``key`` for its RECORDNO, ``name_key`` for the id by which
    readByName finds it (empty: its RECORDNO), ``private`` for the entity it is private to, ``entry`` for the journal
    entry it belongs to (for the visibility delay), ``definition`` for its transaction definition, and ``custom`` for
    its custom fields (JSON), which are read with docparid.
    """

    name: str
    source: str
    key: str
    fields: dict[str, ObjectField]
    private: str = ""
    entry: str = ""
    where: str = ""
    definition: str = ""
    custom: str = ""
    name_key: str = ""

    def of_definition(self, docparid: str) -> "ObjectType":
        """Return the documents of one transaction definition, with their custom fields."""
        quoted = docparid.replace("'", "''")
        return replace(
            self, where=f"{self.definition} = '{quoted}'", fields=_FieldsWithCustom(self.fields, self.custom)
        )


class _FieldsWithCustom(dict[str, ObjectField]):
    """Fields in which any well-formed unknown name is a custom field. Custom fields are not listed."""

    def __init__(self, fields: dict[str, ObjectField], custom: str) -> None:
        super().__init__(fields)
        self._custom = custom

    def get(self, name: str, default: Any = None) -> Any:
        """Look up a field; ``dict.get`` would not call ``__missing__``."""
        return self[name] if name in self else default  # noqa: SIM401

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or bool(_CUSTOM_NAME.fullmatch(str(name)))

    def __missing__(self, name: str) -> ObjectField:
        return ObjectField(name, f"json_extract({self._custom}, '$.{name}')")


def fields_by_name(*fields: ObjectField) -> dict[str, ObjectField]:
    """Return the fields by name, as ObjectType needs them."""
    return {field.name: field for field in fields}


_CONTACT = (
    "CONTACTNAME PREFIX FIRSTNAME INITIAL LASTNAME COMPANYNAME PRINTAS PHONE1 PHONE2 CELLPHONE PAGER FAX EMAIL1 EMAIL2 "
    "URL1 URL2 VISIBLE TAXID TAXGROUP.NAME TAXGROUP.RECORDNO MAILADDRESS.ADDRESS1 MAILADDRESS.ADDRESS2 "
    "MAILADDRESS.CITY MAILADDRESS.STATE MAILADDRESS.ZIP MAILADDRESS.COUNTRY MAILADDRESS.COUNTRYCODE"
)


def empty_fields(names: str, *contacts: str) -> tuple[ObjectField, ...]:
    """Return fields that Intacct has and the sandbox leaves empty: these, and the fields of these contacts.

    Clients that select a fixed list of fields would be refused without them.
    """
    found = [*names.split(), *(f"{contact}.{name}" for contact in contacts for name in _CONTACT.split())]
    return tuple(ObjectField(name, "NULL") for name in found)


def state(name: str, sql: str, codes: Mapping[str, str] = STATES) -> ObjectField:
    """Return a field whose values have labels (used in query) and codes (used in readByQuery)."""
    return ObjectField(name, sql, "state", codes=codes)


def dimension_fields(alias: str, long: bool = False) -> tuple[ObjectField, ...]:
    """Return the dimension fields of the lines in ``alias``; with ``long``, all names end in ID."""
    return tuple(
        ObjectField(f"{item.kind}ID" if long else item.element, f"{alias}.{item.element.lower()}")
        for item in DIMENSIONS
    )


def format_value(field: ObjectField, value: Any, currency: str) -> str:
    """Format a stored value as text; ``currency`` sets the decimals of an amount."""
    return "" if value is None else _WRITERS[field.kind](value, currency)


_WRITERS: dict[str, Callable[[Any, str], str]] = {
    "text": lambda value, _: str(value),
    "integer": lambda value, _: str(value),
    "state": lambda value, _: str(value),
    "amount": format_mills,
    "quantity": lambda value, _: f"{Decimal(value) / 1_000_000:f}",
    "date": lambda value, _: us_date_of_iso(value),
    "time": lambda value, _: us_time_of_iso(value),
    "flag": lambda value, _: truth_text(value),
}
