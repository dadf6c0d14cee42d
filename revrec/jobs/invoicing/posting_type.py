"""Invoices as a type of postings: found by document number, recognized line by line."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from revrec.core.invoice import AR_CREDIT, AR_INVOICE, SALES_INVOICE, Invoice
from revrec.core.money import decimal_string
from revrec.intacct.errors import ReadRefused, UnpostableEntry
from revrec.intacct.gateway import (
    NUMBER_TAKEN,
    FoundInvoice,
    Gateway,
    MasterKind,
    NewMasterRecord,
    PostingAnswer,
    PostingOutcome,
    PreparedPosting,
    errors_in_words,
)
from revrec.jobs.invoicing.checks import NOT_READ, MasterData
from revrec.jobs.invoicing.settings import InvoiceSettings
from revrec.jobs.posting.poster import WRITE_LOCK_TIMEOUT, Poster, RunStopped, end_attempt
from revrec.store.posting import invoices
from revrec.store.posting.invoices import INVOICE_TABLES, StoredInvoice

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

NOT_IN_LEDGER = ("Draft", "Submitted", "Partially Approved", "Declined", "Saved", "Reversed", "Voided")
"""States of a document or receivable that is not in the ledger, or no longer is."""


class InvoicePostings:
    """Invoices, as a :class:`revrec.jobs.posting.poster.PostingType`.

    Missing customers and items are created first where the settings allow it.
    """

    tables = INVOICE_TABLES
    closed_advice = "open it in Intacct and run again: an invoice keeps the date of its document"

    def __init__(self, settings: InvoiceSettings, master_data: MasterData = NOT_READ) -> None:
        self._settings = settings
        self._master_data = master_data
        self._created: set[tuple[str, str]] = set()

    def load(self, connection: "Connection", number: int) -> StoredInvoice:
        """Return the invoice with its lines."""
        return invoices.load_invoice(connection, number)

    def period(self, stored: StoredInvoice) -> tuple[str, date]:
        """Return its entity and its date."""
        return stored.invoice.entity, stored.invoice.date

    def before_send(self, poster: Poster, stored: StoredInvoice) -> tuple[str, str] | None:
        """Create the customer and the items that are missing; return the error and the advice if that fails."""
        for record in self._missing(stored.invoice):
            failed = self._create(poster, stored, record)
            if failed:
                return failed
        return None

    def needs_other_requests(self, stored: StoredInvoice) -> bool:
        """Check if a customer or an item has to be created first, or if the document follows another one.

        That one has to be read first if it is an order.
        """
        return bool(stored.invoice.after) or next(self._missing(stored.invoice), None) is not None

    def _missing(self, invoice: Invoice) -> Iterator[NewMasterRecord]:
        if not self._master_data.was_read:
            return
        creates = self._settings.creates
        if MasterKind.CUSTOMER in creates and invoice.customer not in self._master_data.customers:
            yield NewMasterRecord(MasterKind.CUSTOMER, invoice.customer, term=self._settings.default_term)
        if MasterKind.ITEM in creates:
            for line in invoice.lines:
                if line.item not in self._master_data.items:
                    more = {"name": line.description, "group": self._settings.item_group, "unit": self._settings.unit}
                    yield NewMasterRecord(MasterKind.ITEM, line.item, **more)

    def _create(self, poster: Poster, stored: StoredInvoice, record: NewMasterRecord) -> tuple[str, str] | None:
        """Create a record once; return the error and the advice if that fails.

        Intacct accepts each id once. So "already exists" is not a failure: another worker, or an earlier run whose
        answer was lost, has created it.
        """
        if (record.kind, record.id) in self._created:
            return None
        prepared = poster.gateway.prepare_record(record, _control_id(stored, record))
        answer = self._send(poster, stored, prepared)
        if answer.outcome is PostingOutcome.POSTED or answer.failure == "record-exists":
            self._created.add((record.kind, record.id))
            return None
        if answer.outcome is PostingOutcome.NOT_RUN:
            raise RunStopped(answer)
        reason = errors_in_words(answer.errors) or "no usable answer"
        return f"the {record.kind.lower()} {record.id} could not be created: {reason}", answer.advice

    def _send(self, poster: Poster, stored: StoredInvoice, prepared: PreparedPosting) -> PostingAnswer:
        """Send the request of a record, stored as an attempt of the invoice that needs it."""
        context = poster.context

        def begin(connection: "Connection") -> int:
            request = (prepared.control_id, prepared.redacted, context.who())
            return self.tables.begin_attempt(connection, stored.id, "create", *request)[0]

        attempt = poster.begin_request(stored, begin)
        answer = poster.gateway.send(prepared)
        with context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
            end_attempt(self.tables, connection, attempt, answer, context.who())
        return answer

    def prepare(self, gateway: Gateway, stored: StoredInvoice) -> PreparedPosting:
        """Return the document as a request. If it is made from an order, it names the order's lines in Intacct."""
        invoice, unit = stored.invoice, self._settings.unit
        sources = self._order_lines(gateway, invoice) if invoice.kind == SALES_INVOICE else ()
        return gateway.prepare_invoice(invoice, unit, sources)

    def _order_lines(self, gateway: Gateway, invoice: Invoice) -> list[str]:
        definition = self._settings.names.order
        try:
            orders = gateway.find_invoices(definition, [invoice.number])
        except ReadRefused as error:
            raise UnpostableEntry(f"the order {invoice.after} cannot be read: {error}") from error
        found = [one for one in orders if one.record_no == invoice.after]
        if len(found) != 1 or len(found[0].lines) != len(invoice.lines):
            raise UnpostableEntry(f"the order {invoice.after} is not in Intacct as it was posted; look at it there")
        return [line.record_no for line in found[0].lines]

    def interpret(self, answer: PostingAnswer, state: str, values: dict[str, str | None]) -> str:
        """Return IN_DOUBT if Intacct has the document's number already.

        Either an earlier request of ours created that document or a person did. Only reading it back can say which.
        """
        if state == "REJECTED" and answer.failure == NUMBER_TAKEN:
            values["not_before"] = None
            return "IN_DOUBT"
        return state

    def confirm(self, gateway: Gateway, stored: StoredInvoice, answer: PostingAnswer) -> PostingAnswer:
        """Return the answer as it is."""
        return answer

    def is_in_ledger(self, found: FoundInvoice) -> bool:
        """Return True: the state of a document is part of what :meth:`mismatch` compares."""
        return True

    def is_number_conflict(self, head: Any) -> bool:
        """Check if an invoice is in doubt because Intacct has its number, so that it can be read back at once."""
        return head.not_before is None and head.error_no is not None

    def describe_lookup(self, stored: StoredInvoice) -> str:
        """Return the query by document number."""
        invoice = stored.invoice
        if invoice.kind in (AR_INVOICE, AR_CREDIT):
            name = "ARINVOICE" if invoice.kind == AR_INVOICE else "ARADJUSTMENT"
            return f"find {name} where RECORDID = {invoice.number}"
        return f"find SODOCUMENT where DOCPARID = {invoice.definition} and DOCNO = {invoice.number}"

    def find(self, gateway: Gateway, stored: StoredInvoice) -> list[FoundInvoice]:
        """Return the documents of its kind that have its number."""
        return find_documents(gateway, stored.invoice, [stored.invoice.number])

    def find_lookalikes(self, context: "Context", gateway: Gateway, stored: StoredInvoice) -> None:
        """Return None: Intacct does not let the number of a document be edited."""

    def mismatch(self, context: "Context", stored: StoredInvoice, found: Sequence[FoundInvoice]) -> str:
        """Return why the documents with its number cannot be adopted.

        There are several, the document is not in the ledger, or its content differs.
        """
        number = stored.invoice.number
        if len(found) > 1:
            return f"Intacct has {len(found)} documents {number}: {', '.join(one.record_no for one in found)}"
        (one,) = found
        if one.state in NOT_IN_LEDGER:
            return f"Intacct's document {one.record_no} is not in the ledger: its state is {one.state}"
        differs = difference(stored.invoice, one)
        return f"Intacct's document {one.record_no} is a different one: {differs}" if differs else ""


