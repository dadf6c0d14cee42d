"""Invoices as a kind of posting: found by document number, known line by line, with what they need created before."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from revrec.core.invoice import AR_INVOICE, Invoice
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
)
from revrec.jobs.invoicing.checks import Masters
from revrec.jobs.invoicing.settings import InvoiceSettings
from revrec.jobs.posting.poster import Poster, Stopped
from revrec.store.posting import invoices
from revrec.store.posting.invoices import INVOICE_TABLES, StoredInvoice
from revrec.store.posting.posting_tables import AttemptFailure, AttemptOutcome
from revrec.store.posting.workers import Worker

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

COUNTS_NOT = ("Draft", "Submitted", "Partially Approved", "Declined", "Saved", "Reversed", "Voided")
"""States of a document or a receivable that is in nobody's books, or not any more."""


class Invoices:
    """Invoices on their way to Intacct, as a :class:`revrec.jobs.posting.poster.Kind`."""

    tables = INVOICE_TABLES
    closed_advice = "open it in Intacct and run again: an invoice keeps the date of its document"

    def __init__(self, settings: InvoiceSettings) -> None:
        self._settings = settings

    def load(self, connection: "Connection", number: int) -> StoredInvoice:
        """The invoice with its lines."""
        return invoices.load_invoice(connection, number)

    def period(self, stored: StoredInvoice) -> tuple[str, date]:
        """Its entity and its date."""
        return stored.invoice.entity, stored.invoice.date

    def prepare(self, gateway: Gateway, stored: StoredInvoice) -> PreparedPosting:
        """The document as a request; one that is made from an order names the order's lines, as Intacct has them."""
        made, unit = stored.invoice, self._settings.unit
        return gateway.prepare_invoice(made, unit, self._sources(gateway, made) if made.after else ())

    def _sources(self, gateway: Gateway, made: Invoice) -> list[str]:
        order = self._settings.names.order
        try:
            found = [one for one in gateway.find_invoices(order, [made.number]) if one.record_no == made.after]
        except ReadRefused as error:
            raise UnpostableEntry(f"the order {made.after} cannot be read: {error}") from error
        if len(found) != 1 or len(found[0].lines) != len(made.lines):
            raise UnpostableEntry(f"the order {made.after} is not in Intacct as it was posted; look at it there")
        return [line.record_no for line in found[0].lines]

    def asked(self, stored: StoredInvoice) -> str:
        """By document number."""
        made = stored.invoice
        if made.kind == AR_INVOICE:
            return f"find ARINVOICE where RECORDID = {made.number}"
        return f"find SODOCUMENT where DOCPARID = {made.definition} and DOCNO = {made.number}"

    def find(self, gateway: Gateway, stored: StoredInvoice) -> list[FoundInvoice]:
        """The documents of its kind that have its number."""
        return gateway.find_invoices(stored.invoice.definition, [stored.invoice.number])

    def alike(self, context: "Context", gateway: Gateway, stored: StoredInvoice) -> Sequence[FoundInvoice]:
        """Nothing: a document's number is its name in Intacct."""
        return ()

    def told_of_likeness(self, stored: StoredInvoice, found: Any) -> tuple[str, str]:
        """Never asked."""
        raise NotImplementedError

    def doubt(self, context: "Context", stored: StoredInvoice, found: Sequence[FoundInvoice]) -> str:
        """There are several, it is not in the books there, or it says something else."""
        number = stored.invoice.number
        if len(found) > 1:
            return f"Intacct has {len(found)} documents {number}: {', '.join(one.record_no for one in found)}"
        (one,) = found
        if one.state in COUNTS_NOT:
            return f"Intacct's document {one.record_no} is not in the books there: its state is {one.state}"
        differs = difference(stored.invoice, one)
        return f"Intacct's document {one.record_no} is another one: {differs}" if differs else ""


def difference(made: Invoice, found: FoundInvoice) -> str:
    """The first thing in which Intacct's document is not ours, in words; empty if it is."""
    for what, theirs, ours in (
        ("customer", found.customer, made.customer),
        ("date", found.date, made.date),
        ("currency", found.currency, made.currency),
        ("number of lines", len(found.lines), len(made.lines)),
    ):
        if theirs != ours:
            return f"{what} {theirs}, not {ours}"
    for line, other in zip(made.lines, found.lines, strict=True):
        theirs, ours = (decimal_string(one.amount, made.currency) for one in (other, line))
        named = (other.account, line.account) if made.kind == AR_INVOICE else (other.item, line.item)
        if theirs != ours or named[0] != named[1]:
            return f"line {line.line_no} has {theirs} of {named[0] or 'nothing'}, not {ours} of {named[1]}"
    return ""


