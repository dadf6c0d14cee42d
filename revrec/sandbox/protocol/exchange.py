"""One request and its answer, with the faults injected into them."""

import os
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from revrec.sandbox.errors import Error
from revrec.sandbox.faults import corruption
from revrec.sandbox.faults.company_changes import change_company
from revrec.sandbox.faults.plan import Fault
from revrec.sandbox.protocol.gateway import Entrance, Gateway, GatewayReply
from revrec.sandbox.protocol.operation import ForcedFailure

XML = 'text/xml; encoding="UTF-8"'
DIED = 137
"""Exit code of a sandbox ended by the fault ``die``, the same as after SIGKILL."""
_PAGE = b"<!DOCTYPE html><html><head><meta charset='utf-8'><title>Error</title></head><body>Try later<br></body></html>"
_PIECES_A_SECOND = 20


class ClientConnection(Protocol):
    """The operations of the HTTP transport that an exchange uses."""

    last_document: bytes

    def send(self, status: int, kind: str, content: bytes) -> None:
        """Send a whole answer."""

    def send_in_pieces(self, content: bytes, announced: int, pieces: int, pause: float) -> None:
        """Announce ``announced`` bytes and send ``content`` in pieces, with a pause after each."""

    def hang_up(self, reset: bool = False) -> None:
        """Close the connection, or reset it."""

    def answer_too_many_requests(self) -> None:
        """Answer HTTP 429."""

    def gateway_error(self, status: int, errorno: str, text: str) -> None:
        """Answer with an error of the gateway itself."""


class Exchange:
    """The execution of a request, with its answer. ``log`` receives the outcome of each function."""

    def __init__(
        self,
        gateway: Gateway,
        connection: ClientConnection,
        body: bytes,
        entrance: Entrance,
        log: Callable[[str], None],
    ) -> None:
        self._gateway = gateway
        self._connection = connection
        self._body = body
        self._entrance = entrance
        self._log = log
        self._later_changes: list[Fault] = []

    def run(self, faults: Sequence[Fault]) -> None:
        """Answer the request with these faults; at most one of them affects the answer."""
        for fault in faults:
            if fault.changes_company and fault.when == "before":
                self._change_company(fault)
        self._later_changes = [fault for fault in faults if fault.changes_company and fault.when == "after"]
        answer_fault = next((fault for fault in faults if not fault.changes_company), None)
        if answer_fault is None:
            self._send(self._execute())
        else:
            self._inject(answer_fault)
        self._make_later_changes()

    def _inject(self, fault: Fault) -> None:
        if fault.kind == "die":
            self._die(fault)
        elif fault.kind in _INJECTORS:
            _INJECTORS[fault.kind](self, fault)
        elif fault.when == "after":
            self._send_faulty_answer(fault, self._execute())
        elif fault.kind in _NEED_DOCUMENT:
            # These kinds corrupt a real answer, so the request is executed to get one and then rolled back.
            self._send_faulty_answer(fault, self._execute(discard=True))
        else:
            self._send_faulty_answer(fault, None)

    def _execute(self, discard: bool = False, forced_failure: ForcedFailure | None = None) -> GatewayReply:
        started = time.monotonic()
        reply = self._gateway.answer(self._body, self._entrance, discard, forced_failure)
        took = (time.monotonic() - started) * 1000
        for function, control_id, outcome in reply.summary:
            self._log(f"{function} {control_id!r} {outcome} {took:.0f} ms")
        # Apply "after" changes between the commit and the answer, so that a client that reacts to the answer, or to its
        # loss, already sees the changed company.
        self._make_later_changes()
        return reply

    def _change_company(self, fault: Fault) -> None:
        change_company(fault, self._gateway.company, self._body)

    def _make_later_changes(self) -> None:
        while self._later_changes:
            self._change_company(self._later_changes.pop(0))

    def _send(self, reply: GatewayReply) -> None:
        # Only whole answers are remembered: the fault "stale" sends what an earlier request really received.
        self._connection.last_document = reply.document
        self._connection.send(reply.status, XML, reply.document)

    def _die(self, fault: Fault) -> None:
        if fault.when == "after":
            self._execute()
        os._exit(DIED)

    def _slow(self, fault: Fault) -> None:
        if fault.when == "before":
            time.sleep(fault.seconds)
        reply = self._execute()
        if fault.when == "after":
            time.sleep(fault.seconds)
        self._send(reply)

    def _gather(self, fault: Fault) -> None:
        reply = self._execute() if fault.when == "after" else None
        fault.gathering.wait(int(fault.value or 2))
        self._send(reply or self._execute())

    def _drip(self, fault: Fault) -> None:
        document = self._execute().document
        pieces = max(2, round(fault.seconds * _PIECES_A_SECOND))
        self._connection.send_in_pieces(document, len(document), pieces, fault.seconds / pieces)

    def _repeat(self, _fault: Fault) -> None:
        self._execute()
        self._send(self._execute())

    def _twice(self, _fault: Fault) -> None:
        reply = self._execute()
        self._send(reply)
        self._send(reply)

    def _refuse(self, fault: Fault) -> None:
        errorno, _, text = (fault.value or "BL01001973 The request was rejected.").partition(" ")
        self._send(self._execute(forced_failure=ForcedFailure(fault.function, Error(errorno, description2=text))))

    def _send_faulty_answer(self, fault: Fault, reply: GatewayReply | None) -> None:
        document = b"" if reply is None else reply.document
        if fault.kind in ("drop", "reset"):
            self._connection.hang_up(reset=fault.kind == "reset")
        elif fault.kind == "429":
            self._connection.answer_too_many_requests()
        elif fault.kind in ("GW-0001", "GW-0011"):
            self._connection.gateway_error(200, fault.kind, "Invalid Request [Request ID: AC47C2BE:D9EE_63EBC07F.59]")
        elif fault.kind == "truncated":
            self._connection.send_in_pieces(corruption.truncated(document), len(document), 1, 0)
            self._connection.hang_up()
        else:
            self._connection.send(*_wrong_answer(fault.kind, document, self._connection.last_document))


def _wrong_answer(kind: str, document: bytes, previous: bytes) -> tuple[int, str, bytes]:
    """Return status, content type and body of an answer that is complete but wrong."""
    if kind.isdecimal():
        return int(kind), "text/html", _PAGE
    return {
        "html": (200, "text/html", _PAGE),
        "empty": (200, XML, b""),
        "stale": (200, XML, previous or document),
        "garbled": (200, XML, corruption.garbled(document)),
        "wrong_control_id": (200, XML, corruption.with_wrong_control_ids(document)),
    }[kind]


_NEED_DOCUMENT = ("truncated", "garbled", "wrong_control_id")
_INJECTORS: dict[str, Callable[[Exchange, Fault], None]] = {
    "slow": Exchange._slow,
    "gather": Exchange._gather,
    "drip": Exchange._drip,
    "repeat": Exchange._repeat,
    "twice": Exchange._twice,
    "refuse": Exchange._refuse,
}
