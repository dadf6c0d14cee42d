"""The admin port, which inspects and changes the sandbox from outside. The XML gateway cannot reach it.

GET  /  /state  /entries  /balances
POST /periods/close  /periods/open  /switch  /clock  /fault  /sessions/expire  /control_ids/forget  /reset
     /senders  /users/unlock  /entries/edit  /entries/delete  /entries/reverse
     /accounts /journals /locations /departments /customers /vendors /employees /items /classes /projects ...

Bodies and answers are JSON. POST needs Content-Type application/json, which web pages cannot send to another site
without its permission.
"""

import json
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from revrec.sandbox.company.state import CompanyState
from revrec.sandbox.control.admin_actions import ACTIONS, COLLECTIONS, Json, record_as_json
from revrec.sandbox.control.views import balances, entries, html_page, state
from revrec.sandbox.faults import FaultPlan
from revrec.sandbox.protocol.http import LoopbackServer

_LARGEST_BODY = 1_000_000
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")


class AdminServer(LoopbackServer):
    """The server of the admin port."""

    def __init__(self, company: CompanyState, faults: FaultPlan, port: int = 0) -> None:
        self.company = company
        self.faults = faults
        super().__init__(port, AdminHandler)


class AdminHandler(BaseHTTPRequestHandler):
    """One connection to the admin port."""

    protocol_version = "HTTP/1.1"
    server_version = "IntacctSandboxAdmin"
    timeout = 60
    wbufsize = -1
    disable_nagle_algorithm = True
    server: AdminServer

    def do_GET(self) -> None:
        """Answer with a view."""
        if not self._is_local():
            return
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        company, faults = self.server.company, self.server.faults
        if url.path == "/":
            self._send(200, "text/html; charset=utf-8", html_page(company).encode())
        elif url.path == "/state":
            self._json(200, state(company, faults))
        elif url.path == "/entries":
            self._json(200, entries(company, query))
        elif url.path == "/balances":
            self._json(200, {"balances": balances(company)})
        elif url.path in COLLECTIONS:
            self._json(200, {"records": [record_as_json(item) for item in company.masters.all(COLLECTIONS[url.path])]})
        else:
            self._json(404, {"error": f"there is no {url.path}"})

    def do_POST(self) -> None:
        """Run an action."""
        if not self._is_local():
            return
        action = ACTIONS.get(self.path)
        if action is None:
            self._drain()
            self._json(404, {"error": f"there is no {self.path}"})
            return
        if not self.headers.get("Content-Type", "").startswith("application/json"):
            self._drain()
            self._json(415, {"error": "send Content-Type: application/json"})
            return
        try:
            self._json(200, action(self.server.company, self.server.faults, self._body()))
        except (ValueError, KeyError, TypeError) as error:
            self._json(400, {"error": str(error)})

    def _is_local(self) -> bool:
        # A web page can resolve its own host name to 127.0.0.1 (DNS rebinding), so only loopback names are answered.
        host = self.headers.get("Host", "").rpartition(":")[0]
        if host in _LOCAL_HOSTS:
            return True
        self.close_connection = True
        self._json(403, {"error": "the admin port accepts loopback host names only"})
        return False

    def _drain(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            self.close_connection = True
            return b""
        return self.rfile.read(int(length))

    def _body(self) -> Json:
        body = json.loads(self._drain() or b"{}")
        if not isinstance(body, dict):
            raise ValueError("the body must be a JSON object")
        return body

    def _json(self, status: int, content: Json) -> None:
        self._send(status, "application/json", json.dumps(content).encode())

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(content)

    def version_string(self) -> str:
        """Return the Server header."""
        return self.server_version

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: requests to the admin port are not part of the access log."""
