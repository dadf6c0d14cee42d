"""The transport of the XML gateway: HTTP/1.1 on the loopback, POST on two paths, faults and limits."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from revrec.sandbox.errors import Error
from revrec.sandbox.faults import HEADER, Fault, FaultPlan, FaultPlanError, spoil
from revrec.sandbox.gateway import Gateway, Reply
from revrec.sandbox.request import Echo
from revrec.sandbox.response import ResponseWriter
from revrec.sandbox.switches import Switches

LOGIN_PATH = "/ia/xml/xmlgw.phtml"
SESSION_PATH = "/ia/xml/na12/xmlgw.phtml"
LOOPBACK = "127.0.0.1"
_LARGEST_BODY = 50 * 1024 * 1024
_XML = 'text/xml; encoding="UTF-8"'
_HTML_PAGE = (
    b"<!DOCTYPE html><html><head><meta charset='utf-8'><title>Error</title></head><body>Try later<br></body></html>"
)

LogLine = Callable[[str], None]


class LoopbackServer(ThreadingHTTPServer):
    """An HTTP server on the loopback, one thread a connection."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__((LOOPBACK, port), handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no event; what goes wrong inside a request is logged where it happens."""

    def server_bind(self) -> None:
        """Bind without HTTPServer's look-up of the host's name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]


class GatewayServer(LoopbackServer):
    """The XML gateway's server."""

    def __init__(self, port: int, gateway: Gateway, faults: FaultPlan, log: LogLine) -> None:
        self.gateway = gateway
        self.faults = faults
        self.log = log
        self.limiter = Limiter(gateway.desk.switches)
        self.last_document = b""
        super().__init__(port, GatewayHandler)


