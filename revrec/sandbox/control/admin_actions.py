"""What the admin port changes, one function a path. Each takes the server and a JSON body, and answers JSON.

Raises ValueError, KeyError or TypeError for a body that cannot be used; nothing is changed then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from revrec.sandbox.company.access import Sender
from revrec.sandbox.company.masters import Master
from revrec.sandbox.company.seed import reset
from revrec.sandbox.control import by_hand
from revrec.sandbox.control.views import entries, state

if TYPE_CHECKING:
    from revrec.sandbox.control.admin import AdminServer

Json = dict[str, Any]

COLLECTIONS = {
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


def plain(master: Master) -> Json:
    """A record as the admin port shows it."""
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
        return plain(masters.get(kind, code) or changed)

    return put


ACTIONS: dict[str, Callable[[AdminServer, Json], Json]] = {
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
} | {path: _put_master(kind) for path, kind in COLLECTIONS.items()}
