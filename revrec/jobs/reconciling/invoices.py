"""Compare invoices and credit memos of a range with Intacct's, and find what is missing on either side."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.batching import batched
from revrec.core.credit_memo import credited_number
from revrec.core.invoice import AR_CREDIT, AR_INVOICE, BY_HAND, CREDITS, SALES_ORDER, Invoice
from revrec.core.money import decimal_string
from revrec.core.posting import UNSETTLED, state_in_words
from revrec.intacct.gateway import FoundInvoice, Gateway
from revrec.jobs.invoicing.checks import NOT_READ
from revrec.jobs.invoicing.credit_memos import due_credit_memos
from revrec.jobs.invoicing.posting_type import NOT_IN_LEDGER, difference, find_documents
from revrec.jobs.invoicing.settings import invoice_settings
from revrec.jobs.posting.findings import Finding
from revrec.jobs.reconciling.amounts import DateRange
from revrec.store.posting import invoices

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection
    from revrec.store.posting.invoices import StoredInvoice

AT_ONCE = 200
ORDER_ENTRY = SALES_ORDER
"""The place of all documents of order entry where Intacct is asked by key."""


class OtherInvoices(NamedTuple):
    """The documents of a definition that these books did not create, in one currency; ``amount`` in minor units."""

    definition: str
    currency: str
    documents: int
    amount: int


class InvoiceCheck:
    """One pass over our invoices and credit memos, and over the documents of the definitions that are used."""

    def __init__(
        self, context: "Context", connection: "Connection", gateway: Gateway, within: DateRange, entity: str | None
    ) -> None:
        self._context = context
        self._connection = connection
        self._gateway = gateway
        self._within = within
        self._entity = entity
        self._settings = invoice_settings(context)
        self._explained: set[str] = set()
        """Keys of Intacct that a finding is about."""
        self.compared = 0
        self.others: list[OtherInvoices] = []

    def findings(self) -> Iterator[Finding]:
        """Yield every difference."""
        yield from self._posted()
        yield from self._unsettled()
        yield from self._due()
        if self._entity is None:
            yield from self._unknown()

    def _numbers(self, *states: str) -> list[int]:
        return invoices.numbers_dated(self._connection, states, *self._within, self._entity)

    def _posted(self) -> Iterator[Finding]:
        numbers = self._numbers("POSTED")
        self.compared = len(numbers)
        for some in batched(self._context.progress.track(numbers, "comparing invoices"), AT_ONCE):
            ours = [invoices.load_invoice(self._connection, number) for number in some]
            found = self._with_keys(ours)
            for one in ours:
                yield from _differences(one, found.get(one.record_no or ""))

    def _with_keys(self, ours: "Sequence[StoredInvoice]") -> dict[str, FoundInvoice]:
        """Return what Intacct has under the keys of these invoices, by key."""
        places: dict[str, list[str]] = {}
        for one in ours:
            key = one.record_no or ""
            place = one.invoice.kind if one.invoice.kind == AR_CREDIT else AR_INVOICE
            places.setdefault(place if key.isdigit() else ORDER_ENTRY, []).append(key)
        found = self._read(places)
        # A person may have entered an adjustment where an invoice would be, or the other way round.
        other = {AR_INVOICE: AR_CREDIT, AR_CREDIT: AR_INVOICE}
        by_hand = {one.record_no for one in ours if one.invoice.kind == BY_HAND or one.invoice.kind in CREDITS}
        missing = {
            other[place]: [key for key in keys if key in by_hand and key not in found]
            for place, keys in places.items()
            if place in other
        }
        return found | self._read(missing)

    def _read(self, places: dict[str, list[str]]) -> dict[str, FoundInvoice]:
        return {
            one.record_no: one
            for place, keys in places.items()
            if keys
            for one in self._gateway.invoices_with_keys(place, keys)
        }

    def _unsettled(self) -> Iterator[Finding]:
        """Yield what is not settled here and is in Intacct, and the credit memos that are not."""
        for number in self._numbers(*UNSETTLED):
            stored = invoices.load_invoice(self._connection, number)
            there = find_documents(self._gateway, stored.invoice, [stored.invoice.number])
            self._explained |= {one.record_no for one in there}
            if there:
                what = f"it is in Intacct; here it is {state_in_words(stored.state.lower())}"
                yield _finding("invoice_unsettled", stored.invoice, there[0].record_no, what)
            elif stored.invoice.kind in CREDITS:
                yield _credit_due(stored.invoice, stored.reference)

    def _due(self) -> Iterator[Finding]:
        """Yield the credit memos that no run has created yet."""
        for due in due_credit_memos(self._connection, self._settings, self._within.end, NOT_READ):
            if self._within.has(due.memo.date) and self._entity in (None, due.memo.entity):
                yield _credit_due(due.memo, "")

    def _unknown(self) -> Iterator[Finding]:
        """Yield the documents in Intacct with the number of a document of ours, or of its credit memo; count others."""
        for definition in self._definitions():
            heads = self._gateway.invoices_dated(definition, *self._within)
            unknown: list[FoundInvoice] = []
            for some in batched(heads, AT_ONCE):
                known = invoices.keys_known(self._connection, [one.record_no for one in some]) | self._explained
                unknown += [one for one in some if one.record_no not in known]
            ours = self._with_our_numbers(definition, unknown)
            for one in unknown:
                if one.record_no in ours:
                    yield _unknown(one, ours[one.record_no])
            self.others += _counted(definition, (one for one in unknown if one.record_no not in ours))

    def _definitions(self) -> list[str]:
        """Return the definitions of the invoices and credit memos that the sources ask for; empty for receivables."""
        used: set[str] = set()
        for request in self._settings.requests.values():
            credit = {self._settings.names.credit} if self._settings.posts_credits else set()
            used |= {""} if request.kind == AR_INVOICE else {self._settings.names.invoice, *credit}
        return sorted(used)

    def _with_our_numbers(self, definition: str, found: Sequence[FoundInvoice]) -> dict[str, str]:
        """Return the keys of those whose number is of a document of ours or of its credit memo, each with its name."""
        ours: dict[str, str] = {}
        are_credits = definition == self._settings.names.credit
        what = "a credit memo of " if are_credits else ""
        numbers = {one.record_no: credited_number(one.number) if are_credits else one.number for one in found}
        for source, request in self._settings.requests.items():
            if (request.kind == AR_INVOICE) != (definition == ""):
                continue
            named = {key: request.document_of(number, source) for key, number in numbers.items()}
            for some in batched(sorted(filter(None, named.values())), AT_ONCE):
                here = invoices.documents_of_source(self._connection, source, some)
                ours |= {key: f"{what}{source}/{document}" for key, document in named.items() if document in here}
        return ours


def _differences(ours: "StoredInvoice", found: FoundInvoice | None) -> Iterator[Finding]:
    """Yield how Intacct's document differs from ours."""
    invoice, key = ours.invoice, ours.record_no or ""
    if found is None:
        yield _finding("invoice_deleted", invoice, key, "Intacct has no document with this key")
    elif found.state in NOT_IN_LEDGER:
        yield _finding("invoice_state", invoice, key, f"it is not in the ledger: its state is {found.state}")
    else:
        changed = _changed(invoice, found)
        if changed:
            yield _finding("invoice_edited", invoice, key, f"it was posted with other content: {changed}")