class Limiter:
    """Requests at once and in a minute, against the switches."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._lock = threading.Lock()
        self._running = 0
        self._recent: deque[float] = deque()

    def enter(self) -> bool:
        """Whether one more request may run; if so, `leave` must follow."""
        with self._lock:
            now = time.monotonic()
            while self._recent and self._recent[0] < now - 60:
                self._recent.popleft()
            most, minute = self._switches.max_in_flight, self._switches.max_per_minute
            if (most and self._running >= most) or (minute and len(self._recent) >= minute):
                return False
            self._running += 1
            if minute:
                self._recent.append(now)
            return True

    def leave(self) -> None:
        """A request has ended."""
        with self._lock:
            self._running -= 1


class GatewayHandler(BaseHTTPRequestHandler):
    """One connection to the gateway."""

    protocol_version = "HTTP/1.1"
    server_version = "IntacctSandbox"
    timeout = 120
    wbufsize = -1
    disable_nagle_algorithm = True
    server: GatewayServer

    def do_POST(self) -> None:
        """A request to the gateway."""
        path = self.path.partition("?")[0]
        if path not in (LOGIN_PATH, SESSION_PATH):
            self._plain(404, "Not Found")
            return
        body = self._body()
        if body is None:
            return
        if not self.server.limiter.enter():
            self._refuse_rate()
            return
        try:
            self._serve(body, path == SESSION_PATH)
        except FaultPlanError as error:
            self._plain(400, str(error))
        except Exception:
            self.server.log("internal error\n" + traceback.format_exc())
            self._plain(500, "Internal Server Error")
        finally:
            self.server.limiter.leave()

    def _refuse_method(self) -> None:
        known = self.path.partition("?")[0] in (LOGIN_PATH, SESSION_PATH)
        self.close_connection = True
        self._plain(405 if known else 404, "Method Not Allowed" if known else "Not Found", {"Allow": "POST"})

    do_GET = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = do_HEAD = _refuse_method  # noqa: N815

    def _body(self) -> bytes | None:
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal():
            self.close_connection = True
            self._plain(411, "Length Required")
            return None
        if int(length) > _LARGEST_BODY:
            self.close_connection = True
            self._plain(413, "Content Too Large")
            return None
        return self.rfile.read(int(length))

    def _serve(self, body: bytes, at_session_endpoint: bool) -> None:
        fault = self.server.faults.for_request(body, self.headers.get(HEADER))
        if fault is None:
            self._xml(self._answer(body, at_session_endpoint))
        elif fault.kind == "slow":
            self._slow(fault, body, at_session_endpoint)
        elif fault.when == "after":
            self._faulty(fault, self._answer(body, at_session_endpoint))
        elif fault.kind in ("truncated", "garbled", "wrong_control_id"):
            self._faulty(fault, self._answer(body, at_session_endpoint, discard=True))
        else:
            self._faulty(fault, None)

    def _answer(self, body: bytes, at_session_endpoint: bool, discard: bool = False) -> Reply:
        started = time.monotonic()
        reply = self.server.gateway.answer(body, at_session_endpoint, discard)
        took = (time.monotonic() - started) * 1000
        for function, control_id, outcome in reply.summary:
            self.server.log(f"{function} {control_id!r} {outcome} {took:.0f} ms")
        return reply

    def _slow(self, fault: Fault, body: bytes, at_session_endpoint: bool) -> None:
        if fault.when == "before":
            time.sleep(fault.seconds)
        reply = self._answer(body, at_session_endpoint)
        if fault.when == "after":
            time.sleep(fault.seconds)
        self._xml(reply)

    def _faulty(self, fault: Fault, reply: Reply | None) -> None:
        self.server.log(f"fault {fault.kind}@{fault.when}")
        document = reply.document if reply is not None else b""
        if fault.kind in ("drop", "reset"):
            self._hang_up(reset=fault.kind == "reset")
        elif fault.kind == "empty":
            self._send(200, _XML, b"")
        elif fault.kind == "html":
            self._send(200, "text/html", _HTML_PAGE)
        elif fault.kind == "429":
            self._refuse_rate()
        elif fault.kind == "GW-0011":
            self._gateway_error(200, "GW-0011", "Invalid Request [Request ID: AC47C2BE:D9EE_63EBC07F.59]")
        elif fault.kind.isdecimal():
            self._send(int(fault.kind), "text/html", _HTML_PAGE)
        elif fault.kind == "stale":
            self._send(200, _XML, self.server.last_document or document)
        elif fault.kind == "truncated":
            self._truncated(document)
        else:
            self._send(200, _XML, spoil(fault.kind, document))

    def _truncated(self, document: bytes) -> None:
        """Announce the whole document, send a part of it, hang up."""
        self.send_response(200)
        self.send_header("Content-Type", _XML)
        self.send_header("Content-Length", str(len(document)))
        self.end_headers()
        self.wfile.write(spoil("truncated", document))
        self._hang_up()

    def _hang_up(self, reset: bool = False) -> None:
        self.close_connection = True
        if reset:
            # A zero linger time makes close send RST instead of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _xml(self, reply: Reply) -> None:
        self.server.last_document = reply.document
        self._send(reply.status, _XML, reply.document)

    def _refuse_rate(self) -> None:
        retry_after = self.server.gateway.desk.switches.retry_after
        headers = {"Retry-After": str(retry_after)} if retry_after else {}
        self._gateway_error(429, "GW-0010", "Too many requests", headers)

    def _gateway_error(self, status: int, errorno: str, text: str, headers: dict[str, str] | None = None) -> None:
        document = ResponseWriter(Echo(), "").control_failure((Error(errorno, description=text),), echo=False)
        self.server.log(f"gateway {errorno} {status}")
        self._send(status, _XML, document, headers)

    def _plain(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        self.server.log(f"http {self.command} {status}")
        self._send(status, "text/plain", text.encode(), headers)

    def _send(self, status: int, kind: str, content: bytes, headers: dict[str, str] | None = None) -> None:
        zipped = bool(content) and "gzip" in self.headers.get("Accept-Encoding", "")
        payload = gzip.compress(content, 1) if zipped else content
        self.send_response(status, None if status != 524 else "A timeout occurred")
        self.send_header("Content-Type", kind)
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(payload)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(payload)

    def version_string(self) -> str:
        """The Server header."""
        return self.server_version

    def log_message(self, format: str, *args: object) -> None:
        """The library's own log lines hold paths only a client chooses; ours are written elsewhere."""
