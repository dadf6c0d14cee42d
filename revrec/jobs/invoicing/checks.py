"""Check if a document can be invoiced before anything is sent, and say what to do if it cannot."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from revrec.core.invoice import AR_INVOICE, BilledLine, Invoice, contradiction, without_account
from revrec.core.periods import PostingDates, month_of
from revrec.intacct.errors import ReadRefused
from revrec.intacct.gateway import FoundCustomer, Gateway, MasterKind
from revrec.jobs.invoicing.settings import InvoiceSettings


class MasterData(NamedTuple):
    """The records that invoices name, as far as Intacct has them.

    Customers come with their payment terms; items and terms with True if they are active. If ``was_read`` is False,
    Intacct was not asked, and nothing counts as missing.
    """

    customers: Mapping[str, FoundCustomer]
    items: Mapping[str, bool]
    terms: Mapping[str, bool]
    was_read: bool = True


NOT_READ = MasterData({}, {}, {}, was_read=False)


class InvoiceProblem(NamedTuple):
    """Why a document is not sent, and what to do about it. The advice has ``{0}`` in place of the reference."""

    error: str
    advice: str


def unready(settings: InvoiceSettings, gateway: Gateway) -> Iterator[str]:
    """Yield what keeps every invoice from being sent. Nothing is changed.

    Examples are documents and records that the user may not read, or a payment term that does not exist.
    """
    reads: dict[str, Callable[[], object]] = {}
    for request in settings.requests.values():
        if request.kind == AR_INVOICE:
            reads["receivables"] = partial(gateway.find_invoices, "", [NO_RECORD])
            if settings.posts_credits:
                reads["adjustments"] = partial(gateway.find_adjustments, [NO_RECORD])
        else:
            names = settings.names if settings.posts_credits else settings.names[:2]
            reads |= {name: partial(gateway.find_invoices, name, [NO_RECORD]) for name in sorted(names)}
    reads |= {f"{kind.lower()}s": partial(gateway.masters, kind, [NO_RECORD]) for kind in _READ_KINDS}
    for what, read in reads.items():
        try:
            read()
        except ReadRefused as error:
            yield f"{what} cannot be read: {error}"
            return
    term = settings.default_term
    if term and not gateway.masters(MasterKind.TERM, [term]).get(term):
        yield f"Intacct has no active payment term {term!r}, which is default_term in [invoicing]"


def payment_term(customer: str, master_data: MasterData, settings: InvoiceSettings) -> str:
    """Return the customer's payment term, else the default."""
    return master_data.customers.get(customer, FoundCustomer(True, "")).term or settings.default_term


def find_problem(
    billed: Sequence[BilledLine], settings: InvoiceSettings, master_data: MasterData, known: PostingDates
) -> InvoiceProblem | None:
    """Return the first problem that keeps the charge lines of a document from being invoiced, None if there is none."""
    found = _in_the_document(billed, settings, known)
    problem = next(found, None)
    if problem is None and master_data.was_read:
        problem = next(_in_intacct(billed, settings, master_data), None)
    return problem


def number_conflict(invoice: Invoice, other: str) -> InvoiceProblem | None:
    """Return the problem that the document ``other`` has the invoice's number, None if ``other`` is empty."""
    if not other:
        return None
    fix = f'give the documents of each source their own numbers: number = "..." in [invoice.{invoice.source}]'
    return InvoiceProblem(f"its number {invoice.number} is used by {other}", fix)


def _in_the_document(
    billed: Sequence[BilledLine], settings: InvoiceSettings, known: PostingDates
) -> Iterator[InvoiceProblem]:
    line = billed[0].line
    if wrong := contradiction(billed):
        yield InvoiceProblem(wrong, _SETTLE)
    if settings.requests[line.source].kind == AR_INVOICE and (wrong := without_account(billed)):
        yield InvoiceProblem(wrong, "then run again")
    if closed := known.periods.closed(line.entity, line.post_date):
        advice = "open it in Intacct, or revrec periods open: an invoice keeps the date of its document"
        yield InvoiceProblem(f"the period {month_of(line.post_date)} is closed: {closed.words}", advice)


def _in_intacct(
    billed: Sequence[BilledLine], settings: InvoiceSettings, master_data: MasterData
) -> Iterator[InvoiceProblem]:
    line = billed[0].line
    with_items = settings.requests[line.source].kind != AR_INVOICE or "item" not in settings.omit
    items = dict.fromkeys(one.line.item for one in billed) if with_items else ()
    yield from problems_of_records(line.customer, items, settings, master_data)


def problems_of_records(
    customer: str, items: Iterable[str], settings: InvoiceSettings, master_data: MasterData, with_term: bool = True
) -> Iterator[InvoiceProblem]:
    """Yield the problems of the records that a document names: its customer, its payment term, and its items."""
    found = master_data.customers.get(customer)
    if found is None and MasterKind.CUSTOMER not in settings.creates:
        yield InvoiceProblem(f"Intacct has no customer {customer}", _CREATE.format("the customer", "missing_customer"))
    elif found is not None and not found.active:
        yield InvoiceProblem(f"the customer {customer} is inactive in Intacct", _ACTIVATE)
    term = payment_term(customer, master_data, settings)
    if with_term and not term:
        yield InvoiceProblem(f"the customer {customer} has no payment term in Intacct", _TERM)
    elif with_term and not master_data.terms.get(term):
        yield InvoiceProblem(f"Intacct has no active payment term {term!r}", _TERM)
    for item in items:
        if item not in master_data.items and MasterKind.ITEM not in settings.creates:
            yield InvoiceProblem(f"Intacct has no item {item}", _CREATE.format("the item", "missing_item"))
        elif master_data.items.get(item) is False:
            yield InvoiceProblem(f"the item {item} is inactive in Intacct", _ACTIVATE)


NO_RECORD = "revrec doctor"
"""An id that no record has."""
_READ_KINDS = (MasterKind.CUSTOMER, MasterKind.ITEM, MasterKind.TERM)
_CREATE = 'create {0} there, or let revrec do it: {1} = "create" in [invoicing]; then run again'
_SETTLE = (
    "correct it at the source, or settle it: if you enter it in Intacct by hand, revrec postings resolve {0} "
    "--as-posted KEY --reason TEXT; if it is not to be invoiced, --drop"
)
_ACTIVATE = "activate it there, then run again"
_TERM = 'set it there, or set default_term = "..." in [invoicing] to a term that exists; then run again'
