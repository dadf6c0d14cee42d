"""The actions of the admin port, one function for each path.

Each receives the company, the fault plan and a JSON body, and returns JSON. For an unusable body it raises ValueError,
KeyError or TypeError and changes nothing.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from revrec.sandbox.company.access import Sender
from revrec.sandbox.company.masters import MasterRecord
from revrec.sandbox.company.seed import reset
from revrec.sandbox.company.state import CompanyState
from revrec.sandbox.control import manual_edits
from revrec.sandbox.control.views import entries, state
from revrec.sandbox.faults import FaultPlan

Json = dict[str, Any]
Action = Callable[[CompanyState, FaultPlan, Json], Json]

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
    "/dimensions": "DIMENSION",
    "/dimensionvalues": "DIMENSIONVALUE",
    "/customfields": "CUSTOMFIELD",
}


def record_as_json(master: MasterRecord) -> Json:
    """Return a master record in the form in which the admin port shows it."""
    return {
        "id": master.id,
        "name": master.name,
        "active": master.active,
        "parent": master.parent,
        "details": master.details,
        "recordno": master.recordno,
    }


def _close(company: CompanyState, _faults: FaultPlan, body: Json) -> Json:
    company.periods.close(str(body.get("entity", "")), str(body["month"]))
    return {"closed_through": company.periods.as_dict()}


def _open(company: CompanyState, _faults: FaultPlan, body: Json) -> Json:
    company.periods.open(str(body.get("entity", "")), str(body["month"]))
    return {"closed_through": company.periods.as_dict()}


def _switch(company: CompanyState, _faults: FaultPlan, body: Json) -> Json:
    changes = {body["name"]: body["value"]} if "name" in body else body
    trial = replace(company.switches)
    for name, value in changes.items():
        trial.set(name, value)
    for name, value in changes.items():
        company.switches.set(name, value)
    return {"switches": company.switches.as_dict()}


def _clock(company: CompanyState, _faults: FaultPlan, body: Json) -> Json:
    company.clock.offset_seconds = float(body["offset_seconds"])
    return {"now": company.clock.now().isoformat(timespec="seconds")}


def _fault(_company: CompanyState, faults: FaultPlan, body: Json) -> Json:
    faults.replace(str(body["plan"]), int(body["seed"]) if "seed" in body else None)
    return {"faults": faults.as_list(), "seed": faults.seed}


def _expire(company: CompanyState, _faults: FaultPlan, _body: Json) -> Json:
    company.sessions.clear()
    return {"sessions": 0}


def _forget(company: CompanyState, _faults: FaultPlan, body: Json) -> Json:
    ids = company.control_ids
    if "id" in body:
        ids.forget([str(body["id"])])
    elif "older_than_seconds" in body:
        ids.forget_older(company.clock.now() - timedelta(seconds=float(body["older_than_seconds"])))
    else:
        ids.forget_all()
    return {"control_ids": company.store.value("SELECT count(*) FROM control_id")}


def _edit_entry(company: CompanyState, _faults: FaultPlan, body: Json) -> Json:
    manual_edits.edit(company, int(body["record_no"]), body)
    return entries(company, {"record_no": str(body["record_no"])})


def _delete_entry(company: CompanyState, _faults: FaultPlan, body: Json) -> Json:
    manual_edits.delete(company, int(body["record_no"]))
    return {"deleted": int(body["record_no"])}


def _reverse_entry(company: CompanyState, _faults: FaultPlan, body: Json) -> Json:
    mirror = manual_edits.reverse(company, int(body["record_no"]), date.fromisoformat(body["date"]))
    return entries(company, {"record_no": str(mirror)})


def _reset(company: CompanyState, faults: FaultPlan, _body: Json) -> Json:
    reset(company)
    return state(company, faults)


def _sender(company: CompanyState, _faults: FaultPlan, body: Json) -> Json:
    sender = Sender(str(body["id"]), str(body["password"]), bool(body.get("authorized", True)))
    company.access.add_sender(sender)
    return {"id": sender.id, "authorized": sender.authorized}


def _unlock(company: CompanyState, _faults: FaultPlan, _body: Json) -> Json:
    company.access.unlock()
    return {"locked": company.access.locked()}


def _put_master(kind: str) -> Action:
    def put(company: CompanyState, _faults: FaultPlan, body: Json) -> Json:
        masters, code = company.masters, str(body["id"])
        base = masters.get(kind, code) or MasterRecord(kind, code, code)
        details = body.get("details", base.details)
        if not code or not isinstance(details, dict):
            raise ValueError("id must not be empty, and details must be a JSON object")
        changed = replace(
            base,
            name=str(body.get("name", base.name)),
            active=bool(body.get("active", base.active)),
            parent=str(body.get("parent", base.parent)),
            details=details,
        )
        with company.store.transaction():
            masters.put(changed)
        return record_as_json(masters.get(kind, code) or changed)

    return put


ACTIONS: dict[str, Action] = {
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
