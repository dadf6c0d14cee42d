"""Everything about the real gateway that is unverified, or differs between companies, is a named switch.

A client's tests should pass with both settings of each.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(slots=True)
class Switches:
    """Settings of one sandbox; the field's default is the sandbox's default.

    masters: `open` creates unknown customers, items, contracts, projects, classes and departments on sight,
        `strict` refuses them.
    multi_currency: CURRENCY other than the base currency is accepted.
    currency_required: a line without CURRENCY is refused (else it means the base currency).
    empty_rate_type: an empty EXCH_RATE_TYPE_ID means the default rate type (else it counts as missing).
    location_required: a line without LOCATION is refused.
    extra_decimals: `round` or `reject` amounts with more decimals than the currency has.
    base_rounding: `adjust` books a base-currency rounding difference on the largest line, `reject` refuses it.
    unknown_fields: `refuse` or `ignore` elements that GLBATCH and GLENTRY do not have.
    iso_dates: accept yyyy-mm-dd as well.
    approval: journal entries need approval: a Posted create becomes Submitted.
    max_reference, max_document, max_title, max_journal: longest texts accepted.
    control_id_scope: `sender`, or `company` to make the company part of the key.
    remember_nonunique: ids of functions run with uniqueid=false are remembered too.
    duplicate_errorno, concurrent_errorno: errornos of the two control id refusals (undocumented).
    aborting_status: status of the failing function in a rolled-back operation, `failure` or `aborted`.
    session_alone: `refuse` getAPISession beside other functions, or `allow`.
    login_refusal: `xml` (HTTP 200) or `http401` (HTTP 401 with XMLGW_JPP0002).
    login_on_session_endpoint: `refuse` or `allow` a login at the session endpoint.
    lockout_after: failed logins in a row that lock the user; 0 never locks.
    session_minutes: life of a session after each call.
    visibility_seconds, visibility_reads: how long, and for how many reads, a new entry stays invisible.
    function_delay_ms: time every function takes before it commits.
    max_in_flight, max_per_minute: requests beyond are answered 429 (0: no limit); retry_after: its header.
    denied: comma-separated `verb:OBJECT` or function names the user has no permission for.
    offline: every function answers that the service is off-line.
    random_failures: that many coming creates fail with the unspecific business error.
    """

    masters: str = "open"
    multi_currency: bool = True
    currency_required: bool = False
    empty_rate_type: bool = True
    location_required: bool = False
    extra_decimals: str = "reject"
    base_rounding: str = "adjust"
    unknown_fields: str = "refuse"
    iso_dates: bool = False
    approval: bool = False
    max_reference: int = 20
    max_document: int = 30
    max_title: int = 80
    max_journal: int = 4
    control_id_scope: str = "sender"
    remember_nonunique: bool = False
    duplicate_errorno: str = "SIM-DUPLICATE-CONTROLID"
    concurrent_errorno: str = "SIM-CONCURRENT-CONTROLID"
    aborting_status: str = "failure"
    session_alone: str = "refuse"
    login_refusal: str = "xml"
    login_on_session_endpoint: str = "refuse"
    lockout_after: int = 10
    session_minutes: int = 120
    visibility_seconds: int = 0
    visibility_reads: int = 0
    function_delay_ms: int = 0
    max_in_flight: int = 0
    max_per_minute: int = 0
    retry_after: int = 0
    denied: str = ""
    offline: bool = False
    random_failures: int = 0

    def set(self, name: str, value: object) -> None:
        """Change one switch; text is read as the switch's own kind.

        Raises ValueError naming the switch and what it accepts.
        """
        known = {item.name for item in fields(self)}
        if name not in known:
            raise ValueError(f"there is no switch {name!r}; the switches are {', '.join(sorted(known))}")
        setattr(self, name, _converted(name, getattr(self, name), value))

    def as_dict(self) -> dict[str, Any]:
        """All switches by name."""
        return asdict(self)


_CHOICES = {
    "masters": ("open", "strict"),
    "extra_decimals": ("round", "reject"),
    "base_rounding": ("adjust", "reject"),
    "unknown_fields": ("refuse", "ignore"),
    "control_id_scope": ("sender", "company"),
    "aborting_status": ("failure", "aborted"),
    "session_alone": ("refuse", "allow"),
    "login_refusal": ("xml", "http401"),
    "login_on_session_endpoint": ("refuse", "allow"),
}
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
            raise ValueError(f"switch {name} takes true or false, not {text!r}")
        return _TRUTH[text.lower()]
    if isinstance(current, int):
        if not text.isdecimal():
            raise ValueError(f"switch {name} takes a whole number, not {text!r}")
        return int(text)
    if name in _CHOICES and text not in _CHOICES[name]:
        raise ValueError(f"switch {name} takes {' or '.join(_CHOICES[name])}, not {text!r}")
    return text
