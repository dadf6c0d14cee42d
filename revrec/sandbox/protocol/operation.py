"""Execution of an operation: control ids, transactions, rollback, one result for each function."""

import sqlite3
import time
from contextlib import nullcontext
from dataclasses import dataclass, replace

from revrec.sandbox.calls import Call, Caller, FunctionOutput, GatewayFunction
from revrec.sandbox.company.state import CompanyState
from revrec.sandbox.errors import ROLLED_BACK, Error, FunctionFailure, business_error, read_failure
from revrec.sandbox.functions import FUNCTIONS
from revrec.sandbox.protocol.request import FunctionCall, Request
from revrec.sandbox.protocol.response import FunctionResult


class _Discarded(Exception):
    """Raised to roll back the work of a function whose answer reports success (a fault before commit)."""


@dataclass(frozen=True, slots=True)
class ForcedFailure:
    """An injected failure: functions with this name (empty: all functions) fail with this error."""

    function: str
    error: Error

    def applies_to(self, function: str) -> bool:
        """Return true if a function with this name must fail."""
        return self.function in ("", function)


class Operation:
    """One operation of one request, for an authenticated caller."""

    def __init__(
        self,
        company: CompanyState,
        request: Request,
        caller: Caller,
        discard: bool = False,
        forced_failure: ForcedFailure | None = None,
    ) -> None:
        self._company = company
        self._request = request
        self._caller = caller
        self._discard = discard
        self._forced_failure = forced_failure
        self._scope = company.control_ids.scope(caller.sender, caller.company_id)

    def run(self) -> list[FunctionResult]:
        """Execute all functions and return their results in the same order."""
        if self._request.transaction:
            return self._as_one_transaction()
        return [self._independent(call) for call in self._request.calls]

    def _independent(self, call: FunctionCall) -> FunctionResult:
        try:
            return _succeeded(call, self._execute(call))
        except FunctionFailure as failure:
            return _failed(call, failure.errors)

    def _as_one_transaction(self) -> list[FunctionResult]:
        results: list[FunctionResult] = []
        calls = self._request.calls
        try:
            with self._company.store.transaction():
                for call in calls:
                    outcome = self._execute(call)
                    if outcome.errors:
                        raise FunctionFailure(*outcome.errors)
                    results.append(_succeeded(call, outcome))
        except FunctionFailure as failure:
            return self._rolled_back(failing=len(results), errors=failure.errors)
        return results

    def _rolled_back(self, failing: int, errors: tuple[Error, ...]) -> list[FunctionResult]:
        # With <operation transaction="true">, Intacct adds XL03000009 to every function and calls the others "aborted".
        # Recordings differ on the status of the failing one, hence the switch; a lone function is always "aborted".
        calls = self._request.calls
        results = [FunctionResult("aborted", call.body.tag, call.control_id, errors=(ROLLED_BACK,)) for call in calls]
        status = "aborted" if len(calls) == 1 else self._company.switches.aborting_status
        results[failing] = replace(results[failing], status=status, errors=(*errors, ROLLED_BACK))
        return results

    def _execute(self, call: FunctionCall) -> FunctionOutput:
        function = FUNCTIONS.get(call.body.tag)
        self._check_available(call, function)
        assert function is not None
        claimed = self._company.control_ids.claimed(self._scope, call.control_id, self)
        with claimed if self._request.unique else nullcontext():
            if self._company.switches.function_delay_ms:
                time.sleep(self._company.switches.function_delay_ms / 1000)
            return self._commit(function, call)

    def _check_available(self, call: FunctionCall, function: GatewayFunction | None) -> None:
        switches = self._company.switches
        if self._forced_failure is not None and self._forced_failure.applies_to(call.body.tag):
            raise FunctionFailure(self._forced_failure.error)
        if switches.offline:
            raise FunctionFailure(Error("SIM-OFFLINE", description2="The Service is Temporarily Off-line"))
        if function is None or not self._exists(function):
            text = f"The function '{call.body.tag}' is not a known function."
            raise FunctionFailure(Error("SIM-UNKNOWN-FUNCTION", description2=text))
        # Intacct sometimes fails a create with a bare BL01001973 and accepts the same create on the next attempt.
        if call.body.tag.startswith("create") and switches.random_failures > 0:
            switches.random_failures -= 1
            raise FunctionFailure(
                business_error("", correction="Check the transaction for errors or inconsistencies, then try again.")
            )

    def _exists(self, function: GatewayFunction) -> bool:
        """Return true if the function exists under the request's dtdversion."""
        if self._request.echo.dtdversion == "2.1":
            return function.legacy
        return function.name != "get_closedbooksdate" or self._company.switches.closed_books_date == "answer"

    def _commit(self, function: GatewayFunction, call: FunctionCall) -> FunctionOutput:
        outcome = FunctionOutput()
        try:
            with self._company.store.transaction():
                outcome = function.run(
                    Call(self._company, self._caller, call.control_id, call.body, alone=len(self._request.calls) == 1)
                )
                # Record the id in this transaction. A crash between two commits leaves an entry without its id, and
                # a client that repeats the request after a lost answer would post the entry twice.
                if not outcome.errors and self._remembers(function):
                    self._company.control_ids.record(
                        self._scope, call.control_id, function.name, self._company.clock.now()
                    )
                if self._discard:
                    raise _Discarded
        except _Discarded:
            pass
        except sqlite3.OperationalError as error:
            raise read_failure(f"Database error: {error}") from error
        return outcome

    def _remembers(self, function: GatewayFunction) -> bool:
        switches = self._company.switches
        if not switches.remember_reads and not function.name.startswith(("create", "update", "delete")):
            return False
        return self._request.unique or switches.remember_nonunique


def _succeeded(call: FunctionCall, outcome: FunctionOutput) -> FunctionResult:
    status = "failure" if outcome.errors else "success"
    return FunctionResult(
        status, call.body.tag, call.control_id, outcome.data, outcome.key, outcome.errors, outcome.list_type
    )


def _failed(call: FunctionCall, errors: tuple[Error, ...]) -> FunctionResult:
    return FunctionResult("failure", call.body.tag, call.control_id, errors=errors)
