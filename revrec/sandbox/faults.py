"""Faults on purpose: a seeded plan of what goes wrong with which request, before or after it is committed.

A plan is a comma-separated list of `KIND@WHEN[:RATE][:FUNCTION]`:

* KIND: drop, reset, html, empty, truncated, garbled, wrong_control_id, stale, slow=SECONDS, GW-0011, 429, or a
  status from 500 to 599;
* WHEN: `before` (nothing is executed) or `after` (executed and committed, then the answer is spoilt);
* RATE: `3x` for the next three matching requests (default `1x`), or a share of them such as `0.1`;
* FUNCTION: only requests with this function, such as `create`.

One request can also ask for its own fault with the header `X-Sandbox-Fault: KIND@WHEN`.
"""

from __future__ import annotations

import random
import re
import threading
from dataclasses import dataclass

HEADER = "X-Sandbox-Fault"
_KINDS = frozenset(
    {"drop", "reset", "html", "empty", "truncated", "garbled", "wrong_control_id", "stale", "slow", "GW-0011", "429"}
)
_FUNCTION = re.compile(rb"<function\b[^>]*>\s*<([A-Za-z_]+)")


class FaultPlanError(ValueError):
    """The text is not a fault plan; the message names the item and the form it should have."""


@dataclass(slots=True)
class Fault:
    """One kind of fault. `left` requests still get it (None: no limit), each with probability `share`."""

    kind: str
    when: str
    seconds: float = 0.0
    left: int | None = 1
    share: float = 1.0
    function: str = ""


def parse_plan(text: str) -> list[Fault]:
    """The faults of a plan. Raises FaultPlanError."""
    return [_fault(item.strip()) for item in text.split(",") if item.strip()]


def _fault(item: str) -> Fault:
    head, *rest = item.split(":")
    kind, _, when = head.partition("@")
    kind, _, seconds = kind.partition("=")
    if not _is_kind(kind) or when not in ("before", "after") or len(rest) > 2:
        raise FaultPlanError(f"fault {item!r}: write KIND@before or KIND@after, then :RATE and :FUNCTION if wanted")
    fault = Fault(kind, when)
    if kind == "slow":
        fault.seconds = _number(item, seconds or "1")
    if rest and rest[0]:
        _set_rate(fault, item, rest[0])
    fault.function = rest[1] if len(rest) == 2 else ""
    return fault


def _is_kind(kind: str) -> bool:
    return kind in _KINDS or bool(re.fullmatch(r"5\d\d", kind))


def _set_rate(fault: Fault, item: str, text: str) -> None:
    if re.fullmatch(r"\d+x", text):
        fault.left = int(text[:-1])
        return
    fault.left, fault.share = None, _number(item, text)
    if not 0 <= fault.share <= 1:
        raise FaultPlanError(f"fault {item!r}: the share must be from 0 to 1")


def _number(item: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise FaultPlanError(f"fault {item!r}: {text!r} is not a number (write 3x or 0.1)") from None


class FaultPlan:
    """The plan in force, and what it has done so far."""

    def __init__(self, text: str, seed: int) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(f"faults:{seed}")  # noqa: S311
        self._faults = parse_plan(text)
        self.injected: list[str] = []

    def replace(self, text: str) -> None:
        """Put another plan in force. Raises FaultPlanError and keeps the old one."""
        faults = parse_plan(text)
        with self._lock:
            self._faults = faults

    def for_request(self, body: bytes, header: str | None) -> Fault | None:
        """The fault this request gets, if any: its header's, else the first of the plan that applies."""
        if header:
            fault = parse_plan(header)[0]
            self.injected.append(f"{fault.kind}@{fault.when}")
            return fault
        with self._lock:
            return self._from_plan({name.decode() for name in _FUNCTION.findall(body)})

    def _from_plan(self, functions: set[str]) -> Fault | None:
        for fault in self._faults:
            applies = fault.left != 0 and (not fault.function or fault.function in functions)
            if applies and self._random.random() < fault.share:
                fault.left = None if fault.left is None else fault.left - 1
                self.injected.append(f"{fault.kind}@{fault.when}")
                return fault
        return None

    def as_list(self) -> list[dict[str, object]]:
        """The plan as plain data."""
        return [
            {"kind": item.kind, "when": item.when, "left": item.left, "share": item.share, "function": item.function}
            for item in self._faults
        ]


def spoil(kind: str, document: bytes) -> bytes:
    """The document as a faulty line would deliver it (truncated, garbled, wrong_control_id)."""
    if kind == "truncated":
        return document[: len(document) * 2 // 3]
    if kind == "wrong_control_id":
        return re.sub(rb"<controlid>[^<]*</controlid>", b"<controlid>somebody-elses</controlid>", document)
    if kind == "garbled":
        middle = len(document) // 2
        noise = bytes(byte ^ 0x1F for byte in document[middle : middle + 64])
        # The NUL makes sure that no parser accepts what is left.
        return document[:middle] + noise + b"\0" + document[middle + 64 :]
    return document
