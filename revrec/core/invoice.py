"""Turn the charge lines of a source document into the invoice for Intacct: one document for one document.

A document is sent as a Sales Order that is converted to a Sales Invoice (order entry, ``create_sotransaction``), or as
a plain receivable whose lines name the deferred account (``create_invoice``). Intacct accepts a document number once,
so the number is the natural key by which a document is found again.
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
BY_HAND = "by_hand"
"""The kind of a document that a person entered in Intacct, because revrec could not send it."""
SALES_CREDIT, AR_CREDIT = "sales_credit", "ar_credit"
"""The kinds of credit memos: in order entry, and as an adjustment of receivables."""
CREDITS = (SALES_CREDIT, AR_CREDIT)
KINDS = (SALES_ORDER, SALES_INVOICE, AR_INVOICE, BY_HAND, *CREDITS)
INVOICED = (SALES_INVOICE, AR_INVOICE, BY_HAND)
"""The kinds that bill the customer; an order posts nothing."""
WAYS = {"none": "", "sales_order": SALES_ORDER, "invoice": AR_INVOICE}
"""The choices of a source, and the kind of its first document."""

PREFIX = "IV"
"""The prefix of invoice references, in place of the entries' ``RR``."""

DECIMALS = 6
"""Most decimals of a quantity and of a price."""


class BilledLine(NamedTuple):
    """A charge line to be invoiced: its number in the database, and its deferred account (empty if not known).

    ``on`` names the Intacct document that the line is on, or is about to be; empty if it is on none.
    """

    no: int
    line: ChargeLine
    deferred: str
    on: str = ""


class InvoiceLine(NamedTuple):
    """One charge line on an invoice. ``quantity`` times ``price`` equals ``amount`` (minor units) exactly.

    ``account`` is the deferred account; empty if Intacct's transaction definition decides it.
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
    """A document as it is sent to Intacct: an order, the invoice made from it, a plain receivable, or a credit memo.

    ``reference`` is revrec's name for it, ``number`` Intacct's document number. ``definition`` is the name of the
    transaction definition in order entry, ``after`` the DOCID of the order that it is made from, or the key of the
    invoice that a credit memo reduces. ``term`` is the name of the payment term. The amounts of a credit memo are above
    zero.
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
        """Return the sum of the lines in minor units."""
        return sum(line.amount for line in self.lines)

    @property
    def docid(self) -> str:
        """Return the DOCID of an order entry document, or the number of a receivable, for links to it."""
        return f"{self.definition}-{self.number}" if self.definition else self.number


class InvoiceRequest(NamedTuple):
    """The invoicing request of a source: the ``kind`` of its first documents, from which post date, and their number.

    ``number`` is a template: ``{document}`` and ``{source}`` are replaced by the charge line's values.
    """

    kind: str
    since: Day | None
    number: str

    def number_of(self, line: ChargeLine) -> str:
        """Return the document number of a charge line's document."""
        return self.number.replace("{document}", line.document).replace("{source}", line.source)

    def document_of(self, number: str, source: str) -> str:
        """Return the document of a source that has this number in Intacct; empty if it cannot be one."""
        before, _, after = self.number.replace("{source}", source).partition("{document}")
        fits = number.startswith(before) and number.endswith(after) and len(number) > len(before) + len(after)
        return number[len(before) : len(number) - len(after)] if fits else ""


class DocumentDefinitions(NamedTuple):
    """The order entry transaction definitions of the order, of the invoice, and of the credit memo."""

    order: str
    invoice: str
    credit: str


def first_document(
    billed: Sequence[BilledLine],
    wish: InvoiceRequest,
    names: DocumentDefinitions,
    term: str,
    revision: int,
    deployment: str,
    company: str,
) -> Invoice:
    """Build the first Intacct document (order or receivable) for the charge lines of a source document.

    ``revision`` counts the earlier documents of this kind that were canceled. The result depends on nothing else, so
    that the same lines always give the same control id.
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
    """Build the invoice from a posted order with this DOCID: the same lines under the same number."""
    reference = reference_of(SALES_INVOICE, order.source, order.document, revision, deployment)
    control_id = control_id_of(company, deployment, reference)
    return order._replace(
        reference=reference, control_id=control_id, kind=SALES_INVOICE, definition=names.invoice, after=docid
    )


def kind_in_words(kind: str) -> str:
    """Return a kind as people read it: ``sales invoice``, ``credit memo``, ``invoice entered by hand``."""
    special = {BY_HAND: "invoice entered by hand", **dict.fromkeys(CREDITS, "credit memo"), AR_INVOICE: "invoice"}
    return special.get(kind, kind.replace("_", " "))


def entered_by_hand(refused: Invoice, revision: int, deployment: str) -> Invoice:
    """Return the document that a person entered in Intacct in place of one that revrec could not send.

    ``revision`` counts the earlier ones of the document.
    """
    return following(refused, BY_HAND, revision, deployment)._replace(definition="")


def following(earlier: Invoice, kind: str, revision: int, deployment: str) -> Invoice:
    """Return a document of another kind with what an earlier one has, and with its own reference and control id.

    ``revision`` counts the earlier ones of the kind.
    """
    reference = reference_of(kind, earlier.source, earlier.document, revision, deployment)
    control_id = f"{earlier.control_id.rpartition(':')[0]}:{reference}".lower()
    return earlier._replace(reference=reference, control_id=control_id, kind=kind)


def reference_of(kind: str, source: str, document: str, revision: int, deployment: str) -> str:
    """Return the reference of a document: the mark of the deployment, and a digest of the document's identity."""
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
    """Return quantity and unit price of an amount in minor units.

    They are the line's quantity and its price if these multiply to the amount exactly, else 1 and the amount. Intacct
    accepts no negative quantity; a price may be negative.
    """
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
    """Return why the charge lines of a document cannot be one Intacct document; empty if they can."""
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
        return "its total is below zero, which no invoice may be"
    if total > LARGEST:
        return "its total is more than the largest amount that can be kept"
    return ""


def without_account(billed: Iterable[BilledLine]) -> str:
    """Return why lines cannot go on a receivable, if their deferred account is not known; empty if it is."""
    lacking = [one.line.id for one in billed if not one.deferred]
    if not lacking:
        return ""
    fix = "add a rule, then: revrec schedule; or set deferred in [accounts]"
    return f"no rule has a deferred account for {_listed(lacking)}: {fix}"


def _listed(values: Iterable[str], most: int = 5) -> str:
    found = sorted(values)
    return ", ".join(found[:most]) + (f" and {len(found) - most} more" if len(found) > most else "")
