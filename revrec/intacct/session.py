"""Sign-in and sessions: one session per entity, renewed before it ends."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from revrec.core.errors import BadConfiguration
from revrec.intacct import requests_xml
from revrec.intacct.catalog import FailureMeaning, meaning_of, meaning_of_no_answer
from revrec.intacct.credentials import Credentials
from revrec.intacct.endpoint import checked_session_endpoint
from revrec.intacct.errors import GatewayUnreachable, SignInFailed
from revrec.intacct.gateway import ErrorClass, GatewayError, errors_in_words
from revrec.intacct.judgment import parse_exchange, request_refusal, result_for
from revrec.intacct.redact import Redactor
from revrec.intacct.responses import AuthenticationBlock, FunctionResult, GatewayResponse
from revrec.intacct.transport import GatewayTransport, HttpExchange

MARGIN = timedelta(seconds=60)
"""How long before its end a session is renewed (at most a quarter of its life).

A session that ends on the way to Intacct costs a second request; near the end of a lease there is no time for one.
"""
UNKNOWN_LIFE = timedelta(minutes=20)
"""Assumed life of a session if Intacct's times are unreadable; the shortest known ones last hours."""

Now = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the time of this machine's clock in UTC."""
    return datetime.now(UTC)


@dataclass
class IntacctSession:
    """A session of one entity. ``ends``: when to renew it, by this machine's clock."""

    session_id: str = field(repr=False)
    endpoint: str
    ends: datetime


