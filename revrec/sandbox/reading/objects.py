"""The objects that can be read, and how each of their fields is found in the store and written out."""

from __future__ import annotations

from dataclasses import replace

from revrec.sandbox.company.profile import BASE_CURRENCY
from revrec.sandbox.errors import Error, Refusal
from revrec.sandbox.reading.object_types import Field, ObjectType, by_name, dimension_fields, state, write_value
from revrec.sandbox.reading.order_objects import ARINVOICE, ARINVOICEITEM, SODOCUMENT, SODOCUMENTENTRY

__all__ = ["GLBATCH", "GLENTRY", "OBJECTS", "Field", "ObjectType", "object_type", "write_value"]


GLBATCH = ObjectType(
    name="GLBATCH",
    source="glbatch b",
    key="b.recordno",
    private="b.private_entity",
    entry="b.recordno",
    fields=by_name(
        Field("RECORDNO", "b.recordno", "integer"),
        Field("BATCHNO", "b.batchno", "integer"),
        Field("BATCH_TITLE", "b.batch_title"),
        Field("JOURNAL", "b.journal"),
        Field("JOURNAL.SYMBOL", "b.journal"),
        Field("BATCH_DATE", "b.batch_date", "date"),
        Field("REFERENCENO", "b.referenceno"),
        Field("BASELOCATION_NO", "b.baselocation"),
        state("STATE", "b.state"),
        Field("REVERSEDATE", "b.reversedate", "date"),
        Field("REVERSED", "b.reversedkey IS NOT NULL", "flag"),
        Field("REVERSEDKEY", "b.reversedkey", "integer"),
        Field("REVERSEDFROM", "b.reversedfrom", "integer"),
        Field("HISTORY_COMMENT", "b.history"),
        Field("SUPDOCID", "b.supdocid"),
        Field("MODULE", "b.module"),
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
    fields=by_name(
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
        state("STATE", "b.state"),
        *dimension_fields("l"),
        *(replace(field, name=f"GLBATCH.{field.name}") for field in GLBATCH.fields.values() if "." not in field.name),
    ),
)


GLDETAIL = ObjectType(
    name="GLDETAIL",
    source="glentry l JOIN glbatch b ON b.recordno = l.batch LEFT JOIN arinvoice a ON a.recordno = b.prrecord",
    key="l.recordno",
    private="b.private_entity",
    entry="b.recordno",
    where="b.posted = 1",
    fields=by_name(
        Field("RECORDNO", "l.recordno", "integer"),
        Field("BATCHKEY", "b.recordno", "integer"),
        Field("BATCH_NO", "b.batchno", "integer"),
        Field("BATCH_DATE", "b.batch_date", "date"),
        Field("BATCH_TITLE", "b.batch_title"),
        Field("BOOKID", "'ACCRUAL'"),
        Field("MODULEKEY", "b.module"),
        Field("JOURNAL.SYMBOL", "b.journal"),
        Field("LINE_NO", "l.line_no", "integer"),
        Field("ENTRY_DATE", "l.entry_date", "date"),
        Field("TR_TYPE", "l.sign", "integer"),
        Field("ACCOUNTNO", "l.account"),
        Field("AMOUNT", "l.base_mills", "amount", f"'{BASE_CURRENCY}'"),
        Field("TRX_AMOUNT", "l.trx_mills", "amount", "l.currency"),
        Field("DEBITAMOUNT", "CASE WHEN l.sign = 1 THEN l.base_mills ELSE 0 END", "amount", f"'{BASE_CURRENCY}'"),
        Field("CREDITAMOUNT", "CASE WHEN l.sign = -1 THEN l.base_mills ELSE 0 END", "amount", f"'{BASE_CURRENCY}'"),
        Field("CURRENCY", "l.currency"),
        Field("DOCUMENT", "l.document"),
        Field("DESCRIPTION", "l.description"),
        Field("RECORDTYPE", "CASE WHEN a.recordno IS NOT NULL THEN 'arinvoice' END"),
        Field("RECORDID", "a.recordid"),
        Field("PRRECORDKEY", "b.prrecord", "integer"),
        Field("DOCID", "a.docid"),
        *dimension_fields("l", long=True),
    ),
)


def _master(name: str, key_field: str, *more: Field) -> ObjectType:
    return ObjectType(
        name=name,
        source="master m",
        key="m.recordno",
        where=f"m.kind = '{name}'",
        fields=by_name(
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
        GLDETAIL,
        SODOCUMENT,
        SODOCUMENTENTRY,
        ARINVOICE,
        ARINVOICEITEM,
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
        _master("CUSTOMER", "CUSTOMERID", Field("TERMNAME", "json_extract(m.details, '$.term')")),
        _master(
            "ITEM",
            "ITEMID",
            Field("BASEUOM", "coalesce(json_extract(m.details, '$.unit'), 'Each')"),
            Field("GLGROUP", "json_extract(m.details, '$.glgroup')"),
            Field("BASEPRICE", "json_extract(m.details, '$.price')"),
        ),
        _master("ARTERM", "NAME", Field("DUE", "json_extract(m.details, '$.days')", "integer")),
        _master("ITEMGLGROUP", "NAME"),
        _master("SODOCUMENTPARAMS", "DOCID", Field("DOCCLASS", "json_extract(m.details, '$.class')")),
        *(_master(kind, f"{kind}ID") for kind in ("VENDOR", "CLASS", "PROJECT")),
        *(_master(kind, f"{kind}ID") for kind in ("EMPLOYEE", "CONTRACT", "WAREHOUSE", "TASK", "COSTTYPE")),
    )
}


def object_type(name: str, docparid: str = "") -> ObjectType:
    """The object called `name` in any case. Raises Refusal ("Object definition X not found").

    With a transaction definition in `docparid`, documents of that definition, and their custom fields too.
    """
    found = OBJECTS.get(name.upper())
    if found is None:
        raise Refusal(Error("Query Failed", description2=f"Object definition {name} not found"))
    return found.of_definition(docparid) if docparid and found.custom else found
