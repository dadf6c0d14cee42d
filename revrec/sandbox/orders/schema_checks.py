"""Schema checks for the functions of order entry and receivables, whose elements have a fixed order."""

from collections.abc import Mapping, Sequence

from revrec.sandbox.errors import schema_violation
from revrec.sandbox.fields import check_order
from revrec.sandbox.xmltree import Node


def _names(text: str) -> list[str]:
    return text.split()


_CONTACTS_AND_CURRENCY = _names(
    "shipto billto supdocid externalid basecurr currency exchratedate exchratetype exchrate vsoepricelist customfields "
    "state projectid changelognumber needbydate shipbydate cancelafterdate donotshipbeforedate donotshipafterdate "
    "servicedeliverydate trackingnumber shippeddate customerponumber"
)
HEADER = [
    *_names(
        "transactiontype datecreated dateposted createdfrom customerid documentno origdocdate referenceno termname"
    ),
    *_names("datedue message shippingmethod"),
    *_CONTACTS_AND_CURRENCY,
    *_names("taxsolutionid sotransitems subtotals"),
]
UPDATE = [
    *_names("disablevalidation datecreated dateposted referenceno termname datedue origdocdate message shippingmethod"),
    *_CONTACTS_AND_CURRENCY,
    "updatesotransitems",
]
LINE = _names(
    "bundlenumber itemid itemaliasid itemdesc taxable warehouseid quantity unit linelevelsimpletaxtype discountpercent "
    "price relateddockey relateddoclinekey retainagepercentage trx_amountretained conversiontype sourcelinekey "
    "discsurchargememo locationid linesubtotals departmentid memo itemdetails customfields revrectemplate "
    "revrecstartdate revrecenddate renewalmacro projectid taskid costtypeid customerid vendorid employeeid classid "
    "paymenttaxcapture contractid fulfillmentstatus taskno billingtemplate dropship shipto needbydate shipby "
    "donotshipbeforedate donotshipafterdate datepickticketprinted cancelafterdate shippeddate"
)
INVOICE = _names(
    "customerid datecreated dateposted datedue termname batchkey action invoiceno ponumber onhold description "
    "externalid billto shipto basecurr currency exchratedate exchratetype exchrate nogl supdocid taxsolutionid "
    "customfields invoiceitems"
)
INVOICE_LINE = _names(
    "accountlabel glaccountno offsetglaccountno amount allocationid memo locationid departmentid key totalpaid "
    "totaldue customfields revrectemplate defrevaccount revrecstartdate revrecenddate projectid taskid costtypeid "
    "customerid vendorid employeeid itemid classid contractid warehouseid taxentries"
)
_DATES = frozenset(
    _names(
        "datecreated dateposted origdocdate datedue exchratedate needbydate shipbydate cancelafterdate "
        "donotshipbeforedate donotshipafterdate servicedeliverydate shippeddate revrecstartdate revrecenddate"
    )
)


def check_document(body: Node) -> None:
    """Check the body of create_sotransaction.

    Raises:
        SchemaViolation: it breaks the schema.
    """
    check_order(body, HEADER)
    _check_required(body, ("transactiontype", "datecreated", "customerid", "sotransitems"))
    _check_parts(body)
    _check_lines(body.child("sotransitems"), {"sotransitem": (LINE, ("itemid", "quantity"))})


def check_update(body: Node) -> None:
    """Check the body of update_sotransaction.

    Raises:
        SchemaViolation: it breaks the schema.
    """
    check_order(body, UPDATE)
    check_key(body)
    _check_parts(body)
    kinds = {"updatesotransitem": (LINE, ()), "sotransitem": (LINE, ("itemid", "quantity"))}
    items = body.child("updatesotransitems")
    if items is not None:
        _check_lines(items, kinds)
        for node in items.all("updatesotransitem"):
            if not node.attributes.get("line_num", "").isdecimal():
                rule = "The attribute 'line_num' is required but missing."
                raise schema_violation(f"Element 'updatesotransitem': {rule}", node.line)


def check_invoice(body: Node) -> None:
    """Check the body of create_invoice, in which ``batchkey`` and ``action`` may be swapped.

    Raises:
        SchemaViolation: it breaks the schema.
    """
    swapped = [name for name in INVOICE if name != "action"]
    swapped.insert(swapped.index("batchkey"), "action")
    tags = [node.tag for node in body if node.tag in ("batchkey", "action")]
    check_order(body, swapped if tags == ["action", "batchkey"] else INVOICE)
    _check_required(body, ("customerid", "datecreated", "invoiceitems"))
    _check_parts(body)
    _check_lines(body.child("invoiceitems"), {"lineitem": (INVOICE_LINE, ("amount",))})


def check_key(body: Node) -> None:
    """Check that the attribute ``key`` is present.

    Raises:
        SchemaViolation: it is missing or empty.
    """
    if not body.attributes.get("key"):
        raise schema_violation(f"Element '{body.tag}': The attribute 'key' is required but missing.", body.line)


def _check_required(body: Node, names: Sequence[str]) -> None:
    for name in names:
        node = body.child(name)
        if node is None:
            raise schema_violation(
                f"Element '{body.tag}': Missing child element(s). Expected is ( {name} ).", body.line
            )


def _check_lines(items: Node | None, kinds: Mapping[str, tuple[Sequence[str], Sequence[str]]]) -> None:
    assert items is not None
    if not items.children:
        expected = " | ".join(kinds)
        raise schema_violation(
            f"Element '{items.tag}': Missing child element(s). Expected is ( {expected} ).", items.line
        )
    for node in items:
        if node.tag not in kinds:
            raise schema_violation(f"Element '{node.tag}': This element is not expected in '{items.tag}'.", node.line)
        order, required = kinds[node.tag]
        check_order(node, order)
        _check_required(node, required)
        _check_parts(node)


def _check_parts(body: Node) -> None:
    """Check the order inside dates and custom fields."""
    for node in body:
        if node.tag in _DATES and [part.tag for part in node] != ["year", "month", "day"]:
            raise schema_violation(f"Element '{node.tag}': Expected are ( year, month, day ).", node.line)
        if node.tag == "customfields":
            for one in node:
                if [part.tag for part in one] != ["customfieldname", "customfieldvalue"]:
                    rule = "Expected are ( customfieldname, customfieldvalue )."
                    raise schema_violation(f"Element 'customfield': {rule}", one.line)
