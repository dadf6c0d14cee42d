"""Real servers on the loopback: mail servers of every kind, and a web hook that listens."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = "robot", "p455<word>%41 4711"


@dataclass
class Box:
    """A running mail server, and what it took: envelopes and parsed mails."""

    host: str
    port: int
    envelopes: list[Any] = field(default_factory=list)
    refuse: str = ""
    """The reply to each mail, if the server does not accept it."""

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(one.content, policy=default) for one in self.envelopes]  # type: ignore[misc]

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.refuse:
            return self.refuse
        self.envelopes.append(envelope)
        return "250 taken"


Serve = Callable[..., Box]


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """A certificate authority made for these tests, and its certificate as a file."""
    made = trustme.CA()
    file = tmp_path_factory.mktemp("ca") / "ca.pem"
    made.cert_pem.write_to_path(str(file))
    return made, file


@pytest.fixture
def trusted(authority: tuple[trustme.CA, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine trusts the authority of these tests."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority[1]))


@pytest.fixture
def mail_server(authority: tuple[trustme.CA, Path]) -> Iterator[Serve]:
    """Starts mail servers: ``tls`` as in the settings, a certificate for ``name``, sign-in wanted if ``auth``."""
    with contextlib.ExitStack() as running:

        def serve(tls: str = "none", name: str = "localhost", auth: bool = False) -> Box:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            authority[0].issue_cert(name).configure_cert(context)
            box = Box("127.0.0.1" if tls == "none" else "localhost", 0)

            def check(_server: SMTP, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
                right = isinstance(data, LoginPassword) and data == LoginPassword(USER.encode(), PASSWORD.encode())
                return AuthResult(success=right, handled=right)

            given: dict[str, Any] = {
                "authenticator": check,
                "auth_required": auth,
                "auth_require_tls": tls == "starttls",
            }
            if tls == "starttls":
                given |= {"tls_context": context, "require_starttls": True}
            if tls == "implicit":
                given |= {"ssl_context": context}
            with socket.create_server(("127.0.0.1", 0)) as free:
                box.port = free.getsockname()[1]
            controller = Controller(box, "127.0.0.1", box.port, **given)
            controller.start()
            running.callback(controller.stop, no_assert=True)
            return box

        yield serve


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts connections and never sends anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    """A port without a listener."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Hook(HTTPServer):
    """A web hook: it keeps the JSON it is sent and answers with ``status``."""

    status = 200

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Hook)
        self.server.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A web hook, listening."""
    with Hook() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
