"""``revrec selftest``."""

from typing import Any

import typer

from revrec.cli.shared import Options, command

COLUMNS = ("case", "result", "policy", "source")


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "selftest")
    def selftest(options: Options) -> None:
        """Check this installation against published figures.

        Each figure of the standards and of other systems is reproduced by a rule; the rounding and the day count are
        shown. The journal of each worked example of ASC 606 is derived, too. Needs no configuration and no database.
        Exit code 7 means that a figure differs.

        \b
        Examples:
          revrec selftest
          revrec selftest --format json
        """
        from revrec.cli.output import conclude, counted, print_csv, print_json, print_table
        from revrec.jobs.admin.selftest import selftest as play

        result = play()
        cases = [_shown(one) for one in result.cases]
        others = [{"case": case, "reason": reason} for case, reason in result.not_covered.items()]
        if options.json:
            print_json({"played": len(cases), "failed": len(result.failed), "cases": cases, "not_covered": others})
        elif options.csv:
            print_csv(cases, COLUMNS)
        else:
            print_table(cases, COLUMNS)
            print_table(others, ("case", "reason"), title="Not covered by a rule")
            verdict = f"{len(result.failed):,} with a different figure" if result.failed else "each figure as published"
            conclude(f"{counted(len(cases), 'case')}: {verdict}; {len(others):,} more are not covered", True)
        if result.failed:
            raise typer.Exit(7)


def _shown(one: Any) -> dict[str, Any]:
    played = one.played
    differ = [
        f"{name}: {wanted} published, {played.found[name]} found"
        for name, wanted in played.expected.items()
        if played.found.get(name) != wanted
    ]
    result = "as published" if played.as_published else "; ".join(differ) or "the schedule lines differ from the case"
    return {"case": one.case, "result": result, "policy": one.policy, "source": one.source}
