"""Master records of the company (accounts, journals, dimensions), stored in the data file and cached in memory."""

import json
from dataclasses import dataclass, field
from typing import Any

from revrec.sandbox.company.profile import BASE_CURRENCY
from revrec.sandbox.company.sessions import Clock
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
    "DIMENSION",
    "DIMENSIONVALUE",
    "CUSTOMFIELD",
)
"""The kinds of records that the admin port and the user's own company can add."""

SUPDOC, SUPDOCFOLDER = "SUPDOC", "SUPDOCFOLDER"
"""Attachments and their folders, which only the functions of the gateway write."""


@dataclass(frozen=True, slots=True)
class MasterRecord:
    """One master record. ``parent`` of a location is its entity; a location with an empty ``parent`` is an entity.
    ``details`` of an entity: ``currency``, its base currency if it is not the company's.

    ``details`` of a GLACCOUNT: ``requires`` (dimensions that each line must have) and ``only`` (the allowed ids by
    dimension); of a JOURNAL: ``book`` and ``adjustment``; of a CUSTOMER: ``term``; of an ARTERM: ``days``; of an
    ITEM: ``type``, ``unit``, ``glgroup``, ``price`` and ``account``; of a SODOCUMENTPARAMS: see
    ``orders/definitions.py``. A DIMENSION is one that the company has defined, and the ``parent`` of its values. An
    inactive one is not enabled in the general ledger. The ``parent`` of a CUSTOMFIELD is GLBATCH or GLENTRY, its id
    is the parent and its name, such as GLENTRY.SHIPMENT_ID, and its ``details`` may have ``required``. ``parent``
    of a SUPDOC is its folder; its ``details`` are ``description``, ``created``, ``created_by`` and ``files`` (name,
    type, data).
    """

    kind: str
    id: str
    name: str
    active: bool = True
    parent: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    recordno: int = 0


class MasterRecords:
    """All master records by kind and id. Ids are case-sensitive."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: dict[str, dict[str, MasterRecord]] = {}
        self.complete: frozenset[str] = frozenset()
        """The kinds that the user's own records cover: ids of these kinds are never created on demand."""
        self.reload()

    def reload(self) -> None:
        """Read all records from the store again."""
        known: dict[str, dict[str, MasterRecord]] = {kind: {} for kind in (*KINDS, SUPDOC, SUPDOCFOLDER)}
        sql = "SELECT kind, id, name, active, parent, details, recordno FROM master"
        for kind, code, name, active, parent, details, recordno in self._store.rows(sql):
            known[kind][code] = MasterRecord(kind, code, name, bool(active), parent, json.loads(details), recordno)
        self._known = known

    def get(self, kind: str, code: str) -> MasterRecord | None:
        """Return the record, active or not, or None when the id does not exist."""
        return self._known[kind].get(code)

    def active(self, kind: str, code: str) -> MasterRecord | None:
        """Return the record if it exists and is active, else None."""
        found = self._known[kind].get(code)
        return found if found is not None and found.active else None

    def all(self, kind: str) -> list[MasterRecord]:
        """Return all records of a kind, ordered by id."""
        return [self._known[kind][code] for code in sorted(self._known[kind])]

    def put(self, master: MasterRecord) -> int:
        """Add or replace a record inside the caller's transaction, and return its RECORDNO."""
        known = self.get(master.kind, master.id)
        recordno = known.recordno if known else self._store.next("master_recordno")
        details = json.dumps(master.details, sort_keys=True)
        now = self._clock.now().isoformat(timespec="seconds")
        self._store.execute(
            "INSERT INTO master (kind, id, recordno, name, active, parent, details, created, modified) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (kind, id) DO UPDATE SET name = excluded.name, "
            "active = excluded.active, parent = excluded.parent, details = excluded.details, "
            "modified = excluded.modified",
            (master.kind, master.id, recordno, master.name, int(master.active), master.parent, details, now, now),
        )
        self._store.after_commit(lambda: self._remember(master, recordno))
        return recordno

    def drop(self, master: MasterRecord) -> None:
        """Remove a record inside the caller's transaction."""
        self._store.execute("DELETE FROM master WHERE kind = ? AND id = ?", (master.kind, master.id))
        self._store.after_commit(lambda: self._forget(master))

    def _forget(self, master: MasterRecord) -> None:
        self._known[master.kind].pop(master.id)

    def _remember(self, master: MasterRecord, recordno: int) -> None:
        self._known[master.kind][master.id] = MasterRecord(
            master.kind, master.id, master.name, master.active, master.parent, master.details, recordno
        )

    def entity_of(self, location: str) -> str:
        """Return the entity of a location, or "" (the top level) for no location."""
        found = self.get("LOCATION", location)
        return location if found is None else found.parent or location

    def base_currency(self, entity: str) -> str:
        """Return the base currency of an entity: its own, or the company's."""
        found = self.get("LOCATION", entity)
        own = found.details.get("currency") if found else None
        return str(own or BASE_CURRENCY)

    def base_currencies(self) -> set[str]:
        """Return the base currencies of the company and of its entities."""
        return {BASE_CURRENCY, *(self.base_currency(one.id) for one in self.all("LOCATION") if not one.parent)}

    def is_entity(self, location: str) -> bool:
        """Return true if the location is an active entity, so that users can sign in to it."""
        found = self.active("LOCATION", location)
        return found is not None and not found.parent
