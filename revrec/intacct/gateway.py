"""The gateway's interface: the requests that jobs can make to Intacct, and the values that they exchange.

Posting takes three steps, so that the caller can commit between them::

    prepared = gateway.prepare(entry)      # no network; store prepared.redacted, commit SENDING
    answer = gateway.send(prepared)        # one request; never raises for what Intacct does
                                           # store the answer, commit its outcome

If the process dies between the steps, the stored state says whether the request may have been sent. Another transport,
such as Intacct's REST API, has to provide the same methods and values.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol

from revrec.core.invoice import Invoice
from revrec.core.journal import JournalEntry


class PostingOutcome(StrEnum):
    """The outcome of sending one journal entry, invoice or master record."""

    POSTED = "posted"
    """Intacct reported success for our control id, with a record number."""
    REJECTED = "rejected"
    """Intacct reported a failure for our control id: nothing was saved."""
    IN_DOUBT = "in_doubt"
    """It may have been saved. Only reading Intacct back shows whether it was."""
    NOT_RUN = "not_run"
    """Certainly nothing ran: no connection, no session, or the whole request was refused."""


PERIOD_CLOSED = "period-closed"
"""Failure of a posting dated in a closed period."""
RATE_LIMITED = "rate-limit"
"""Failure of a request that Intacct rejects because there are too many, or too many at the same time."""
NUMBER_TAKEN = "document-exists"
"""Failure of a document whose number Intacct has already."""


class ErrorClass(StrEnum):
    """The response to a failure. See ``catalog.toml`` for the meaning of each class."""

    RETRY_NOW = "retry_now"
    RETRY_LATER = "retry_later"
    NEEDS_DATA = "needs_data"
    NEEDS_SIGN_IN = "needs_sign_in"
    NEEDS_PERSON = "needs_person"
    IN_DOUBT = "in_doubt"


class GatewayError(NamedTuple):
    """One ``error`` element of Intacct's ``errormessage``, with known secrets removed.

    ``support_id``: the id that Intacct appends to ``description2``, decoded. ``error_id`` (``GL-1009``), ``category``
    and ``target``: from ``additionalinfo``, empty if Intacct did not send it.
    """

    errorno: str
    description: str = ""
    description2: str = ""
    correction: str = ""
    support_id: str = ""
    error_id: str = ""
    category: str = ""
    target: str = ""

    @property
    def text(self) -> str:
        """Return all texts in one line, the most specific first."""
        parts = (self.description2, self.description, self.correction)
        return ". ".join(part.rstrip(". ") for part in parts if part)


def errors_in_words(errors: Iterable[GatewayError]) -> str:
    """Return Intacct's own numbers and texts of errors in one line, each once."""
    return "; ".join(dict.fromkeys(f"{error.errorno} {error.text}".strip() for error in errors))


class PreparedPosting(NamedTuple):
    """A journal entry, invoice or master record that is ready to send.

    ``body``: the ``function`` element alone, which contains no secret; the envelope with the session is added when it
    is sent. ``redacted``: the whole request as it will be sent, with its secrets blanked, to be stored.
    """

    control_id: str
    reference: str
    body: bytes
    redacted: str


class PostingAnswer(NamedTuple):
    """The answer to a prepared posting.

    ``record_no``: RECORDNO of the GLBATCH, empty unless posted. ``error_class``: None if posted. ``advice``: written
    for the accountant. ``retry_after``: seconds that Intacct asked to wait, if any. ``http_status``: 0 without an
    answer. ``failure``: the failure's name in the catalog. ``named``: values named in the error text, such as
    ``account`` and ``dimension``. ``in_ledger``: False for an entry that Intacct has saved but not posted to its
    ledger, or whose state is not known yet. Times are UTC.
    """

    outcome: PostingOutcome
    control_id: str
    record_no: str = ""
    errors: tuple[GatewayError, ...] = ()
    error_class: ErrorClass | None = None
    advice: str = ""
    http_status: int = 0
    redacted_response: str = ""
    retry_after: int | None = None
    sent_at: datetime | None = None
    answered_at: datetime | None = None
    failure: str = ""
    named: Mapping[str, str] = {}
    in_ledger: bool = True

    @property
    def explanation(self) -> str:
        """Return the advice, followed by Intacct's own error numbers and texts."""
        said = errors_in_words(self.errors)
        return f"{self.advice} Intacct's answer: {said}" if said else self.advice


