"""Control ids of functions: those remembered because of ``uniqueid=true``, and those being executed now.

An id is recorded in the same transaction as the work of its function, so an entry without its id, or an id without
its entry, cannot exist. Only functions that succeeded are remembered.
"""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from revrec.sandbox.company.store import Store
from revrec.sandbox.company.switches import Switches
from revrec.sandbox.errors import Error, FunctionFailure


class ControlIds:
    """The control ids of one sandbox, keyed by sender (and by company if the switch ``control_id_scope`` says so)."""

    def __init__(self, store: Store, switches: Switches) -> None:
        self._store = store
        self._switches = switches
        self._lock = threading.Lock()
        self._running: dict[tuple[str, str], object] = {}

    def scope(self, sender: str, company_id: str) -> str:
        """Return the part of the key that limits where an id is unique."""
        return f"{sender}|{company_id}" if self._switches.control_id_scope == "company" else sender

    @contextmanager
    def claimed(self, scope: str, control_id: str, request: object) -> Iterator[None]:
        """Hold an id while its function runs.

        ``request`` identifies the request; one request may use the same id for several of its functions.

        Raises:
            FunctionFailure: another request holds the id ("concurrent request in process"), or it is recorded.
        """
        key = (scope, control_id.lower() if self._ignores_case else control_id)
        with self._lock:
            holder = self._running.setdefault(key, request)
        if holder is not request:
            raise FunctionFailure(self._concurrent(control_id))
        try:
            # Look for the id only while holding it. Otherwise the first request could commit between look-up and claim,
            # and a client's repeat would be executed a second time.
            if self.recorded(scope, control_id):
                raise FunctionFailure(self._duplicate(control_id))
            yield
        finally:
            with self._lock:
                self._running.pop(key, None)

    def recorded(self, scope: str, control_id: str) -> bool:
        """Return true if a function with this id has succeeded before."""
        same = "lower(id) = lower(?)" if self._ignores_case else "id = ?"
        sql = f"SELECT 1 FROM control_id WHERE scope = ? AND {same}"  # noqa: S608
        return self._store.value(sql, (scope, control_id)) is not None

    @property
    def _ignores_case(self) -> bool:
        return self._switches.control_id_case == "ignored"

    def record(self, scope: str, control_id: str, function: str, at: datetime) -> None:
        """Remember a success, inside the transaction of the work."""
        sql = "INSERT OR IGNORE INTO control_id VALUES (?, ?, ?, ?)"
        self._store.execute(sql, (scope, control_id, function, at.isoformat()))

    def forget(self, control_ids: Iterable[str]) -> None:
        """Forget these ids in every scope."""
        self._forget("id = ?", [(one,) for one in control_ids])

    def forget_older(self, moment: datetime) -> None:
        """Forget the ids recorded before ``moment``."""
        self._forget("at < ?", [(moment.isoformat(),)])

    def forget_all(self) -> None:
        """Forget all ids."""
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
