"""Runs the functions of an operation: control ids, transactions, rollback, one result per function."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace

from revrec.sandbox.calls import Call, Function, Identity, Outcome
from revrec.sandbox.company.state import Desk
from revrec.sandbox.errors import ROLLED_BACK, Error, Refusal, business, read_fault
from revrec.sandbox.functions import FUNCTIONS
from revrec.sandbox.protocol.request import FunctionCall, Request
from revrec.sandbox.protocol.response import Result


class _Discarded(Exception):
    """Undoes the work of a function whose answer is to be a lie (a fault before commit)."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Functions of this name (any, if it is empty) are to fail with this error: a fault on purpose."""

    function: str
    error: Error

    def means(self, function: str) -> bool:
        """Whether a function of this name is to fail."""
        return self.function in ("", function)


class Operation:
    """One operation of one request, for an authenticated caller."""

    def __init__(
        self, desk: Desk, request: Request, who: Identity, discard: bool = False, refuse: Refuse | None = None
    ) -> None:
        self._desk = desk
        self._request = request
        self._who = who
        self._discard = discard
        self._refuse = refuse
        self._scope = desk.control_ids.scope(who.sender, who.company)

    def run(self) -> list[Result]:
        """Results in the order of the functions."""
        if self._request.transaction:
            return self._as_one_transaction()
        return [self._independent(call) for call in self._request.calls]

    def _independent(self, call: FunctionCall) -> Result:
        try:
            return _succeeded(call, self._execute(call))
        except Refusal as refusal:
            return _failed(call, refusal.errors)

    def _as_one_transaction(self) -> list[Result]:
        results: list[Result] = []
        calls = self._request.calls
        try:
            with self._desk.store.transaction():
                for call in calls:
                    outcome = self._execute(call)
                    if outcome.errors:
                        raise Refusal(*outcome.errors)
                    results.append(_succeeded(call, outcome))
        except Refusal as refusal:
            return self._rolled_back(failing=len(results), errors=refusal.errors)
        return results

    def _rolled_back(self, failing: int, errors: tuple[Error, ...]) -> list[Result]:
        calls = self._request.calls
        results = [Result("aborted", call.body.tag, call.control_id, errors=(ROLLED_BACK,)) for call in calls]
        status = "aborted" if len(calls) == 1 else self._desk.switches.aborting_status
        results[failing] = replace(results[failing], status=status, errors=(*errors, ROLLED_BACK))
        return results

    def _execute(self, call: FunctionCall) -> Outcome:
        function = FUNCTIONS.get(call.body.tag)
        self._refuse_unavailable(call, function)
        assert function is not None
        with self._claimed(call.control_id):
            self._pause()
            return self._commit(function, call)

    def _refuse_unavailable(self, call: FunctionCall, function: Function | None) -> None:
        switches = self._desk.switches
        if self._refuse is not None and self._refuse.means(call.body.tag):
            raise Refusal(self._refuse.error)
        if switches.offline:
            raise Refusal(Error("SIM-OFFLINE", description2="The Service is Temporarily Off-line"))
        if function is None or not self._exists(function):
            text = f"The function '{call.body.tag}' is not a known function."
            raise Refusal(Error("SIM-UNKNOWN-FUNCTION", description2=text))
        if call.body.tag.startswith("create") and switches.random_failures > 0:
            switches.random_failures -= 1
            raise Refusal(
                business("", correction="Check the transaction for errors or inconsistencies, then try again.")
            )

    def _exists(self, function: Function) -> bool:
        """Whether the function is known under the request's dtdversion."""
        if self._request.echo.dtdversion == "2.1":
            return function.legacy
        return function.name != "get_closedbooksdate" or self._desk.switches.closed_books_date == "answer"

    def _commit(self, function: Function, call: FunctionCall) -> Outcome:
        outcome = Outcome()
        try:
            with self._desk.store.transaction():
                outcome = function.run(
                    Call(self._desk, self._who, call.control_id, call.body, alone=len(self._request.calls) == 1)
                )
                if not outcome.errors and (self._request.unique or self._desk.switches.remember_nonunique):
                    self._desk.control_ids.record(self._scope, call.control_id, function.name, self._desk.clock.now())
                if self._discard:
                    raise _Discarded
        except _Discarded:
            pass
        except sqlite3.OperationalError as error:
            raise read_fault(f"Database error: {error}") from error
        return outcome

    @contextmanager
    def _claimed(self, control_id: str) -> Iterator[None]:
        unique = self._request.unique
        ids = self._desk.control_ids
        with ids.claimed(self._scope, control_id, self) if unique else nullcontext():
            yield

    def _pause(self) -> None:
        if self._desk.switches.function_delay_ms:
            time.sleep(self._desk.switches.function_delay_ms / 1000)


def _succeeded(call: FunctionCall, outcome: Outcome) -> Result:
    status = "failure" if outcome.errors else "success"
    return Result(status, call.body.tag, call.control_id, outcome.data, outcome.key, outcome.errors)


def _failed(call: FunctionCall, errors: tuple[Error, ...]) -> Result:
    return Result("failure", call.body.tag, call.control_id, errors=errors)