class ClaimOutcome(StrEnum):
    """The outcome of claiming a control id."""

    WON = "won"
    """Intacct recorded it with this request: no one had it before."""
    TAKEN = "taken"
    """It was recorded before, perhaps by an earlier request of ours whose answer was lost."""
    IN_PROCESS = "in process"
    """Another request is claiming it at this moment."""
    UNCLEAR = "unclear"
    """No usable answer: it may have been recorded."""


class FoundLine(NamedTuple):
    """A journal line (GLENTRY) read from Intacct.

    ``amount``: absolute, in minor units of ``currency``. ``base_amount``: absolute, in minor units of
    ``base_currency``. ``entry``: record number of the line's GLBATCH; ``day``: its date. ``dimensions``: the requested
    ones that are set, by revrec's names.
    """

    record_no: str
    line_no: int
    side: str
    account: str
    amount: int
    currency: str
    document: str = ""
    memo: str = ""
    location: str = ""
    department: str = ""
    entry: str = ""
    day: date | None = None
    base_amount: int = 0
    base_currency: str = ""
    dimensions: Mapping[str, str] = {}


POSTED_STATE = "Posted"
"""STATE of a GLBATCH that counts in Intacct's ledger. Drafts and entries awaiting approval do not count."""
DRAFT_STATE = "Draft"
AWAITING_STATES = (DRAFT_STATE, "Submitted", "Partially Approved", "Approved")
"""States of a GLBATCH that is not in the ledger yet, and that a person or an approver in Intacct can still post."""
DECLINED_STATE = "Declined"


class FoundEntry(NamedTuple):
    """A journal entry (GLBATCH) read from Intacct. With inter-entity balancing it may have more lines than were sent.

    ``reversed_by``: record number of the entry that reverses this one; ``reverses``: of the entry that this one
    reverses. Methods that return headers leave ``lines`` empty.
    """

    record_no: str
    batch_no: str
    journal: str
    date: date | None
    title: str
    reference: str
    state: str
    created: str
    lines: tuple[FoundLine, ...] = ()
    reversed_by: str = ""
    reverses: str = ""

    @property
    def total_debit(self) -> int:
        """Return the sum of the debit lines in minor units. Only meaningful if all lines have the same currency."""
        return sum(line.amount for line in self.lines if line.side == "debit")


class FoundInvoiceLine(NamedTuple):
    """A line of a document or invoice read from Intacct.

    ``amount``: in minor units of the invoice's currency. ``account``: empty for order entry. ``quantity``: None for
    receivables.
    """

    record_no: str
    line_no: str
    item: str
    account: str
    quantity: Decimal | None
    amount: int


class FoundInvoice(NamedTuple):
    """An order entry document, a receivable invoice or an adjustment read from Intacct.

    ``record_no``: the key to keep. For a receivable it is the RECORDNO. For a document it is the DOCID, because Intacct
    creates the document's receivable again, with another RECORDNO, whenever the document changes. ``kind``: the
    transaction definition, ``ar_invoice`` or ``ar_credit``. ``total``: in minor units, from methods that read no lines.
    """

    record_no: str
    number: str
    kind: str
    state: str
    customer: str
    date: date | None
    currency: str
    lines: tuple[FoundInvoiceLine, ...] = ()
    total: int | None = None


class FoundCustomer(NamedTuple):
    """A customer read from Intacct: its status, and the name of its payment term (empty if it has none)."""

    active: bool
    term: str


