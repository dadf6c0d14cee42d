"""``revrec selftest``: the published recognition figures, played on the installed program."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from revrec.core.golden import PlayedCase, play, policy
from revrec.jobs.admin.init import shipped


class GoldenCases:
    """The cases of a folder: what was published, by which rule each is reproduced, and why one is not."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or shipped("golden", beside="tests/golden")

    @cached_property
    def published(self) -> dict[str, dict[str, Any]]:
        """Every case, by its id."""
        return {case["id"]: case for case in json.loads((self._folder / "cases.json").read_text(encoding="utf-8"))}

    @cached_property
    def covered(self) -> dict[str, dict[str, Any]]:
        """How each case that a rule reproduces is played."""
        return self._tables("covered")

    @cached_property
    def not_covered(self) -> dict[str, str]:
        """Why each of the others is not."""
        return {case: reason for reason, table in self._tables("not_covered").items() for case in table["cases"]}

    def _tables(self, name: str) -> dict[str, dict[str, Any]]:
        found: Mapping[str, Any] = tomllib.loads((self._folder / f"{name}.toml").read_text(encoding="utf-8"))
        return dict(found[name])


class SelftestCase(NamedTuple):
    """One case that was played."""

    case: str
    source: str
    policy: str
    played: PlayedCase


@dataclass
class SelftestResult:
    """The cases played, and those that no rule reproduces, with the reason."""

    cases: list[SelftestCase] = field(default_factory=list)
    not_covered: dict[str, str] = field(default_factory=dict)

    @property
    def failed(self) -> list[SelftestCase]:
        """The cases that gave another figure than was published."""
        return [one for one in self.cases if not one.played.as_published]


def selftest(cases: GoldenCases | None = None) -> SelftestResult:
    """Play every published case that a rule reproduces; no configuration, database or network is touched."""
    cases = cases or GoldenCases()
    played = [
        SelftestCase(
            name, cases.published[name]["source"], policy(cases.published[name], how), play(cases.published[name], how)
        )
        for name, how in cases.covered.items()
    ]
    return SelftestResult(played, cases.not_covered)
