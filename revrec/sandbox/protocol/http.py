"""The HTTP transport of the gateway: HTTP/1.1 on the loopback, POST on two paths, faults and rate limits."""

import gzip
import re
import socket
import struct
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer

from revrec.sandbox.company.switches import Switches
from revrec.sandbox.errors import Error
from revrec.sandbox.faults import HEADER, FaultPlan, FaultPlanError
from revrec.sandbox.protocol.exchange import XML, Exchange
from revrec.sandbox.protocol.gateway import Entrance, Gateway
from revrec.sandbox.protocol.request import ControlEcho
from revrec.sandbox.protocol.response import ResponseWriter

LOGIN_PATH = "/ia/xml/xmlgw.phtml"
SESSION_PATH = "/ia/xml/na12/xmlgw.phtml"
LOOPBACK = "127.0.0.1"
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?", re.ASCII)
_LARGEST_BODY = 50 * 1024 * 1024

LogLine = Callable[[str], None]


class LoopbackServer(ThreadingHTTPServer):
    """An HTTP server on the loopback, with one thread for each connection."""

    daemon_threads = True
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, port: int, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__((LOOPBACK, port), handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that hang up; errors inside a request are logged where they happen."""

    def server_bind(self) -> None:
        """Bind without HTTPServer's lookup of the host name, which can take seconds."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]


class GatewayServer(LoopbackServer):
    """The server of the XML gateway. ``public_url``: scheme and host of a proxy in front of it, which answers name."""

    def __init__(self, port: int, gateway: Gateway, faults: FaultPlan, log: LogLine, public_url: str = "") -> None:
        self.gateway = gateway
        self.public_url = public_url
        self.faults = faults
        self.log = log
        self.limiter = RateLimiter(gateway.company.switches)
        self.last_document = b""
        super().__init__(port, GatewayHandler)


class RateLimiter:
    """Limits on concurrent requests and on requests in a minute, from the switches."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches
        self._lock = threading.Lock()
        self._running = 0
        self._recent: deque[float] = deque()

    def enter(self) -> bool:
        """Return true if one more request may run; the caller must then call ``leave``."""
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
        """Count a request as ended."""
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
        """Handle a request to the gateway."""
        path = self.path.partition("?")[0]
        if path not in (LOGIN_PATH, SESSION_PATH):
            self._plain(404, "Not Found")
            return
        body = self._body()
        if body is None:
            return
        if not self.server.limiter.enter():
            self.answer_too_many_requests()
            return
        try:
            self._serve(body, Entrance(path == SESSION_PATH, self._session_url()))
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

    def _session_url(self) -> str:
        """Return the endpoint for sessions at the host that the client asked."""
        host = self.headers.get("Host", "")
        asked = f"http://{host}" if _HOST.fullmatch(host) else f"http://{LOOPBACK}:{self.server.server_port}"
        return f"{self.server.public_url or asked}{SESSION_PATH}"

    def _serve(self, body: bytes, entrance: Entrance) -> None:
        faults = self.server.faults.for_request(body, self.headers.get(HEADER))
        Exchange(self.server.gateway, self, body, entrance, self.server.log).run(faults)

    @property
    def last_document(self) -> bytes:
        """The answer to the previous request on any connection."""
        return self.server.last_document

    @last_document.setter
    def last_document(self, document: bytes) -> None:
        self.server.last_document = document

    def send_in_pieces(self, content: bytes, announced: int, pieces: int, pause: float) -> None:
        """Announce ``announced`` bytes and send ``content`` in pieces, with a pause after each."""
        self.send_response(200)
        self.send_header("Content-Type", XML)
        self.send_header("Content-Length", str(announced))
        self.end_headers()
        size = max(1, -(-len(content) // pieces))
        for start in range(0, len(content), size):
            self.wfile.write(content[start : start + size])
            self.wfile.flush()
            time.sleep(pause)

    def hang_up(self, reset: bool = False) -> None:
        """Close the connection after this request; with ``reset``, send a TCP RST."""
        self.close_connection = True
        if reset:
            # With a linger time of zero, close sends RST instead of FIN.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def answer_too_many_requests(self) -> None:
        """Answer HTTP 429 with GW-0010, and Retry-After if the switch sets it."""
        retry_after = self.server.gateway.company.switches.retry_after
        self.gateway_error(
            429, "GW-0010", "Too many requests", {"Retry-After": str(retry_after)} if retry_after else {}
        )

    def gateway_error(self, status: int, errorno: str, text: str, headers: dict[str, str] | None = None) -> None:
        """Answer with an error of the gateway itself, before it reads the request."""
        document = ResponseWriter(ControlEcho(), "").control_failure((Error(errorno, description=text),), echo=False)
        self.server.log(f"gateway {errorno} {status}")
        self.send(status, XML, document, headers)

    def _plain(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        self.server.log(f"http {self.command} {status}")
        self.send(status, "text/plain", text.encode(), headers)

    def send(self, status: int, kind: str, content: bytes, headers: dict[str, str] | None = None) -> None:
        """Send a whole answer, compressed with gzip if the client accepts that."""
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
        """Return the Server header."""
        return self.server_version

    def log_message(self, format: str, *args: object) -> None:
        """Drop the library's log lines, which contain only text chosen by the client; see ``log`` for ours."""
