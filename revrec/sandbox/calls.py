"""The interface between the gateway and its functions: what a function receives and what it returns."""

from collections.abc import Callable
from dataclasses import dataclass, field

from revrec.sandbox.company.state import CompanyState
from revrec.sandbox.errors import Error, FunctionFailure
from revrec.sandbox.xmltree import Element, Node


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated caller: sender, company id, user, and the entity signed in to (empty at the top level).

    ``session_url`` is the endpoint for sessions, at the host that the caller asked.
    """

    sender: str
    company_id: str
    user: str
    location: str
    session_url: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One function to run, with its caller and the state of the company."""

    company: CompanyState
    caller: Caller
    control_id: str
    body: Node
    alone: bool = True

    def permits(self, verb: str, subject: str) -> bool:
        """Return true unless the switch ``denied`` forbids ``verb`` on objects of type ``subject``."""
        denied = {item.strip().lower() for item in self.company.switches.denied.split(",")}
        return f"{verb}:{subject}".lower() not in denied and verb.lower() not in denied

    def require(self, verb: str, subject: str) -> None:
        """Check that the user may do ``verb`` on objects of type ``subject``.

        Raises:
            FunctionFailure: the switch ``denied`` withholds this permission.
        """
        if not self.permits(verb, subject):
            text = f"You do not have permission for API operation {verb.upper()} on objects of type {subject.lower()}"
            raise FunctionFailure(Error("XL03000009", description2=text, category="Invalid permission"))


@dataclass(frozen=True, slots=True)
class FunctionOutput:
    """The output of a function. ``errors`` next to ``data`` mean a partial success; lists have a ``list_type``."""

    data: Element | None = None
    key: str | None = None
    errors: tuple[Error, ...] = ()
    list_type: Element | None = None


@dataclass(frozen=True, slots=True)
class GatewayFunction:
    """One function of the gateway, with the checks that run before it.

    ``check`` raises SchemaViolation for a body of the wrong shape, before any function of the request runs.
    ``run`` works inside a store transaction and raises FunctionFailure. ``legacy`` functions also exist in
    dtdversion 2.1.
    """

    name: str
    run: Callable[[Call], FunctionOutput]
    check: Callable[[Node], None] = field(default=lambda _body: None)
    legacy: bool = False
