"""The gateway: request bytes in, response bytes out. Transport and faults are elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from revrec.sandbox.calls import Identity
from revrec.sandbox.company.state import Desk
from revrec.sandbox.errors import AuthenticationRefusal, ControlRefusal, Error
from revrec.sandbox.functions import FUNCTIONS
from revrec.sandbox.protocol.operation import Operation, Refuse
from revrec.sandbox.protocol.request import Echo, Login, Request, echo_of, echo_of_bytes, read_request
from revrec.sandbox.protocol.response import Authentication, ResponseWriter, Result
from revrec.sandbox.xmltree import Node, parse

_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghjkmnpqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: HTTP status, document, and a line for the access log (function, control id, outcome)."""

    status: int
    document: bytes
    summary: tuple[tuple[str, str, str], ...]


class Gateway:
    """Answers requests for one company. Safe for use by several threads."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._lock = threading.Lock()

    def answer(
        self, body: bytes, at_session_endpoint: bool = False, discard: bool = False, refuse: Refuse | None = None
    ) -> Reply:
        """Execute a request and write its response.

        With `discard`, everything the request wrote is undone although the answer says otherwise; the functions that
        `refuse` means fail with its error.
        """
        echo = Echo()
        self.desk.usage.count(requests=1)
        try:
            root, echo = self._parse(body)
            return self._execute(root, at_session_endpoint, discard, refuse)
        except ControlRefusal as refusal:
            echo = echo if echo.sender or echo.control_id else echo_of_bytes(body)
            document = self._writer(echo).control_failure(refusal.errors, refusal.echo)
            return Reply(refusal.http_status, document, (("control", echo.control_id, "failure"),))

    def _parse(self, body: bytes) -> tuple[Node, Echo]:
        root = parse(body)
        return root, echo_of(root)

    def _execute(self, root: Node, at_session_endpoint: bool, discard: bool, refuse: Refuse | None) -> Reply:
        request = read_request(root, cut_control_ids=self.desk.switches.control_id_length == "cut")
        for call in request.calls:
            function = FUNCTIONS.get(call.body.tag)
            if function is not None:
                function.check(call.body)
        writer = self._writer(request.echo)
        self._check_sender(request)
        try:
            who, block = self._authenticate(request, at_session_endpoint)
        except AuthenticationRefusal as refusal:
            return self._authentication_failure(writer, request, refusal)
        results = Operation(self.desk, request, who, discard, refuse).run()
        return Reply(200, writer.results(block, results), _summary(results))

    def _check_sender(self, request: Request) -> None:
        if self.desk.access.sender(request.echo.sender, request.password) is None:
            text = "Incorrect Intacct XML Partner ID or password."
            raise ControlRefusal(Error("XL03000006", description2=text))

    def _authenticate(self, request: Request, at_session_endpoint: bool) -> tuple[Identity, Authentication]:
        if request.login is not None:
            user, company, location = self._sign_in(request, request.login, at_session_endpoint)
            expires = self.desk.sessions.expiry()
        else:
            session = self.desk.sessions.use(request.session_id or "") if at_session_endpoint else None
            if session is None:
                raise AuthenticationRefusal(_invalid_session(request.session_id or ""))
            user, company, location, expires = session.user, session.company, session.location, session.expires
        self._check_authorized(request, user, company)
        block = Authentication("success", user, company, location, self.desk.clock.now(), expires)
        return Identity(request.echo.sender, company, user, location), block

    def _check_authorized(self, request: Request, user: str, company: str) -> None:
        sender = self.desk.access.sender(request.echo.sender, request.password)
        if sender is None or not sender.authorized:
            raise AuthenticationRefusal(_unauthorized(request.echo.sender, company), user, company)

    def _sign_in(self, request: Request, login: Login, at_session_endpoint: bool) -> tuple[str, str, str]:
        location = login.location or ""
        allowed = not at_session_endpoint or self.desk.switches.login_on_session_endpoint == "allow"
        accepted = (
            allowed
            and login.in_order
            and (not location or self.desk.masters.is_entity(location))
            and self.desk.access.sign_in(login.company, login.user, login.password)
        )
        if accepted:
            return login.user, login.company, location
        if self.desk.switches.login_refusal == "http401":
            text = "Sign-in information is incorrect. Please check your request."
            raise ControlRefusal(Error("XMLGW_JPP0002", description2=text), http_status=401)
        error = Error("XL03000006", description2="Sign-in information is incorrect")
        raise AuthenticationRefusal(error, login.user, login.company)

    def _authentication_failure(
        self, writer: ResponseWriter, request: Request, refusal: AuthenticationRefusal
    ) -> Reply:
        block = Authentication("failure", refusal.user, refusal.company)
        document = writer.authentication_failure(block, refusal.error)
        return Reply(200, document, (("authentication", request.echo.control_id, "failure"),))

    def _writer(self, echo: Echo) -> ResponseWriter:
        with self._lock:
            support = "".join(self.desk.random.choices(_ALPHABET, k=25))
        return ResponseWriter(echo, f"{support[:5]}%7E{support[5:]}")


def _invalid_session(session_id: str) -> Error:
    return Error("XL03000006", description2=f"Invalid session {session_id[:6]}....")


def _unauthorized(sender: str, company: str) -> Error:
    return Error(
        "XL03000006",
        description="Invalid Web Services Authorization",
        description2=f"The sender ID '{sender}' is not authorized to make Web Services requests "
        f"to company ID '{company}'.",
        correction="Contact the company administrator to grant Web Services authorization to this sender ID.",
    )


def _summary(results: Sequence[Result]) -> tuple[tuple[str, str, str], ...]:
    return tuple((result.function, result.control_id, result.status) for result in results)
