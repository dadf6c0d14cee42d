"""What a function is given when it runs, and what it hands back."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from revrec.sandbox.access import Access
from revrec.sandbox.clock import Clock
from revrec.sandbox.control_ids import ControlIds
from revrec.sandbox.errors import Error, Refusal
from revrec.sandbox.masters import Masters
from revrec.sandbox.paging import ResultPages
from revrec.sandbox.periods import Periods
from revrec.sandbox.response import Element
from revrec.sandbox.sessions import Sessions
from revrec.sandbox.store import Store
from revrec.sandbox.switches import Switches
from revrec.sandbox.usage import Usage
from revrec.sandbox.visibility import Visibility
from revrec.sandbox.xmltree import Node


@dataclass(slots=True)
class Desk:
    """Everything the functions of one sandbox share."""

    store: Store
    masters: Masters
    periods: Periods
    switches: Switches
    clock: Clock
    access: Access
    sessions: Sessions
    control_ids: ControlIds
    pages: ResultPages
    usage: Usage
    visibility: Visibility
    random: random.Random
    seed: int
    session_url: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls: sender, company, user, and the entity signed in to (empty: top level)."""

    sender: str
    company: str
    user: str
    location: str


@dataclass(frozen=True, slots=True)
class Call:
    """One function to run."""

    desk: Desk
    who: Identity
    control_id: str
    body: Node
    alone: bool = True

    def require(self, verb: str, subject: str) -> None:
        """Raises Refusal when the user may not do `verb` to objects of type `subject`."""
        denied = {item.strip().lower() for item in self.desk.switches.denied.split(",")}
        if f"{verb}:{subject}".lower() in denied or verb.lower() in denied:
            text = f"You do not have permission for API operation {verb.upper()} on objects of type {subject.lower()}"
            raise Refusal(Error("XL03000009", description2=text, category="Invalid permission"))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a function hands back. `errors` beside `data` is a partial success."""

    data: Element | None = None
    key: str | None = None
    errors: tuple[Error, ...] = ()


@dataclass(frozen=True, slots=True)
class Function:
    """One function of the gateway.

    `check` raises SchemaViolation on a body of the wrong shape, before anything of the request runs;
    `run` works inside a store transaction and raises Refusal. `legacy` functions exist in dtdversion 2.1 too.
    """

    name: str
    run: Callable[[Call], Outcome]
    check: Callable[[Node], None] = field(default=lambda _body: None)
    legacy: bool = False
