"""The readable objects of master records. Fields of Intacct that the sandbox does not store are empty."""

from revrec.sandbox.company.profile import BASE_CURRENCY
from revrec.sandbox.reading.object_types import ObjectField, ObjectType, empty_fields, fields_by_name

_BASE = f"'{BASE_CURRENCY}'"
_DETAIL = "json_extract(m.details, '$.{}')"
_STATUS = {"active": "active", "inactive": "inactive"}


def _master(
    name: str, key: str, title: str = "NAME", *more: ObjectField, empty: str = "", contacts: tuple[str, ...] = ()
) -> ObjectType:
    """Return the object of a kind of master records. ``key`` is the field of the id, ``title`` of the name."""
    named = () if title == key else (ObjectField(title, "m.name"),)
    return ObjectType(
        name=name,
        source="master m",
        key="m.recordno",
        where=f"m.kind = '{name}'",
        name_key="m.id",
        fields=fields_by_name(
            ObjectField("RECORDNO", "m.recordno", "integer"),
            ObjectField(key, "m.id"),
            *named,
            ObjectField("STATUS", "CASE WHEN m.active THEN 'active' ELSE 'inactive' END", "state", codes=_STATUS),
            *more,
            *empty_fields(empty, *contacts),
            ObjectField("WHENCREATED", "nullif(m.created, '')", "time"),
            ObjectField("WHENMODIFIED", "nullif(m.modified, '')", "time"),
        ),
    )


