"""Fault plans: which requests get which fault, before or after the commit.

A plan is a comma-separated list of ``KIND[=VALUE]@WHEN[:RATE][:FUNCTION]``:

* KIND and VALUE: see kinds.py; in a value, write ``%2C``, ``%40`` and ``%25`` for a comma, an at sign and a percent
  sign;
* WHEN: ``before`` (nothing is executed) or ``after`` (executed and committed, then the answer is affected);
* RATE: ``3x`` for the next three matching requests (default ``1x``), ``#3`` for only the third, or a share such as
  ``0.1``;
* FUNCTION: only requests with this function, such as ``create``.

A request gets the first fault that matches it, and in addition all matching ones that do not affect the answer. The
same plan with the same seed injects the same faults into the same requests. A request can also ask for a fault with the
header ``X-Sandbox-Fault: KIND@WHEN``.
"""

import random
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import unquote

from revrec.sandbox.faults.kinds import AFTER, BEFORE, KINDS, FaultKind, find_kind

HEADER = "X-Sandbox-Fault"
_FUNCTION = re.compile(rb"<function\b[^>]*>\s*<([A-Za-z_]+)")


GATHERING_SECONDS = 60.0
"""The longest wait for other requests of the fault ``gather``."""


class FaultPlanError(ValueError):
    """The text is not a valid fault plan; the message names the item and the expected form."""


class Gathering:
    """A place where requests wait for each other, in groups."""

    def __init__(self) -> None:
        self._arrived = 0
        self._released = False
        self._condition = threading.Condition()

    def wait(self, count: int) -> None:
        """Wait until the group of ``count`` requests that this one belongs to has arrived."""
        with self._condition:
            complete = (self._arrived // count + 1) * count
            self._arrived += 1
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._released or self._arrived >= complete, GATHERING_SECONDS)

    def release(self) -> None:
        """Let all requests go on."""
        with self._condition:
            self._released = True
            self._condition.notify_all()


@dataclass(slots=True)
class Fault:
    """One fault of a plan.

    ``left`` is the number of requests that still get it (None: no limit), each with probability ``share``. ``at`` is
    the only matching request that gets it, counted from 1 (0: any), and ``seen`` the number of matching requests so
    far.
    """

    kind: str
    when: str
    value: str = ""
    left: int | None = 1
    share: float = 1.0
    at: int = 0
    function: str = ""
    seen: int = 0
    gathering: Gathering = field(default_factory=Gathering)

    @property
    def changes_company(self) -> bool:
        """True if the fault changes the company instead of the answer."""
        kind = find_kind(self.kind)
        return kind is not None and kind.changes_company

    @property
    def seconds(self) -> float:
        """The value in seconds; 1 without a value."""
        return float(self.value or 1)

    def __str__(self) -> str:
        return f"{self.kind}{f'={self.value}' if self.value else ''}@{self.when}"

    def applies(self, functions: set[str], draw: Callable[[], float]) -> bool:
        """Return true if a request with these functions gets the fault.

        It draws a random number for each matching request, so that the draws of a plan depend only on the requests.
        """
        if self.function and self.function not in functions:
            return False
        self.seen += 1
        drawn = self.share == 1 or draw() < self.share
        return drawn and self.left != 0 and self.at in (0, self.seen)


def parse_plan(text: str) -> list[Fault]:
    """Parse a plan.

    Raises:
        FaultPlanError: the text is not a valid plan.
    """
    return [_fault(item.strip()) for item in text.split(",") if item.strip()]


def _fault(item: str) -> Fault:
    head, _, tail = item.partition("@")
    when, *rest = tail.split(":")
    name, _, value = head.partition("=")
    kind = find_kind(name)
    if kind is None or when not in (BEFORE, AFTER) or len(rest) > 2:
        kinds = ", ".join(KINDS)
        form = "write KIND@before or KIND@after, then optionally :RATE and :FUNCTION"
        raise FaultPlanError(f"fault {item!r}: {form}; KIND is one of {kinds}")
    fault = Fault(name, when, unquote(value), function=rest[1] if len(rest) == 2 else "")
    _check(fault, kind, item)
    if rest and rest[0]:
        _set_rate(fault, item, rest[0])
    return fault


