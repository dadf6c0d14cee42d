"""The readable objects of order entry and accounts receivable."""

from dataclasses import replace

from revrec.sandbox.company.profile import BASE_CURRENCY
from revrec.sandbox.reading.object_types import (
    ObjectField,
    ObjectType,
    dimension_fields,
    empty_fields,
    fields_by_name,
    state,
)

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
    name_key="d.docid",
    fields=fields_by_name(
        ObjectField("RECORDNO", "d.recordno", "integer"),
        ObjectField("DOCID", "d.docid"),
        ObjectField("DOCNO", "d.docno"),
        ObjectField("DOCPARID", "d.definition"),
        state("STATE", "d.state", DOCUMENT_STATES),
        ObjectField("CUSTVENDID", "d.customer"),
        ObjectField("CUSTOMER.CUSTOMERID", "d.customer"),
        ObjectField("CUSTVENDNAME", _CUSTOMER_NAME.format("d")),
        ObjectField("WHENCREATED", "d.created_day", "date"),
        ObjectField("WHENPOSTED", "d.posted_day", "date"),
        ObjectField("WHENDUE", "d.due_day", "date"),
        ObjectField("TERM.NAME", "d.term"),
        ObjectField("PONUMBER", "d.reference"),
        ObjectField("MESSAGE", "d.message"),
        ObjectField("CURRENCY", "d.currency"),
        ObjectField("BASECURR", _BASE),
        ObjectField("TRX_TOTAL", "d.mills", "amount", "d.currency"),
        ObjectField("TOTAL", "d.base_mills", "amount", _BASE),
        ObjectField("CREATEDFROM", "d.createdfrom"),
        ObjectField("EXTERNALID", "d.externalid"),
        ObjectField("PRRECORDKEY", "d.prrecord", "integer"),
        ObjectField("ARINVOICE.RECORDNO", "d.prrecord", "integer"),
        ObjectField("MEGAENTITYID", "d.private_entity"),
        ObjectField("CREATEDBY", "d.created_by"),
        ObjectField("AUWHENCREATED", "d.created", "time"),
        ObjectField("WHENMODIFIED", "d.modified", "time"),
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
    fields=fields_by_name(
        ObjectField("RECORDNO", "e.recordno", "integer"),
        ObjectField("DOCHDRNO", "d.recordno", "integer"),
        ObjectField("DOCHDRID", "d.docid"),
        ObjectField("LINE_NO", "e.line_no", "integer"),
        ObjectField("ITEMDESC", "e.itemdesc"),
        ObjectField("QUANTITY", "e.quantity", "quantity"),
        ObjectField("QTY_CONVERTED", "e.converted", "quantity"),
        ObjectField("QTY_REMAINING", "e.quantity - e.converted", "quantity"),
        ObjectField("UNIT", "e.unit"),
        ObjectField("PRICE", "e.price"),
        ObjectField("TRX_VALUE", "e.mills", "amount", "d.currency"),
        ObjectField("TOTAL", "e.base_mills", "amount", _BASE),
        ObjectField("MEMO", "e.memo"),
        ObjectField("SOURCE_DOCLINEKEY", "e.source_line", "integer"),
        ObjectField("CURRENCY", "d.currency"),
        *dimension_fields("e"),
    ),
)

ARINVOICE = ObjectType(
    name="ARINVOICE",
    source="arinvoice a",
    key="a.recordno",
    where="a.recordtype = 'arinvoice'",
    private="a.private_entity",
    entry="a.recordno",
    fields=fields_by_name(
        ObjectField("RECORDNO", "a.recordno", "integer"),
        ObjectField("RECORDID", "a.recordid"),
        ObjectField("RECORDTYPE", "a.recordtype"),
        ObjectField("MODULEKEY", "a.module"),
        ObjectField("STATE", "a.state"),
        ObjectField("CUSTOMERID", "a.customer"),
        ObjectField("CUSTOMERNAME", _CUSTOMER_NAME.format("a")),
        ObjectField("WHENCREATED", "a.created_day", "date"),
        ObjectField("WHENPOSTED", "a.posted_day", "date"),
        ObjectField("WHENDUE", "a.due_day", "date"),
        ObjectField("TERMNAME", "a.term"),
        ObjectField("DESCRIPTION", "a.description"),
        ObjectField("DESCRIPTION2", "a.docid"),
        ObjectField("DOCNUMBER", "a.docnumber"),
        ObjectField("CURRENCY", "a.currency"),
        ObjectField("BASECURR", _BASE),
        ObjectField("TOTALENTERED", "a.base_mills", "amount", _BASE),
        ObjectField("TRX_TOTALENTERED", "a.mills", "amount", "a.currency"),
        ObjectField("TOTALDUE", "a.base_mills", "amount", _BASE),
        ObjectField("TRX_TOTALDUE", "a.mills", "amount", "a.currency"),
        ObjectField("MEGAENTITYID", "a.private_entity"),
        ObjectField("AUWHENCREATED", "a.created", "time"),
        ObjectField("WHENMODIFIED", "a.modified", "time"),
        *empty_fields(
            "CUSTMESSAGEID CUSTMESSAGE.MESSAGE WHENDISCOUNT WHENPAID EXCH_RATE_DATE EXCH_RATE_TYPE_ID EXCHANGE_RATE "
            "TOTALSELECTED TOTALPAID BILLTOPAYTOCONTACTNAME SHIPTORETURNTOCONTACTNAME PRBATCH SYSTEMGENERATED "
            "DUE_IN_DAYS TAXSOLUTIONID TAXMETHOD RETAINAGEPERCENTAGE TRX_TOTALRETAINED TRX_TOTALRELEASED TOTALRETAINED "
            "MEGAENTITYKEY MEGAENTITYNAME",
            "CONTACT",
            "SHIPTO",
            "BILLTO",
        ),
    ),
)

