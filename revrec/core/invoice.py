"""From the charge lines of a document to the invoice that Intacct gets: one document there for one of the source.

A document goes as a Sales Order that is converted to a Sales Invoice (order entry, ``create_sotransaction``), or as a
plain receivable whose lines name the deferred account (``create_invoice``). Its number is its name there: Intacct
takes a number once, so that the number is the natural key by which a document is found again.
"""

import hashlib
from base64 import b32encode
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, localcontext
from typing import NamedTuple

from revrec.core.charge_line import ChargeLine
from revrec.core.journal import MARK_LENGTH, REFERENCE_LENGTH, REFERENCE_PREFIX, control_id_of, mark_of
from revrec.core.money import LARGEST, decimal_string

Day = date
"""For :class:`Invoice`, where ``date`` is the name of a field."""

SALES_ORDER, SALES_INVOICE, AR_INVOICE = "sales_order", "sales_invoice", "ar_invoice"
KINDS = (SALES_ORDER, SALES_INVOICE, AR_INVOICE)
INVOICED = (SALES_INVOICE, AR_INVOICE)
"""The kinds that bill the customer; an order posts nothing."""
WAYS = {"none": "", "sales_order": SALES_ORDER, "invoice": AR_INVOICE}
"""What a source may ask for, and the kind that its documents begin with."""

PREFIX = "IV"
"""What the references of invoices begin with, in the place of the entries' ``RR``."""

DECIMALS = 6
"""Most decimals of a quantity and of a price."""


class BilledLine(NamedTuple):
    """A charge line to be invoiced: its number here, the account that its rule defers it on (empty: none is known).

    ``on`` names the document of Intacct that the line is on already, or is about to be; empty if it is on none.
    """

    no: int
    line: ChargeLine
    deferred: str
    on: str = ""


class InvoiceLine(NamedTuple):
    """One charge line on an invoice. ``quantity`` times ``price`` is ``amount``, which is in minor units, to the cent.

    ``account`` is the deferred account; empty where Intacct's definition of the document tells it.
    """

    line_no: int
    charge: str
    charge_no: int
    item: str
    description: str
    quantity: str
    price: str
    amount: int
    account: str
    memo: str
    dimensions: Mapping[str, str]


class Invoice(NamedTuple):
    """A document as Intacct gets it: an order, the invoice made from it, or a plain receivable.

    ``reference`` is revrec's name for it, ``number`` Intacct's document number. ``definition`` is the name of the
    transaction definition in order entry, ``after`` the DOCID of the order that it is made from. ``term`` is the name
    of the payment term.
    """

    reference: str
    control_id: str
    kind: str
    source: str
    document: str
    number: str
    definition: str
    date: Day
    customer: str
    entity: str
    currency: str
    term: str
    lines: tuple[InvoiceLine, ...]
    after: str = ""

    @property
    def amount(self) -> int:
        """The sum of the lines in minor units."""
        return sum(line.amount for line in self.lines)

    @property
    def docid(self) -> str:
        """The DOCID of a document of order entry, or the number of a receivable: what links to it."""
        return f"{self.definition}-{self.number}" if self.definition else self.number


class InvoiceRequest(NamedTuple):
    """What a source asks for: the ``kind`` its documents begin with, from which post date on, and their number.

    ``number`` is a template: ``{document}`` and ``{source}`` stand for those of the charge line.
    """

    kind: str
    since: Day | None
    number: str

    def number_of(self, line: ChargeLine) -> str:
        """The document number of a charge line's document."""
        return self.number.replace("{document}", line.document).replace("{source}", line.source)


class DocumentDefinitions(NamedTuple):
    """The transaction definitions of order entry, for the order and for the invoice."""

    order: str
    invoice: str


def first_document(
    billed: Sequence[BilledLine],
    wish: InvoiceRequest,
    names: DocumentDefinitions,
    term: str,
    revision: int,
    deployment: str,
    company: str,
) -> Invoice:
    """The first document that the charge lines of one source document become, as the source asks for it.

    ``revision`` counts the documents of this kind that were given up before. The result depends on nothing else, so
    that the same lines give the same control id.
    """
    first = billed[0].line
    account = wish.kind == AR_INVOICE
    lines = tuple(_line(at, one, account) for at, one in enumerate(billed, 1))
    reference = reference_of(wish.kind, first.source, first.document, revision, deployment)
    return Invoice(
        reference,
        control_id_of(company, deployment, reference),
        wish.kind,
        first.source,
        first.document,
        wish.number_of(first),
        "" if account else names.order,
        first.post_date,
        first.customer,
        first.entity,
        first.currency,
        term,
        lines,
    )


