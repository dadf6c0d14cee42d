"""Faults that change the company and leave the answer alone: sessions, control ids, periods."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from revrec.sandbox.company.state import Desk
    from revrec.sandbox.faults.plan import Fault

_CONTROL_ID = re.compile(rb'<function\b[^>]*\bcontrolid\s*=\s*["\']([^"\']*)["\']')


def stir(fault: Fault, desk: Desk, body: bytes) -> None:
    """Let it happen."""
    if fault.kind == "expire_sessions":
        desk.sessions.clear()
    elif fault.kind == "forget_ids":
        _forget(fault.value, desk, body)
    else:
        month, _, entity = fault.value.partition("/")
        change = desk.periods.close if fault.kind == "close_period" else desk.periods.open
        change(entity, month)


def _forget(value: str, desk: Desk, body: bytes) -> None:
    if value == "one":
        desk.control_ids.forget([found.decode("utf-8", "replace") for found in _CONTROL_ID.findall(body)])
    elif value:
        desk.control_ids.forget_older(desk.clock.now() - timedelta(seconds=float(value)))
    else:
        desk.control_ids.forget_all()