def find_documents(gateway: Gateway, like: Invoice, numbers: Iterable[str]) -> list[FoundInvoice]:
    """Return the documents of the same kind and definition that have these numbers."""
    if like.kind == AR_CREDIT:
        return gateway.find_adjustments(numbers)
    return gateway.find_invoices(like.definition, numbers)


def difference(ours: Invoice, found: FoundInvoice) -> str:
    """Return the first difference between Intacct's document and ours, in words; empty if there is none."""
    for what, theirs, wanted in (
        ("customer", found.customer, ours.customer),
        ("date", found.date, ours.date),
        ("currency", found.currency, ours.currency),
        ("number of lines", len(found.lines), len(ours.lines)),
    ):
        if theirs != wanted:
            return f"{what} {theirs}, not {wanted}"
    for line, other in zip(ours.lines, found.lines, strict=True):
        theirs, wanted = (decimal_string(one.amount, ours.currency) for one in (other, line))
        named = (other.account, line.account) if ours.kind in (AR_INVOICE, AR_CREDIT) else (other.item, line.item)
        if theirs != wanted or named[0] != named[1]:
            return f"line {line.line_no} has {theirs} of {named[0] or 'nothing'}, not {wanted} of {named[1]}"
    return ""


def _control_id(stored: StoredInvoice, record: NewMasterRecord) -> str:
    """Return the control id of a record to create: its kind and id, and the invoice that needs it.

    Without the invoice, the record could not be tried again after a rejection: Intacct runs a control id once.
    """
    place = stored.control_id.rpartition(":")[0]
    return f"{place}:{record.kind}:{record.id}:{stored.id}".lower()
