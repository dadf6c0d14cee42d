"""The admin port: looking into the sandbox and changing it from outside. Never reachable through the XML gateway.

GET  /  /state  /entries  /balances
POST /periods/close  /periods/open  /switch  /clock  /fault  /sessions/expire  /control_ids/forget  /reset
     /senders  /users/unlock  /entries/edit  /entries/delete  /entries/reverse
     /accounts /journals /locations /departments /customers /vendors /employees /items /classes /projects ...
Bodies and answers are JSON. POST needs Content-Type application/json, so that no web page can send one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from revrec.sandbox import by_hand
from revrec.sandbox.access import Sender
from revrec.sandbox.calls import Desk
from revrec.sandbox.faults import FaultPlan
from revrec.sandbox.http import LoopbackServer
from revrec.sandbox.masters import Master
from revrec.sandbox.seeding import reset
from revrec.sandbox.views import balances, entries, page, state

_COLLECTIONS = {
    "/accounts": "GLACCOUNT",
    "/journals": "JOURNAL",
    "/locations": "LOCATION",
    "/departments": "DEPARTMENT",
    "/customers": "CUSTOMER",
    "/vendors": "VENDOR",
    "/employees": "EMPLOYEE",
    "/items": "ITEM",
    "/classes": "CLASS",
    "/projects": "PROJECT",
    "/tasks": "TASK",
    "/costtypes": "COSTTYPE",
    "/contracts": "CONTRACT",
    "/warehouses": "WAREHOUSE",
    "/terms": "ARTERM",
    "/itemglgroups": "ITEMGLGROUP",
    "/definitions": "SODOCUMENTPARAMS",
}
_LARGEST_BODY = 1_000_000
_LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")

Json = dict[str, Any]


class AdminServer(LoopbackServer):
    """The admin port's server."""

    def __init__(self, desk: Desk, faults: FaultPlan, port: int = 0) -> None:
        self.desk = desk
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
        """A view."""
        if not self._is_local():
            return
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        desk, faults = self.server.desk, self.server.faults
        if url.path == "/":
            self._send(200, "text/html; charset=utf-8", page(desk).encode())
        elif url.path == "/state":
            self._json(200, state(desk, faults))
        elif url.path == "/entries":
            self._json(200, entries(desk, query))
        elif url.path == "/balances":
            self._json(200, {"balances": balances(desk)})
        elif url.path in _COLLECTIONS:
            self._json(200, {"records": [_plain(item) for item in desk.masters.all(_COLLECTIONS[url.path])]})
        else:
            self._json(404, {"error": f"there is no {url.path}"})

    def do_POST(self) -> None:
        """A change."""
        if not self._is_local():
            return
        action = _ACTIONS.get(self.path)
        if action is None:
            self._drain()
            self._json(404, {"error": f"there is no {self.path}"})
            return
        if not self.headers.get("Content-Type", "").startswith("application/json"):
            self._drain()
            self._json(415, {"error": "send Content-Type: application/json"})
            return
        try:
            self._json(200, action(self.server, self._body()))
        except (ValueError, KeyError, TypeError) as error:
            self._json(400, {"error": str(error)})

    def _is_local(self) -> bool:
        host = self.headers.get("Host", "").rpartition(":")[0]
        if host in _LOCAL_HOSTS:
            return True
        self.close_connection = True
        self._json(403, {"error": "the admin port answers to loopback names only"})
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
        """The Server header."""
        return self.server_version

    def log_message(self, format: str, *args: object) -> None:
        """The admin port keeps no log."""


def _plain(master: Master) -> Json:
    return {
        "id": master.id,
        "name": master.name,
        "active": master.active,
        "parent": master.parent,
        "details": master.details,
        "recordno": master.recordno,
    }


def _close(server: AdminServer, body: Json) -> Json:
    server.desk.periods.close(str(body.get("entity", "")), str(body["month"]))
    return {"closed_through": server.desk.periods.as_dict()}


