"""The objects of order entry and receivables, as they can be read."""

from __future__ import annotations

from revrec.sandbox.company.profile import BASE_CURRENCY
from revrec.sandbox.reading.object_types import Field, ObjectType, by_name, dimension_fields, state

DOCUMENT_STATES = {
    "Submitted": "S",
    "Approved": "A",
    "Partially Approved": "X",
    "Declined": "R",
    "Draft": "I",
    "Pending": "O",
    "Closed": "D",
    "In Progress": "G",
    "Converted": "C",
    "Partially Converted": "P",
}
_BASE = f"'{BASE_CURRENCY}'"
_CUSTOMER_NAME = "(SELECT m.name FROM master m WHERE m.kind = 'CUSTOMER' AND m.id = {}.customer)"

SODOCUMENT = ObjectType(
    name="SODOCUMENT",
    source="sodocument d",
    key="d.recordno",
    private="d.private_entity",
    entry="d.recordno",
    definition="d.definition",
    custom="d.custom",
    fields=by_name(
        Field("RECORDNO", "d.recordno", "integer"),
        Field("DOCID", "d.docid"),
        Field("DOCNO", "d.docno"),
        Field("DOCPARID", "d.definition"),
        state("STATE", "d.state", DOCUMENT_STATES),
        Field("CUSTVENDID", "d.customer"),
        Field("CUSTOMER.CUSTOMERID", "d.customer"),
        Field("CUSTVENDNAME", _CUSTOMER_NAME.format("d")),
        Field("WHENCREATED", "d.created_day", "date"),
        Field("WHENPOSTED", "d.posted_day", "date"),
        Field("WHENDUE", "d.due_day", "date"),
        Field("TERM.NAME", "d.term"),
        Field("PONUMBER", "d.reference"),
        Field("MESSAGE", "d.message"),
        Field("CURRENCY", "d.currency"),
        Field("BASECURR", _BASE),
        Field("TRX_TOTAL", "d.mills", "amount", "d.currency"),
        Field("TOTAL", "d.base_mills", "amount", _BASE),
        Field("CREATEDFROM", "d.createdfrom"),
        Field("EXTERNALID", "d.externalid"),
        Field("PRRECORDKEY", "d.prrecord", "integer"),
        Field("ARINVOICE.RECORDNO", "d.prrecord", "integer"),
        Field("MEGAENTITYID", "d.private_entity"),
        Field("CREATEDBY", "d.created_by"),
        Field("AUWHENCREATED", "d.created", "time"),
        Field("WHENMODIFIED", "d.modified", "time"),
    ),
)

SODOCUMENTENTRY = ObjectType(
    name="SODOCUMENTENTRY",
    source="sodocumententry e JOIN sodocument d ON d.recordno = e.document",
    key="e.recordno",
    private="d.private_entity",
    entry="d.recordno",
    definition="d.definition",
    custom="e.custom",
    fields=by_name(
        Field("RECORDNO", "e.recordno", "integer"),
        Field("DOCHDRNO", "d.recordno", "integer"),
        Field("DOCHDRID", "d.docid"),
        Field("LINE_NO", "e.line_no", "integer"),
        Field("ITEMDESC", "e.itemdesc"),
        Field("QUANTITY", "e.quantity", "quantity"),
        Field("QTY_CONVERTED", "e.converted", "quantity"),
        Field("QTY_REMAINING", "e.quantity - e.converted", "quantity"),
        Field("UNIT", "e.unit"),
        Field("PRICE", "e.price"),
        Field("TRX_VALUE", "e.mills", "amount", "d.currency"),
        Field("TOTAL", "e.base_mills", "amount", _BASE),
        Field("MEMO", "e.memo"),
        Field("SOURCE_DOCLINEKEY", "e.source_line", "integer"),
        Field("CURRENCY", "d.currency"),
        *dimension_fields("e"),
    ),
)

ARINVOICE = ObjectType(
    name="ARINVOICE",
    source="arinvoice a",
    key="a.recordno",
    private="a.private_entity",
    entry="a.recordno",
    fields=by_name(
        Field("RECORDNO", "a.recordno", "integer"),
        Field("RECORDID", "a.recordid"),
        Field("RECORDTYPE", "'arinvoice'"),
        Field("MODULEKEY", "a.module"),
        Field("STATE", "a.state"),
        Field("CUSTOMERID", "a.customer"),
        Field("CUSTOMERNAME", _CUSTOMER_NAME.format("a")),
        Field("WHENCREATED", "a.created_day", "date"),
        Field("WHENPOSTED", "a.posted_day", "date"),
        Field("WHENDUE", "a.due_day", "date"),
        Field("TERMNAME", "a.term"),
        Field("DESCRIPTION", "a.description"),
        Field("DESCRIPTION2", "a.docid"),
        Field("DOCNUMBER", "a.docnumber"),
        Field("CURRENCY", "a.currency"),
        Field("BASECURR", _BASE),
        Field("TOTALENTERED", "a.base_mills", "amount", _BASE),
        Field("TRX_TOTALENTERED", "a.mills", "amount", "a.currency"),
        Field("TOTALDUE", "a.base_mills", "amount", _BASE),
        Field("TRX_TOTALDUE", "a.mills", "amount", "a.currency"),
        Field("MEGAENTITYID", "a.private_entity"),
        Field("AUWHENCREATED", "a.created", "time"),
        Field("WHENMODIFIED", "a.modified", "time"),
    ),
)

ARINVOICEITEM = ObjectType(
    name="ARINVOICEITEM",
    source="arinvoiceitem i JOIN arinvoice a ON a.recordno = i.invoice",
    key="i.recordno",
    private="a.private_entity",
    entry="a.recordno",
    fields=by_name(
        Field("RECORDNO", "i.recordno", "integer"),
        Field("RECORDKEY", "a.recordno", "integer"),
        Field("LINE_NO", "i.line_no", "integer"),
        Field("ACCOUNTNO", "i.account"),
        Field("OFFSETGLACCOUNTNO", "i.offset_account"),
        Field("AMOUNT", "i.base_mills", "amount", _BASE),
        Field("TRX_AMOUNT", "i.mills", "amount", "a.currency"),
        Field("ENTRYDESCRIPTION", "i.memo"),
        *dimension_fields("i", long=True),
    ),
)
