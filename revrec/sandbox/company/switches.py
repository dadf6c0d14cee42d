"""Switches: named settings for everything about the real gateway that is unverified or differs between companies.

A client's tests should pass under each setting in ``SETTINGS``. The switch table of the manual is generated from here.
"""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

Value = bool | int | str


def _switch(default: Value, about: str, *others: Value, words: bool = False) -> Any:
    """Declare a switch: default, meaning, and the other settings to test clients under.

    ``words`` marks free text; other text accepts only the settings listed.
    """
    return field(default=default, metadata={"about": about, "settings": (default, *others), "words": words})


@dataclass(slots=True)
class Switches:
    """The settings of one sandbox, with the sandbox's defaults."""

    # --- journal entries
    masters: str = _switch(
        "open",
        "unknown customers, items, contracts, projects, classes and departments in journal entries: open (created) or "
        "strict (rejected)",
        "strict",
    )
    multi_currency: bool = _switch(True, "accept a CURRENCY other than the base currency", False)
    multi_base_currency: bool = _switch(False, "getFinancialSetup reports a base currency for each entity")
    currency_required: bool = _switch(False, "reject a line without CURRENCY (else use the base currency)", True)
    empty_rate_type: bool = _switch(
        True, "treat an empty EXCH_RATE_TYPE_ID as the default rate type (else as missing)", False
    )
    location_required: bool = _switch(False, "reject a line without a location", True)
    extra_decimals: str = _switch(
        "reject", "amounts with more decimals than the currency has: reject or round", "round"
    )
    base_rounding: str = _switch(
        "adjust", "a rounding difference in base currency: adjust (on the largest line) or reject", "reject"
    )
    unknown_fields: str = _switch("refuse", "unknown elements in GLBATCH and GLENTRY: refuse or ignore", "ignore")
    iso_dates: bool = _switch(False, "also accept dates in the form yyyy-mm-dd", True)
    approval: bool = _switch(False, "journal entries need approval: a Posted create becomes Submitted", True)
    max_title: int = _switch(80, "maximum length of BATCH_TITLE", 30, 255)
    max_reference: int = _switch(20, "maximum length of REFERENCENO", 45)
    max_document: int = _switch(30, "maximum length of DOCUMENT", 60)
    max_description: int = _switch(500, "maximum length of DESCRIPTION of a line", 1000)
    max_journal: int = _switch(24, "maximum length of JOURNAL", 4)
    over_long: str = _switch("reject", "texts that are too long: reject or cut", "cut")
    # --- periods
    closed_period_errorno: str = _switch(
        "BL01001973", "errorno for a date in a closed period (undocumented)", "BL03000130", words=True
    )
    closed_period_text: str = _switch(
        "closed", "text for a closed period: closed (Periods are closed) or on_or_after (Date must be on or after)",
        "on_or_after",
    )  # fmt: skip
    closed_books_date: str = _switch(
        "answer", "get_closedbooksdate under dtdversion 3.0: answer, or refuse it as an unknown function", "refuse"
    )
    # --- control ids and transactions
    control_id_scope: str = _switch(
        "sender", "scope in which a control id is unique: sender, or company (sender and company)", "company"
    )
    control_id_case: str = _switch("counts", "case of control ids: counts or ignored", "ignored")
    control_id_length: str = _switch("reject", "control ids longer than 256 characters: reject or cut", "cut")
    remember_nonunique: bool = _switch(
        False, "also remember the control ids of functions run with uniqueid=false", True
    )
    remember_reads: bool = _switch(True, "also remember the control ids of functions that only read")
    duplicate_errorno: str = _switch(
        "SIM-DUPLICATE-CONTROLID",
        "errorno for a repeated control id (undocumented)",
        "BL01001973",
        "XL03000009",
        "GW-0010",
        words=True,
    )
    concurrent_errorno: str = _switch(
        "SIM-CONCURRENT-CONTROLID",
        "errorno for a control id that is being executed (undocumented)",
        "BL01001973",
        words=True,
    )
    aborting_status: str = _switch(
        "failure", "status of the failing function in a rolled-back operation: failure or aborted", "aborted"
    )
    # --- sign-in
    session_alone: str = _switch("refuse", "getAPISession together with other functions: refuse or allow", "allow")
    login_refusal: str = _switch(
        "xml", "answer to a wrong login: xml (HTTP 200) or http401 (with XMLGW_JPP0002)", "http401"
    )
    session_endpoint: str = _switch(
        "any", "where sessions work: any (at the login endpoint too) or own (at the endpoint of getAPISession)", "own"
    )
    login_on_session_endpoint: str = _switch("refuse", "a login at the session endpoint: refuse or allow", "allow")
    lockout_after: int = _switch(10, "consecutive failed logins that lock the user (0: never)", 3, 0)
    session_minutes: int = _switch(120, "minutes until an unused session expires", 1)
    # --- invoices
    duplicate_invoices: str = _switch("refuse", "a repeated invoice number in create_invoice: refuse or allow", "allow")
    # --- on demand
    visibility_seconds: int = _switch(0, "seconds for which reads do not return a new record")
    visibility_reads: int = _switch(0, "number of reads that do not return a new record")
    function_delay_ms: int = _switch(0, "delay of each function before it commits, in milliseconds")
    max_in_flight: int = _switch(0, "concurrent requests; more are answered with HTTP 429 (0: no limit)")
    max_per_minute: int = _switch(0, "requests in a minute; more are answered with HTTP 429 (0: no limit)")
    retry_after: int = _switch(0, "Retry-After header of a 429, in seconds (0: none)")
    disabled_dimensions: str = _switch(
        "",
        "dimensions that are not enabled in the general ledger, separated by commas: lines do not have their fields",
        words=True,
    )
    denied: str = _switch("", "missing permissions of the user, separated by commas: verb:OBJECT or verb", words=True)
    offline: bool = _switch(False, "every function answers that the service is offline")
    random_failures: int = _switch(0, "number of creates to fail with an unspecific error")

    def set(self, name: str, value: object) -> None:
        """Change one switch; text is converted to the type of the switch.

        Raises:
            ValueError: the switch is unknown or does not accept the value; the message says which.
        """
        if name not in SETTINGS:
            raise ValueError(f"there is no switch {name!r}; the switches are {', '.join(sorted(SETTINGS))}")
        setattr(self, name, _converted(name, getattr(self, name), value))

    def as_dict(self) -> dict[str, Any]:
        """Return all switches by name."""
        return asdict(self)


