"""The gateway over Intacct's XML protocol: one journal entry per request."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from types import MappingProxyType
from uuid import uuid4

from lxml import etree

from revrec import __version__
from revrec.core.errors import BadConfiguration
from revrec.core.invoice import Invoice
from revrec.core.journal import JournalEntry
from revrec.intacct import requests_xml
from revrec.intacct.catalog import FailureMeaning
from revrec.intacct.credentials import Credentials
from revrec.intacct.documents_xml import create_customer, create_document, create_item
from revrec.intacct.errors import ReadRefused, not_run_answer
from revrec.intacct.gateway import (
    POSTED_STATE,
    ClaimOutcome,
    CompanyDimension,
    CompanySetup,
    FoundCustomer,
    FoundEntry,
    FoundInvoice,
    FoundLine,
    MasterKind,
    NewMasterRecord,
    PostingAnswer,
    PostingOutcome,
    PreparedPosting,
    ReportedBalance,
)
from revrec.intacct.glbatch import EntityCurrency, EntrySettings, create_glbatch, sent_dimensions
from revrec.intacct.judgment import PostingVerdict, judge_posting, parse_exchange, request_refusal
from revrec.intacct.pace import RequestPacer
from revrec.intacct.probing.requests import creation_refusal
from revrec.intacct.reading import IntacctReader, ParsedAnswer, ReadPolicy
from revrec.intacct.reading_company import CompanyReader
from revrec.intacct.reading_documents import (
    adjustments,
    customers,
    documents,
    documents_dated,
    documents_with_keys,
    receivables,
)
from revrec.intacct.redact import Redactor
from revrec.intacct.responses import GatewayResponse
from revrec.intacct.session import IntacctSession, IntacctSessions, Now, utc_now
from revrec.intacct.transport import GatewayTransport, HttpExchange
from revrec.intacct.user_dimensions import RecordIds, UserDimensions, is_user_defined

STORED_ANSWER_LIMIT = 200_000
"""Maximum stored length of an answer in characters; an answer to a posting has a few hundred."""

ENTRY_REQUESTS = 2
"""Requests of one entry: the create, and the read of the state in which Intacct saved it."""


class XmlGateway:
    """Implementation of :class:`revrec.intacct.gateway.Gateway` over XML. Use it as a context manager, or close it.

    ``timeout``: seconds for a whole exchange; must be shorter than the lease of a posting. ``base_currency``,
    ``rate_type``, ``rate_date``, ``omit``, ``inter_entity``, ``entity_is_location``, ``state``, ``currencies``: see
    :class:`EntrySettings`.
    ``reads``: retries of reads; a posting is sent once. ``requests_per_minute``: see :class:`RequestPacer`.
    ``max_in_flight``: most requests at the same time. Tests pass their own ``now`` and ``sleep``.

    Several threads may call :meth:`send` and :meth:`entries_numbered`. The other methods belong to one thread.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        timeout: float = 120.0,
        requests_per_minute: int = 0,
        max_in_flight: int = 1,
        base_currency: str = "USD",
        rate_type: str = "Intacct Daily Rate",
        rate_date: str = "billed",
        omit: Iterable[str] = (),
        inter_entity: Iterable[str] = (),
        entity_is_location: bool = True,
        state: str = POSTED_STATE,
        currencies: Mapping[str, EntityCurrency] = MappingProxyType({}),
        max_answer_bytes: int = 20_000_000,
        reads: ReadPolicy | None = None,
        now: Now = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._credentials = credentials
        self._entries = EntrySettings(
            base_currency,
            rate_type,
            rate_date,
            frozenset(omit),
            frozenset(inter_entity),
            entity_is_location,
            state,
            currencies,
        )
        self._now = now
        self._redactor = Redactor(credentials.secrets)
        self._pacer = RequestPacer(requests_per_minute, now, sleep)
        self._transport = GatewayTransport(
            timeout, max_answer_bytes, before_send=self._pacer.record, max_in_flight=max_in_flight
        )
        self._sessions = IntacctSessions(credentials, self._transport, self._redactor, now)
        self._reading = IntacctReader(self._read, self._redactor, self._entries, reads or ReadPolicy(sleep=sleep))
        self._dimensions = UserDimensions(self._reading)
        self._knows_locations = False

    def __enter__(self) -> "XmlGateway":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def sign_in(self) -> None:
        """Sign in if there is no session.

        Raises:
            SignInFailed: Intacct refused the sign-in.
            GatewayUnreachable: there was no usable answer.
        """
        self._sessions.session_for("")

    def has_room(self, postings: int) -> bool:
        """Check if this many postings can begin now within the limit of requests per minute."""
        return self._pacer.has_room(postings * ENTRY_REQUESTS)

    def prepare(self, entry: JournalEntry, comment: str = "") -> PreparedPosting:
        """Build the request for an entry, after waiting for the limit of requests per minute.

        The records of user-defined dimensions are looked up once; otherwise this does not use the network.

        ``comment`` is stored in the entry's history in Intacct. By default it is revrec's version and, if the entry's
        date differs from the recognition date, the reason.

        Raises:
            UnpostableEntry: Intacct would reject the entry.
        """
        self._complete_currencies()
        comment = comment or ": ".join(filter(None, (f"revrec {__version__}", entry.reason)))
        function = create_glbatch(entry, self._entries, comment, self._record_ids(entry))
        return self._build_posting(entry.control_id, entry.reference, function, ENTRY_REQUESTS)

    def _complete_currencies(self) -> None:
        """Add the locations below each entity that has its own base currency, once."""
        if not self._entries.currencies or self._knows_locations:
            return
        self._knows_locations = True
        with suppress(ReadRefused):
            below = {
                location: currency
                for entity, currency in self._entries.currencies.items()
                for location in self._reading.locations_within(entity)
            }
            self._entries = self._entries._replace(currencies={**below, **self._entries.currencies})
            self._reading.entries = self._entries

    def _record_ids(self, entry: JournalEntry) -> RecordIds:
        """Return the ids of the records of user-defined dimensions on an entry; most entries have none."""
        sent = (sent_dimensions(entry, line, self._entries).items() for line in entry.sent_lines)
        return self._dimensions.record_ids(pair for pairs in sent for pair in pairs if is_user_defined(pair[0]))

    @property
    def about_company(self) -> CompanyReader:
        """Return the reads of what the company is, for ``revrec doctor``."""
        return CompanyReader(self._reading, self._credentials.user_id)

    def company_setup(self) -> CompanySetup:
        """Return the financial set-up of the company."""
        return self._reading.company_setup()

    def dimensions(self) -> tuple[CompanyDimension, ...]:
        """Return the dimensions of the company, Intacct's own included."""
        return self._dimensions.listed()

    def missing_values(self, name: str, values: Iterable[str]) -> list[str]:
        """Return the values of a user-defined dimension that Intacct does not have."""
        return self._dimensions.missing(name, values)

    def prepare_invoice(self, invoice: Invoice, unit: str = "", sources: Sequence[str] = ()) -> PreparedPosting:
        """Build the request for an order or invoice, like :meth:`prepare`.

        Raises:
            UnpostableEntry: Intacct would reject the document.
        """
        self._complete_currencies()
        return self._build_posting(
            invoice.control_id, invoice.reference, create_document(invoice, self._entries, unit, sources)
        )

    def prepare_record(self, record: NewMasterRecord, control_id: str) -> PreparedPosting:
        """Build the request that creates a customer or item, like :meth:`prepare`."""
        if record.kind == MasterKind.CUSTOMER:
            function = create_customer(control_id, record.id, record.term)
        else:
            function = create_item(control_id, record.id, record.name, record.group, record.unit)
        return self._build_posting(control_id, record.id, function)

    def _build_posting(
        self, control_id: str, reference: str, function: etree._Element, requests: int = 1
    ) -> PreparedPosting:
        body = etree.tostring(function, encoding="UTF-8", xml_declaration=False)
        redacted = requests_xml.redacted_envelope(self._credentials.sender_id, control_id, body)
        self._pacer.wait(requests)
        return PreparedPosting(control_id, reference, body, self._redactor.text(redacted))

    def send(self, prepared: PreparedPosting) -> PostingAnswer:
        """Send once, and again after a new sign-in if Intacct reports that the session has ended.

        A request with an ended session runs nothing, so the second request cannot post the entry twice.
        """
        try:
            answer, session = self._send(prepared)
            if session is not None:
                self._sessions.forget(session)
                answer, _ = self._send(prepared)
            return answer
        except BadConfiguration as refused:
            return self._not_signed_in(prepared, refused)

    def post_entry(self, entry: JournalEntry) -> PostingAnswer:
        """Prepare and send."""
        return self.send(self.prepare(entry))

    def find_invoices(self, definition: str, numbers: Iterable[str]) -> list[FoundInvoice]:
        """Return documents of a definition (receivables if it is empty) with these numbers, and their lines."""
        if definition:
            return documents(self._reading, definition, numbers)
        return receivables(self._reading, numbers)

    def invoices_with_keys(self, kind: str, keys: Iterable[str]) -> list[FoundInvoice]:
        """Return the documents, receivables or adjustments with these keys, and their lines."""
        return documents_with_keys(self._reading, kind, keys)

    def invoices_dated(self, definition: str, start: date, end: date) -> list[FoundInvoice]:
        """Return heads with totals of a definition's documents (receivables if it is empty), dated in a range."""
        return documents_dated(self._reading, definition, start, end)

    def find_adjustments(self, numbers: Iterable[str]) -> list[FoundInvoice]:
        """Return adjustments of receivables with these numbers, and their lines, as credit memos."""
        return adjustments(self._reading, numbers)

    def customers(self, ids: Iterable[str]) -> dict[str, FoundCustomer]:
        """Return the customers that exist, by id."""
        return customers(self._reading, ids)

    def find_entries(self, journal: str, reference: str) -> list[FoundEntry]:
        """Return a journal's entries with this REFERENCENO and their lines, by record number."""
        self._complete_currencies()
        return self._reading.find_entries(journal, reference)

    def entries_since(self, journal: str, since: datetime) -> Iterator[FoundEntry]:
        """Return headers of a journal's entries created at or after a time, by record number."""
        return self._reading.entries_since(journal, since)

    def entries_dated(self, journal: str, start: date, end: date) -> Iterator[FoundEntry]:
        """Return headers of a journal's entries dated from ``start`` to ``end``, by record number."""
        return self._reading.entries_dated(journal, start, end)

    def entries_numbered(self, record_nos: Iterable[str]) -> list[FoundEntry]:
        """Return headers of the entries with these record numbers."""
        return self._reading.entries_numbered(record_nos)

    def entries_referenced(self, references: Iterable[str]) -> list[FoundEntry]:
        """Return headers of the entries with these references, in any journal."""
        return self._reading.entries_referenced(references)

    def with_lines(self, headers: Iterable[FoundEntry], dimensions: Iterable[str] = ()) -> Iterator[FoundEntry]:
        """Add lines, with these dimensions, to entries."""
        self._complete_currencies()
        readable = [name for name in dimensions if not is_user_defined(name) or self._dimensions.object_of(name)]
        return map(self._dimensions.named, self._reading.with_lines(headers, readable))

    def lines_on(self, accounts: Iterable[str], start: date, end: date) -> Iterator[FoundLine]:
        """Return lines of all entries on these accounts, dated from ``start`` to ``end``."""
        self._complete_currencies()
        return self._reading.lines_on(accounts, start, end)

    def account_balances(
        self, accounts: Iterable[str], start: date, end: date, entity: str = "", currency: str = ""
    ) -> list[ReportedBalance]:
        """Return balances from ``start`` to ``end``, in ``currency`` (default: the base currency of the entity)."""
        self._complete_currencies()
        return self._reading.account_balances(accounts, start, end, entity, currency)

    def closed_through(self, entity: str = "") -> date | None:
        """Return the last closed day of the entity's books; None if Intacct does not report it."""
        return self._reading.closed_through(entity)

    def masters(self, kind: MasterKind, ids: Iterable[str]) -> dict[str, bool]:
        """Return the ids that exist, each with True if it is active."""
        return self._reading.masters(kind, ids)

    def entities(self) -> list[str]:
        """Return the entities of the company: its locations that are not below another one."""
        return self._reading.entities()

    def locations_within(self, entity: str) -> set[str]:
        """Return an entity's own location and all locations below it."""
        return self._reading.locations_within(entity)

    def check_reading(self, journal: str) -> None:
        """Run the queries that recovery needs.

        Raises:
            ReadRefused: the user may not read them.
        """
        self._reading.check_reading(journal)

    def check_creating(self, journal: str) -> str:
        """Return why the user may not create journal entries, or an empty text. Creates nothing."""
        return creation_refusal(self.run_functions, journal)

    def run_functions(
        self, functions: Sequence[bytes], unique: bool = False, transaction: bool = False
    ) -> ParsedAnswer:
        """Send any functions in one request, once. For ``revrec doctor`` only: nothing protects it like a posting.

        Raises:
            SignInFailed: Intacct refused the sign-in.
            GatewayUnreachable: the sign-in got no usable answer.
        """
        self._pacer.wait()
        session = self._sessions.session_for("")
        body = b"".join(functions)
        exchange = self._exchange(session, f"revrec-probe-{uuid4()}", body, unique, transaction)
        reason, response = parse_exchange(exchange, self._redactor.text)
        self._extend_session(session, response)
        return ParsedAnswer(exchange, reason, response)

    def claim(self, control_ids: Sequence[str]) -> list[ClaimOutcome]:
        """Claim control ids, each with a read that finds nothing."""
        return self._reading.claim(control_ids)

    def clock_offset(self) -> timedelta | None:
        """Return how far Intacct's clock was ahead at the last sign-in, accurate to half the time that it took."""
        return self._sessions.clock_offset

    def _send(self, prepared: PreparedPosting) -> tuple[PostingAnswer, IntacctSession | None]:
        """Return the answer, and the session if Intacct reports that it has ended."""
        session = self._sessions.session_for("")
        sent_at = self._now()
        exchange = self._exchange(session, prepared.control_id, prepared.body, unique=True)
        verdict = judge_posting(exchange, prepared.control_id, self._redactor.text)
        self._extend_session(session, verdict.response)
        answer = self._answer(prepared, exchange, verdict)._replace(sent_at=sent_at, answered_at=self._now())
        return answer, session if _session_ended(verdict) else None

    def _exchange(
        self, session: IntacctSession, control_id: str, functions: bytes, unique: bool, transaction: bool = False
    ) -> HttpExchange:
        request = requests_xml.envelope(
            self._credentials.sender_id,
            self._credentials.sender_password,
            control_id,
            requests_xml.session_authentication(session.session_id),
            functions,
            unique,
            transaction,
        )
        return self._transport.post(session.endpoint, request)

    def _read(self, control_id: str, functions: bytes, entity: str, unique: bool) -> ParsedAnswer:
        """Send a read, and again after a new sign-in if Intacct reports that the session has ended."""
        answered, session = self._read_once(control_id, functions, entity, unique)
        if session is not None:
            self._sessions.forget(session)
            answered, _ = self._read_once(control_id, functions, entity, unique)
        return answered

    def _read_once(
        self, control_id: str, functions: bytes, entity: str, unique: bool
    ) -> tuple[ParsedAnswer, IntacctSession | None]:
        self._pacer.wait()
        session = self._sessions.session_for(entity)
        exchange = self._exchange(session, control_id, functions, unique)
        reason, response = parse_exchange(exchange, self._redactor.text)
        refused = None if response is None else request_refusal(response, exchange.status)
        self._extend_session(session, response)
        ended = refused is not None and _says_session_ended(refused[0])
        return ParsedAnswer(exchange, reason, response), session if ended else None

    def _extend_session(self, session: IntacctSession, response: GatewayResponse | None) -> None:
        """Extend the session, as Intacct does with every answer."""
        block = None if response is None else response.authentication
        if block is not None and block.status == "success":
            self._sessions.refresh(session, block)

    def _answer(self, prepared: PreparedPosting, exchange: HttpExchange, verdict: PostingVerdict) -> PostingAnswer:
        meaning = verdict.meaning
        return PostingAnswer(
            outcome=verdict.outcome,
            control_id=prepared.control_id,
            record_no=verdict.record_no,
            errors=verdict.errors,
            error_class=None if meaning is None else meaning.error_class,
            advice="" if meaning is None else self._redactor.text(meaning.advice),
            http_status=exchange.status,
            redacted_response=self._text_to_store(exchange, verdict),
            retry_after=exchange.retry_after_seconds,
            failure="" if meaning is None else meaning.name,
            named={} if meaning is None else {name: self._redactor.text(one) for name, one in meaning.named.items()},
        )

    def _text_to_store(self, exchange: HttpExchange, verdict: PostingVerdict) -> str:
        """Return the answer as text to store: without secrets, and cut to the maximum length."""
        if verdict.response is not None:
            text = self._redactor.tree(verdict.response.root)
        else:
            text = self._redactor.text(exchange.body.decode("utf-8", "replace"))
            text = text or self._redactor.text(exchange.detail)
        if len(text) <= STORED_ANSWER_LIMIT:
            return text
        return f"{text[:STORED_ANSWER_LIMIT]}\n... {len(text) - STORED_ANSWER_LIMIT} more characters left out"

    def _not_signed_in(self, prepared: PreparedPosting, refused: BadConfiguration) -> PostingAnswer:
        """Return the answer of a posting that was not sent, because the sign-in before it failed."""
        return not_run_answer(prepared.control_id, refused, self._redactor.text(str(refused)))


def _session_ended(verdict: PostingVerdict) -> bool:
    return (
        verdict.outcome is PostingOutcome.NOT_RUN
        and verdict.meaning is not None
        and _says_session_ended(verdict.meaning)
    )


def _says_session_ended(meaning: FailureMeaning) -> bool:
    return meaning.name == "invalid-session"
