"""Whether a document can be invoiced: what is looked at before anything is sent, and what to do about the rest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from revrec.core.invoice import AR_INVOICE, BilledLine, Invoice, contradiction, without_account
from revrec.core.periods import PostingDates, month_of
from revrec.intacct.errors import ReadRefused
from revrec.intacct.gateway import FoundCustomer, Gateway, MasterKind
from revrec.jobs.invoicing.settings import InvoiceSettings


class Masters(NamedTuple):
    """What Intacct has of what invoices name: customers with their terms; items and terms, and whether each is active.

    ``asked`` is False where nobody asked Intacct: then nothing counts as missing.
    """

    customers: Mapping[str, FoundCustomer]
    items: Mapping[str, bool]
    terms: Mapping[str, bool]
    asked: bool = True


NOT_ASKED = Masters({}, {}, {}, asked=False)


class Trouble(NamedTuple):
    """Why a document is not sent, and what to do about it."""

    error: str
    advice: str


def unready(settings: InvoiceSettings, gateway: Gateway) -> Iterator[str]:
    """What keeps every invoice from being sent: documents and records that the user may not read, a term that is not
    there. Nothing is changed."""
    definitions: set[str] = set()
    for wish in settings.wishes.values():
        definitions |= {""} if wish.kind == AR_INVOICE else {*settings.names}
    looks: dict[str, Callable[[], object]] = {
        one or "receivables": partial(gateway.find_invoices, one, [NOBODY]) for one in sorted(definitions)
    }
    looks |= {f"{kind.lower()}s": partial(gateway.masters, kind, [NOBODY]) for kind in _ASKED_FOR}
    for what, look in looks.items():
        try:
            look()
        except ReadRefused as error:
            yield f"{what} cannot be read: {error}"
            return
    term = settings.default_term
    if term and not gateway.masters(MasterKind.TERM, [term]).get(term):
        yield f"Intacct has no active payment term {term!r}, which is default_term in [invoicing]"


def term_of(customer: str, masters: Masters, settings: InvoiceSettings) -> str:
    """The customer's own payment term, else the default."""
    return masters.customers.get(customer, FoundCustomer(True, "")).term or settings.default_term


def trouble(
    billed: Sequence[BilledLine], settings: InvoiceSettings, masters: Masters, known: PostingDates
) -> Trouble | None:
    """The first thing that keeps the charge lines of a document from being invoiced; None if nothing does."""
    found = _in_itself(billed, settings, known)
    return next(found, None) or (next(_missing(billed, settings, masters), None) if masters.asked else None)


def namesake(made: Invoice, other: str) -> Trouble | None:
    """The trouble with a number that another document has, whose name is given; None if none has."""
    if not other:
        return None
    mend = f'give the documents of each source numbers of their own: number = "..." in [invoice.{made.source}]'
    return Trouble(f"its number {made.number} is that of {other}", mend)


def _in_itself(billed: Sequence[BilledLine], settings: InvoiceSettings, known: PostingDates) -> Iterator[Trouble]:
    line = billed[0].line
    if wrong := contradiction(billed):
        yield Trouble(wrong, "mend it at the source, or enter the document in Intacct by hand")
    if settings.wishes[line.source].kind == AR_INVOICE and (wrong := without_account(billed)):
        yield Trouble(wrong, "then run again")
    if closed := known.periods.closed(line.entity, line.post_date):
        advice = "open it in Intacct, or revrec periods open: an invoice keeps the date of its document"
        yield Trouble(f"the period {month_of(line.post_date)} is closed: {closed.words}", advice)


def _missing(billed: Sequence[BilledLine], settings: InvoiceSettings, masters: Masters) -> Iterator[Trouble]:
    customer = billed[0].line.customer
    found = masters.customers.get(customer)
    if found is None and MasterKind.CUSTOMER not in settings.creates:
        yield Trouble(f"Intacct has no customer {customer}", _CREATE.format("the customer", "missing_customer"))
    elif found is not None and not found.active:
        yield Trouble(f"the customer {customer} is inactive in Intacct", _ACTIVATE)
    term = term_of(customer, masters, settings)
    if not term:
        yield Trouble(f"the customer {customer} has no payment term in Intacct", _TERM)
    elif not masters.terms.get(term):
        yield Trouble(f"Intacct has no active payment term {term!r}", _TERM)
    if settings.wishes[billed[0].line.source].kind != AR_INVOICE or "item" not in settings.omit:
        yield from _items(billed, settings, masters)


def _items(billed: Sequence[BilledLine], settings: InvoiceSettings, masters: Masters) -> Iterator[Trouble]:
    for item in dict.fromkeys(one.line.item for one in billed):
        if item not in masters.items and MasterKind.ITEM not in settings.creates:
            yield Trouble(f"Intacct has no item {item}", _CREATE.format("the item", "missing_item"))
        elif masters.items.get(item) is False:
            yield Trouble(f"the item {item} is inactive in Intacct", _ACTIVATE)


NOBODY = "revrec doctor"
"""An id that no record has."""
_ASKED_FOR = (MasterKind.CUSTOMER, MasterKind.ITEM, MasterKind.TERM)
_CREATE = 'create {0} there, or let revrec do it: {1} = "create" in [invoicing]; then run again'
_ACTIVATE = "activate it there, then run again"
_TERM = 'set it there, or default_term = "..." in [invoicing], to the name of one that there is; then run again'