SETTINGS: dict[str, tuple[Value, ...]] = {item.name: item.metadata["settings"] for item in fields(Switches)}
"""The settings of each switch to test clients under, the default first. A switch with one setting is set on demand."""

_WORDS = frozenset(item.name for item in fields(Switches) if item.metadata["words"])
_TRUTH = {
    "true": True,
    "on": True,
    "1": True,
    "yes": True,
    "false": False,
    "off": False,
    "0": False,
    "no": False,
}


def _converted(name: str, current: object, value: object) -> object:
    text = str(value)
    if isinstance(current, bool):
        if text.lower() not in _TRUTH:
            raise ValueError(f"switch {name} accepts true or false, not {text!r}")
        return _TRUTH[text.lower()]
    if isinstance(current, int):
        if not text.isdecimal():
            raise ValueError(f"switch {name} accepts a whole number, not {text!r}")
        return int(text)
    if name not in _WORDS and text not in SETTINGS[name]:
        raise ValueError(f"switch {name} accepts {' or '.join(map(str, SETTINGS[name]))}, not {text!r}")
    return text


def switches_like(report: Path) -> dict[str, object]:
    """Return the switches in the report of ``revrec doctor --probe``.

    Raises:
        ValueError: the report is unusable; the message names the file and the reason.
    """
    try:
        found = json.loads(report.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{report}: cannot be read as a probe report: {error}") from None
    switches = found.get("switches") if isinstance(found, dict) else None
    if not isinstance(switches, dict):
        raise ValueError(
            f"{report}: the report contains no switches; create one with: revrec doctor --probe --report {report}"
        )
    trial = Switches()
    for name, value in switches.items():
        try:
            trial.set(str(name), value)
        except ValueError as error:
            raise ValueError(f"{report}: {error}") from None
    return switches
