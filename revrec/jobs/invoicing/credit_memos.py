"""Credit memos for invoiced charge lines whose price fell: posted, or demanded of a person.

A credit memo is stored and posted like an invoice. Where revrec does not post it, it is stored as rejected with what to
do about it: a person enters it in Intacct, and settles it with ``revrec postings resolve``.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.credit_memo import credit_memo, due_credits
from revrec.core.invoice import AR_CREDIT, CREDITS, SALES_CREDIT, Invoice
from revrec.core.money import decimal_string
from revrec.core.periods import PostingDates, month_of
from revrec.core.pricing import price_changes
from revrec.jobs.invoicing.checks import InvoiceProblem, MasterData, payment_term, problems_of_records
from revrec.jobs.invoicing.settings import InvoiceSettings
from revrec.store.database.engine import deployment
from revrec.store.posting import credit_memos, invoices

if TYPE_CHECKING:
    from revrec.store.connection import Connection


class DueCreditMemo(NamedTuple):
    """A credit memo that Intacct does not have yet, and the number of the invoice that it reduces."""

    invoice_id: int
    memo: Invoice


def due_credit_memos(
    connection: "Connection",
    settings: InvoiceSettings,
    until: date,
    master_data: MasterData,
    given_back: Collection[int] = (),
) -> Iterator[DueCreditMemo]:
    """Yield the credit memos that are due until a day, one for each invoice and day of a new price.

    The rejected credit memos ``given_back`` do not count as credited.
    """
    amounts: dict[tuple[int, date], dict[int, int]] = {}
    for one in credit_memos.repriced_lines(connection, until, given_back):
        changes = price_changes(one.line, one.events)
        for day, amount in due_credits(changes, one.billed, one.credited).items():
            amounts.setdefault((one.invoice_id, day), {})[one.charge_no] = amount
    built: Counter[tuple[str, str]] = Counter()
    for (number, day), by_line in amounts.items():
        stored = invoices.load_invoice(connection, number)
        billed, key = stored.invoice, stored.record_no or ""
        document = (billed.source, billed.document)
        revision = built[document] + sum(
            invoices.count_earlier_invoices(connection, kind, *document) for kind in CREDITS
        )
        built[document] += 1
        earlier = credit_memos.count_credit_memos(connection, number, day, given_back)
        term = payment_term(billed.customer, master_data, settings)
        made = (by_line, day, earlier, settings.names, term, revision, deployment(connection))
        yield DueCreditMemo(number, credit_memo(billed, key, *made))


def find_credit_problem(
    memo: Invoice, settings: InvoiceSettings, master_data: MasterData, known: PostingDates
) -> InvoiceProblem | None:
    """Return the first problem that keeps a credit memo from being posted, None if there is none."""
    return next(_problems(memo, settings, master_data, known), None)


def _problems(
    memo: Invoice, settings: InvoiceSettings, master_data: MasterData, known: PostingDates
) -> Iterator[InvoiceProblem]:
    amount = f"{decimal_string(abs(memo.amount), memo.currency)} {memo.currency}"
    if memo.amount < 0:
        yield InvoiceProblem(f"its lines cost {amount} more than Intacct has billed under {memo.after}", _DEBIT)
    if not settings.posts_credits:
        yield InvoiceProblem(f"Intacct needs a credit memo of {amount} for {memo.after}", _BY_HAND)
    if memo.kind == AR_CREDIT and not all(line.account for line in memo.lines):
        yield InvoiceProblem(f"no deferred account is known for the lines of {memo.after}", _ENTER)
    if closed := known.periods.closed(memo.entity, memo.date):
        yield InvoiceProblem(f"the period {month_of(memo.date)} is closed: {closed.words}", _CLOSED)
    if master_data.was_read:
        with_items = memo.kind == SALES_CREDIT or "item" not in settings.omit
        items = dict.fromkeys(line.item for line in memo.lines) if with_items else ()
        with_term = memo.kind == SALES_CREDIT
        yield from problems_of_records(memo.customer, items, settings, master_data, with_term)


_ENTER = "enter it in Intacct by hand, then: revrec postings resolve {0} --as-posted KEY --reason TEXT"
_BY_HAND = f'{_ENTER}; or let revrec post it: credit_memos = "post" in [invoicing]'
_DEBIT = (
    "enter an invoice of the difference in Intacct by hand, then: revrec postings resolve {0} --as-posted KEY --reason "
    "TEXT; or correct the event: revrec event list"
)
_CLOSED = f"open it in Intacct, or revrec periods open: a credit memo has the day of its event; or {_ENTER}"
