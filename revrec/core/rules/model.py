"""A rule: which charge lines it takes, how it recognises them, and to which accounts it posts."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, Protocol

from revrec.core.charge_line import ChargeLine
from revrec.core.errors import BadInput
from revrec.core.recognition import Method


class Condition(Protocol):
    """One condition of ``[rule.when]`` on one ``field``."""

    @property
    def field(self) -> str:
        """The key it stands under in the file."""
        ...

    def holds(self, line: ChargeLine) -> bool:
        """Whether the line meets it."""
        ...

    def failure(self, line: ChargeLine) -> str:
        """Why the line does not meet it, in words."""
        ...


class Post(NamedTuple):
    """Where a rule posts: account numbers, the journal's symbol and the memo template."""

    deferred: str
    accrued: str
    journal: str
    memo: str


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One ``[[rule]]`` of a rule file. ``text`` is its exact text there, ``sha256`` that text's digest: its version.

    ``effective_from`` and ``effective_to`` bound the post dates it takes, both inclusive; None is unbounded.
    ``file`` and ``line`` (from 1) tell where the block begins.
    """

    name: str
    description: str
    priority: int
    effective_from: date | None
    effective_to: date | None
    when: tuple[Condition, ...]
    method: Method
    post: Post
    file: str
    line: int
    text: str
    sha256: str


class Problem(NamedTuple):
    """What is wrong at one place of a rule file; line and column count from 1."""

    file: str
    line: int
    column: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class RuleErrors(BadInput):
    """Rule files that must not be used; ``problems`` holds everything found, the message one line for each."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems
