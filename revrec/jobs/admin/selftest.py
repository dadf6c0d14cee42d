"""``revrec selftest``: check the installed program against published recognition figures."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from revrec.core.golden import PlayedCase, play, policy
from revrec.core.worked_examples import number_of, play_example
from revrec.jobs.admin.init import shipped


class GoldenCases:
    """The published cases of a folder, the rule that reproduces each, and why some are not reproduced."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or shipped("golden", beside="tests/golden")

    @cached_property
    def published(self) -> dict[str, dict[str, Any]]:
        """Return every published case by its id."""
        return {case["id"]: case for case in json.loads((self._folder / "cases.json").read_text(encoding="utf-8"))}

    @cached_property
    def covered(self) -> dict[str, dict[str, Any]]:
        """Return how each case is reproduced by a rule."""
        return self._tables("covered")

    @cached_property
    def not_covered(self) -> dict[str, str]:
        """Return the reason why each of the others is not reproduced."""
        return {case: reason for reason, table in self._tables("not_covered").items() for case in table["cases"]}

    @cached_property
    def examples(self) -> dict[str, dict[str, Any]]:
        """Return the worked examples of the standard that have a journal, by their id."""
        found = tomllib.loads((self._folder / "worked_examples.toml").read_text(encoding="utf-8"))["example"]
        return {f"asc606-example-{number_of(one).lower()}": one for one in found if "journal" in one}

    def _tables(self, name: str) -> dict[str, dict[str, Any]]:
        found: Mapping[str, Any] = tomllib.loads((self._folder / f"{name}.toml").read_text(encoding="utf-8"))
        return dict(found[name])


class SelftestCase(NamedTuple):
    """One published case and its result."""

    case: str
    source: str
    policy: str
    played: PlayedCase


@dataclass
class SelftestResult:
    """The results of all cases, and the cases that no rule reproduces, with the reason."""

    cases: list[SelftestCase] = field(default_factory=list)
    not_covered: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> list[SelftestCase]:
        """Return the cases whose figures differ from the published ones."""
        return [one for one in self.cases if not one.played.as_published]


def selftest(cases: GoldenCases | None = None) -> SelftestResult:
    """Check every published case that a rule reproduces, and every worked example of the standard.

    Needs no configuration, database or network.
    """
    cases = cases or GoldenCases()
    played = [
        SelftestCase(
            name, cases.published[name]["source"], policy(cases.published[name], how), play(cases.published[name], how)
        )
        for name, how in cases.covered.items()
    ]
    played += [
        SelftestCase(name, one["paragraphs"], one["title"], play_example(one)) for name, one in cases.examples.items()
    ]
    return SelftestResult(played, cases.not_covered)
