"""``revrec rules test``, ``rules diff`` and ``rules check --against-data``: try rules before they take effect."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.shared import Options, command

if TYPE_CHECKING:
    from revrec.jobs.rules.cases import CasesResult
    from revrec.jobs.rules.compare import RuleComparison

GAP = ("problem", "item", "currency", "lines", "amount", "example", "reason")
CASE = ("case", "file", "field", "expected", "found")
CHANGED = ("charge", "before", "after")
MOVED = ("period", "revenue", "currency", "current", "proposed", "moved")


def register(group: typer.Typer) -> None:
    """Add the commands to the group ``rules``."""

    @command(group, "test", "rules")
    def test(
        options: Options,
        files: Annotated[
            list[Path] | None,
            typer.Argument(metavar="FILE", help="Files of cases; default: cases/*.toml beside the rules."),
        ] = None,
    ) -> None:
        """Run the test cases of the rules.

        A case is a charge line or the lines of a contract, their events, and the expected result. Exit code 7 means
        that a case failed.

        \b
        Examples:
          revrec rules test
          revrec rules test rules/cases/magazines.toml
        """
        from revrec.jobs.rules.cases import play_cases

        _show_cases(options, play_cases(options.context(), files))

    @command(group, "diff", "rules")
    def diff(
        options: Options,
        folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of the proposed rules.")],
        limit: Annotated[
            int,
            typer.Option("--limit", metavar="N", help="Maximum number of charge lines shown; 0 for all that are kept."),
        ] = 20,
    ) -> None:
        """Compare the current rules with proposed ones.

        Shows which rules differ and how much revenue would move in each period. Every charge line is derived under both
        sets, as if each had always been in effect; nothing is written. With -v, the changed lines of rules are shown.

        \b
        Examples:
          revrec rules diff ../rules-2025
          revrec rules diff ../rules-2025 --format json
        """
        from revrec.jobs.rules.compare import compare_rules

        _show_diff(options, compare_rules(options.context(), folder), limit)


def check_against_data(options: Options) -> None:
    """Match every charge line and print the gaps; exit code 7 if there are any."""
    from revrec.cli.output import conclude, counted, print_csv, print_json, print_table
    from revrec.jobs.rules.coverage import coverage

    book, found = coverage(options.context())
    gaps = [gap.shown() for gap in found.gaps.values()]
    taken = [{"rule": rule.name, "lines": found.matched[rule.name]} for rule in book.rules]
    if options.json:
        print_json({"lines": found.lines, "rules": taken, "gaps": gaps})
    elif options.csv:
        print_csv(gaps, GAP)
    else:
        print_table(taken, ("rule", "lines"), right=("lines",))
        print_table(gaps, GAP, title="Covered by no rule, or by two", right=("lines",), spare=("currency", "amount"))
        left = sum(gap.lines for gap in found.gaps.values())
        lines = counted(found.lines, "charge line")
        conclude(
            f"{lines}: {f'{left:,} not covered by exactly one rule' if left else 'each covered by one rule'}", True
        )
    if not found.complete:
        raise typer.Exit(7)


def _show_cases(options: Options, result: "CasesResult") -> None:
    from revrec.cli.output import conclude, counted, print_csv, print_json, print_table

    failed = [
        {"case": case.name, "file": f"{case.file}:{case.line}", **difference._asdict()}
        for case, differences in result.failed
        for difference in differences
    ]
    if options.json:
        counts = {"cases": result.played, "failed": len(result.failed)}
        print_json({**counts, "differences": failed, "untested": result.untested})
    elif options.csv:
        print_csv(failed, CASE)
    else:
        print_table(failed, CASE, spare=("file",))
        outcome = f"{len(result.failed):,} failed" if result.failed else "all as expected"
        conclude(f"{counted(result.played, 'case')}: {outcome}", bool(failed))
        if result.untested:
            print(f"rules without a test case: {', '.join(result.untested)}")
    if result.failed:
        raise typer.Exit(7)


def _show_diff(options: Options, result: "RuleComparison", limit: int) -> None:
    from revrec.cli.output import conclude, counted, print_csv, print_json, print_table

    rules = [change._asdict() for change in result.rules]
    changed = [change._asdict() for change in result.charges]
    shown = changed[:limit] if limit else changed
    if options.json:
        counts = {"charges": result.lines, "differ": result.differ}
        print_json({**counts, "rules": rules, "moved": result.moved(), "changes": shown})
    elif options.csv:
        print_csv(result.moved(), MOVED)
    else:
        print_table(rules, ("rule", "change"))
        if options.verbose:
            for change in result.rules:
                print(f"\n{change.rule}\n{change.diff}")
        print_table(shown, CHANGED, title="Charge lines that differ")
        if result.differ > len(shown):
            print(f"... and {result.differ - len(shown):,} more")
        print_table(result.moved(), MOVED, title="Recognized by period and revenue account")
        differ = counted(result.differ, "differs", "differ")
        conclude(f"{counted(result.lines, 'charge line')}, {differ}; nothing was written", bool(rules or shown))
