"""What an object that can be read is made of: its rows in the store, and its fields as they are written out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from revrec.sandbox.dates import us_date_of_iso, us_time_of_iso
from revrec.sandbox.ledger.dimensions import DIMENSIONS
from revrec.sandbox.ledger.entry import STATES
from revrec.sandbox.money import format_mills

_CUSTOM_NAME = re.compile(r"[A-Z][A-Z0-9_]{0,39}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ObjectField:
    """One readable field. kind: text, integer, amount (mills), quantity (millionths), date, time, state or flag.

    codes: of a state, the codes by their labels.
    """

    name: str
    sql: str
    kind: str = "text"
    currency_sql: str = ""
    codes: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One readable object.

    `source` is a FROM clause, `key` the SQL of its RECORDNO, `private` the SQL of the entity it is private to,
    `entry` the SQL of the journal entry it belongs to (for the visibility delay), `definition` that of its transaction
    definition and `custom` that of its custom fields (JSON), which are read with docparid.
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

    def of_definition(self, docparid: str) -> "ObjectType":
        """The documents of one transaction definition, whose custom fields can be read too."""
        quoted = docparid.replace("'", "''")
        return replace(
            self, where=f"{self.definition} = '{quoted}'", fields=_FieldsWithCustom(self.fields, self.custom)
        )


class _FieldsWithCustom(dict[str, ObjectField]):
    """Fields of which any well-formed unknown name is a custom one; it is not listed among them."""

    def __init__(self, fields: dict[str, ObjectField], custom: str) -> None:
        super().__init__(fields)
        self._custom = custom

    def get(self, name: str, default: Any = None) -> Any:
        """As `dict.get`, which would not ask `__missing__`."""
        return self[name] if name in self else default  # noqa: SIM401

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or bool(_CUSTOM_NAME.fullmatch(str(name)))

    def __missing__(self, name: str) -> ObjectField:
        return ObjectField(name, f"json_extract({self._custom}, '$.{name}')")


def fields_by_name(*fields: ObjectField) -> dict[str, ObjectField]:
    """Fields as an ObjectType wants them."""
    return {field.name: field for field in fields}


def state(name: str, sql: str, codes: Mapping[str, str] = STATES) -> ObjectField:
    """A field whose values have labels (in query) and codes (in readByQuery)."""
    return ObjectField(name, sql, "state", codes=codes)


def dimension_fields(alias: str, long: bool = False) -> tuple[ObjectField, ...]:
    """The dimensions of a line, in the columns of `alias`; with `long` all of their names end in ID."""
    return tuple(
        ObjectField(f"{item.kind}ID" if long else item.element, f"{alias}.{item.element.lower()}")
        for item in DIMENSIONS
    )


def write_value(field: ObjectField, value: Any, currency: str) -> str:
    """A stored value as text on the wire; `currency` is that of an amount."""
    return "" if value is None else _WRITERS[field.kind](value, currency)


_WRITERS: dict[str, Callable[[Any, str], str]] = {
    "text": lambda value, _: str(value),
    "integer": lambda value, _: str(value),
    "state": lambda value, _: str(value),
    "amount": format_mills,
    "quantity": lambda value, _: f"{Decimal(value) / 1_000_000:f}",
    "date": lambda value, _: us_date_of_iso(value),
    "time": lambda value, _: us_time_of_iso(value),
    "flag": lambda value, _: "true" if value else "false",
}