def _changed(ours: Invoice, found: FoundInvoice) -> str:
    """Return the first difference in words. Of a document that a person entered, only the total is compared."""
    if ours.kind != BY_HAND and found.number == ours.number:
        return difference(ours, found)
    total, wanted = abs(sum(line.amount for line in found.lines)), abs(ours.amount)
    if found.currency == ours.currency and total == wanted:
        return ""
    there = f"{decimal_string(total, found.currency)} {found.currency}"
    return f"total {there}, not {decimal_string(wanted, ours.currency)} {ours.currency}"


def _credit_due(memo: Invoice, reference: str) -> Finding:
    amount = f"{decimal_string(abs(memo.amount), memo.currency)} {memo.currency}"
    said = f"a credit memo of {amount} for" if memo.amount > 0 else f"{amount} to be billed in addition to"
    return _finding("credit_due", memo._replace(reference=reference), "", f"Intacct lacks {said} {memo.after}")


def _unknown(found: FoundInvoice, document: str) -> Finding:
    what = f"it has the number of {document}, and these books did not post it"
    return Finding("invoice_unknown", "", found.record_no, found.date, found.currency, found.total or 0, what)


def _finding(kind: str, ours: Invoice, key: str, what: str) -> Finding:
    return Finding(kind, ours.reference, key, ours.date, ours.currency, ours.amount, what)


def _counted(definition: str, found: Iterable[FoundInvoice]) -> Iterator[OtherInvoices]:
    """Yield the number and total of documents by currency."""
    documents: Counter[str] = Counter()
    amounts: Counter[str] = Counter()
    for one in found:
        documents[one.currency] += 1
        amounts[one.currency] += one.total or 0
    for currency in sorted(documents):
        yield OtherInvoices(definition, currency, documents[currency], amounts[currency])
