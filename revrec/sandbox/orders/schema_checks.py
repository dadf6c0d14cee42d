"""Schema checks for the functions of order entry and receivables, whose elements have a fixed order."""

from collections.abc import Mapping

from revrec.sandbox.content_model import Particle, check_content, content_model
from revrec.sandbox.errors import schema_violation
from revrec.sandbox.xmltree import Node

_CURRENCY = "(basecurr? currency (exchratedate? exchratetype | exchrate))?"
"""A currency needs an exchange rate type or a rate, also if it is the base currency; the type may be empty."""
_SHIPPING = (
    "projectid? changelognumber? needbydate? shipbydate? cancelafterdate? donotshipbeforedate? donotshipafterdate? "
    "servicedeliverydate? trackingnumber? shippeddate? customerponumber?"
)
_MIDDLE = f"shipto? billto? supdocid? externalid? {_CURRENCY} vsoepricelist? customfields? state? {_SHIPPING}"
_DOCUMENT = content_model(
    "transactiontype datecreated dateposted? createdfrom? customerid documentno? origdocdate? referenceno? termname? "
    f"datedue? message? shippingmethod? {_MIDDLE} taxsolutionid? sotransitems subtotals?"
)
_UPDATE = content_model(
    "disablevalidation? datecreated? dateposted? referenceno? termname? datedue? origdocdate? message? shippingmethod? "
    f"{_MIDDLE} updatesotransitems?"
)
_LINE_BEGIN = "bundlenumber? {itemid} itemaliasid? itemdesc? taxable? warehouseid? {quantity}"
_LINE_END = (
    "unit? linelevelsimpletaxtype? discountpercent? price? relateddockey? relateddoclinekey? retainagepercentage? "
    "trx_amountretained? conversiontype? sourcelinekey? discsurchargememo? locationid? linesubtotals? departmentid? "
    "memo? itemdetails? customfields? revrectemplate? revrecstartdate? revrecenddate? renewalmacro? projectid? taskid? "
    "costtypeid? customerid? vendorid? employeeid? classid? paymenttaxcapture? contractid? fulfillmentstatus? taskno? "
    "billingtemplate? dropship? shipto? needbydate? shipby? donotshipbeforedate? donotshipafterdate? "
    "datepickticketprinted? cancelafterdate? shippeddate?"
)
_NEW_LINE = content_model(f"{_LINE_BEGIN} {_LINE_END}".format(itemid="itemid", quantity="quantity"))
_CHANGED_LINE = content_model(f"{_LINE_BEGIN} {_LINE_END}".format(itemid="itemid?", quantity="quantity?"))
_INVOICE = content_model(
    "customerid datecreated dateposted? datedue? termname? (batchkey action? | action batchkey?)? invoiceno? ponumber? "
    f"onhold? description? externalid? billto? shipto? {_CURRENCY} nogl? supdocid? taxsolutionid? customfields? "
    "invoiceitems"
)
_INVOICE_LINE = content_model(
    "(accountlabel | glaccountno) offsetglaccountno? amount allocationid? memo? locationid? departmentid? key? "
    "totalpaid? totaldue? customfields? revrectemplate? defrevaccount? revrecstartdate? revrecenddate? projectid? "
    "taskid? costtypeid? customerid? vendorid? employeeid? itemid? classid? contractid? warehouseid? taxentries?"
)
_ADJUSTMENT = content_model(
    "customerid datecreated dateposted? batchkey? adjustmentno? action? invoiceno? description? externalid? "
    f"{_CURRENCY} nogl? taxsolutionid? aradjustmentitems"
)
_ADJUSTMENT_LINE = content_model(
    "(accountlabel | glaccountno) offsetglaccountno? amount memo? locationid? departmentid? key? totalpaid? totaldue? "
    "customfields? projectid? taskid? costtypeid? customerid? vendorid? employeeid? itemid? classid? contractid? "
    "warehouseid? totaltrxamount? taxentries?"
)
_DATE = content_model("year month day")
_DATES = (
    "datecreated dateposted origdocdate datedue exchratedate needbydate shipbydate cancelafterdate donotshipbeforedate "
    "donotshipafterdate servicedeliverydate shippeddate revrecstartdate revrecenddate"
)
_PARTS = {
    **dict.fromkeys(_DATES.split(), _DATE),
    "customfields": content_model("customfield*"),
    "customfield": content_model("customfieldname customfieldvalue"),
}


def check_document(body: Node) -> None:
    """Check the body of create_sotransaction.

    Raises:
        SchemaViolation: it breaks the schema.
    """
    _check(body, _DOCUMENT)
    _check_lines(body.child("sotransitems"), "sotransitem+", {"sotransitem": _NEW_LINE})


def check_update(body: Node) -> None:
    """Check the body of update_sotransaction.

    Raises:
        SchemaViolation: it breaks the schema.
    """
    check_attribute(body, "key")
    _check(body, _UPDATE)
    items = body.child("updatesotransitems")
    if items is None:
        return
    models = {"updatesotransitem": _CHANGED_LINE, "sotransitem": _NEW_LINE}
    _check_lines(items, "(updatesotransitem | sotransitem)+", models)
    for node in items.all("updatesotransitem"):
        if not node.attributes.get("line_num", "").isdecimal():
            rule = "The attribute 'line_num' is required but missing."
            raise schema_violation(f"Element 'updatesotransitem': {rule}", node.line)


def check_invoice(body: Node) -> None:
    """Check the body of create_invoice.

    Raises:
        SchemaViolation: it breaks the schema.
    """
    _check(body, _INVOICE)
    _check_lines(body.child("invoiceitems"), "lineitem+", {"lineitem": _INVOICE_LINE})


def check_adjustment(body: Node) -> None:
    """Check the body of create_aradjustment.

    Raises:
        SchemaViolation: it breaks the schema.
    """
    _check(body, _ADJUSTMENT)
    _check_lines(body.child("aradjustmentitems"), "lineitem+", {"lineitem": _ADJUSTMENT_LINE})


def check_attribute(body: Node, name: str) -> None:
    """Check that an attribute is present.

    Raises:
        SchemaViolation: it is missing or empty.
    """
    if not body.attributes.get(name):
        raise schema_violation(f"Element '{body.tag}': The attribute '{name}' is required but missing.", body.line)


def _check_lines(items: Node | None, model: str, lines: Mapping[str, Particle]) -> None:
    assert items is not None
    check_content(items, content_model(model))
    for node in items:
        _check(node, lines[node.tag])


def _check(node: Node, model: Particle) -> None:
    """Check an element, and the dates and custom fields in it."""
    check_content(node, model)
    for child in node:
        if child.tag in _PARTS:
            _check(child, _PARTS[child.tag])
