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
        "slow", "a delay before the request is executed, or between commit and answer", "SECONDS (default 1)", _SECONDS
    ),
    FaultKind(
        "gather",
        "the request waits, before it is executed or between commit and answer, until so many requests have this "
        "fault, or until another plan is set; at most a minute",
        "COUNT (default 2)",
        r"([2-9]|[1-9]\d+)?",
    ),
    FaultKind("drip", "the answer arrives in small pieces over this time", "SECONDS (default 1)", _SECONDS, (AFTER,)),
    FaultKind("5xx", "the HTTP status used as the name (500 to 599, such as 503), with a web page"),
    FaultKind("429", "the rate limit: HTTP 429 with GW-0010"),
    FaultKind("GW-0001", "an error of the gateway itself, with HTTP 200"),
    FaultKind("GW-0011", "the gateway refuses the company or the sender, with HTTP 200", moments=(BEFORE,)),
    FaultKind("html", "HTTP 200 with a web page"),
    FaultKind("empty", "HTTP 200 with an empty body"),
    FaultKind("truncated", "two thirds of the answer, then the connection is closed"),
    FaultKind("garbled", "the answer with noise in the middle"),
    FaultKind("wrong_control_id", "the answer with another client's control ids"),
    FaultKind("stale", "the answer to an earlier request"),
    FaultKind("twice", "the whole answer, sent twice on the connection", moments=(AFTER,)),
    FaultKind(
        "repeat",
        "the request is executed twice, as if a proxy had resent it; the second answer is sent",
        moments=(AFTER,),
    ),
    FaultKind(
        "refuse",
        "the functions fail (only FUNCTION, if set)",
        "ERRORNO TEXT (default BL01001973)",
        r"([A-Za-z][\w-]*( .*)?)?",
        (BEFORE,),
    ),
    FaultKind("die", "the sandbox process exits at once; a restart on the same data file keeps everything committed"),
    FaultKind("expire_sessions", "all sessions end", changes_company=True),
    FaultKind(
        "forget_ids",
        "control ids are forgotten: all, this request's, or older ones",
        "one, or an age in SECONDS (default all)",
        r"(one|\d+(\.\d*)?|\.\d+)?",
        changes_company=True,
    ),
    FaultKind(
        "close_period",
        "the books of the company or an entity are closed through a month",
        "YYYY-MM or YYYY-MM/ENTITY",
        r"\d{4}-(0[1-9]|1[0-2])(/.+)?",
        changes_company=True,
    ),
    FaultKind(
        "open_period",
        "a month and all later ones are opened",
        "YYYY-MM or YYYY-MM/ENTITY",
        r"\d{4}-(0[1-9]|1[0-2])(/.+)?",
        changes_company=True,
    ),
)
KINDS = {kind.name: kind for kind in _ALL}


def find_kind(name: str) -> FaultKind | None:
    """Return the kind with this name in a plan; the statuses 500 to 599 are all of the kind ``5xx``."""
    return KINDS["5xx"] if re.fullmatch(r"5\d\d", name) else KINDS.get(name) if name != "5xx" else None
