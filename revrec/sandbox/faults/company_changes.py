"""Faults that change the company and do not affect the answer: sessions, control ids, periods."""

import re
from datetime import timedelta

from revrec.sandbox.company.state import CompanyState
from revrec.sandbox.faults.plan import Fault

_CONTROL_ID = re.compile(rb'<function\b[^>]*\bcontrolid\s*=\s*["\']([^"\']*)["\']')


def change_company(fault: Fault, company: CompanyState, body: bytes) -> None:
    """Apply the fault to the company."""
    if fault.kind == "expire_sessions":
        company.sessions.clear()
    elif fault.kind == "forget_ids":
        _forget(fault.value, company, body)
    else:
        month, _, entity = fault.value.partition("/")
        change = company.periods.close if fault.kind == "close_period" else company.periods.open
        change(entity, month)


def _forget(value: str, company: CompanyState, body: bytes) -> None:
    if value == "one":
        company.control_ids.forget([found.decode("utf-8", "replace") for found in _CONTROL_ID.findall(body)])
    elif value:
        company.control_ids.forget_older(company.clock.now() - timedelta(seconds=float(value)))
    else:
        company.control_ids.forget_all()