def _check(fault: Fault, kind: FaultKind, item: str) -> None:
    if fault.when not in kind.moments:
        raise FaultPlanError(f"fault {item!r}: {kind.name} can only occur {' or '.join(kind.moments)} the commit")
    if not kind.accepts(fault.value):
        wanted = f"write {kind.name}={kind.value}" if kind.value else f"{kind.name} accepts no value"
        raise FaultPlanError(f"fault {item!r}: {wanted}")


def _set_rate(fault: Fault, item: str, text: str) -> None:
    if re.fullmatch(r"\d+x", text):
        fault.left = int(text[:-1])
        return
    if re.fullmatch(r"#[1-9]\d*", text):
        fault.at = int(text[1:])
        return
    fault.left, fault.share = None, _number(item, text)
    if not 0 <= fault.share <= 1:
        raise FaultPlanError(f"fault {item!r}: the share must be from 0 to 1")


def _number(item: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise FaultPlanError(f"fault {item!r}: {text!r} is not a number (write 3x, #3 or 0.1)") from None


class FaultPlan:
    """The active plan and the faults injected so far.

    ``log`` receives each plan and each fault, in a form from which they can be replayed. ``may_exit`` is true if the
    sandbox has the process to itself, so that a plan may end it.
    """

    def __init__(
        self, text: str, seed: int, log: Callable[[str], None] = lambda _line: None, may_exit: bool = True
    ) -> None:
        self._lock = threading.Lock()
        self._log = log
        self._may_exit = may_exit
        self.injected: list[str] = []
        self._faults: list[Fault] = []
        self.seed = seed
        self.replace(text)

    def replace(self, text: str, seed: int | None = None) -> None:
        """Activate another plan, with its random numbers starting over.

        Raises:
            FaultPlanError: the plan is invalid; the previous one stays active.
        """
        faults = self._parse(text)
        with self._lock:
            for fault in self._faults:
                fault.gathering.release()
            self._faults = faults
            self.seed = self.seed if seed is None else seed
            self._random = random.Random(f"faults:{self.seed}")  # noqa: S311
            self._requests = 0
        if faults:
            self._log(f"fault plan {text!r}, seed {self.seed}")

    def for_request(self, body: bytes, header: str | None) -> list[Fault]:
        """Return the faults of this request: from its header, else from the plan."""
        functions = [name.decode() for name in _FUNCTION.findall(body)]
        with self._lock:
            self._requests += 1
            chosen = self._parse(header) if header else self._from_plan(set(functions))
            for fault in chosen:
                self.injected.append(f"{fault.kind}@{fault.when}")
                place = f"request {self._requests} of the plan with seed {self.seed}"
                self._log(f"fault {fault} on {place} ({', '.join(functions)}); replay: {fault}:#{self._requests}")
        return chosen

    def _parse(self, text: str) -> list[Fault]:
        faults = parse_plan(text)
        if not self._may_exit and any(fault.kind == "die" for fault in faults):
            raise FaultPlanError("fault 'die': this sandbox is part of another process; serve it in a separate one")
        return faults

    def _from_plan(self, functions: set[str]) -> list[Fault]:
        """Choose from the plan. Each fault counts the request, even if an earlier one already affects the answer."""
        chosen: list[Fault] = []
        for fault in self._faults:
            answer_has_fault = not fault.changes_company and any(not one.changes_company for one in chosen)
            if fault.applies(functions, self._random.random) and not answer_has_fault:
                fault.left = None if fault.left is None else fault.left - 1
                chosen.append(fault)
        return chosen

    def as_list(self) -> list[dict[str, object]]:
        """Return the plan as plain data."""
        names = ("kind", "when", "value", "left", "share", "at", "function")
        return [{name: getattr(item, name) for name in names} for item in self._faults]
