"""The answer to one question about the gateway."""

from typing import NamedTuple


class Finding(NamedTuple):
    """``number``: of the question; ``evidence``: what Intacct said. ``switch`` and ``setting``: how the sandbox is made
    to behave alike, where it has a switch for it and the answer is plain."""

    number: str
    question: str
    answer: str
    evidence: str = ""
    switch: str = ""
    setting: str | int | bool | None = None