def _open(server: AdminServer, body: Json) -> Json:
    server.desk.periods.open(str(body.get("entity", "")), str(body["month"]))
    return {"closed_through": server.desk.periods.as_dict()}


def _switch(server: AdminServer, body: Json) -> Json:
    changes = {body["name"]: body["value"]} if "name" in body else body
    trial = replace(server.desk.switches)
    for name, value in changes.items():
        trial.set(name, value)
    for name, value in changes.items():
        server.desk.switches.set(name, value)
    return {"switches": server.desk.switches.as_dict()}


def _clock(server: AdminServer, body: Json) -> Json:
    server.desk.clock.offset_seconds = float(body["offset_seconds"])
    return {"now": server.desk.clock.now().isoformat(timespec="seconds")}


def _fault(server: AdminServer, body: Json) -> Json:
    server.faults.replace(str(body["plan"]), int(body["seed"]) if "seed" in body else None)
    return {"faults": server.faults.as_list(), "seed": server.faults.seed}


def _expire(server: AdminServer, _body: Json) -> Json:
    server.desk.sessions.clear()
    return {"sessions": 0}


def _forget(server: AdminServer, body: Json) -> Json:
    ids, desk = server.desk.control_ids, server.desk
    if "id" in body:
        ids.forget([str(body["id"])])
    elif "older_than_seconds" in body:
        ids.forget_older(desk.clock.now() - timedelta(seconds=float(body["older_than_seconds"])))
    else:
        ids.forget_all()
    return {"control_ids": desk.store.value("SELECT count(*) FROM control_id")}


def _edit_entry(server: AdminServer, body: Json) -> Json:
    by_hand.edit(server.desk, int(body["record_no"]), body)
    return entries(server.desk, {"record_no": str(body["record_no"])})


def _delete_entry(server: AdminServer, body: Json) -> Json:
    by_hand.delete(server.desk, int(body["record_no"]))
    return {"deleted": int(body["record_no"])}


def _reverse_entry(server: AdminServer, body: Json) -> Json:
    mirror = by_hand.reverse(server.desk, int(body["record_no"]), date.fromisoformat(body["date"]))
    return entries(server.desk, {"record_no": str(mirror)})


def _reset(server: AdminServer, _body: Json) -> Json:
    reset(server.desk)
    return state(server.desk, server.faults)


def _sender(server: AdminServer, body: Json) -> Json:
    sender = Sender(str(body["id"]), str(body["password"]), bool(body.get("authorized", True)))
    server.desk.access.add_sender(sender)
    return {"id": sender.id, "authorized": sender.authorized}


def _unlock(server: AdminServer, _body: Json) -> Json:
    server.desk.access.unlock()
    return {"locked": server.desk.access.locked()}


def _put_master(kind: str) -> Callable[[AdminServer, Json], Json]:
    def put(server: AdminServer, body: Json) -> Json:
        masters, code = server.desk.masters, str(body["id"])
        base = masters.get(kind, code) or Master(kind, code, code)
        details = body.get("details", base.details)
        if not code or not isinstance(details, dict):
            raise ValueError("id must not be empty; details must be an object")
        changed = replace(
            base,
            name=str(body.get("name", base.name)),
            active=bool(body.get("active", base.active)),
            parent=str(body.get("parent", base.parent)),
            details=details,
        )
        with server.desk.store.transaction():
            masters.put(changed)
        return _plain(masters.get(kind, code) or changed)

    return put


_ACTIONS: dict[str, Callable[[AdminServer, Json], Json]] = {
    "/periods/close": _close,
    "/periods/open": _open,
    "/switch": _switch,
    "/clock": _clock,
    "/fault": _fault,
    "/sessions/expire": _expire,
    "/control_ids/forget": _forget,
    "/entries/edit": _edit_entry,
    "/entries/delete": _delete_entry,
    "/entries/reverse": _reverse_entry,
    "/reset": _reset,
    "/senders": _sender,
    "/users/unlock": _unlock,
} | {path: _put_master(kind) for path, kind in _COLLECTIONS.items()}