class NewMasterRecord(NamedTuple):
    """A customer or item to create. ``kind``: CUSTOMER or ITEM.

    ``term`` is for customers; ``name``, ``group`` (GL group) and ``unit`` are for items.
    """

    kind: str
    id: str
    term: str = ""
    name: str = ""
    group: str = ""
    unit: str = ""


class ReportedBalance(NamedTuple):
    """An account's balances and movement as reported by Intacct, in minor units of ``currency``.

    ``start`` and ``end``: signed, credits negative; a deferred revenue account is normally below zero. ``debits`` and
    ``credits``: as reported, including adjusting journals.
    """

    account: str
    currency: str
    start: int
    debits: int
    credits: int
    end: int


class CompanySetup(NamedTuple):
    """The financial set-up of the company. ``base_currency`` is empty if each entity has its own base currency."""

    base_currency: str
    multi_currency: bool
    multi_entity: bool
    multi_base_currency: bool


class CompanyDimension(NamedTuple):
    """A dimension of the company: its object, its label, and if the company has defined it or uses it in the ledger."""

    name: str
    label: str
    is_own: bool
    in_ledger: bool


class MasterKind(StrEnum):
    """Kinds of master records that postings refer to, by Intacct's object names."""

    JOURNAL = "JOURNAL"
    ACCOUNT = "GLACCOUNT"
    LOCATION = "LOCATION"
    DEPARTMENT = "DEPARTMENT"
    CUSTOMER = "CUSTOMER"
    ITEM = "ITEM"
    CLASS = "CLASS"
    PROJECT = "PROJECT"
    CONTRACT = "CONTRACT"
    VENDOR = "VENDOR"
    EMPLOYEE = "EMPLOYEE"
    WAREHOUSE = "WAREHOUSE"
    TERM = "ARTERM"
    DEFINITION = "SODOCUMENTPARAMS"


