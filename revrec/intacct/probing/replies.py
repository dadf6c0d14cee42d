"""What one function of a probe came to: any status and any level, for nothing is expected of it."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from lxml import etree

from revrec.intacct.gateway import GatewayError
from revrec.intacct.judgement import created_keys
from revrec.intacct.reading import Answered
from revrec.intacct.responses import Result

Run = Callable[..., Answered]
"""Sends functions (bytes) in one request; ``unique`` and ``transaction`` as in the envelope."""


class Reply(NamedTuple):
    """``status`` is Intacct's word, ``door`` if the request was turned away, ``lost`` without a usable answer."""

    status: str
    errors: tuple[GatewayError, ...] = ()
    record_no: str = ""
    data: etree._Element | None = None

    @property
    def made(self) -> bool:
        """Whether it made a record."""
        return bool(self.record_no)

    @property
    def errorno(self) -> str:
        """Of the first error, which is the specific one."""
        return self.errors[0].errorno if self.errors else ""

    @property
    def said(self) -> str:
        """Errorno and text of the first error, or what came instead of an answer."""
        first = self.errors[0] if self.errors else GatewayError("", self.status)
        return f"{first.errorno} {first.text}".strip()


def replies(answered: Answered, count: int) -> list[Reply]:
    """One reply per function, in order; the same one for all when the request did not get that far."""
    if answered.response is None:
        return [Reply("lost", (GatewayError("", answered.exchange.detail or answered.reason),))] * count
    response = answered.response
    if len(response.results) != count:
        errors = response.control_errors or response.authentication_errors
        return [Reply("door", errors)] * count
    return [_reply(result) for result in response.results]


def _reply(result: Result) -> Reply:
    keys = created_keys(result) if result.data is not None else []
    return Reply(result.status, result.errors, keys[0] if keys else "", result.data)


def rows(reply: Reply, name: str) -> list[dict[str, str]]:
    """The records of an answered query."""
    if reply.data is None:
        return []
    found = [row for row in reply.data if isinstance(row.tag, str) and row.tag.upper() == name]
    return [{str(child.tag).upper(): (child.text or "").strip() for child in row} for row in found]


def single(run: Run, function: bytes, **options: bool) -> Reply:
    """Run one function."""
    return replies(run([function], **options), 1)[0]


def several(run: Run, functions: Sequence[bytes], **options: bool) -> list[Reply]:
    """Run functions in one request."""
    return replies(run(functions, **options), len(functions))