_PARENT = ObjectField("PARENTID", "nullif(m.parent, '')")
_PROJECT = "PROJECTKEY PROJECTID PROJECTNAME"
_ENTITY_DETAILS = (
    "REPORTPRINTAS SUPERVISORID FIRSTMONTH FIRSTMONTHTAX WEEKSTART FEDERALID STARTDATE ENDDATE HAS_IE_RELATION "
    "CUSTOMERID CUSTOMERNAME VENDORID VENDORNAME TAXID ENABLELEGALCONTACT LEGALNAME LEGALADDRESS1 LEGALADDRESS2 "
    "LEGALCITY LEGALSTATE LEGALZIPCODE LEGALCOUNTRY OPCOUNTRY ADDRESSCOUNTRYDEFAULT RECORD_URL"
)
LOCATION = _master(
    "LOCATION",
    "LOCATIONID",
    "NAME",
    _PARENT,
    ObjectField("CURRENCY", f"coalesce({_DETAIL.format('currency')}, {_BASE})"),
)
MASTER_OBJECTS = (
    _master(
        "GLACCOUNT",
        "ACCOUNTNO",
        "TITLE",
        ObjectField("ACCOUNTTYPE", _DETAIL.format("type")),
        ObjectField("NORMALBALANCE", _DETAIL.format("normal")),
        empty="CLOSINGTYPE CATEGORY ALTERNATIVEACCOUNT",
    ),
    _master(
        "JOURNAL",
        "SYMBOL",
        "TITLE",
        ObjectField("BOOKID", f"coalesce({_DETAIL.format('book')}, 'ACCRUAL')"),
        ObjectField("ADJ", f"coalesce({_DETAIL.format('adjustment')}, 0)", "flag"),
    ),
    LOCATION,
    _master("DEPARTMENT", "DEPARTMENTID", "TITLE", _PARENT, empty="PARENTKEY SUPERVISORNAME CUSTTITLE"),
    _master(
        "CUSTOMER",
        "CUSTOMERID",
        "NAME",
        ObjectField("TERMNAME", _DETAIL.format("term")),
        empty="ENTITY PARENTKEY PARENTID PARENTNAME CUSTREPNAME TOTALDUE GLGRPKEY GLGROUP ONETIME ONHOLD CREATEDBY "
        "MODIFIEDBY OBJECTRESTRICTION",
    ),
    _master(
        "VENDOR",
        "VENDORID",
        "NAME",
        empty="PARENTKEY PARENTID PARENTNAME VENDORACCOUNTNO VENDTYPE ACCOUNTLABEL APACCOUNT APACCOUNTTITLE",
        contacts=("DISPLAYCONTACT",),
    ),
    _master(
        "ITEM",
        "ITEMID",
        "NAME",
        ObjectField("BASEUOM", f"coalesce({_DETAIL.format('unit')}, 'Each')"),
        ObjectField("GLGROUP", _DETAIL.format("glgroup")),
        ObjectField("BASEPRICE", _DETAIL.format("price")),
        ObjectField("ITEMTYPE", f"coalesce({_DETAIL.format('type')}, 'Non-Inventory')"),
        empty="MRR EXTENDED_DESCRIPTION PRODUCTLINEID",
    ),
    _master("ARTERM", "NAME", "NAME", ObjectField("DUE", _DETAIL.format("days"), "integer")),
    _master("ITEMGLGROUP", "NAME"),
    _master("SODOCUMENTPARAMS", "DOCID", "DESCRIPTION", ObjectField("DOCCLASS", _DETAIL.format("class"))),
    _master(
        "CLASS",
        "CLASSID",
        "NAME",
        _PARENT,
        empty="DESCRIPTION PARENTKEY CREATEDBY MODIFIEDBY MEGAENTITYKEY MEGAENTITYID MEGAENTITYNAME RECORD_URL",
    ),
    _master(
        "PROJECT",
        "PROJECTID",
        "NAME",
        _PARENT,
        ObjectField("CURRENCY", _BASE),
        empty="DESCRIPTION PROJECTCATEGORY PROJECTSTATUS PARENTKEY PARENTNAME CUSTOMERKEY CUSTOMERID CUSTOMERNAME "
        "PROJECTTYPE DEPARTMENTNAME LOCATIONID LOCATIONNAME BUDGETID MEGAENTITYID MEGAENTITYNAME",
    ),
    _master(
        "EMPLOYEE",
        "EMPLOYEEID",
        "TITLE",
        empty="SSN LOCATIONID DEPARTMENTID BIRTHDATE STARTDATE ENDDATE EMPLOYEETYPE EMPLOYEETYPE1099TYPE GENDER "
        "TERMINATIONTYPE CURRENCY PAYMETHODKEY CONTACTKEY MEGAENTITYKEY MEGAENTITYID MEGAENTITYNAME",
        contacts=("CONTACT",),
    ),
    _master(
        "CONTRACT",
        "CONTRACTID",
        empty="CUSTOMERID CONTRACTTYPE BILLTOCONTACTNAME DESCRIPTION SHIPTOCONTACTNAME BEGINDATE ENDDATE "
        "BILLINGFREQUENCY TERMNAME TERMTYPE EVERGREENMACRO PRCLIST MEAPRCLIST ADVBILLBY ADVBILLBYTYPE RENEWALADVBILLBY "
        "RENEWALADVBILLBYTYPE SUPDOCID LOCATIONID DEPARTMENTID VENDORID CLASSID CURRENCY EXCHRATETYPE RENEWAL "
        "RENEWALMACRO RENEWTERMLENGTH RENEWTERMPERIOD",
    ),
    _master("WAREHOUSE", "WAREHOUSEID"),
    _master(
        "TASK",
        "TASKID",
        "NAME",
        _PARENT,
        empty=f"PARENTKEY PARENTTASKNAME {_PROJECT} ITEMKEY ITEMID ITEMNAME DESCRIPTION BILLABLE TASKNO TASKSTATUS "
        "CLASSID CLASSNAME CLASSKEY ROOTPARENTKEY ROOTPARENTID ROOTPARENTNAME",
    ),
    _master("COSTTYPE", "COSTTYPEID", empty=f"{_PROJECT} TASKKEY TASKID TASKNAME"),
)


def location_entities() -> ObjectType:
    """Return the entities: the locations without a parent."""
    fields = {name: field for name, field in LOCATION.fields.items() if name != "PARENTID"}
    return ObjectType(
        name="LOCATIONENTITY",
        source=LOCATION.source,
        key=LOCATION.key,
        where=f"{LOCATION.where} AND m.parent = ''",
        name_key=LOCATION.name_key,
        fields=fields | fields_by_name(*empty_fields(_ENTITY_DETAILS)),
    )
