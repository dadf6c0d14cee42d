"""All readable objects, with the SQL and format of each field."""

from dataclasses import replace

from revrec.sandbox.company.masters import MasterRecords
from revrec.sandbox.company.state import CompanyState
from revrec.sandbox.errors import Error, FunctionFailure
from revrec.sandbox.ledger.custom_fields import custom_fields
from revrec.sandbox.ledger.dimensions import USER_DIMENSION, disabled_dimensions, user_dimension
from revrec.sandbox.reading.master_objects import MASTER_OBJECTS, location_entities
from revrec.sandbox.reading.object_types import (
    ObjectField,
    ObjectType,
    dimension_fields,
    empty_fields,
    fields_by_name,
    format_value,
    state,
)
from revrec.sandbox.reading.order_objects import (
    ARADJUSTMENT,
    ARADJUSTMENTITEM,
    ARINVOICE,
    ARINVOICEITEM,
    SODOCUMENT,
    SODOCUMENTENTRY,
)

__all__ = ["GLBATCH", "GLENTRY", "OBJECTS", "ObjectField", "ObjectType", "format_value", "object_type"]


GLBATCH = ObjectType(
    name="GLBATCH",
    source="glbatch b",
    key="b.recordno",
    private="b.private_entity",
    entry="b.recordno",
    fields=fields_by_name(
        ObjectField("RECORDNO", "b.recordno", "integer"),
        ObjectField("BATCHNO", "b.batchno", "integer"),
        ObjectField("BATCH_TITLE", "b.batch_title"),
        ObjectField("JOURNAL", "b.journal"),
        ObjectField("JOURNAL.SYMBOL", "b.journal"),
        ObjectField("BATCH_DATE", "b.batch_date", "date"),
        ObjectField("REFERENCENO", "b.referenceno"),
        ObjectField("BASELOCATION_NO", "b.baselocation"),
        state("STATE", "b.state"),
        ObjectField("REVERSEDATE", "b.reversedate", "date"),
        ObjectField("REVERSED", "b.reversedkey IS NOT NULL", "flag"),
        ObjectField("REVERSEDKEY", "b.reversedkey", "integer"),
        ObjectField("REVERSEDFROM", "b.reversedfrom", "integer"),
        ObjectField("HISTORY_COMMENT", "b.history"),
        ObjectField("SUPDOCID", "b.supdocid"),
        ObjectField("MODULE", "b.module"),
        ObjectField("MEGAENTITYID", "b.private_entity"),
        ObjectField("CREATEDBY", "b.created_by"),
        ObjectField("WHENCREATED", "b.created", "time"),
        ObjectField("WHENMODIFIED", "b.modified", "time"),
        ObjectField("RECORD_URL", "'https://www.intacct.com/ia/acct/ur.phtml?.r=' || b.recordno"),
        *empty_fields(
            "BALANCE JOURNALKEY ADJ CHILDENTITY USERKEY TEMPLATEKEY PRBATCHKEY RRSENTRYKEY RRSKEY "
            "CONTRACTSCHEDULEENTRYKEY CONTRACTSCHEDULEKEY TAXIMPLICATIONS VATVENDORID VATCUSTOMERID VATCONTACTID "
            "TAXSOLUTIONID"
        ),
    ),
)

GLENTRY = ObjectType(
    name="GLENTRY",
    source="glentry l JOIN glbatch b ON b.recordno = l.batch",
    key="l.recordno",
    private="b.private_entity",
    entry="b.recordno",
    fields=fields_by_name(
        ObjectField("RECORDNO", "l.recordno", "integer"),
        ObjectField("BATCHNO", "l.batch", "integer"),
        ObjectField("BATCH_NUMBER", "b.batchno", "integer"),
        ObjectField("LINE_NO", "l.line_no", "integer"),
        ObjectField("TR_TYPE", "l.sign", "integer"),
        ObjectField("ENTRY_DATE", "l.entry_date", "date"),
        ObjectField("AMOUNT", "l.base_mills", "amount", "l.base_currency"),
        ObjectField("TRX_AMOUNT", "l.trx_mills", "amount", "l.currency"),
        ObjectField("CURRENCY", "l.currency"),
        ObjectField("BASECURR", "l.base_currency"),
        ObjectField("EXCHANGE_RATE", "l.rate"),
        ObjectField("EXCH_RATE_TYPE_ID", "l.rate_type"),
        ObjectField("EXCH_RATE_DATE", "coalesce(l.rate_date, l.entry_date)", "date"),
        ObjectField("ACCOUNTNO", "l.account"),
        ObjectField("DOCUMENT", "l.document"),
        ObjectField("DESCRIPTION", "l.description"),
        state("STATE", "b.state"),
        *dimension_fields("l"),
        *(replace(field, name=f"GLBATCH.{field.name}") for field in GLBATCH.fields.values() if "." not in field.name),
    ),
)


_NAME_OF = "(SELECT m.name FROM master m WHERE m.kind = '{}' AND m.id = l.{})"

