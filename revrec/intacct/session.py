"""Signing in, and the sessions that a sign-in gives: one for each entity, renewed before it ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from revrec.core.errors import BadConfiguration
from revrec.intacct import requests_xml
from revrec.intacct.catalogue import FailureMeaning, meaning_of, meaning_of_no_answer
from revrec.intacct.credentials import Credentials
from revrec.intacct.endpoint import checked_session_endpoint
from revrec.intacct.errors import GatewayUnreachable, SignInFailed
from revrec.intacct.gateway import ErrorClass, GatewayError
from revrec.intacct.judgement import parse_exchange, request_refusal, result_for
from revrec.intacct.redact import Redactor
from revrec.intacct.responses import AuthenticationBlock, FunctionResult, GatewayResponse
from revrec.intacct.transport import HttpExchange, HttpTransport

MARGIN = timedelta(seconds=60)
"""A session is renewed this long before its end (a quarter of its life if that is shorter)."""
UNKNOWN_LIFE = timedelta(minutes=20)
"""Assumed where Intacct's times cannot be read; the shortest recorded ones are hours."""

Now = Callable[[], datetime]


def utc_now() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


@dataclass
class IntacctSession:
    """A session of one entity. ``ends`` is by our clock, already short of the margin."""

    session_id: str = field(repr=False)
    endpoint: str
    ends: datetime


class IntacctSessions:
    """Signs in when needed and keeps the sessions. A refused sign-in is remembered and never repeated.

    Where the top level lets us in and an entity does not, the refusal is that entity's alone.
    """

    def __init__(
        self, credentials: Credentials, transport: HttpTransport, redactor: Redactor, now: Now = utc_now
    ) -> None:
        self._credentials = credentials
        self._transport = transport
        self._redactor = redactor
        self._now = now
        self._sessions: dict[str, IntacctSession] = {}
        self._refused: dict[str, str] = {}
        self.clock_offset: timedelta | None = None
        """How far the other side's clock was ahead of ours at the last sign-in."""

    def session_for(self, entity: str) -> IntacctSession:
        """A live session of an entity (empty: the credentials' own, else the top level).

        Raises SignInFailed if Intacct refused, GatewayUnreachable if it could not be asked.
        """
        entity = entity or self._credentials.entity_id
        session = self._sessions.get(entity)
        if session is None or session.ends <= self._now():
            session = self._sign_in(entity)
            self._sessions[entity] = session
        return session

    def forget(self, session: IntacctSession) -> None:
        """Drop a session that Intacct no longer knows."""
        self._sessions = {entity: one for entity, one in self._sessions.items() if one is not session}

    def refresh(self, session: IntacctSession, authentication: AuthenticationBlock) -> None:
        """Push the end forward by what an answer's authentication block says, if it says anything."""
        life = _life(authentication)
        if life is not None:
            session.ends = self._end(life)

    def _sign_in(self, entity: str) -> IntacctSession:
        own = self._credentials.entity_id
        told = self._refused.get(own) or self._refused.get(entity)
        if told:
            raise SignInFailed(told)
        try:
            return self._request_session(entity)
        except SignInFailed as refused:
            self._refused[entity if own in self._sessions else own] = str(refused)
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
        self._redactor.learn(session_id)
        self._check_endpoint(endpoint)
        return IntacctSession(session_id, endpoint, self._end(_life(response.authentication) or UNKNOWN_LIFE))

    def _check_endpoint(self, endpoint: str) -> None:
        """Refuse an endpoint of another party's; what it says is not ours, so it is cleaned before it is quoted."""
        try:
            checked_session_endpoint(endpoint, self._credentials.endpoint)
            return
        except BadConfiguration as reason:
            refused = self._redactor.text(str(reason))
        raise BadConfiguration(refused)

    def _end(self, life: timedelta) -> datetime:
        return self._now() + life - min(MARGIN, life / 4)

    def _refusal(
        self, exchange: HttpExchange, meaning: FailureMeaning, errors: tuple[GatewayError, ...]
    ) -> SignInFailed | GatewayUnreachable:
        if meaning.read_class in (ErrorClass.RETRY_NOW, ErrorClass.RETRY_LATER):
            return self._unreachable(exchange, meaning)
        said = "; ".join(f"{error.errorno} {error.text}".strip() for error in errors)
        told = self._redactor.text(
            f"Intacct refused the sign-in of user {self._credentials.user_id!r} to company "
            f"{self._credentials.company_id!r} at {self._credentials.endpoint}. {meaning.advice} Intacct said: {said}"
        )
        return SignInFailed(told)

    def _unreachable(self, exchange: HttpExchange, meaning: FailureMeaning) -> GatewayUnreachable:
        said = exchange.detail or (f"HTTP {exchange.status}" if exchange.status else "no answer")
        advice = meaning.advice if meaning.error_class is not ErrorClass.IN_DOUBT else _NOT_A_GATEWAY
        text = f"Intacct's gateway at {self._credentials.endpoint} cannot be used: {said}. {advice}"
        passes = meaning.read_class in (ErrorClass.RETRY_NOW, ErrorClass.RETRY_LATER)
        return GatewayUnreachable(self._redactor.text(text), passes, exchange.retry_after_seconds)


_NOT_A_GATEWAY = (
    "Nothing was sent but a sign-in. Check the endpoint (INTACCT_ENDPOINT_URL or endpoint in revrec.toml), the network "
    "and the proxy, then run again."
)


def _life(authentication: AuthenticationBlock) -> timedelta | None:
    """How long the session lives, by Intacct's own two times, so that a clock of ours that is off does no harm."""
    if authentication.timestamp is None or authentication.timeout is None:
        return None
    return max(timedelta(0), authentication.timeout - authentication.timestamp)


def _api_field(result: FunctionResult, name: str) -> str:
    if result.data is None:
        return ""
    return (result.data.findtext(f"api/{name}") or "").strip()
