"""Requests of a probe and their replies. A probe sends what the posting code never would, and accepts any reply."""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple
from uuid import uuid4

from lxml import etree

from revrec.intacct.elements import add_text
from revrec.intacct.gateway import GatewayError
from revrec.intacct.judgment import created_keys
from revrec.intacct.reading import ParsedAnswer
from revrec.intacct.responses import FunctionResult

RunFunctions = Callable[..., ParsedAnswer]
"""Sends functions (bytes) in one request. Options: ``unique`` and ``transaction``, as in the request's envelope."""

_PERMISSION = re.compile(r"permission|not authori[sz]ed|access denied", re.IGNORECASE)


class ProbeFinding(NamedTuple):
    """The answer to one question about the gateway.

    ``number``: number of the question. ``evidence``: Intacct's own text. ``switch`` and ``setting``: the sandbox switch
    that reproduces this behavior; empty if there is no switch or the answer is unclear.
    """

    number: str
    question: str
    answer: str
    evidence: str = ""
    switch: str = ""
    setting: str | int | bool | None = None


NOT_ASKED, NOT_ANSWERED = "not asked", "not answered"
"""Answers of a :class:`ProbeFinding`."""


class ProbeReply(NamedTuple):
    """The reply to one function.

    ``status``: Intacct's own word; ``door`` if the whole request was refused; ``lost`` if there was no usable answer.
    """

    status: str
    errors: tuple[GatewayError, ...] = ()
    record_no: str = ""
    data: etree._Element | None = None

    @property
    def created(self) -> bool:
        """Return True if the function created a record."""
        return bool(self.record_no)

    @property
    def was_answered(self) -> bool:
        """Return False if Intacct did not answer the function, because the request was refused or lost as a whole."""
        return self.status not in ("lost", "door")

    @property
    def refusal(self) -> str:
        """Return the answer to a question whose function failed: ``refused``, or ``not answered``."""
        return "refused" if self.was_answered else NOT_ANSWERED

    @property
    def errorno(self) -> str:
        """Return the errorno of the first error, which is the most specific one."""
        return self.errors[0].errorno if self.errors else ""

    @property
    def said(self) -> str:
        """Return errorno and text of the first error, or what arrived instead of an answer."""
        first = self.errors[0] if self.errors else GatewayError("", self.status)
        return f"{first.errorno} {first.text}".strip()


def element(tag: str, **texts: str) -> etree._Element:
    """Build an element with text children in the order of the arguments."""
    parent = etree.Element(tag)
    for name, text in texts.items():
        add_text(parent, name, text)
    return parent


def function(control_id: str, body: etree._Element) -> bytes:
    """Build a ``function`` element around a body."""
    wrapper = etree.Element("function", controlid=control_id)
    wrapper.append(body)
    return etree.tostring(wrapper, encoding="UTF-8", xml_declaration=False)


def run_single(run: RunFunctions, function: bytes, **options: bool) -> ProbeReply:
    """Run one function."""
    return run_several(run, [function], **options)[0]


def run_several(run: RunFunctions, functions: Sequence[bytes], **options: bool) -> list[ProbeReply]:
    """Run functions in one request and return one reply for each, in order.

    If the request did not get as far as its functions, all replies are the same.
    """
    answer, count = run(functions, **options), len(functions)
    if answer.response is None:
        return [ProbeReply("lost", (GatewayError("", answer.exchange.detail or answer.reason),))] * count
    response = answer.response
    if len(response.results) != count:
        errors = response.control_errors or response.authentication_errors
        return [ProbeReply("door", errors)] * count
    return [_reply(result) for result in response.results]


def _reply(result: FunctionResult) -> ProbeReply:
    keys = created_keys(result) if result.data is not None else []
    return ProbeReply(result.status, result.errors, keys[0] if keys else "", result.data)


def records(reply: ProbeReply, name: str) -> list[dict[str, str]]:
    """Return the records of a query's reply, with field names in upper case."""
    if reply.data is None:
        return []
    found = [row for row in reply.data if isinstance(row.tag, str) and row.tag.upper() == name]
    return [{str(child.tag).upper(): (child.text or "").strip() for child in row} for row in found]


def creation_refusal(run: RunFunctions, journal: str) -> str:
    """Return why the user may not create journal entries, or an empty text if no refusal mentions permissions.

    Two things ensure that no entry is created: the requested one has no lines, and it runs in a transaction, so that
    its own failure rolls it back.
    """
    batch = element("GLBATCH", JOURNAL=journal, BATCH_DATE="01/31/2000", BATCH_TITLE="revrec doctor", STATE="Draft")
    create = element("create")
    create.append(batch)
    reply = run_single(run, function(f"revrec-doctor-{uuid4()}", create), transaction=True)
    said = " ".join(error.text for error in reply.errors)
    if _PERMISSION.search(said) or not reply.was_answered:
        return reply.said
    return ""
