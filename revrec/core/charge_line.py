"""The charge line (one billed line) and the dated facts about its fulfillment."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, NamedTuple

DIMENSIONS = ("location", "department", "class", "project", "contract")
"""Dimension names of a charge line besides customer and item, in their order in native files."""

EVENT_KINDS = (
    "pod", "milestone", "percent", "usage", "estimate", "cancel", "credit", "price", "constraint", "hold", "release",
    "service_dates", "notice", "impair",
)  # fmt: skip
"""Kinds of fulfillment event: ``pod`` is a proof of delivery; ``notice`` the units of a shipment on its way, which earn
nothing, for the proof of delivery of the same name; ``milestone`` carries a name; ``percent`` how much is
complete in all; ``usage`` the units used since; ``estimate`` the units now expected to be used in all; ``constraint``
what of the amount is constrained from then on; ``impair`` what a deferred cost loses of its value; and so on."""

BILLED_LATER = "later"
"""The value of ``bills`` of a contract line: it was signed, and invoices that arrive later bill it."""

IMPAIR = "impair"
"""The kind of event that writes off part of a deferred cost: the amount is not negative."""
LOSS_MARK = ":impairment"
"""The end of the id of an impairment loss, after the id of the cost whose value it reduces."""

ALLOCATE = "allocate"
"""A new allocation of the line's contract as a change of its price. The engine makes these events; no user can."""
INCLUDE = "(constraint)"
"""A constrained amount that joins the price or leaves it. The engine makes these events; no user can name the kind."""
SHARE = "(contract)"
"""A line's share in a change of its contract's price; what is satisfied by then is caught up. The engine makes it."""
LOSS = "(impaired)"
"""What an impairment adds to the loss of its cost. The engine makes it."""
SATISFIED = "(satisfied)"
"""The part of such a share for what was satisfied before a modification: it is recognized at once."""

CONTRACT, LINE = "contract", "line"
SCOPES = (CONTRACT, LINE)
"""What a change of the price belongs to: all obligations of the contract, or the line that it is recorded for."""
SHARED = "(shared)"
"""The scope of an event whose change of the price an allocation shares. The engine marks these events."""


class ChargeLine(NamedTuple):
    """One billed line as its source sent it; immutable once imported.

    ``amount`` is in minor units of ``currency`` (ISO 4217); negative for a credit. ``rev_rec_date`` and the
    service dates may be missing. ``dimensions`` maps names of :data:`DIMENSIONS` (and custom ones) to ids; empty ids
    are left out. ``credits`` names what the line credits, if its source says so: ``DOCUMENT`` or ``DOCUMENT/LINE`` of
    the same source. ``cutover`` is the day from which revrec recognizes a line that was billed before it, and
    ``recognized_before`` the amount (minor units) that another system recognized until then. ``bills`` names the
    contract line that it bills: ``CONTRACT``, ``CONTRACT/LINE`` or a charge's id; or it is :data:`BILLED_LATER`.
    """

    source: str
    document: str
    line: str
    customer: str
    item: str
    post_date: date
    amount: int
    currency: str
    rev_rec_date: date | None = None
    description: str = ""
    quantity: Decimal | None = None
    service_start: date | None = None
    service_end: date | None = None
    entity: str = ""
    dimensions: Mapping[str, str] = {}
    credits: str = ""
    recognized_before: int = 0
    cutover: date | None = None
    bills: str = ""

    @property
    def is_migrated(self) -> bool:
        """True if another system recognized the line, or part of it, before the cutover."""
        return self.cutover is not None and self.post_date < self.cutover

    @property
    def id(self) -> str:
        """Return the charge's id, ``source/document/line``, by which users refer to it."""
        return f"{self.source}/{self.document}/{self.line}"

    @property
    def is_ordered(self) -> bool:
        """Check whether the line is a contract line: it earns its amount, and other charge lines bill it."""
        return self.bills == BILLED_LATER


class FulfillmentEvent(NamedTuple):
    """A dated fact about a charge line: a proof of delivery, a milestone reached, units used.

    ``charge`` is the charge's id. ``amount`` is in minor units of the charge's currency. Later-recorded events of
    the same kind and name correct earlier ones (of ``percent``, ``estimate`` and ``constraint``: of the same day;
    ``usage`` without a name adds up); events are passed around in the order they were recorded. ``scope`` is one of
    :data:`SCOPES` for a change of the price; empty if the rules decide.
    """

    charge: str
    kind: str
    date: date
    quantity: Decimal | None = None
    percent: Decimal | None = None
    amount: int | None = None
    name: str = ""
    note: str = ""
    scope: str = ""


make_event: Callable[[tuple[Any, ...]], FulfillmentEvent] = partial(tuple.__new__, FulfillmentEvent)
"""Make an event from all its values; twice as fast as calling the class, for each event of a file and of its lines."""

_PLAIN_WORD = re.compile(r"[\w@%+=:,./-]+")


def event_command(line: ChargeLine, kind: str, name: str = "", options: str = "", do: str = "record it with") -> str:
    """Return the command that records an event of a charge line, introduced by ``do``, quoted for a shell."""
    named = f" --name {_quoted(name)}" if name else ""
    return f"{do} `revrec event add {_quoted(line.id)} {kind} DATE{named}{options}`"


def _quoted(word: str) -> str:
    return word if _PLAIN_WORD.fullmatch(word) else "'" + word.replace("'", "'\\''") + "'"
