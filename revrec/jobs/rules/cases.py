"""``revrec rules test``: check the rules against test cases."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from revrec.core.errors import BadConfiguration
from revrec.core.rules.case_results import CaseDifference, play, rules_expected
from revrec.core.rules.cases import RuleCase, parse_cases
from revrec.jobs.rules.files import read_rule_file
from revrec.jobs.rules.load import load_rules

if TYPE_CHECKING:
    from revrec.jobs.context import Context

FOLDER = "cases"
"""The folder of cases inside the rules folder."""


@dataclass
class CasesResult:
    """The result of the cases; every failed one with its differences."""

    played: int = 0
    failed: list[tuple[RuleCase, list[CaseDifference]]] = field(default_factory=list)
    untested: list[str] = field(default_factory=list)
    """Rules that no case expects to win, or expects the entries of."""


def play_cases(context: "Context", files: list[Path] | None = None) -> CasesResult:
    """Run the cases of ``files`` (default: of the folder ``cases`` in the rules folder).

    Raises:
        RuleErrors: Rules or cases have errors, with every problem.
        BadConfiguration: There are no cases, or a file cannot be read.
    """
    book = load_rules(context)
    folder = context.settings.rules.folder / FOLDER
    paths = files or sorted(folder.glob("*.toml"))
    if not paths:
        raise BadConfiguration(
            f"{folder}: there are no cases; write some in {folder / 'cases.toml'}, see: revrec docs rules"
        )
    result = CasesResult()
    cases = parse_cases({str(path): read_rule_file(path) for path in paths})
    for case in context.progress.track(cases, "playing cases"):
        result.played += 1
        differences = play(case, book)
        if differences:
            result.failed.append((case, differences))
    tested = {name for case in cases for name in rules_expected(case, book)}
    result.untested = [rule.name for rule in book.rules if rule.name not in tested]
    return result
