"""A gateway written by hand that answers as a test says, and values to send to it."""

import gzip
import http.server
import re
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from xml.sax.saxutils import escape

from lxml import etree

from revrec.core.journal import JournalEntry, JournalLine
from revrec.intacct.gateway import POSTED_STATE, FoundEntry

SENDER_PASSWORD = "sender<&'secret\"ü"
USER_PASSWORD = "user-pass]]>word"
SESSION_ID = "SESSION-4711-secret"


@dataclass
class Say:
    """An answer of the stub. ``fault``: drop (no answer), cut (half the body), hang, drip (a byte at a time), close
    (a whole answer, then the connection is closed unannounced)."""

    body: str = ""
    """Sent as UTF-8."""
    status: int = 200
    content_type: str = 'text/xml; encoding="UTF-8"'
    headers: dict[str, str] = field(default_factory=dict)
    fault: str = ""
    raw: bytes = b""
    """Sent instead of ``body``, where it is no text."""


Script = Say | Callable[[str], Say]


class StubGateway:
    """A gateway on the loopback that answers sign-ins by itself, unless scripted, and other requests by its script.

    The answers of a script are used in order; the last one repeats.
    """

    def __init__(self) -> None:
        self.requests: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        self.script: list[Script] = []
        self.sign_ins: list[Script] = []
        self.life = timedelta(hours=2)
        self.skew = timedelta(0)
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        stub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                stub.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                stub.requests.append(body)
                stub.headers.append(dict(self.headers))
                stub._answer(self, body)

            def log_message(self, *args: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/ia/xml/xmlgw.phtml"
        self.session_endpoint = self.url + "?session"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def times(self) -> str:
        now = self.now() + self.skew
        ends = now + self.life
        return (
            f"<sessiontimestamp>{now.isoformat()}</sessiontimestamp><sessiontimeout>{ends.isoformat()}</sessiontimeout>"
        )

    def signed_in(self, request: str) -> Say:
        endpoint = escape(self.session_endpoint)
        data = f"<data><api><sessionid>{SESSION_ID}</sessionid><endpoint>{endpoint}</endpoint></api></data>"
        return Say(answer(control_id_in(request), result(control_id_in(request), data=data), times=self.times()))

    def _answer(self, handler: http.server.BaseHTTPRequestHandler, request: str) -> None:
        sign_in = "<getAPISession/>" in request
        queue = self.sign_ins if sign_in else self.script
        scripted = (queue.pop(0) if len(queue) > 1 else queue[0]) if queue else self.signed_in
        said = scripted if isinstance(scripted, Say) else scripted(request)
        with suppress(OSError):
            _write(handler, said)

    @property
    def postings(self) -> list[str]:
        """Return the requests that carry a GLBATCH."""
        return [request for request in self.requests if "<GLBATCH>" in request]


def _write(handler: http.server.BaseHTTPRequestHandler, said: Say) -> None:
    body = said.raw or said.body.encode()
    if said.fault == "drop":
        handler.close_connection = True
        handler.connection.close()
        return
    if said.fault == "hang":
        time.sleep(3)
        return
    handler.send_response(said.status)
    handler.send_header("Content-Type", said.content_type)
    handler.send_header("Content-Length", str(len(body)))
    for name, value in said.headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    if said.fault == "cut":
        handler.wfile.write(body[: len(body) // 2])
        handler.close_connection = True
    elif said.fault == "drip":
        for byte in body:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(0.05)
    else:
        handler.wfile.write(body)
        handler.close_connection = handler.close_connection or said.fault == "close"


def control_id_in(request: str) -> str:
    """Return the control id of a request's first function."""
    match = re.search(r'<function controlid="([^"]*)"', request)
    assert match
    return match[1]


def find(document: str, path: str) -> etree._Element:
    """Return the first element of a document at a path, which must exist."""
    found = etree.fromstring(document.encode()).find(path)
    assert found is not None, path
    return found


def answer(control_id: str, results: str, times: str = "") -> str:
    """Return an answer in which control and authentication succeed."""
    return (
        "<?xml version='1.0' encoding='UTF-8'?><response><control><status>success</status><senderid>acme</senderid>"
        f"<controlid>{control_id}</controlid><uniqueid>true</uniqueid></control><operation><authentication>"
        f"<status>success</status><userid>u</userid><companyid>c</companyid><locationid></locationid>{times}"
        f"</authentication>{results}</operation></response>"
    )


def result(control_id: str, status: str = "success", data: str = "", errors: str = "") -> str:
    """Return the result of one function."""
    return (
        f"<result><status>{status}</status><function>create</function><controlid>{control_id}</controlid>"
        f"{data}{errors}</result>"
    )


def error(errorno: str, description: str = "", description2: str = "", correction: str = "", errorid: str = "") -> str:
    """Return an errormessage with one error."""
    more = f"<additionalinfo><errorid>{errorid}</errorid></additionalinfo>" if errorid else ""
    return (
        f"<errormessage><error><errorno>{errorno}</errorno><description>{description}</description>"
        f"<description2>{description2}</description2><correction>{correction}</correction>{more}</error></errormessage>"
    )


def created(record_no: str = "6680") -> str:
    """Return the data of a successful create."""
    return f'<data listtype="objects" count="1"><glbatch><RECORDNO>{record_no}</RECORDNO></glbatch></data>'


def posted(request: str) -> Say:
    """Accept a posting."""
    control_id = control_id_in(request)
    return Say(answer(control_id, result(control_id, data=created())))


def refused(errors: str, status: str = "failure", data: str = "") -> Callable[[str], Say]:
    """Refuse a posting with errors."""

    def say(request: str) -> Say:
        control_id = control_id_in(request)
        return Say(answer(control_id, result(control_id, status, data, errors)))

    return say


def authentication_failure(errors: str, user: str = "u") -> Callable[[str], Say]:
    """Refuse at the authentication level."""

    def say(request: str) -> Say:
        return Say(
            f"<response><control><status>success</status><controlid>{control_id_in(request)}</controlid></control>"
            f"<operation><authentication><status>failure</status><userid>{user}</userid></authentication>{errors}"
            "</operation></response>"
        )

    return say


def control_failure(errors: str, control_id: str = "") -> str:
    """Return an answer that fails at the control level."""
    return (
        f"<response><control><status>failure</status><controlid>{control_id}</controlid></control>{errors}</response>"
    )


def invalid_session(request: str) -> Say:
    """Answer as Intacct does to a session that has ended: it quotes the beginning of the id."""
    errors = error("XL03000006", "", f"Invalid session {SESSION_ID[:6]}....")
    return authentication_failure(errors, user="")(request)


def posted_heads(record_nos: Iterable[str]) -> list[FoundEntry]:
    """Return the heads of entries with these record numbers, all posted, as a fake gateway shows them."""
    return [FoundEntry(one, "1", "RR", None, "", "", POSTED_STATE, "") for one in record_nos]


def journal_line(number: int = 1, **changes: object) -> JournalLine:
    """Return one side of 12.50 USD; odd numbers are debits."""
    side, account = ("debit", "2400") if number % 2 else ("credit", "4000")
    line = JournalLine(
        number, side, account, 1250, "USD", "shop/INV-1042/1", 1, 1, 1, "INV-1042", "Ocean freight 1/12", "C1007",
        "FRT-OCEAN", {"location": "E100", "department": "OPS"},
    )  # fmt: skip
    return line._replace(**changes)  # type: ignore[arg-type]


def journal_entry(*lines: JournalLine, **changes: object) -> JournalEntry:
    """Return a balanced entry, by default of two lines."""
    entry = JournalEntry(
        "RRABCDEFGH23456789", "revrec:acme:d1:rrabcdefgh23456789", date(2025, 3, 1), "RR", "E100", "USD",
        "Rev rec 2025-03-01 E100", lines or (journal_line(1), journal_line(2)),
    )  # fmt: skip
    return entry._replace(**changes)  # type: ignore[arg-type]


def gzipped(text: str) -> bytes:
    """Return text as a gzip body."""
    return gzip.compress(text.encode())