GLDETAIL = ObjectType(
    name="GLDETAIL",
    source="glentry l JOIN glbatch b ON b.recordno = l.batch LEFT JOIN arinvoice a ON a.recordno = b.prrecord",
    key="l.recordno",
    private="b.private_entity",
    entry="b.recordno",
    where="b.posted = 1",
    fields=fields_by_name(
        ObjectField("RECORDNO", "l.recordno", "integer"),
        ObjectField("BATCHKEY", "b.recordno", "integer"),
        ObjectField("BATCH_NO", "b.batchno", "integer"),
        ObjectField("BATCH_DATE", "b.batch_date", "date"),
        ObjectField("BATCH_TITLE", "b.batch_title"),
        ObjectField("BOOKID", "'ACCRUAL'"),
        ObjectField("MODULEKEY", "b.module"),
        ObjectField("JOURNAL.SYMBOL", "b.journal"),
        ObjectField("SYMBOL", "b.journal"),
        ObjectField("REFERENCENO", "b.referenceno"),
        ObjectField("MODIFIED", "b.modified", "time"),
        ObjectField("LINE_NO", "l.line_no", "integer"),
        ObjectField("ENTRY_DATE", "l.entry_date", "date"),
        ObjectField("TR_TYPE", "l.sign", "integer"),
        ObjectField("ACCOUNTNO", "l.account"),
        ObjectField("ACCOUNTTITLE", _NAME_OF.format("GLACCOUNT", "account")),
        ObjectField("DEPARTMENTTITLE", _NAME_OF.format("DEPARTMENT", "department")),
        ObjectField("LOCATIONNAME", _NAME_OF.format("LOCATION", "location")),
        ObjectField("BASECURR", "l.base_currency"),
        *empty_fields("CHILDENTITY ADJ OWNERSHIPKEY STATISTICAL"),
        ObjectField("AMOUNT", "l.base_mills", "amount", "l.base_currency"),
        ObjectField("TRX_AMOUNT", "l.trx_mills", "amount", "l.currency"),
        ObjectField("DEBITAMOUNT", "CASE WHEN l.sign = 1 THEN l.base_mills ELSE 0 END", "amount", "l.base_currency"),
        ObjectField("CREDITAMOUNT", "CASE WHEN l.sign = -1 THEN l.base_mills ELSE 0 END", "amount", "l.base_currency"),
        ObjectField("CURRENCY", "l.currency"),
        ObjectField("DOCUMENT", "l.document"),
        ObjectField("DESCRIPTION", "l.description"),
        ObjectField("RECORDTYPE", "a.recordtype"),
        ObjectField("RECORDID", "a.recordid"),
        ObjectField("PRRECORDKEY", "b.prrecord", "integer"),
        ObjectField("DOCID", "a.docid"),
        *dimension_fields("l", long=True),
    ),
)


_CUSTOM_COLUMN = {"GLBATCH": "b.custom", "GLENTRY": "l.custom"}

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
        ARADJUSTMENT,
        ARADJUSTMENTITEM,
        *MASTER_OBJECTS,
        location_entities(),
    )
}


def _user_dimension_fields(masters: MasterRecords) -> dict[str, ObjectField]:
    names = [f"{USER_DIMENSION}{one.id.upper()}" for one in masters.all("DIMENSION") if one.active]
    return fields_by_name(*(ObjectField(name, f"json_extract(l.user_dimensions, '$.{name}')") for name in names))


def _with_custom_fields(target: ObjectType, masters: MasterRecords) -> ObjectType:
    column, names = _CUSTOM_COLUMN[target.name], custom_fields(target.name, masters)
    custom = fields_by_name(*(ObjectField(name, f"json_extract({column}, '$.{name}')") for name in names))
    return replace(target, fields=target.fields | custom)


def _dimension_values(name: str) -> ObjectType:
    return ObjectType(
        name=name,
        source="master m",
        key="m.recordno",
        where=f"m.kind = 'DIMENSIONVALUE' AND upper(m.parent) = '{name}'",
        fields=fields_by_name(
            ObjectField("ID", "m.recordno", "integer"),
            ObjectField("NAME", "m.name"),
            *empty_fields("CREATEDBY UPDATEDBY"),
        ),
    )


def object_type(name: str, company: CompanyState, docparid: str = "") -> ObjectType:
    """Return the object called ``name``, in any case: one of Intacct's, or a dimension that the company has defined.

    With a transaction definition in ``docparid``, it covers the documents of that definition and their custom fields.
    GLENTRY and GLDETAIL have only the dimensions that are enabled in the general ledger.

    Raises:
        FunctionFailure: it does not exist ("Object definition X not found").
    """
    found = OBJECTS.get(name.upper())
    if found is None and user_dimension(name, company.masters):
        return _dimension_values(name.upper())
    if found is None:
        raise FunctionFailure(Error("Query Failed", description2=f"Object definition {name} not found"))
    if found is GLENTRY or found is GLDETAIL:
        found = _with_enabled_dimensions(found, company)
    if found.name in _CUSTOM_COLUMN:
        return _with_custom_fields(found, company.masters)
    return found.of_definition(docparid) if docparid and found.custom else found


def _with_enabled_dimensions(target: ObjectType, company: CompanyState) -> ObjectType:
    left_out = {name for one in disabled_dimensions(company.switches) for name in (one.element, f"{one.kind}ID")}
    fields = {name: field for name, field in target.fields.items() if name not in left_out}
    if target is GLENTRY:
        fields |= _user_dimension_fields(company.masters)
    return replace(target, fields=fields)