class Gateway(Protocol):
    """The requests that revrec makes to Intacct.

    Raises:
        SignInFailed: Intacct refused the sign-in (reads and :meth:`sign_in`).
        GatewayUnreachable: there was no usable answer (reads and :meth:`sign_in`).
        ReadRefused: Intacct refused a read.
    """

    def sign_in(self) -> None:
        """Sign in if there is no session, so that a wrong password is found before an entry is marked as sending."""

    def prepare(self, entry: JournalEntry, comment: str = "") -> PreparedPosting:
        """Build the request for an entry. Uses the network only to look up records of user-defined dimensions.

        If requests per minute are limited, this method waits. Later would be wrong: the lease starts with sending.

        Raises:
            UnpostableEntry: Intacct would reject the entry.
        """

    def has_room(self, postings: int) -> bool:
        """Check if this many postings can begin now, so that :meth:`prepare` does not wait."""

    def send(self, prepared: PreparedPosting) -> PostingAnswer:
        """Send once and judge the answer. Failures of Intacct or the network are in the answer, not exceptions.

        Several threads may call this and :meth:`entries_numbered` at the same time.
        """

    def post_entry(self, entry: JournalEntry) -> PostingAnswer:
        """Prepare and send, for callers that store nothing in between."""

    def prepare_invoice(self, invoice: Invoice, unit: str = "", sources: Sequence[str] = ()) -> PreparedPosting:
        """Build the request for an invoice, like :meth:`prepare`. ``sources``: keys of the lines of its order."""

    def prepare_record(self, record: NewMasterRecord, control_id: str) -> PreparedPosting:
        """Build the request that creates a customer or item, like :meth:`prepare`."""

    def find_invoices(self, definition: str, numbers: Iterable[str]) -> list[FoundInvoice]:
        """Return the documents of a transaction definition with these numbers, and their lines in order.

        With an empty definition, return receivables with these numbers.
        """

    def invoices_with_keys(self, kind: str, keys: Iterable[str]) -> list[FoundInvoice]:
        """Return the records with these keys, and their lines in order.

        ``kind``: ``ar_invoice`` or ``ar_credit`` for receivables and their adjustments, by RECORDNO; else documents of
        order entry, by DOCID.
        """

    def invoices_dated(self, definition: str, start: date, end: date) -> list[FoundInvoice]:
        """Return heads with totals, without lines, of a definition's documents that are dated in a range.

        With an empty definition, return receivables that no document of order entry is behind.
        """

    def find_adjustments(self, numbers: Iterable[str]) -> list[FoundInvoice]:
        """Return adjustments of receivables with these numbers as credit memos: what they take off is above zero."""

    def customers(self, ids: Iterable[str]) -> dict[str, FoundCustomer]:
        """Return the customers that exist, by id."""

    def find_entries(self, journal: str, reference: str) -> list[FoundEntry]:
        """Return a journal's entries with a reference (REFERENCENO) and their lines, oldest first."""

    def entries_since(self, journal: str, since: datetime) -> Iterator[FoundEntry]:
        """Return headers of a journal's entries created at or after a time (WHENCREATED), by record number."""

    def entries_dated(self, journal: str, start: date, end: date) -> Iterator[FoundEntry]:
        """Return headers of a journal's entries dated from ``start`` to ``end`` (BATCH_DATE), by record number."""

    def entries_numbered(self, record_nos: Iterable[str]) -> list[FoundEntry]:
        """Return headers of the entries with these record numbers; missing ones are left out."""

    def entries_referenced(self, references: Iterable[str]) -> list[FoundEntry]:
        """Return headers of the entries with these references, in any journal."""

    def with_lines(self, headers: Iterable[FoundEntry], dimensions: Iterable[str] = ()) -> Iterator[FoundEntry]:
        """Add lines, with these dimensions, to entries. Keeps their order and reads many at a time."""

    def lines_on(self, accounts: Iterable[str], start: date, end: date) -> Iterator[FoundLine]:
        """Return lines of all entries, by any user, on these accounts and dated from ``start`` to ``end``."""

    def account_balances(
        self, accounts: Iterable[str], start: date, end: date, entity: str = "", currency: str = ""
    ) -> list[ReportedBalance]:
        """Return balances of accounts from ``start`` to ``end``; accounts for which Intacct has none are left out.

        ``currency`` is by default the base currency of the entity.
        """

    def closed_through(self, entity: str = "") -> date | None:
        """Return the last closed day of an entity's books; None if Intacct does not report it."""

    def masters(self, kind: MasterKind, ids: Iterable[str]) -> dict[str, bool]:
        """Return the ids (symbol, account number, location id, ...) that exist, each with True if it is active."""

    def company_setup(self) -> CompanySetup:
        """Return the financial set-up of the company."""

    def dimensions(self) -> tuple[CompanyDimension, ...]:
        """Return the dimensions of the company, Intacct's own included."""

    def missing_values(self, name: str, values: Iterable[str]) -> list[str]:
        """Return the values of a user-defined dimension that Intacct does not have.

        Raises:
            UnpostableEntry: the company has no such dimension, or the user may not read its records.
        """

    def entities(self) -> list[str]:
        """Return the entities of the company: its locations that are not below another one."""

    def locations_within(self, entity: str) -> set[str]:
        """Return an entity's own location and all locations below it."""

    def check_reading(self, journal: str) -> None:
        """Run the queries that recovery needs: entries of a journal, and their lines.

        Raises:
            ReadRefused: the user may not read them.
        """

    def check_creating(self, journal: str) -> str:
        """Return why the user may not create journal entries, or an empty text. Creates nothing."""

    def claim(self, control_ids: Sequence[str]) -> list[ClaimOutcome]:
        """Claim control ids, each with a read that finds nothing: Intacct runs a control id once (``uniqueid``)."""

    def clock_offset(self) -> timedelta | None:
        """Return how far Intacct's clock was ahead of this machine's at the last sign-in; None if unknown."""
