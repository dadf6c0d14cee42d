"""What a function is given when it runs, and what it hands back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from revrec.sandbox.company.state import Desk
from revrec.sandbox.errors import Error, Refusal
from revrec.sandbox.xmltree import Element, Node


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