class IntacctSessions:
    """The sessions of all entities. Signs in when needed.

    A refused sign-in is remembered and never repeated, because Intacct locks a user after a few failures, and a run of
    hundreds of entries would reach that within seconds. If the credentials' own level accepts the sign-in and an entity
    refuses it, the refusal applies to that entity only.

    Threads may share sessions. One signs in while the others wait for its session, or for its failure: if each tried
    for itself, one after the other, the lease of the last one's posting would end before it could send.
    """

    def __init__(
        self, credentials: Credentials, transport: GatewayTransport, redactor: Redactor, now: Now = utc_now
    ) -> None:
        self._credentials = credentials
        self._transport = transport
        self._redactor = redactor
        self._now = now
        self._sessions: dict[str, IntacctSession] = {}
        self._refused: dict[str, str] = {}
        self._lock = threading.Lock()
        self._failures = 0
        self._last_failure: BadConfiguration | None = None
        self.clock_offset: timedelta | None = None
        """The time by which Intacct's clock was ahead of this machine's at the last sign-in."""

    def session_for(self, entity: str) -> IntacctSession:
        """Return a live session of an entity (empty: the credentials' entity, or the top level).

        Raises:
            SignInFailed: Intacct refused the sign-in, now or before.
            GatewayUnreachable: there was no usable answer.
            BadConfiguration: the sign-in returned an endpoint of another party.
        """
        entity, failures = entity or self._credentials.entity_id, self._failures
        with self._lock:
            session = self._sessions.get(entity)
            if session is None or session.ends <= self._now():
                if self._last_failure is not None and self._failures != failures:
                    raise self._last_failure
                session = self._sign_in(entity)
                self._sessions[entity] = session
            return session

    def forget(self, session: IntacctSession) -> None:
        """Remove a session that Intacct has ended."""
        with self._lock:
            self._sessions = {entity: one for entity, one in self._sessions.items() if one is not session}

    def refresh(self, session: IntacctSession, authentication: AuthenticationBlock) -> None:
        """Extend a session as reported by the authentication block of an answer, if it reports times."""
        life = _lifetime(authentication)
        if life is not None:
            session.ends = self._renewal_time(life)

    def _sign_in(self, entity: str) -> IntacctSession:
        own = self._credentials.entity_id
        refusal = self._refused.get(own) or self._refused.get(entity)
        if refusal:
            raise SignInFailed(refusal)
        try:
            return self._request_session(entity)
        except BadConfiguration as failure:
            if isinstance(failure, SignInFailed):
                self._refused[entity if own in self._sessions else own] = str(failure)
            self._failures, self._last_failure = self._failures + 1, failure
            raise

    def _request_session(self, entity: str) -> IntacctSession:
        control_id = f"revrec-sign-in-{uuid4()}"
        asked = self._now()
        exchange = self._transport.post(self._credentials.endpoint, self._request(control_id, entity))
        reason, response = parse_exchange(exchange, self._redactor.text)
        if response is None:
            raise self._unreachable(exchange, meaning_of_no_answer(reason, exchange.status))
        refused = request_refusal(response, exchange.status)
        if refused is not None:
            raise self._refusal(exchange, *refused)
        if response.authentication is not None and response.authentication.timestamp is not None:
            # Intacct read its clock between request and answer; assume halfway.
            middle = asked + (self._now() - asked) / 2
            self.clock_offset = response.authentication.timestamp - middle
        return self._session(exchange, response, control_id)

    def _request(self, control_id: str, entity: str) -> bytes:
        return requests_xml.envelope(
            self._credentials.sender_id,
            self._credentials.sender_password,
            control_id,
            requests_xml.login_authentication(self._credentials, entity),
            requests_xml.get_api_session(control_id),
            unique=False,
        )

    def _session(self, exchange: HttpExchange, response: GatewayResponse, control_id: str) -> IntacctSession:
        result, reason = result_for(response, control_id)
        if result is None or response.authentication is None:
            raise self._unreachable(exchange, meaning_of_no_answer(reason, exchange.status))
        session_id, endpoint = _api_field(result, "sessionid"), _api_field(result, "endpoint")
        if result.status != "success" or not session_id or not endpoint:
            raise self._refusal(exchange, meaning_of("function", exchange.status, result.errors), result.errors)
        # Before anything else uses the answer: an error about its endpoint may quote the session id.
        self._redactor.learn(session_id)
        self._check_endpoint(endpoint)
        lifetime = _lifetime(response.authentication) or UNKNOWN_LIFE
        return IntacctSession(session_id, endpoint, self._renewal_time(lifetime))

    def _check_endpoint(self, endpoint: str) -> None:
        """Refuse an endpoint of another party, after removing secrets from its text, which comes from outside."""
        try:
            checked_session_endpoint(endpoint, self._credentials.endpoint)
            return
        except BadConfiguration as reason:
            refused = self._redactor.text(str(reason))
        # Raised outside the handler: chained, the traceback would show the text before its secrets were removed.
        raise BadConfiguration(refused)

    def _renewal_time(self, life: timedelta) -> datetime:
        return self._now() + life - min(MARGIN, life / 4)

    def _refusal(
        self, exchange: HttpExchange, meaning: FailureMeaning, errors: tuple[GatewayError, ...]
    ) -> SignInFailed | GatewayUnreachable:
        said = errors_in_words(errors)
        if meaning.read_class in (ErrorClass.RETRY_NOW, ErrorClass.RETRY_LATER):
            return self._unreachable(exchange, meaning, said)
        message = self._redactor.text(
            f"Intacct refused the sign-in of user {self._credentials.user_id!r} to company "
            f"{self._credentials.company_id!r} at {self._credentials.endpoint}. {meaning.advice} Intacct said: {said}"
        )
        return SignInFailed(message)

    def _unreachable(self, exchange: HttpExchange, meaning: FailureMeaning, said: str = "") -> GatewayUnreachable:
        said = said or exchange.detail or (f"HTTP {exchange.status}" if exchange.status else "no answer")
        advice = meaning.advice if meaning.error_class is not ErrorClass.IN_DOUBT else _NOT_A_GATEWAY
        text = f"Intacct's gateway at {self._credentials.endpoint} cannot be used: {said}. {advice}"
        temporary = meaning.read_class in (ErrorClass.RETRY_NOW, ErrorClass.RETRY_LATER)
        return GatewayUnreachable(self._redactor.text(text), temporary, exchange.retry_after_seconds)


_NOT_A_GATEWAY = (
    "Only a sign-in was sent. Check the endpoint (INTACCT_ENDPOINT_URL or endpoint in revrec.toml), the network "
    "and the proxy, then run again."
)


def _lifetime(authentication: AuthenticationBlock) -> timedelta | None:
    """Return how long the session lives: the difference of two times of Intacct's clock.

    Comparing Intacct's end with this machine's clock would end sessions early, or use ended ones, if either is wrong.
    """
    if authentication.timestamp is None or authentication.timeout is None:
        return None
    return max(timedelta(0), authentication.timeout - authentication.timestamp)


def _api_field(result: FunctionResult, name: str) -> str:
    if result.data is None:
        return ""
    return (result.data.findtext(f"api/{name}") or "").strip()