ARINVOICEITEM = ObjectType(
    name="ARINVOICEITEM",
    source="arinvoiceitem i JOIN arinvoice a ON a.recordno = i.invoice",
    key="i.recordno",
    where="a.recordtype = 'arinvoice'",
    private="a.private_entity",
    entry="a.recordno",
    fields=fields_by_name(
        ObjectField("RECORDNO", "i.recordno", "integer"),
        ObjectField("RECORDKEY", "a.recordno", "integer"),
        ObjectField("LINE_NO", "i.line_no", "integer"),
        ObjectField("ACCOUNTNO", "i.account"),
        ObjectField("OFFSETGLACCOUNTNO", "i.offset_account"),
        ObjectField("AMOUNT", "i.base_mills", "amount", _BASE),
        ObjectField("TRX_AMOUNT", "i.mills", "amount", "a.currency"),
        ObjectField("ENTRYDESCRIPTION", "i.memo"),
        ObjectField("ENTRY_DATE", "a.posted_day", "date"),
        ObjectField("CURRENCY", "a.currency"),
        ObjectField("BASECURR", _BASE),
        ObjectField("STATE", "a.state"),
        ObjectField("RECORDTYPE", "a.recordtype"),
        ObjectField("WHENCREATED", "a.created", "time"),
        ObjectField("WHENMODIFIED", "a.modified", "time"),
        *dimension_fields("i", long=True),
        *empty_fields(
            "ACCOUNTKEY OFFSETACCOUNTKEY OFFSETGLACCOUNTTITLE ACCOUNTTITLE ACCOUNTLABELKEY ACCOUNTLABEL DEPARTMENTNAME "
            "LOCATIONNAME EXCH_RATE_DATE EXCH_RATE_TYPE_ID EXCHANGE_RATE ALLOCATIONKEY ALLOCATION LINEITEM TOTALPAID "
            "TRX_TOTALPAID TRX_DISCOUNTAPPLIED TOTALSELECTED TRX_TOTALSELECTED SUBTOTAL PARENTENTRY PAYMENTTAXCAPTURE "
            "DEFERREVENUE REVRECTEMPLATEKEY REVRECTEMPLATE DEFERREDREVACCTKEY DEFERREDREVACCTNO DEFERREDREVACCTTITLE "
            "REVRECSTARTDATE REVRECENDDATE BASELOCATION BILLABLECONTRACTSCHENTRYKEY BILLABLECONTRACTUSAGEBILLINGID "
            "DETAILKEY CREATEDBY MODIFIEDBY RETAINAGEPERCENTAGE TRX_AMOUNTRETAINED AMOUNTRETAINED TRX_AMOUNTRELEASED "
            "RETAINAGE_OFFSETGLACCOUNTNO PROJECTCONTRACTID PROJECTCONTRACTKEY PROJECTCONTRACTLINEID "
            "PROJECTCONTRACTLINEKEY PROJECTCONTRACTNAME PROJECTCONTRACTLINENAME ISRETAINAGERELEASE ISSUMMARIZED "
            "AMORTIZATIONTEMPLATEKEY AMORTIZATIONTEMPLATEID AMORTIZATIONSTARTDATE AMORTIZATIONENDDATE ORIGDOCKEY "
            "ORIGDOCLINEKEY ORIGDOCID ORIGDOCLINEID CLASSDIMKEY CLASSNAME CUSTOMERDIMKEY CUSTOMERNAME VENDORDIMKEY "
            "VENDORNAME EMPLOYEEDIMKEY EMPLOYEENAME ITEMDIMKEY ITEMNAME PROJECTDIMKEY PROJECTNAME CONTRACTDIMKEY "
            "CONTRACTNAME"
        ),
    ),
)

_OF_ADJUSTMENTS = "a.recordtype = 'aradjustment'"
ARADJUSTMENT = replace(ARINVOICE, name="ARADJUSTMENT", where=_OF_ADJUSTMENTS)
ARADJUSTMENTITEM = replace(ARINVOICEITEM, name="ARADJUSTMENTITEM", where=_OF_ADJUSTMENTS)
