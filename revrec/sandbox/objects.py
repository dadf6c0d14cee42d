"""The objects that can be read, and how each of their fields is found in the store and written out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from revrec.sandbox.company import BASE_CURRENCY
from revrec.sandbox.dates import us_date_of_iso, us_time_of_iso
from revrec.sandbox.dimensions import DIMENSIONS
from revrec.sandbox.errors import Error, Refusal
from revrec.sandbox.money import format_mills


@dataclass(frozen=True, slots=True)
class Field:
    """One readable field. kind: text, integer, amount (mills), date, time, state or flag."""

    name: str
    sql: str
    kind: str = "text"
    currency_sql: str = ""


@dataclass(frozen=True, slots=True)
class ObjectType:
    """One readable object.

    `source` is a FROM clause, `key` the SQL of its RECORDNO, `private` the SQL of the entity it is private to,
    `entry` the SQL of the journal entry it belongs to (for the visibility delay).
    """

    name: str
    source: str
    key: str
    fields: dict[str, Field]
    private: str = ""
    entry: str = ""
    where: str = ""


def _fields(*fields: Field) -> dict[str, Field]:
    return {field.name: field for field in fields}


GLBATCH = ObjectType(
    name="GLBATCH",
    source="glbatch b",
    key="b.recordno",
    private="b.private_entity",
    entry="b.recordno",
    fields=_fields(
        Field("RECORDNO", "b.recordno", "integer"),
        Field("BATCHNO", "b.batchno", "integer"),
        Field("BATCH_TITLE", "b.batch_title"),
        Field("JOURNAL", "b.journal"),
        Field("JOURNAL.SYMBOL", "b.journal"),
        Field("BATCH_DATE", "b.batch_date", "date"),
        Field("REFERENCENO", "b.referenceno"),
        Field("BASELOCATION_NO", "b.baselocation"),
        Field("STATE", "b.state", "state"),
        Field("REVERSEDATE", "b.reversedate", "date"),
        Field("REVERSED", "b.reversedkey IS NOT NULL", "flag"),
        Field("REVERSEDKEY", "b.reversedkey", "integer"),
        Field("REVERSEDFROM", "b.reversedfrom", "integer"),
        Field("HISTORY_COMMENT", "b.history"),
        Field("SUPDOCID", "b.supdocid"),
        Field("MODULE", "'2.GL'"),
        Field("MEGAENTITYID", "b.private_entity"),
        Field("CREATEDBY", "b.created_by"),
        Field("WHENCREATED", "b.created", "time"),
        Field("WHENMODIFIED", "b.modified", "time"),
        Field("RECORD_URL", "'https://www.intacct.com/ia/acct/ur.phtml?.r=' || b.recordno"),
    ),
)

GLENTRY = ObjectType(
    name="GLENTRY",
    source="glentry l JOIN glbatch b ON b.recordno = l.batch",
    key="l.recordno",
    private="b.private_entity",
    entry="b.recordno",
    fields=_fields(
        Field("RECORDNO", "l.recordno", "integer"),
        Field("BATCHNO", "l.batch", "integer"),
        Field("BATCH_NUMBER", "b.batchno", "integer"),
        Field("LINE_NO", "l.line_no", "integer"),
        Field("TR_TYPE", "l.sign", "integer"),
        Field("ENTRY_DATE", "l.entry_date", "date"),
        Field("AMOUNT", "l.base_mills", "amount", f"'{BASE_CURRENCY}'"),
        Field("TRX_AMOUNT", "l.trx_mills", "amount", "l.currency"),
        Field("CURRENCY", "l.currency"),
        Field("BASECURR", f"'{BASE_CURRENCY}'"),
        Field("EXCHANGE_RATE", "l.rate"),
        Field("EXCH_RATE_TYPE_ID", "l.rate_type"),
        Field("EXCH_RATE_DATE", "coalesce(l.rate_date, l.entry_date)", "date"),
        Field("ACCOUNTNO", "l.account"),
        Field("DOCUMENT", "l.document"),
        Field("DESCRIPTION", "l.description"),
        Field("STATE", "b.state", "state"),
        *(Field(dimension.element, f"l.{dimension.element.lower()}") for dimension in DIMENSIONS),
        *(
            Field(f"GLBATCH.{field.name}", field.sql, field.kind)
            for field in GLBATCH.fields.values()
            if "." not in field.name
        ),
    ),
)


def _master(name: str, key_field: str, *more: Field) -> ObjectType:
    return ObjectType(
        name=name,
        source="master m",
        key="m.recordno",
        where=f"m.kind = '{name}'",
        fields=_fields(
            Field("RECORDNO", "m.recordno", "integer"),
            Field(key_field, "m.id"),
            Field("NAME", "m.name"),
            Field("STATUS", "CASE WHEN m.active THEN 'active' ELSE 'inactive' END"),
            *more,
        ),
    )


OBJECTS = {
    item.name: item
    for item in (
        GLBATCH,
        GLENTRY,
        _master(
            "GLACCOUNT",
            "ACCOUNTNO",
            Field("TITLE", "m.name"),
            Field("ACCOUNTTYPE", "json_extract(m.details, '$.type')"),
            Field("NORMALBALANCE", "json_extract(m.details, '$.normal')"),
        ),
        _master("JOURNAL", "SYMBOL", Field("TITLE", "m.name")),
        _master("LOCATION", "LOCATIONID", Field("PARENTID", "nullif(m.parent, '')")),
        _master("DEPARTMENT", "DEPARTMENTID", Field("TITLE", "m.name")),
        *(_master(kind, f"{kind}ID") for kind in ("CUSTOMER", "VENDOR", "ITEM", "CLASS", "PROJECT")),
        *(_master(kind, f"{kind}ID") for kind in ("EMPLOYEE", "CONTRACT", "WAREHOUSE", "TASK", "COSTTYPE")),
    )
}


def object_type(name: str) -> ObjectType:
    """The object called `name` in any case. Raises Refusal ("Object definition X not found")."""
    found = OBJECTS.get(name.upper())
    if found is None:
        raise Refusal(Error("Query Failed", description2=f"Object definition {name} not found"))
    return found


def write_value(field: Field, value: Any, currency: str) -> str:
    """A stored value as text on the wire; `currency` is that of an amount."""
    return "" if value is None else _WRITERS[field.kind](value, currency)


_WRITERS: dict[str, Callable[[Any, str], str]] = {
    "text": lambda value, _: str(value),
    "integer": lambda value, _: str(value),
    "state": lambda value, _: str(value),
    "amount": format_mills,
    "date": lambda value, _: us_date_of_iso(value),
    "time": lambda value, _: us_time_of_iso(value),
    "flag": lambda value, _: "true" if value else "false",
}
