"""The gateway: request bytes in, response bytes out. Transport and faults are in other files."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from revrec.sandbox.calls import Caller
from revrec.sandbox.company.state import CompanyState
from revrec.sandbox.errors import AuthenticationFailure, ControlFailure, Error
from revrec.sandbox.functions import FUNCTIONS
from revrec.sandbox.protocol.operation import ForcedFailure, Operation
from revrec.sandbox.protocol.request import ControlEcho, Login, Request, read_echo, read_request, scan_echo
from revrec.sandbox.protocol.response import AuthenticationBlock, FunctionResult, ResponseWriter
from revrec.sandbox.xmltree import Node, parse

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class GatewayReply:
    """An answer: HTTP status, document, and a summary for the access log (function, control id, outcome)."""

    status: int
    document: bytes
    summary: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Entrance:
    """The endpoint at which a request arrived: for sessions, or for logins. ``session_url`` is the one for sessions."""

    for_sessions: bool = False
    session_url: str = ""


LOGIN_ENTRANCE = Entrance()


class Gateway:
    """The gateway of one company. Safe for use by several threads."""

    def __init__(self, company: CompanyState) -> None:
        self.company = company
        self._lock = threading.Lock()

    def answer(
        self,
        body: bytes,
        entrance: Entrance = LOGIN_ENTRANCE,
        discard: bool = False,
        forced_failure: ForcedFailure | None = None,
    ) -> GatewayReply:
        """Execute a request and return its response.

        With ``discard``, everything the request wrote is rolled back although the answer reports success.
        ``forced_failure`` makes the functions it applies to fail with its error.
        """
        echo = ControlEcho()
        self.company.usage.count(requests=1)
        try:
            root = parse(body)
            echo = read_echo(root)
            return self._execute(root, entrance, discard, forced_failure)
        except ControlFailure as failure:
            # Intacct repeats the control block even when the rest of the document is not well-formed XML.
            echo = echo if echo.sender or echo.control_id else scan_echo(body)
            document = self._writer(echo).control_failure(failure.errors, failure.echo)
            return GatewayReply(failure.http_status, document, (("control", echo.control_id, "failure"),))

    def _execute(
        self, root: Node, entrance: Entrance, discard: bool, forced_failure: ForcedFailure | None
    ) -> GatewayReply:
        request = read_request(root, cut_control_ids=self.company.switches.control_id_length == "cut")
        # The gateway validates the whole document before it checks credentials or runs anything, so a schema violation
        # in the last function means that the first one was not executed either.
        for call in request.calls:
            function = FUNCTIONS.get(call.body.tag)
            if function is not None:
                function.check(call.body)
        writer = self._writer(request.echo)
        self._check_sender(request)
        try:
            caller, block = self._authenticate(request, entrance)
        except AuthenticationFailure as failure:
            return self._authentication_failure(writer, request, failure)
        results = Operation(self.company, request, caller, discard, forced_failure).run()
        return GatewayReply(200, writer.results(block, results), _summary(results))

    def _check_sender(self, request: Request) -> None:
        if self.company.access.sender(request.echo.sender, request.password) is None:
            text = "Incorrect Intacct XML Partner ID or password."
            raise ControlFailure(Error("XL03000006", description2=text))

    def _authenticate(self, request: Request, entrance: Entrance) -> tuple[Caller, AuthenticationBlock]:
        if request.login is not None:
            user, company_id, location = self._sign_in(request, request.login, entrance)
            expires = self.company.sessions.expiry()
        else:
            allowed = entrance.for_sessions or self.company.switches.session_endpoint == "any"
            session = self.company.sessions.use(request.session_id or "") if allowed else None
            if session is None:
                raise AuthenticationFailure(_invalid_session(request.session_id or ""))
            user, company_id, location, expires = session.user, session.company_id, session.location, session.expires
        self._check_authorized(request, user, company_id)
        block = AuthenticationBlock("success", user, company_id, location, self.company.clock.now(), expires)
        return Caller(request.echo.sender, company_id, user, location, entrance.session_url), block

    def _check_authorized(self, request: Request, user: str, company_id: str) -> None:
        sender = self.company.access.sender(request.echo.sender, request.password)
        if sender is None or not sender.authorized:
            raise AuthenticationFailure(_unauthorized(request.echo.sender, company_id), user, company_id)

    def _sign_in(self, request: Request, login: Login, entrance: Entrance) -> tuple[str, str, str]:
        location = login.location or ""
        allowed = not entrance.for_sessions or self.company.switches.login_on_session_endpoint == "allow"
        accepted = (
            allowed
            and login.in_order
            and (not location or self.company.masters.is_entity(location))
            and self.company.access.sign_in(login.company_id, login.user, login.password)
        )
        if accepted:
            return login.user, login.company_id, location
        if self.company.switches.login_refusal == "http401":
            text = "Sign-in information is incorrect. Please check your request."
            raise ControlFailure(Error("XMLGW_JPP0002", description2=text), http_status=401)
        error = Error("XL03000006", description2="Sign-in information is incorrect")
        raise AuthenticationFailure(error, login.user, login.company_id)

    def _authentication_failure(
        self, writer: ResponseWriter, request: Request, failure: AuthenticationFailure
    ) -> GatewayReply:
        block = AuthenticationBlock("failure", failure.user, failure.company_id)
        document = writer.authentication_failure(block, failure.error)
        return GatewayReply(200, document, (("authentication", request.echo.control_id, "failure"),))

    def _writer(self, echo: ControlEcho) -> ResponseWriter:
        with self._lock:
            support = "".join(self.company.random.choices(_ALPHABET, k=25))
        return ResponseWriter(echo, f"{support[:5]}%7E{support[5:]}")


def _invalid_session(session_id: str) -> Error:
    return Error("XL03000006", description2=f"Invalid session {session_id[:6]}....")


def _unauthorized(sender: str, company_id: str) -> Error:
    return Error(
        "XL03000006",
        description="Invalid Web Services Authorization",
        description2=f"The sender ID '{sender}' is not authorized to make Web Services requests "
        f"to company ID '{company_id}'.",
        correction="Contact the company administrator to grant Web Services authorization to this sender ID.",
    )


def _summary(results: Sequence[FunctionResult]) -> tuple[tuple[str, str, str], ...]:
    return tuple((result.function, result.control_id, result.status) for result in results)
