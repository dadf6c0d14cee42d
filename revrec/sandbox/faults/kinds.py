"""All kinds of faults in one table. Plans are checked against it, and the manual is generated from it."""

import re
from dataclasses import dataclass

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of fault.

    ``value`` describes what may follow ``=`` (empty: no value is allowed) and ``pattern`` is its form. ``moments`` says
    whether it can occur before or after the commit. ``changes_company`` is true if it changes the company and does not
    affect the answer, so that it can be combined with another fault.
    """

    name: str
    about: str
    value: str = ""
    pattern: str = ""
    moments: tuple[str, ...] = (BEFORE, AFTER)
    changes_company: bool = False

    def accepts(self, value: str) -> bool:
        """Return true if a value has the right form. No value is fine for a kind with a default."""
        return bool(re.fullmatch(self.pattern, value)) if self.pattern else not value


_SECONDS = r"(\d+(\.\d*)?|\.\d+)?"

_ALL = (
    FaultKind("drop", "the connection is closed without an answer"),
    FaultKind("reset", "the connection is reset (TCP RST)"),
    FaultKind(
        "slow", "a delay: before the execution, or between commit and answer", "SECONDS (1 if left out)", _SECONDS
    ),
    FaultKind("drip", "the answer comes in small pieces over so long", "SECONDS (1 if left out)", _SECONDS, (AFTER,)),
    FaultKind("5xx", "the HTTP status from 500 to 599 that is written, such as 503, with a web page"),
    FaultKind("429", "the rate limit: HTTP 429 with GW-0010"),
    FaultKind("GW-0011", "the gateway's own refusal with HTTP 200"),
    FaultKind("html", "HTTP 200 with a web page"),
    FaultKind("empty", "HTTP 200 with an empty body"),
    FaultKind("truncated", "two thirds of the answer, then the connection is closed"),
    FaultKind("garbled", "the answer with a stretch of noise in its middle"),
    FaultKind("wrong_control_id", "the answer with somebody else's control ids"),
    FaultKind("stale", "the answer to an earlier request"),
    FaultKind("twice", "the whole answer sent two times on the connection", moments=(AFTER,)),
    FaultKind("repeat", "something on the way sends the request again; the second answer comes", moments=(AFTER,)),
    FaultKind(
        "refuse",
        "the functions (those of FUNCTION, if it is given) fail",
        "ERRORNO TEXT (BL01001973 if left out)",
        r"([A-Za-z][\w-]*( .*)?)?",
        (BEFORE,),
    ),
    FaultKind(
        "die", "the sandbox's process ends at once; served again on the same data file, it has all that was committed"
    ),
    FaultKind("expire_sessions", "every session ends", changes_company=True),
    FaultKind(
        "forget_ids",
        "control ids are no longer remembered: all, those of this request, or older ones",
        "one, or SECONDS of age (all if left out)",
        r"(one|\d+(\.\d*)?|\.\d+)?",
        changes_company=True,
    ),
    FaultKind(
        "close_period",
        "books are closed through a month, of the company or of an entity",
        "YYYY-MM or YYYY-MM/ENTITY",
        r"\d{4}-(0[1-9]|1[0-2])(/.+)?",
        changes_company=True,
    ),
    FaultKind(
        "open_period",
        "a month and all after it are opened",
        "YYYY-MM or YYYY-MM/ENTITY",
        r"\d{4}-(0[1-9]|1[0-2])(/.+)?",
        changes_company=True,
    ),
)
KINDS = {kind.name: kind for kind in _ALL}


def find_kind(name: str) -> FaultKind | None:
    """Return the kind with this name in a plan; the statuses 500 to 599 are all of the kind ``5xx``."""
    return KINDS["5xx"] if re.fullmatch(r"5\d\d", name) else KINDS.get(name) if name != "5xx" else None
