"""Master data of the company: accounts, journals, dimensions. Cached in memory, kept in the store."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from revrec.sandbox.company.store import Store

KINDS = (
    "GLACCOUNT",
    "JOURNAL",
    "LOCATION",
    "DEPARTMENT",
    "CUSTOMER",
    "VENDOR",
    "EMPLOYEE",
    "ITEM",
    "CLASS",
    "PROJECT",
    "TASK",
    "COSTTYPE",
    "CONTRACT",
    "WAREHOUSE",
    "ARTERM",
    "ITEMGLGROUP",
    "SODOCUMENTPARAMS",
)


@dataclass(frozen=True, slots=True)
class Master:
    """One master record. `parent` of a location is the entity it belongs to (empty: it is an entity).

    details of a GLACCOUNT: `requires` (kinds that each line must carry), `only` (kind to the ids allowed); of a
    CUSTOMER: `term`; of an ARTERM: `days`; of an ITEM: `unit`, `glgroup`, `price`, `account`; of a SODOCUMENTPARAMS:
    see orders/definitions.py.
    """

    kind: str
    id: str
    name: str
    active: bool = True
    parent: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    recordno: int = 0


class Masters:
    """Every master record by kind and id; ids are case-sensitive."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, dict[str, Master]] = {}
        self.reload()

    def reload(self) -> None:
        """Read everything again from the store."""
        known: dict[str, dict[str, Master]] = {kind: {} for kind in KINDS}
        sql = "SELECT kind, id, name, active, parent, details, recordno FROM master"
        for kind, code, name, active, parent, details, recordno in self._store.rows(sql):
            known[kind][code] = Master(kind, code, name, bool(active), parent, json.loads(details), recordno)
        self._known = known

    def get(self, kind: str, code: str) -> Master | None:
        """The record, active or not; None when there is no such id."""
        return self._known[kind].get(code)

    def active(self, kind: str, code: str) -> Master | None:
        """The record if it exists and is active."""
        found = self._known[kind].get(code)
        return found if found is not None and found.active else None

    def all(self, kind: str) -> list[Master]:
        """All records of a kind, by id."""
        return [self._known[kind][code] for code in sorted(self._known[kind])]

    def put(self, master: Master) -> int:
        """Add or replace a record, in the transaction of the caller; its RECORDNO."""
        known = self.get(master.kind, master.id)
        recordno = known.recordno if known else self._store.next("master_recordno")
        details = json.dumps(master.details, sort_keys=True)
        self._store.execute(
            "INSERT OR REPLACE INTO master (kind, id, recordno, name, active, parent, details) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (master.kind, master.id, recordno, master.name, int(master.active), master.parent, details),
        )
        self._store.after_commit(lambda: self._remember(master, recordno))
        return recordno

    def _remember(self, master: Master, recordno: int) -> None:
        self._known[master.kind][master.id] = Master(
            master.kind, master.id, master.name, master.active, master.parent, master.details, recordno
        )

    def entity_of(self, location: str) -> str:
        """The entity a location belongs to; empty for no location (the top level)."""
        found = self.get("LOCATION", location)
        return location if found is None else found.parent or location

    def is_entity(self, location: str) -> bool:
        """Whether a location is an active entity, so that one may sign in to it."""
        found = self.active("LOCATION", location)
        return found is not None and not found.parent
