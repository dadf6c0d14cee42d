"""The gateway's interface: what the posting job may ask of Intacct, and the values that pass between them.

A posting goes in three steps, so that the caller can commit between them::

    prepared = gateway.prepare(entry)      # no network; store prepared.redacted, commit SENDING
    answer = gateway.send(prepared)        # one request; never raises for what the other side does
                                           # store answer, commit its outcome

Another way to Intacct (REST) has to offer the same methods and values.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, Protocol

from revrec.core.invoice import Invoice
from revrec.core.journal import JournalEntry


class PostingOutcome(StrEnum):
    """What became of one journal entry that was sent."""

    POSTED = "posted"
    """Intacct answered for our control id, with success and a record number."""
    REJECTED = "rejected"
    """Intacct answered for our control id with a failure: nothing was saved."""
    IN_DOUBT = "in_doubt"
    """It may have been saved: only reading Intacct back can tell."""
    NOT_RUN = "not_run"
    """Certain that nothing ran: not connected, not signed in, or turned away at the door."""


PERIOD_CLOSED = "period-closed"
"""The failure of a posting that is dated in a closed period."""
NUMBER_TAKEN = "document-exists"
"""The failure of a document whose number Intacct has already."""


class ErrorClass(StrEnum):
    """What to do about a failure."""

    RETRY_NOW = "retry_now"
    RETRY_LATER = "retry_later"
    NEEDS_DATA = "needs_data"
    NEEDS_SIGN_IN = "needs_sign_in"
    NEEDS_PERSON = "needs_person"
    IN_DOUBT = "in_doubt"


class GatewayError(NamedTuple):
    """One ``error`` of Intacct's ``errormessage``, with known secrets removed.

    ``support_id`` is the id that Intacct appends to ``description2``, decoded; ``error_id`` (``GL-1009``),
    ``category`` and ``target`` come from ``additionalinfo`` and are empty if it was not sent.
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
        """All texts in one line, the most specific first."""
        parts = (self.description2, self.description, self.correction)
        return ". ".join(part.rstrip(". ") for part in parts if part)


class PreparedPosting(NamedTuple):
    """A journal entry ready to be sent.

    ``body`` is the ``function`` element alone and holds no secret; the envelope with the session is put around it
    when it is sent. ``redacted`` is the whole request as it will be sent, its secrets blanked, for the record.
    """

    control_id: str
    reference: str
    body: bytes
    redacted: str


class PostingAnswer(NamedTuple):
    """What came of sending a prepared entry.

    ``record_no`` is the RECORDNO of the GLBATCH, empty unless posted. ``error_class`` is None when posted;
    ``advice`` is written for the accountant. ``retry_after`` is Intacct's wish in seconds, if it had one.
    ``http_status`` is 0 when there was no answer. Times are UTC. ``failure`` is the catalogue's name of what went
    wrong; ``named`` is what the text named, such as ``account`` and ``dimension``.
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


class Claimed(StrEnum):
    """The outcome of claiming a control id."""

    WON = "won"
    """Intacct recorded it with this request: no one had it before."""
    TAKEN = "taken"
    """It was recorded before, perhaps by an earlier request of ours whose answer was lost."""
    UNCLEAR = "unclear"
    """No usable answer: it may have been recorded."""


class FoundLine(NamedTuple):
    """A GLENTRY as Intacct holds it; ``amount`` is absolute, in minor units of ``currency``.

    ``entry`` is the record number of its GLBATCH, ``day`` its date; ``base_amount`` is absolute, in minor units of the
    company's base currency. ``dimensions`` are those that were asked for and are set, by our names.
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
    dimensions: Mapping[str, str] = {}


POSTED_STATE = "Posted"
"""The STATE of a GLBATCH that counts in Intacct's ledger; a draft, or one that waits for approval, does not."""


