"""``revrec rules``."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli import rule_history, rule_trials
from revrec.cli.filters import list_command
from revrec.cli.shared import Options, add_group, command, fail

if TYPE_CHECKING:
    from revrec.jobs.reports.explain import RuleExplanation


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "rules", "Check, list, test, compare and explain rules.")
    _add_check(group)
    _add_schema(group)
    _add_list(group)
    _add_explain(group)
    rule_trials.register(group)
    rule_history.register(group)
    _add_calendar(group)


def _add_check(group: typer.Typer) -> None:
    @command(group, "check", "rules")
    def check(
        options: Options,
        against_data: Annotated[
            bool,
            typer.Option("--against-data", help="Match every charge line; report lines that no rule covers, or two."),
        ] = False,
    ) -> None:
        """Check every rule file and report errors with their fix.

        Each error names file:line:column and what was expected there. No other command uses rules that have errors.

        \b
        Examples:
          revrec rules check
          revrec rules check --against-data
          revrec rules check --format json
        """
        from revrec.cli.output import counted, print_csv, print_json
        from revrec.core.rules import RuleErrors
        from revrec.core.rules.model import RuleProblem
        from revrec.jobs.rules.load import load_rules

        try:
            book = load_rules(options.context())
        except RuleErrors as errors:
            if options.json:
                print_json({"rules": 0, "repairs": 0, "problems": [problem._asdict() for problem in errors.problems]})
                raise typer.Exit(3) from None
            if options.csv:
                print_csv((problem._asdict() for problem in errors.problems), errors.problems[0]._fields)
            raise
        if against_data:
            rule_trials.check_against_data(options)
            return
        warnings = [problem._asdict() for problem in book.warnings]
        if options.json:
            sound = {"rules": len(book.rules), "repairs": len(book.repairs)}
            print_json({**sound, "problems": [], "warnings": warnings})
            return
        if options.csv:
            print_csv(warnings, RuleProblem._fields)
            return
        for warning in book.warnings:
            print(f"warning: {warning}")
        repairs = f", and {counted(len(book.repairs), 'repair')}" if book.repairs else ""
        print(f"{counted(len(book.rules), 'rule is', 'rules are')} sound{repairs}")


def _add_schema(group: typer.Typer) -> None:
    @command(group, "schema", "rules")
    def schema(options: Options) -> None:
        """Print the JSON Schema of rule files, for editors.

        Save it beside the rules, and make "#:schema ../rules.schema.json" the first line of a rule file.

        \b
        Example:
          revrec rules schema
        """
        import json

        from revrec.core.rules import json_schema

        if options.csv:
            fail("--format csv: a schema is a tree, not a table; leave the option out", 2)
        # Not print_json, which would add former names of result keys to the schema.
        print(json.dumps(json_schema.schema(), indent=2))


def _add_list(group: typer.Typer) -> None:
    @list_command(group, "list", "rules")
    def list_(options: Options) -> None:
        """List rules and repairs in the order in which they are tried.

        \b
        Examples:
          revrec rules list
          revrec rules list --format json
        """
        from revrec.jobs.rules.load import load_rules

        _show_book(options, load_rules(options.context()))


def _add_explain(group: typer.Typer) -> None:
    @command(group, "explain", "rules")
    def explain(
        options: Options,
        charge: Annotated[str, typer.Argument(metavar="CHARGE", help="Charge id: SOURCE/DOCUMENT/LINE.")],
    ) -> None:
        """Explain which rule covers a charge line, and why.

        Use it to see why a rule covers a line, or why none does. To see where its amounts come from, use `revrec
        explain`; to see what happened to it, use `revrec trace`. Shows each rule that was tried, the condition that
        failed, the rule that won, and the resulting schedule.

        \b
        Examples:
          revrec rules explain shop/INV-1001/1
          revrec rules explain shop/INV-1001/1 --format json
        """
        from revrec.jobs.reports.explain import explain as ask

        _show_trials(options, ask(options.context(), charge))


def _add_calendar(group: typer.Typer) -> None:
    @command(group, "calendar", "rules")
    def calendar(
        options: Options,
        rule: Annotated[str, typer.Argument(metavar="RULE", help="Name of a rule.")],
        year: Annotated[int, typer.Argument(metavar="YEAR", help="Fiscal year, or calendar year.", min=1, max=9999)],
    ) -> None:
        """Print the fiscal periods and holidays that a rule uses.

        A fiscal year is named after the calendar year given by its year-end setting.

        \b
        Examples:
          revrec rules calendar wholesale 2024
          revrec rules calendar wholesale 2024 --format csv
        """
        from revrec.jobs.rules.calendar import rule_calendar

        _show_calendar(options, rule_calendar(options.context(), rule, year))


TRIAL = ("rule", "priority", "matched", "reason")
COLUMNS = ("priority", "name", "method", "effective", "deferred", "revenue", "journal", "file", "sha256")


def _show_book(options: Options, book: Any) -> None:
    from revrec.cli.output import print_csv, print_json, print_table

    rows = [_row(rule) for rule in book.rules]
    repairs = [_repair_row(repair) for repair in book.repairs]
    allocations = [_allocation_row(one) for one in book.allocations]
    costs = [_cost_row(rule, cost) for rule in book.rules for cost in rule.named_costs]
    if options.json:
        print_json({"rules": rows, "repairs": repairs, "allocations": allocations, "costs": costs})
    elif options.csv:
        print_csv(rows, COLUMNS)
    else:
        spare = ("file", "deferred", "revenue", "journal", "effective", "sha256")
        print_table(list(map(_brief, rows)), COLUMNS, right=("priority",), spare=spare)
        print_table(
            list(map(_brief, repairs)), REPAIR_COLUMNS, "Repairs", right=("priority",), spare=("file", "sha256")
        )
        print_table(list(map(_brief, allocations)), ALLOCATION_COLUMNS, "Allocations", right=("priority",))
        print_table(costs, COST_COLUMNS, "Costs")


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "file": _near(row["file"]), "sha256": row["sha256"][:12]}


ALLOCATION_COLUMNS = ("priority", "name", "contract_by", "prices", "later", "file", "sha256")


def _allocation_row(one: Any) -> dict[str, Any]:
    return {
        "priority": one.priority,
        "name": one.name,
        "description": one.description,
        "contract_by": ", ".join(one.contract_by),
        "prices": one.prices.file,
        "later": one.later,
        "file": f"{one.file}:{one.line}",
        "sha256": one.sha256,
    }


COST_COLUMNS = ("name", "rule", "costs", "per", "deferred", "expense")


def _cost_row(rule: Any, cost: Any) -> dict[str, Any]:
    per = "line" if cost.amount is None else cost.per
    accounts = {"deferred": cost.deferred, "expense": cost.expense, "impairment": cost.impairment}
    return {"name": cost.name, "rule": rule.name, "costs": cost.price, "per": per, **accounts}


REPAIR_COLUMNS = ("priority", "name", "error", "values", "file", "sha256")


def _repair_row(repair: Any) -> dict[str, Any]:
    values = (f"{field} = {value}" if value is not None else f"no {field}" for field, value in repair.values.items())
    return {
        "priority": repair.priority,
        "name": repair.name,
        "description": repair.description,
        "error": ", ".join(repair.errors),
        "values": ", ".join(values),
        "file": f"{repair.file}:{repair.line}",
        "sha256": repair.sha256,
    }


def _row(rule: Any) -> dict[str, Any]:
    ends = (rule.effective_from or "", rule.effective_to or "")
    return {
        "priority": rule.priority,
        "name": rule.name,
        "description": rule.description,
        "method": rule.method.name,
        "effective": f"{ends[0]}..{ends[1]}" if any(ends) else "always",
        "deferred": rule.post.deferred,
        "revenue": rule.post.accrued,
        "journal": rule.post.journal,
        "file": f"{rule.file}:{rule.line}",
        "sha256": rule.sha256,
    }


def _near(place: str) -> str:
    """Return a path relative to the current folder, if it is below."""
    import os
    from pathlib import Path

    return place.removeprefix(f"{Path.cwd()}{os.sep}")


def _show_calendar(options: Options, found: dict[str, Any]) -> None:
    from revrec.cli.output import print_csv, print_json, print_table

    if options.json:
        print_json(found)
        return
    periods = ("year", "number", "first", "last", "weeks")
    if options.csv:
        print_csv(found["periods"] or found["holidays"], periods if found["periods"] else ("date", "name"))
        return
    print_table(found["periods"], periods, right=("number", "weeks"))
    weekdays = f"Monday to Friday except the holidays of {found['calendar']}"
    if not found["periods"] or found["holidays"]:
        print(f"business days: {weekdays if found['calendar'] != 'weekdays' else 'Monday to Friday'}")
    print_table(found["holidays"], ("date", "name"))


def _show_trials(options: Options, found: "RuleExplanation") -> None:
    from revrec.cli.output import as_data, grouped, print_csv, print_json, print_shares, print_table

    if options.json:
        print_json(as_data(found))
    elif options.csv:
        print_csv(as_data(found.rules), TRIAL)
    else:
        print(f"{found.charge}\n")
        print_table(as_data(found.rules), TRIAL, right=("priority",))
        print(f"\n{found.explanation}\n")
        print_shares(as_data(found.allocation), "Contract allocation")
        print_table(as_data(found.schedule), ("seq", "date", "amount"), right=("seq",))
        if waiting := found.waiting:
            print(f"\n{grouped(waiting.amount)} {waiting.currency} waits: {waiting.reason}")
