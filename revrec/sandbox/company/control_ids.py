"""Function control ids: what `uniqueid=true` remembers, and what is running at this moment.

The memory is written in the transaction of the work itself, so an entry without its id, or an id without its
entry, cannot exist. Only functions that succeeded are remembered.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from revrec.sandbox.company.store import Store
from revrec.sandbox.company.switches import Switches
from revrec.sandbox.errors import Error, Refusal


class ControlIds:
    """The ids of one sandbox, keyed by sender (and by company where the switch says so)."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self._store = store
        self._switches = switches
        self._lock = threading.Lock()
        self._running: dict[tuple[str, str], object] = {}

    def scope(self, sender: str, company: str) -> str:
        """The part of the key beside the id."""
        return f"{sender}|{company}" if self._switches.control_id_scope == "company" else sender

    @contextmanager
    def claimed(self, scope: str, control_id: str, request: object) -> Iterator[None]:
        """Hold the id while its function runs.

        Raises Refusal when another request runs it ("concurrent request in process") or when it is recorded.
        `request` identifies the asking request, which may hold the same id for an earlier function of itself.
        """
        key = (scope, control_id.lower() if self._ignores_case else control_id)
        with self._lock:
            holder = self._running.setdefault(key, request)
        if holder is not request:
            raise Refusal(self._concurrent(control_id))
        try:
            if self.recorded(scope, control_id):
                raise Refusal(self._duplicate(control_id))
            yield
        finally:
            with self._lock:
                self._running.pop(key, None)

    def recorded(self, scope: str, control_id: str) -> bool:
        """Whether a function with this id has succeeded before."""
        same = "lower(id) = lower(?)" if self._ignores_case else "id = ?"
        sql = f"SELECT 1 FROM control_id WHERE scope = ? AND {same}"  # noqa: S608
        return self._store.value(sql, (scope, control_id)) is not None

    @property
    def _ignores_case(self) -> bool:
        return self._switches.control_id_case == "ignored"

    def record(self, scope: str, control_id: str, function: str, at: datetime) -> None:
        """Remember a success, in the transaction of the work."""
        sql = "INSERT OR IGNORE INTO control_id VALUES (?, ?, ?, ?)"
        self._store.execute(sql, (scope, control_id, function, at.isoformat()))

    def forget(self, control_ids: Iterable[str]) -> None:
        """Remember these ids no longer, whatever their scope."""
        self._forget("id = ?", [(one,) for one in control_ids])

    def forget_older(self, moment: datetime) -> None:
        """Remember no ids from before a moment."""
        self._forget("at < ?", [(moment.isoformat(),)])

    def forget_all(self) -> None:
        """Remember no id."""
        self._forget("1", [()])

    def _forget(self, condition: str, values: list[tuple[str, ...]]) -> None:
        with self._store.transaction():
            self._store.executemany(f"DELETE FROM control_id WHERE {condition}", values)  # noqa: S608

    def _duplicate(self, control_id: str) -> Error:
        text = f"A successful transaction has already been recorded with the control id {control_id}"
        return Error(self._switches.duplicate_errorno, description2=text)

    def _concurrent(self, control_id: str) -> Error:
        text = f"There is a concurrent request in process with the control id {control_id}"
        return Error(self._switches.concurrent_errorno, description2=text)
