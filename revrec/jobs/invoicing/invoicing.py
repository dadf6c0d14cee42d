"""Making invoices of the documents that their sources want invoiced, and taking them to Intacct.

A document is put on an order, which is made into an invoice once it is posted, or on a plain receivable. What cannot
be invoiced, since its customer is missing or its lines contradict each other, is made and refused here, with what to
do about it; each run looks again.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

from revrec.core.invoice import SALES_INVOICE, BilledLine, Invoice, first_document, invoice_from_order
from revrec.intacct.gateway import Gateway, MasterKind
from revrec.jobs.invoicing.checks import NOT_ASKED, Masters, Trouble, namesake, term_of, trouble
from revrec.jobs.invoicing.poster import InvoicePoster
from revrec.jobs.invoicing.settings import invoice_settings
from revrec.jobs.posting.periods import dates
from revrec.jobs.posting.poster import PATIENCE, FailedForNow
from revrec.jobs.posting.recovery import keep_head
from revrec.jobs.posting.rejections import passes, understood
from revrec.jobs.posting.retries import Patience
from revrec.store.database.engine import deployment
from revrec.store.posting import invoices
from revrec.store.posting.invoices import INVOICE_TABLES
from revrec.store.posting.posting_tables import LostClaim
from revrec.store.posting.postings import RejectedPosting
from revrec.store.posting.workers import Worker

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.running.result import RunResult
    from revrec.store.connection import Connection

UNSENT = ("READY", "REJECTED")


def anything_to_invoice(context: "Context", connection: "Connection", day: date) -> bool:
    """Whether a run has to do anything about invoices."""
    settings = invoice_settings(context)
    if invoices.numbers_in(connection, "READY", "REJECTED", until=day) or invoices.orders_to_convert(connection):
        return True
    if invoices.numbers_in(connection, "SENDING", "IN_DOUBT"):
        return True
    return next(invoices.due_documents(connection, settings.wishes, day), None) is not None


class Invoicing:
    """The invoices of one run: made, looked for in Intacct, and posted; orders are converted as soon as they are."""

    def __init__(self, context: "Context", result: "RunResult", company: str, again: bool = False) -> None:
        self._context = context
        self._result = result
        self._company = company
        self._again = again
        self._settings = invoice_settings(context)

    def post_all(self, gateway: Gateway, worker: Worker, patience: Patience) -> None:
        """Post what is due to be invoiced. Raises as :meth:`revrec.jobs.posting.poster.Poster.take`."""
        masters = patience.with_retries(partial(self._ask, gateway))
        poster = InvoicePoster(self._context, gateway, self._settings, masters, worker)
        with self._context.database.read() as connection:
            poster.dates = dates(self._context, connection)
        poster.suspend_stale()
        self._look_for_strange(poster, patience)
        while True:
            with self._context.database.write(patience=PATIENCE) as connection:
                made = self.make(connection, masters)
            # From here on an older copy of the database is known by it; so nothing is sent before.
            keep_head(self._context)
            self._look_before_sending(gateway, patience)
            settled = self._take(poster, patience, self._doubtful, "reading back invoices in doubt")
            posted = self._take(poster, patience, self._ready, "posting invoices")
            if not made and not settled and not posted:
                return

    def make(self, connection: "Connection", masters: Masters = NOT_ASKED) -> list[int]:
        """Commit the intents: an invoice for each document that is due, and of each order that is posted.

        What is in trouble is refused at once.
        """
        given_back = {
            one.id: one for one in invoices.rejected_invoices(connection, self._result.date) if self._goes_on(one)
        }
        known = dates(self._context, connection)
        free = invoices.charges_on_invoices(connection, list(given_back))
        made: list[int] = []
        for billed in list(self._due(connection, given_back)):
            old = {free[one.no] for one in billed if one.no in free}
            first = self._first(connection, billed, masters)
            wrong = trouble(billed, self._settings, masters, known) or namesake(
                first, invoices.document_with_number(connection, first)
            )
            if wrong and self._stays(connection, old, given_back, wrong):
                continue
            self._give_back(connection, old)
            made.append(self._add(connection, first, wrong))
        for order in invoices.orders_to_convert(connection, list(given_back)):
            made.append(self._convert(connection, order))
        self._result.invoices_made.update(made)
        return made

    def _due(self, connection: "Connection", given_back: Collection[int] = ()) -> Iterator[list[BilledLine]]:
        """The charge lines of each document that is due, with the default account where no rule tells one."""
        deferred = self._context.settings.accounts.deferred
        for billed in invoices.due_documents(connection, self._settings.wishes, self._result.date, given_back):
            yield [line if line.deferred else line._replace(deferred=deferred) for line in billed]

    def _goes_on(self, refused: RejectedPosting) -> bool:
        """Whether the lines of a refused invoice may go on to another one now."""
        if refused.id in self._result.invoices_made | self._result.invoices_taken:
            return False
        return not refused.sent or (understood(refused) and (passes(refused) or not self._again))

    def _stays(
        self, connection: "Connection", old: set[int], given_back: dict[int, RejectedPosting], wrong: Trouble
    ) -> bool:
        """Whether a document was refused here for the same reason before: then it stays as it is."""
        heads = [INVOICE_TABLES.head(connection, number) for number in old if not given_back[number].sent]
        return any(head.error == wrong.error for head in heads)

    def _give_back(self, connection: "Connection", numbers: set[int]) -> None:
        for number in sorted(numbers):
            invoices.release_charges(connection, number, self._context.who())

    def _first(self, connection: "Connection", billed: Sequence[BilledLine], masters: Masters) -> Invoice:
        line = billed[0].line
        wish = self._settings.wishes[line.source]
        before = invoices.count_earlier_invoices(connection, wish.kind, line.source, line.document)
        term = term_of(line.customer, masters, self._settings)
        names = self._settings.names
        return first_document(billed, wish, names, term, before, deployment(connection), self._company)

    def _convert(self, connection: "Connection", number: int) -> int:
        order = invoices.load_invoice(connection, number)
        self._give_back(connection, set(invoices.rejected_from_order(connection, number)))
        source, document = order.invoice.source, order.invoice.document
        before = invoices.count_earlier_invoices(connection, SALES_INVOICE, source, document)
        docid = order.record_no or ""
        made = invoice_from_order(
            order.invoice, docid, self._settings.names, before, deployment(connection), self._company
        )
        assert self._result.run is not None
        return invoices.add_invoice(connection, self._result.run, made, self._context.who(), number)

    def _add(self, connection: "Connection", made: Invoice, wrong: Trouble | None) -> int:
        assert self._result.run is not None
        who = self._context.who()
        number = invoices.add_invoice(connection, self._result.run, made, who)
        if wrong:
            INVOICE_TABLES.change_state(connection, number, "READY", "REJECTED", who, **wrong._asdict())
        return number

    def _ask(self, gateway: Gateway) -> Masters:
        """What Intacct has of what the invoices to be made and sent name."""
        with self._context.database.read() as connection:
            named = self._named(connection)
        customers = gateway.customers(customer for customer, _items in named)
        items = gateway.masters(MasterKind.ITEM, (item for _customer, its in named for item in its))
        terms = {one.term for one in customers.values()} | {self._settings.default_term}
        return Masters(customers, items, gateway.masters(MasterKind.TERM, sorted(terms)))

    def _named(self, connection: "Connection") -> list[tuple[str, list[str]]]:
        """The customer and the items of each document that is due, and of each invoice that was not sent."""
        day = self._result.date
        unsent = invoices.numbers_in(connection, *UNSENT, until=day)
        stored = (invoices.load_invoice(connection, number).invoice for number in unsent)
        named = [(one.customer, [line.item for line in one.lines]) for one in stored]
        for billed in self._due(connection):
            named.append((billed[0].line.customer, [one.line.item for one in billed]))
        return named

    def _look_before_sending(self, gateway: Gateway, patience: Patience) -> None:
        """Doubt each invoice whose number Intacct has already, though it was never sent so far as these books know."""
        with self._context.database.read() as connection:
            unsent = [invoices.load_invoice(connection, number) for number in self._ready(connection)]
        by_definition: dict[str, list[str]] = {}
        for one in unsent:
            by_definition.setdefault(one.invoice.definition, []).append(one.invoice.number)
        there = {
            (definition, found.number)
            for definition, numbers in by_definition.items()
            for found in patience.with_retries(partial(gateway.find_invoices, definition, numbers))
        }
        for one in unsent:
            if (one.invoice.definition, one.invoice.number) in there:
                reason = "Intacct has a document of this number"
                with suppress(LostClaim), self._context.database.write(patience=PATIENCE) as connection:
                    who = self._context.who()
                    INVOICE_TABLES.change_state(connection, one.id, "READY", "IN_DOUBT", who, reason=reason)

    def _look_for_strange(self, poster: InvoicePoster, patience: Patience) -> None:
        """Look for what was refused in words that revrec does not know, before its lines may go on."""
        with self._context.database.read() as connection:
            refused = [] if self._again else invoices.rejected_invoices(connection, self._result.date)
            strange = [one.id for one in refused if one.sent and not understood(one)]
        for number in strange:
            if patience.with_retries(partial(poster.look_for, number)):
                with suppress(LostClaim), self._context.database.write(patience=PATIENCE) as connection:
                    invoices.release_charges(connection, number, self._context.who())

    def _take(
        self,
        poster: InvoicePoster,
        patience: Patience,
        waiting: "Callable[[Connection], list[int]]",
        what: str,
    ) -> int:
        """Take the invoices that wait and that this run has not taken; returns how many."""
        with self._context.database.read() as connection:
            numbers = [number for number in waiting(connection) if number not in self._result.invoices_taken]
        for number in self._context.progress.track(numbers, what):
            self._result.invoices_taken.add(number)
            with suppress(FailedForNow):
                patience.with_retries(partial(poster.take, number))
        return len(numbers)

    def _ready(self, connection: "Connection") -> list[int]:
        return invoices.numbers_in(connection, "READY", until=self._result.date)

    def _doubtful(self, connection: "Connection") -> list[int]:
        return INVOICE_TABLES.due_read_backs(connection, self._context.timestamp())