class InvoicePoster(Poster):
    """Posts invoices; customers and items that are missing are created before, where the settings say so."""

    def __init__(
        self, context: "Context", gateway: Gateway, settings: InvoiceSettings, masters: Masters, worker: Worker
    ) -> None:
        super().__init__(context, gateway, Invoices(settings), worker)
        self._settings = settings
        self._masters = masters
        self._created: set[tuple[str, str]] = set()

    def take(self, number: int) -> str:
        """As of any posting. Where Intacct has the document's number already, it is read back at once."""
        state = super().take(number)
        while state == "IN_DOUBT" and self._is_taken(number):
            state = self.settle(number)
        return state

    def _is_taken(self, number: int) -> bool:
        """Whether Intacct has refused it for its number: a doubt that need not wait."""
        with self.context.database.read() as connection:
            head = self.tables.head(connection, number)
        return head.not_before is None and head.error_no is not None

    def post(self, number: int) -> str:
        """Send an invoice that is READY, after what it needs."""
        stored: StoredInvoice = self._load(number)
        for record in self._missing(stored.invoice):
            failed = self._create(stored, record)
            if failed:
                return self._refuse(number, "READY", *failed)
        return super().post(number)

    def _missing(self, made: Invoice) -> Iterator[NewMasterRecord]:
        wanted = self._settings.creates
        if MasterKind.CUSTOMER in wanted and made.customer not in self._masters.customers:
            yield NewMasterRecord(MasterKind.CUSTOMER, made.customer, term=self._settings.default_term)
        if MasterKind.ITEM in wanted:
            for line in made.lines:
                if line.item not in self._masters.items:
                    more = {"name": line.description, "group": self._settings.item_group, "unit": self._settings.unit}
                    yield NewMasterRecord(MasterKind.ITEM, line.item, **more)

    def _create(self, stored: StoredInvoice, record: NewMasterRecord) -> tuple[str, str] | None:
        """Create a record once, with its attempt on record; what went wrong and what to do, if it failed.

        Its id is its name in Intacct, which takes none twice: one that is there after all is no failure.
        """
        if (record.kind, record.id) in self._created:
            return None
        prepared = self.gateway.prepare_record(record, _control_id(stored, record))
        with self._write() as connection:
            told = (prepared.control_id, prepared.redacted, self.context.who())
            attempt = self.tables.begin_attempt(connection, stored.id, "create", *told)[0]
        answer = self.gateway.send(prepared)
        self._note_created(attempt, answer)
        if answer.outcome is PostingOutcome.POSTED or answer.failure == "record-exists":
            self._created.add((record.kind, record.id))
            return None
        if answer.outcome is PostingOutcome.NOT_RUN:
            raise Stopped(answer)
        said = answer.errors[0].text if answer.errors else "no usable answer"
        return f"the {record.kind.lower()} {record.id} could not be created: {said}", answer.advice

    def _note_created(self, attempt: int, answer: PostingAnswer) -> None:
        error = "; ".join(one.text for one in answer.errors) or None
        outcome = AttemptOutcome(
            str(answer.outcome), answer.http_status or None, answer.record_no or None, error, answer.redacted_response
        )
        meant = AttemptFailure(answer.failure, str(answer.error_class), answer.named) if answer.failure else None
        with self._write() as connection:
            self.tables.end_attempt(connection, attempt, outcome, self.context.who(), meant)

    def _consequence(self, answer: PostingAnswer, attempts: int) -> tuple[str, dict[str, str | None]]:
        state, values = super()._consequence(answer, attempts)
        if state == "REJECTED" and answer.failure == NUMBER_TAKEN:
            # By us or by somebody else: what is there tells.
            return "IN_DOUBT", {**values, "not_before": None}
        return state, values


def _control_id(stored: StoredInvoice, record: NewMasterRecord) -> str:
    """Of the record alone, in this deployment and company; of another try after the record's invoice was given up."""
    place = stored.control_id.rpartition(":")[0]
    return f"{place}:{record.kind}:{record.id}:{stored.id}".lower()