class FoundEntry(NamedTuple):
    """A GLBATCH as Intacct holds it. With inter-entity balancing it may have more lines than were sent.

    ``reversed_by`` and ``reverses`` are record numbers: of the entry that Intacct made to reverse this one, and of the
    one that this one reverses. Lists give heads alone: entries without their lines.
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
        """Sum of the debit lines in minor units; meaningful while all lines have one currency."""
        return sum(line.amount for line in self.lines if line.side == "debit")


class FoundInvoiceLine(NamedTuple):
    """A line of a document or an invoice as Intacct holds it; ``amount`` in minor units of the invoice's currency.

    ``account`` is empty for order entry, ``quantity`` None for receivables.
    """

    record_no: str
    line_no: str
    item: str
    account: str
    quantity: Decimal | None
    amount: int


class FoundInvoice(NamedTuple):
    """A document of order entry, or an invoice of receivables, as Intacct holds it.

    ``record_no`` is the key to keep: the DOCID of a document, for its receivable is made again when it is changed; the
    RECORDNO of a receivable. ``kind`` is the transaction definition, or ``ar_invoice``.
    """

    record_no: str
    number: str
    kind: str
    state: str
    customer: str
    date: date | None
    currency: str
    lines: tuple[FoundInvoiceLine, ...] = ()


class FoundCustomer(NamedTuple):
    """A customer: whether it is active, and the name of its payment term, empty if it has none."""

    active: bool
    term: str


class NewMasterRecord(NamedTuple):
    """A customer or an item to be created: ``kind`` is CUSTOMER or ITEM.

    ``term`` is a customer's; ``name``, ``group`` (GL group) and ``unit`` are an item's.
    """

    kind: str
    id: str
    term: str = ""
    name: str = ""
    group: str = ""
    unit: str = ""


class ReportedBalance(NamedTuple):
    """An account's movement as Intacct reports it, in minor units of ``currency``.

    ``start`` and ``end`` are signed, credits negative: a healthy deferred account is below zero. ``debits`` and
    ``credits`` are as Intacct gives them, with those of adjusting journals added.
    """

    account: str
    currency: str
    start: int
    debits: int
    credits: int
    end: int


class MasterKind(StrEnum):
    """Kinds of master records that a posting names, as Intacct calls the objects."""

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


class Gateway(Protocol):
    """What revrec needs of Intacct. Reads and :meth:`sign_in` raise SignInFailed, GatewayUnreachable, ReadRefused."""

    def sign_in(self) -> None:
        """Make sure that there is a session, so that a wrong password shows before anything is marked as sent."""

    def prepare(self, entry: JournalEntry, comment: str = "") -> PreparedPosting:
        """Build the request for an entry without touching the network; raises UnpostableEntry.

        Where requests a minute are bounded, an entry waits here for its turn: once it is being sent, its lease runs.
        """

    def send(self, prepared: PreparedPosting) -> PostingAnswer:
        """Send once and judge the answer. Whatever the other side does ends in the answer, not in an exception."""

    def post_entry(self, entry: JournalEntry) -> PostingAnswer:
        """Prepare and send in one go, for callers that record nothing between."""

    def prepare_invoice(self, made: Invoice, unit: str = "", sources: Sequence[str] = ()) -> PreparedPosting:
        """Build the request for an invoice, as :meth:`prepare`; ``sources`` are the keys of the order's lines."""

    def prepare_record(self, record: NewMasterRecord, control_id: str) -> PreparedPosting:
        """Build the request that creates a customer or an item, as :meth:`prepare`."""

    def find_invoices(self, definition: str, numbers: Iterable[str]) -> list[FoundInvoice]:
        """The documents of a transaction definition with these numbers, with their lines in order; without a
        definition, the receivables with these numbers."""

    def customers(self, ids: Iterable[str]) -> dict[str, FoundCustomer]:
        """Those of these customers that there are."""

    def find_entries(self, journal: str, reference: str) -> list[FoundEntry]:
        """The entries of a journal that carry a reference (REFERENCENO), oldest first, with their lines."""

    def entries_since(self, journal: str, since: datetime) -> Iterator[FoundEntry]:
        """Heads of the entries of a journal that were made at or after a moment (WHENCREATED), by record number."""

    def entries_dated(self, journal: str, start: date, end: date) -> Iterator[FoundEntry]:
        """Heads of the entries of a journal dated from ``start`` to ``end`` (BATCH_DATE), by record number."""

    def entries_numbered(self, record_nos: Iterable[str]) -> list[FoundEntry]:
        """Heads of the entries with these record numbers; those that are not there are left out."""

    def entries_referenced(self, references: Iterable[str]) -> list[FoundEntry]:
        """Heads of the entries with these references, in whatever journal."""

    def with_lines(self, heads: Iterable[FoundEntry], dimensions: Iterable[str] = ()) -> Iterator[FoundEntry]:
        """The same entries in their order with their lines and these dimensions of them, read for many at once."""

    def lines_on(self, accounts: Iterable[str], start: date, end: date) -> Iterator[FoundLine]:
        """Lines of all entries, whoever made them, on these accounts and dated from ``start`` to ``end``."""

    def account_balances(
        self, accounts: Iterable[str], start: date, end: date, entity: str = "", currency: str = ""
    ) -> list[ReportedBalance]:
        """Balances of accounts over the days from ``start`` to ``end``; accounts without a row are left out."""

    def closed_through(self, entity: str = "") -> date | None:
        """The last closed day of an entity's books; None if Intacct does not tell."""

    def masters(self, kind: MasterKind, ids: Iterable[str]) -> dict[str, bool]:
        """Which of these ids exist (symbol, account number, location or department id), and whether each is active."""

    def locations_within(self, entity: str) -> set[str]:
        """An entity's own location and all below it."""

    def check_reading(self, journal: str) -> None:
        """Read as recovery does: entries of a journal, and lines. Raises ReadRefused where the user may not."""

    def check_creating(self, journal: str) -> str:
        """Why the user may not create journal entries; empty if nothing says so. Nothing is created."""

    def claim(self, control_ids: Sequence[str]) -> list[Claimed]:
        """Claim control ids, each with a read that finds nothing: Intacct runs a control id once (``uniqueid``)."""

    def clock_offset(self) -> timedelta | None:
        """How far Intacct's clock was ahead of ours at the last sign-in; None before one, or if it does not tell."""
