"""The gateway over Intacct's XML protocol: one request at a time, one journal entry a request."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from uuid import uuid4

from lxml import etree

from revrec import __version__
from revrec.core.errors import BadConfiguration
from revrec.core.invoice import Invoice
from revrec.core.journal import JournalEntry
from revrec.intacct import requests_xml
from revrec.intacct.catalogue import FailureMeaning
from revrec.intacct.credentials import Credentials
from revrec.intacct.documents_xml import create_customer, create_document, create_item
from revrec.intacct.errors import not_run_answer
from revrec.intacct.gateway import (
    Claimed,
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
from revrec.intacct.glbatch import EntrySettings, create_glbatch
from revrec.intacct.judgement import PostingVerdict, judge_posting, parse_exchange, request_refusal
from revrec.intacct.pace import RequestPacer
from revrec.intacct.probing.requests import creation_refusal
from revrec.intacct.reading import IntacctReader, ParsedAnswer, ReadPolicy
from revrec.intacct.reading_documents import customers, documents, receivables
from revrec.intacct.redact import Redactor
from revrec.intacct.responses import GatewayResponse
from revrec.intacct.session import IntacctSession, IntacctSessions, Now, utc_now
from revrec.intacct.transport import HttpExchange, HttpTransport

STORED_ANSWER_LIMIT = 200_000
"""Characters of an answer that are kept; an answer to a posting has a few hundred."""


class XmlGateway:
    """Intacct behind the interface of :class:`revrec.intacct.gateway.Gateway`. Use it as a context, or close it.

    ``timeout``: seconds for a whole exchange; keep it shorter than the lease of a posting. ``base_currency`` and
    ``rate_type``: the company's; the rate type goes with lines in other currencies. ``omit``: dimensions never sent.
    ``rate_date``, ``base_location``, ``entity_is_location``: see :class:`EntrySettings`. ``reads`` holds for reads
    only: a posting is sent once. ``requests_per_minute``: see :class:`RequestPacer`. Tests pass
    their own ``now`` and ``sleep``.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        timeout: float = 120.0,
        requests_per_minute: int = 0,
        base_currency: str = "USD",
        rate_type: str = "Intacct Daily Rate",
        rate_date: str = "billed",
        omit: Iterable[str] = (),
        base_location: bool = False,
        entity_is_location: bool = True,
        max_answer_bytes: int = 20_000_000,
        reads: ReadPolicy | None = None,
        now: Now = utc_now,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._credentials = credentials
        self._entries = EntrySettings(
            base_currency, rate_type, rate_date, frozenset(omit), base_location, entity_is_location
        )
        self._now = now
        self._redactor = Redactor(credentials.secrets)
        self._pacer = RequestPacer(requests_per_minute, now, sleep)
        self._transport = HttpTransport(timeout, max_answer_bytes, before_send=self._pacer.record)
        self._sessions = IntacctSessions(credentials, self._transport, self._redactor, now)
        self._lock = threading.Lock()
        self._reading = IntacctReader(self._read, self._redactor, base_currency, reads or ReadPolicy(sleep=sleep))

    def __enter__(self) -> "XmlGateway":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def sign_in(self) -> None:
        """Make sure that there is a session; raises SignInFailed or GatewayUnreachable."""
        with self._lock:
            self._sessions.session_for("")

    def prepare(self, entry: JournalEntry, comment: str = "") -> PreparedPosting:
        """Build the request of an entry, when its turn has come; ``comment`` goes into the entry's history.

        Without one, the history is told why the entry is dated as it is, where that is not the day of recognition.
        Raises UnpostableEntry.
        """
        comment = comment or ": ".join(filter(None, (f"revrec {__version__}", entry.reason)))
        return self._prepared(entry.control_id, entry.reference, create_glbatch(entry, self._entries, comment))

    def prepare_invoice(self, made: Invoice, unit: str = "", sources: Sequence[str] = ()) -> PreparedPosting:
        """Build the request of an order or an invoice, when its turn has come. Raises UnpostableEntry."""
        return self._prepared(made.control_id, made.reference, create_document(made, self._entries, unit, sources))

    def prepare_record(self, record: NewMasterRecord, control_id: str) -> PreparedPosting:
        """Build the request that creates a customer or an item, when its turn has come."""
        if record.kind == MasterKind.CUSTOMER:
            function = create_customer(control_id, record.id, record.term)
        else:
            function = create_item(control_id, record.id, record.name, record.group, record.unit)
        return self._prepared(control_id, record.id, function)

    def _prepared(self, control_id: str, reference: str, function: etree._Element) -> PreparedPosting:
        body = etree.tostring(function, encoding="UTF-8", xml_declaration=False)
        redacted = requests_xml.redacted_envelope(self._credentials.sender_id, control_id, body)
        self._pacer.wait()
        return PreparedPosting(control_id, reference, body, self._redactor.text(redacted))

    def send(self, prepared: PreparedPosting) -> PostingAnswer:
        """Send once; once more after a new sign-in if Intacct says that the session has ended, for then nothing ran."""
        with self._lock:
            try:
                answer, session = self._send(prepared)
                if session is not None:
                    self._sessions.forget(session)
                    answer, _ = self._send(prepared)
                return answer
            except BadConfiguration as refused:
                return self._not_signed_in(prepared, refused)

    def post_entry(self, entry: JournalEntry) -> PostingAnswer:
        """Prepare and send in one go."""
        return self.send(self.prepare(entry))

    def find_invoices(self, definition: str, numbers: Iterable[str]) -> list[FoundInvoice]:
        """Documents of a transaction definition, or without one receivables, with these numbers, with their lines."""
        if definition:
            return documents(self._reading, definition, numbers)
        return receivables(self._reading, numbers)

    def customers(self, ids: Iterable[str]) -> dict[str, FoundCustomer]:
        """Those of these customers that there are."""
        return customers(self._reading, ids)

    def find_entries(self, journal: str, reference: str) -> list[FoundEntry]:
        """Entries of a journal with this REFERENCENO, by record number, with their lines."""
        return self._reading.find_entries(journal, reference)

    def entries_since(self, journal: str, since: datetime) -> Iterator[FoundEntry]:
        """Heads of the entries of a journal that were made at or after a moment, by record number."""
        return self._reading.entries_since(journal, since)

    def entries_dated(self, journal: str, start: date, end: date) -> Iterator[FoundEntry]:
        """Heads of the entries of a journal dated from ``start`` to ``end``, by record number."""
        return self._reading.entries_dated(journal, start, end)

    def entries_numbered(self, record_nos: Iterable[str]) -> list[FoundEntry]:
        """Heads of the entries with these record numbers."""
        return self._reading.entries_numbered(record_nos)

    def entries_referenced(self, references: Iterable[str]) -> list[FoundEntry]:
        """Heads of the entries with these references, in whatever journal."""
        return self._reading.entries_referenced(references)

    def with_lines(self, heads: Iterable[FoundEntry], dimensions: Iterable[str] = ()) -> Iterator[FoundEntry]:
        """The same entries with their lines, and these dimensions of the lines."""
        return self._reading.with_lines(heads, dimensions)

    def lines_on(self, accounts: Iterable[str], start: date, end: date) -> Iterator[FoundLine]:
        """Lines of all entries on these accounts, dated from ``start`` to ``end``."""
        return self._reading.lines_on(accounts, start, end)

    def account_balances(
        self, accounts: Iterable[str], start: date, end: date, entity: str = "", currency: str = ""
    ) -> list[ReportedBalance]:
        """Balances over the days ``start`` to ``end``, in ``currency`` (default: the company's base currency)."""
        return self._reading.account_balances(accounts, start, end, entity, currency)

    def closed_through(self, entity: str = "") -> date | None:
        """The last closed day of the entity's books; None if Intacct does not tell."""
        return self._reading.closed_through(entity)

    def masters(self, kind: MasterKind, ids: Iterable[str]) -> dict[str, bool]:
        """Which of these ids exist, and whether each is active."""
        return self._reading.masters(kind, ids)

    def locations_within(self, entity: str) -> set[str]:
        """An entity's own location and all below it."""
        return self._reading.locations_within(entity)

    def check_reading(self, journal: str) -> None:
        """Read as recovery does; raises ReadRefused where the user may not."""
        self._reading.check_reading(journal)

    def check_creating(self, journal: str) -> str:
        """Why the user may not create journal entries; empty if nothing says so. Nothing is created."""
        return creation_refusal(self.run_functions, journal)

    def run_functions(
        self, functions: Sequence[bytes], unique: bool = False, transaction: bool = False
    ) -> ParsedAnswer:
        """One request with any functions, sent once and outside a posting's protection: for the doctor alone.

        Raises SignInFailed or GatewayUnreachable if there is no session.
        """
        with self._lock:
            self._pacer.wait()
            session = self._sessions.session_for("")
            body = requests_xml.joined(functions)
            exchange = self._exchange(session, f"revrec-probe-{uuid4()}", body, unique, transaction)
            reason, response = parse_exchange(exchange, self._redactor.text)
            self._extend_session(session, response)
            return ParsedAnswer(exchange, reason, response)

    def claim(self, control_ids: Sequence[str]) -> list[Claimed]:
        """Claim control ids, each with a read that finds nothing."""
        return self._reading.claim(control_ids)

    def clock_offset(self) -> timedelta | None:
        """How far Intacct's clock was ahead of ours at the last sign-in, give or take half the time that took."""
        return self._sessions.clock_offset

    def _send(self, prepared: PreparedPosting) -> tuple[PostingAnswer, IntacctSession | None]:
        """The answer, and the session if it is that which Intacct no longer knows."""
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
        """One read, and once more after a new sign-in if Intacct says that the session has ended."""
        with self._lock:
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
        """Every answer of a session pushes its end forward."""
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
            redacted_response=self._stored(exchange, verdict),
            retry_after=exchange.retry_after_seconds,
            failure="" if meaning is None else meaning.name,
            named={} if meaning is None else {name: self._redactor.text(one) for name, one in meaning.named.items()},
        )

    def _stored(self, exchange: HttpExchange, verdict: PostingVerdict) -> str:
        """The answer as it may be kept: without secrets, and not without end."""
        if verdict.response is not None:
            text = self._redactor.tree(verdict.response.root)
        else:
            text = self._redactor.text(exchange.body.decode("utf-8", "replace"))
            text = text or self._redactor.text(exchange.detail)
        if len(text) <= STORED_ANSWER_LIMIT:
            return text
        return f"{text[:STORED_ANSWER_LIMIT]}\n... {len(text) - STORED_ANSWER_LIMIT} more characters left out"

    def _not_signed_in(self, prepared: PreparedPosting, refused: BadConfiguration) -> PostingAnswer:
        """Nothing of the entry was sent: the sign-in before it failed."""
        return not_run_answer(prepared.control_id, refused, self._redactor.text(str(refused)))


def _session_ended(verdict: PostingVerdict) -> bool:
    return (
        verdict.outcome is PostingOutcome.NOT_RUN
        and verdict.meaning is not None
        and _says_session_ended(verdict.meaning)
    )


def _says_session_ended(meaning: FailureMeaning) -> bool:
    return meaning.name == "invalid-session"
