"""Invoice the documents that their sources want invoiced, and post the invoices to Intacct.

A document becomes an order, which is converted into an invoice once it is posted, or a plain receivable. A document
that cannot be invoiced, for example because its customer is missing, is stored as rejected with what to do about it;
each run checks it again.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from datetime import date
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from revrec.core.errors import RevrecError
from revrec.core.invoice import (
    AR_INVOICE,
    CREDITS,
    SALES_INVOICE,
    BilledLine,
    Invoice,
    first_document,
    invoice_from_order,
)
from revrec.intacct.gateway import Gateway, MasterKind
from revrec.jobs.invoicing.checks import (
    NOT_READ,
    InvoiceProblem,
    MasterData,
    find_problem,
    number_conflict,
    payment_term,
)
from revrec.jobs.invoicing.credit_memos import due_credit_memos, find_credit_problem
from revrec.jobs.invoicing.posting_type import InvoicePostings, find_documents
from revrec.jobs.invoicing.settings import invoice_settings
from revrec.jobs.posting.in_flight import InFlightLimit, PostingQueue
from revrec.jobs.posting.periods import posting_dates
from revrec.jobs.posting.poster import WRITE_LOCK_TIMEOUT, Poster
from revrec.jobs.posting.recovery import keep_head
from revrec.jobs.posting.rejections import is_temporary, saved_nothing
from revrec.jobs.posting.retries import Retrier
from revrec.jobs.rules.load import load_rules
from revrec.store.database.engine import deployment
from revrec.store.posting import invoices
from revrec.store.posting.credit_memos import ready_credit_memos
from revrec.store.posting.invoices import INVOICE_TABLES
from revrec.store.posting.posting_tables import LostClaim
from revrec.store.posting.postings import RejectedPosting
from revrec.store.posting.workers import Worker

if TYPE_CHECKING:
    from revrec.core.periods import PostingDates
    from revrec.core.rules import RuleBook
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection, Row

UNSENT = ("READY", "REJECTED")


def has_invoices_to_post(context: "Context", connection: "Connection", day: date) -> bool:
    """Check if a run has any invoice to create, send, or read back."""
    settings = invoice_settings(context)
    if invoices.numbers_in(connection, "READY", "REJECTED", until=day) or invoices.orders_to_convert(connection):
        return True
    if invoices.numbers_in(connection, "SENDING", "IN_DOUBT"):
        return True
    if next(due_credit_memos(connection, settings, day, NOT_READ), None) is not None:
        return True
    return next(invoices.due_documents(connection, settings.requests, day), None) is not None


class InvoiceRun:
    """The invoices of one run. ``created``, ``processed`` and ``posted`` collect their numbers."""

    def __init__(
        self, context: "Context", day: date, run_id: int, company: str, is_retry_pass: bool, processed: set[int]
    ) -> None:
        self._context = context
        self._day = day
        self._run_id = run_id
        self._company = company
        self._is_retry_pass = is_retry_pass
        self._settings = invoice_settings(context)
        self.created: set[int] = set()
        self.posted: set[int] = set()
        self.processed = processed

    def post_all(self, gateway: Gateway, worker: Worker, retrier: Retrier, limit: InFlightLimit) -> None:
        """Post what is due to be invoiced. Raises as :meth:`revrec.jobs.posting.poster.Poster.process`."""
        master_data = retrier.call(partial(self._read_master_data, gateway))
        poster = Poster(self._context, gateway, InvoicePostings(self._settings, master_data), worker)
        with self._context.database.read() as connection:
            poster.dates = posting_dates(self._context, connection)
        poster.posted = self.posted
        poster.doubt_abandoned()
        self._look_up_unrecognized(poster, retrier)
        while True:
            with self._context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
                created = self.create(connection, master_data)
            # An older copy of the database is recognized by this head. Sending before it is kept would lose that.
            keep_head(self._context)
            self._doubt_used_numbers(gateway, retrier)
            queue = PostingQueue(poster, retrier, limit, self.processed)
            settled = self._process(queue, self._doubtful, "reading back invoices in doubt")
            posted = self._process(queue, self._ready, "posting invoices")
            # A posted order is converted in the next round.
            if not created and not settled and not posted:
                return

    def create(self, connection: "Connection", master_data: MasterData = NOT_READ) -> list[int]:
        """Create an invoice for each document that is due and for each posted order; return their numbers.

        A document with a problem is stored as rejected.
        """
        every = {one.id: one for one in invoices.rejected_invoices(connection, self._day) if self._may_replace(one)}
        memos = [number for number in every if INVOICE_TABLES.head(connection, number).kind in CREDITS]
        rejected = {number: one for number, one in every.items() if number not in memos}
        known = posting_dates(self._context, connection)
        free = invoices.charges_on_invoices(connection, list(rejected))
        created: list[int] = []
        for billed in list(self._due(connection, rejected)):
            old = {free[one.no] for one in billed if one.no in free}
            first = self._first_document(connection, billed, master_data)
            problem = find_problem(billed, self._settings, master_data, known) or number_conflict(
                first, invoices.document_with_number(connection, first)
            )
            if problem and self._is_unchanged(connection, old, rejected, problem):
                # Rejected before for the same reason: a new invoice each day would fill the books.
                continue
            self._release(connection, old)
            created.append(self._add(connection, first, problem))
        for order in invoices.orders_to_convert(connection, list(rejected)):
            created.append(self._convert(connection, order))
        created += self._create_credit_memos(connection, master_data, known, memos)
        self.created.update(created)
        return created

    def _create_credit_memos(
        self, connection: "Connection", master_data: MasterData, known: "PostingDates", rejected: list[int]
    ) -> list[int]:
        """Create the credit memos that are due; return their numbers.

        Rejected ones and ones that were not sent yet are released if they are not due: their events may be withdrawn.
        """
        unsent = [*rejected, *self._unsent_credit_memos(connection)]
        heads = {number: INVOICE_TABLES.head(connection, number) for number in unsent}
        kept: set[int] = set()
        to_add: list[tuple[int, Invoice, InvoiceProblem | None]] = []
        for after_id, memo in due_credit_memos(connection, self._settings, self._day, master_data, unsent):
            problem = find_credit_problem(memo, self._settings, master_data, known)
            same = {number for number, head in heads.items() if _is_same(head, after_id, memo, problem)}
            kept |= same
            if not same:
                to_add.append((after_id, memo, problem))
        for number in heads.keys() - kept:
            if heads[number].state == "READY":
                who = self._context.who()
                INVOICE_TABLES.change_state(connection, number, "READY", "REJECTED", who, error=_NOT_DUE)
        self._release(connection, heads.keys() - kept)
        return [self._add(connection, memo, problem, after_id) for after_id, memo, problem in to_add]

    def _unsent_credit_memos(self, connection: "Connection") -> list[int]:
        """Return the credit memos that are READY and cannot be in Intacct."""
        ready = ready_credit_memos(connection, self._day)
        return [number for number in ready if not INVOICE_TABLES.may_have_posted(connection, number)]

    def _due(self, connection: "Connection", released: Collection[int] = ()) -> Iterator[list[BilledLine]]:
        """Yield the charge lines of each document that is due.

        A line of a receivable that has no schedule yet has the deferred account of the rule that matches it now.
        """
        for billed in invoices.due_documents(connection, self._settings.requests, self._day, released):
            if self._settings.requests[billed[0].line.source].kind == AR_INVOICE:
                yield [line if line.deferred else line._replace(deferred=self._account(line)) for line in billed]
            else:
                yield billed

    def _account(self, billed: BilledLine) -> str:
        """Return the deferred account of a line without a schedule; empty if it is not known, which holds the line."""
        return self._book.deferred_account(billed.line) if self._book else ""

    @cached_property
    def _book(self) -> "RuleBook | None":
        """The rules; None if the rule files are broken. An account of the settings could be the wrong one then."""
        try:
            return load_rules(self._context)
        except RevrecError as error:
            self._context.say(f"charge lines without a schedule are not invoiced: {error}")
            return None

    def _may_replace(self, rejected: RejectedPosting) -> bool:
        """Check if the lines of a rejected invoice may go on to another one now."""
        if rejected.id in self.created | self.processed:
            return False
        return not rejected.sent or (saved_nothing(rejected) and (is_temporary(rejected) or not self._is_retry_pass))

    def _is_unchanged(
        self,
        connection: "Connection",
        old: set[int],
        rejected: dict[int, RejectedPosting],
        problem: InvoiceProblem,
    ) -> bool:
        """Check if a document was rejected here for the same reason before."""
        heads = [INVOICE_TABLES.head(connection, number) for number in old if not rejected[number].sent]
        return any(head.error == problem.error for head in heads)

    def _release(self, connection: "Connection", numbers: set[int]) -> None:
        for number in sorted(numbers):
            invoices.release_charges(connection, number, self._context.who())

    def _first_document(
        self, connection: "Connection", billed: Sequence[BilledLine], master_data: MasterData
    ) -> Invoice:
        line = billed[0].line
        request = self._settings.requests[line.source]
        before = invoices.count_earlier_invoices(connection, request.kind, line.source, line.document)
        term = payment_term(line.customer, master_data, self._settings)
        names = self._settings.names
        return first_document(billed, request, names, term, before, deployment(connection), self._company)

    def _convert(self, connection: "Connection", number: int) -> int:
        order = invoices.load_invoice(connection, number)
        self._release(connection, set(invoices.rejected_from_order(connection, number)))
        source, document = order.invoice.source, order.invoice.document
        before = invoices.count_earlier_invoices(connection, SALES_INVOICE, source, document)
        docid = order.record_no or ""
        invoice = invoice_from_order(
            order.invoice, docid, self._settings.names, before, deployment(connection), self._company
        )
        return invoices.add_invoice(connection, self._run_id, invoice, self._context.who(), number)

    def _add(
        self, connection: "Connection", invoice: Invoice, problem: InvoiceProblem | None, after_id: int | None = None
    ) -> int:
        who = self._context.who()
        number = invoices.add_invoice(connection, self._run_id, invoice, who, after_id)
        if problem:
            advice = problem.advice.replace("{0}", invoice.reference)
            INVOICE_TABLES.change_state(
                connection, number, "READY", "REJECTED", who, error=problem.error, advice=advice
            )
        return number

    def _read_master_data(self, gateway: Gateway) -> MasterData:
        """Return what Intacct has of the customers, items and terms that the invoices name."""
        with self._context.database.read() as connection:
            named = self._named(connection)
        customers = gateway.customers(customer for customer, _items in named)
        items = gateway.masters(MasterKind.ITEM, (item for _customer, its in named for item in its))
        terms = {one.term for one in customers.values()} | {self._settings.default_term}
        return MasterData(customers, items, gateway.masters(MasterKind.TERM, sorted(terms)))

    def _named(self, connection: "Connection") -> list[tuple[str, list[str]]]:
        """Return the customer and the items of each document that is due, and of each invoice that was not sent."""
        unsent = invoices.numbers_in(connection, *UNSENT, until=self._day)
        stored = (invoices.load_invoice(connection, number).invoice for number in unsent)
        named = [(one.customer, [line.item for line in one.lines]) for one in stored]
        for billed in self._due(connection):
            named.append((billed[0].line.customer, [one.line.item for one in billed]))
        for due in due_credit_memos(connection, self._settings, self._day, NOT_READ):
            named.append((due.memo.customer, [line.item for line in due.memo.lines]))
        return named

    def _doubt_used_numbers(self, gateway: Gateway, retrier: Retrier) -> None:
        """Put each unsent invoice in doubt whose number Intacct already has.

        This database may be a copy that does not have its own earlier request on record.
        """
        with self._context.database.read() as connection:
            unsent = [invoices.load_invoice(connection, number) for number in self._ready(connection)]
        alike: dict[tuple[str, str], list[Invoice]] = {}
        for one in unsent:
            alike.setdefault((one.invoice.kind, one.invoice.definition), []).append(one.invoice)
        used = {
            (*kind, found.number)
            for kind, some in alike.items()
            for found in retrier.call(partial(find_documents, gateway, some[0], [made.number for made in some]))
        }
        for one in unsent:
            if (one.invoice.kind, one.invoice.definition, one.invoice.number) in used:
                reason = "Intacct has a document of this number"
                with suppress(LostClaim), self._context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
                    who = self._context.who()
                    INVOICE_TABLES.change_state(connection, one.id, "READY", "IN_DOUBT", who, reason=reason)

    def _look_up_unrecognized(self, poster: Poster, retrier: Retrier) -> None:
        """Look up invoices rejected with an unrecognized error, before their lines may go on to others."""
        with self._context.database.read() as connection:
            rejected = [] if self._is_retry_pass else invoices.rejected_invoices(connection, self._day)
            unrecognized = [one.id for one in rejected if one.sent and not saved_nothing(one)]
        for number in unrecognized:
            if retrier.call(partial(poster.confirm_absent, number)):
                with suppress(LostClaim), self._context.database.write(patience=WRITE_LOCK_TIMEOUT) as connection:
                    invoices.release_charges(connection, number, self._context.who())

    def _process(self, queue: PostingQueue, waiting: "Callable[[Connection], list[int]]", label: str) -> int:
        """Process the waiting invoices that this run has not processed; return how many."""
        with self._context.database.read() as connection:
            numbers = [number for number in waiting(connection) if number not in self.processed]
        queue.process(numbers, label)
        return len(numbers)

    def _ready(self, connection: "Connection") -> list[int]:
        return invoices.numbers_in(connection, "READY", until=self._day)

    def _doubtful(self, connection: "Connection") -> list[int]:
        return INVOICE_TABLES.due_read_backs(connection, self._context.timestamp())


def _is_same(head: "Row[Any]", after_id: int, memo: Invoice, problem: InvoiceProblem | None) -> bool:
    """Check if a credit memo has this content, and is READY, or was rejected here for the same reason."""
    same_content = head.after_id == after_id and head.content_hash == invoices.content_hash(memo)
    same_state = head.error == problem.error if problem else head.state == "READY"
    return bool(same_content and same_state)


_NOT_DUE = "it is not due any more: its events or its invoice changed before it was sent"