def invoice_from_order(
    order: Invoice, docid: str, names: DocumentDefinitions, revision: int, deployment: str, company: str
) -> Invoice:
    """The invoice that is made from a posted order, whose DOCID is given: of the same lines, under the same number."""
    reference = reference_of(SALES_INVOICE, order.source, order.document, revision, deployment)
    control_id = control_id_of(company, deployment, reference)
    return order._replace(
        reference=reference, control_id=control_id, kind=SALES_INVOICE, definition=names.invoice, after=docid
    )


def reference_of(kind: str, source: str, document: str, revision: int, deployment: str) -> str:
    """The reference of a document: the mark of the deployment, and a digest of what it is made of."""
    digest = hashlib.sha256(f"{deployment}\n{kind}\t{source}\t{document}\t{revision}".encode()).digest()
    mark = PREFIX + mark_of(deployment).removeprefix(REFERENCE_PREFIX)
    return mark + b32encode(digest).decode()[: REFERENCE_LENGTH - MARK_LENGTH]


def _line(line_no: int, billed: BilledLine, account: bool) -> InvoiceLine:
    line = billed.line
    quantity, price = unit_price(line.amount, line.currency, line.quantity)
    dimensions = {**({"location": line.entity} if line.entity else {}), **line.dimensions}
    memo = f"{line.description} ({line.id})" if line.description else line.id
    deferred = billed.deferred if account else ""
    rest = (line.amount, deferred, memo, dimensions)
    return InvoiceLine(line_no, line.id, billed.no, line.item, line.description, quantity, price, *rest)


def unit_price(amount: int, currency: str, quantity: Decimal | None) -> tuple[str, str]:
    """Quantity and unit price of an amount in minor units: the line's own where they multiply to it exactly, else one
    of the whole amount. Intacct takes no quantity below zero; the price may be."""
    whole = decimal_string(amount, currency)
    if quantity is None or quantity <= 0 or _decimals(quantity) > DECIMALS:
        return "1", whole
    with localcontext() as exact:
        exact.prec = 60
        price = Decimal(whole) / quantity
        if price * quantity != Decimal(whole) or _decimals(price) > DECIMALS:
            return "1", whole
        least = max(_decimals(price), len(whole.partition(".")[2]))
        return f"{quantity.normalize():f}", f"{price:.{least}f}"


def _decimals(number: Decimal) -> int:
    exponent = number.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else DECIMALS + 1


def contradiction(billed: Sequence[BilledLine]) -> str:
    """Why the charge lines of a document cannot be one document of Intacct's, in words; empty if they can."""
    on = next((one.on for one in billed if one.on), "")
    if on:
        return f"the document is in Intacct as {on} already, without these lines: invoice them under another document"
    for what, values in (
        ("customers", {one.line.customer for one in billed}),
        ("currencies", {one.line.currency for one in billed}),
        ("post dates", {one.line.post_date.isoformat() for one in billed}),
    ):
        if len(values) > 1:
            return f"its lines have several {what}: {_listed(values)}; one document of Intacct's has one"
    total = sum(one.line.amount for one in billed)
    if total < 0:
        return "its total is below zero, which no invoice may be: enter it in Intacct as a credit"
    if total > LARGEST:
        return "its total is more than the largest amount that can be kept"
    return ""


def without_account(billed: Iterable[BilledLine]) -> str:
    """Why lines cannot be put on a receivable: nobody tells the account that they are deferred on; empty if all do."""
    lacking = [one.line.id for one in billed if not one.deferred]
    if not lacking:
        return ""
    mend = "add a rule, then: revrec schedule --rebuild; or set deferred in [accounts]"
    return f"no rule tells the deferred account of {_listed(lacking)}: {mend}"


def _listed(values: Iterable[str], most: int = 5) -> str:
    found = sorted(values)
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")
