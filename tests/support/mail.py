"""Mail servers of every kind and a web hook, on the loopback."""

import json
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, Protocol

USER, PASSWORD = "robot", "p455<word>%41 4711"


@dataclass
class MailServer:
    """A running mail server, and the mails that it accepted."""

    host: str
    port: int
    envelopes: list[Any] = field(default_factory=list)
    refuse: str = ""
    """The reply to each mail, if the server does not accept it."""

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(one.content, policy=default) for one in self.envelopes]

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.refuse:
            return self.refuse
        self.envelopes.append(envelope)
        return "250 taken"


class ServeMail(Protocol):
    """The fixture ``mail_server``: starts mail servers."""

    def __call__(self, tls: str = "none", name: str = "localhost", auth: bool = False) -> MailServer:
        """Start one: ``tls`` as in the settings, with a certificate for ``name``; it wants a sign-in if ``auth``."""


class WebHook(HTTPServer):
    """A web hook: it keeps the JSON it is sent and answers with ``status``."""

    status = 200

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, WebHook)
        self.server.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass
