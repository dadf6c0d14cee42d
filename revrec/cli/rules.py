"""``revrec rules``."""

from typing import Annotated, Any

import typer

from revrec.cli.shared import Options, command


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="Rule files: check them, list them, ask them why.", no_args_is_help=True)
    app.add_typer(group, name="rules")

    @command(group, "check", "rules")
    def check(options: Options) -> None:
        """Check every rule file; a broken one is refused with file:line:column and what was expected.

        \b
        revrec rules check
        """
        from revrec.cli.output import print_json
        from revrec.core.rules import RuleErrors
        from revrec.jobs.rules import load_rules

        try:
            book = load_rules(options.context())
        except RuleErrors as errors:
            if options.json:
                print_json({"rules": 0, "problems": [problem._asdict() for problem in errors.problems]})
                raise typer.Exit(3) from None
            raise
        warnings = [problem._asdict() for problem in book.warnings]
        if options.json:
            print_json({"rules": len(book.rules), "problems": [], "warnings": warnings})
            return
        for warning in book.warnings:
            print(f"warning: {warning}")
        print(f"{len(book.rules)} rules are sound")

    @command(group, "list", "rules")
    def list_(options: Options) -> None:
        """List the rules in the order in which they are tried.

        \b
        revrec rules list
        """
        from revrec.cli.output import print_csv, print_json, print_table
        from revrec.jobs.rules import load_rules

        rows = [_row(rule) for rule in load_rules(options.context()).rules]
        if options.json:
            print_json({"rules": rows})
        elif options.format == "csv":
            print_csv(rows, COLUMNS)
        else:
            print_table(rows, COLUMNS, right=("priority",))

    @command(group, "explain", "rules")
    def explain(
        options: Options,
        charge: Annotated[str, typer.Argument(help="Charge id: SOURCE/DOCUMENT/LINE.", show_default=False)],
    ) -> None:
        """Show each rule tried for a charge line, the condition that failed, the winner and its schedule.

        \b
        revrec rules explain shop/INV-1001/1
        """
        from revrec.jobs.explain import explain as ask

        _show_trials(options, ask(options.context(), charge))


COLUMNS = ("priority", "name", "method", "effective", "deferred", "accrued", "journal", "file", "sha256")


def _row(rule: Any) -> dict[str, Any]:
    ends = (rule.effective_from or "", rule.effective_to or "")
    return {
        "priority": rule.priority,
        "name": rule.name,
        "description": rule.description,
        "method": rule.method.name,
        "effective": f"{ends[0]}..{ends[1]}" if any(ends) else "always",
        "deferred": rule.post.deferred,
        "accrued": rule.post.accrued,
        "journal": rule.post.journal,
        "file": f"{rule.file}:{rule.line}",
        "sha256": rule.sha256[:12],
    }


def _show_trials(options: Options, found: dict[str, Any]) -> None:
    from revrec.cli.output import print_csv, print_json, print_table

    if options.json:
        print_json(found)
    elif options.format == "csv":
        print_csv(found["rules"], ("rule", "priority", "matched", "reason"))
    else:
        print_table(
            found["rules"], ("rule", "priority", "matched", "reason"), title=found["charge"], right=("priority",)
        )
        print(found["explanation"])
        print_table(found["schedule"], ("seq", "date", "amount"), right=("amount",))
