"""``revrec errors``."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from revrec.cli.shared import Options, add_group, command


class Class(StrEnum):
    """The class of an error: what to do about it."""

    retry_now = "retry_now"
    retry_later = "retry_later"
    needs_data = "needs_data"
    needs_sign_in = "needs_sign_in"
    needs_person = "needs_person"
    in_doubt = "in_doubt"


COLUMNS = ("error", "class", "signs", "advice", "policy")
_CLASS_HELP = f"Only this class: {', '.join(Class)}."


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "errors", "Look up Intacct's errors and what revrec does about each.")

    @command(group, "list", "errors")
    def list_(
        options: Options,
        error_class: Annotated[Class | None, typer.Option("--class", metavar="CLASS", help=_CLASS_HELP)] = None,
    ) -> None:
        """List the errors that revrec knows, and what to do.

        \b
        Examples:
          revrec errors list
          revrec errors list --class needs_data
        """
        from revrec.cli.output import conclude, counted
        from revrec.jobs.reports.known_errors import known_errors

        rows = list(known_errors(error_class))
        if not _as_data(options, rows):
            from revrec.cli.output import print_table

            print_table(rows, COLUMNS[:4], spare=("signs",))
            conclude(f"{counted(len(rows), 'error')}; details: revrec errors explain NAME", True)

    @command(group, "explain", "errors")
    def explain(
        options: Options,
        text: Annotated[
            str,
            typer.Argument(
                metavar="ERROR", help="An error's number, id or text, an HTTP status, or its name in revrec."
            ),
        ],
    ) -> None:
        """Explain an error: what it means, and what to do.

        \b
        Examples:
          revrec errors explain GL-1009
          revrec errors explain "Account 4000 is not valid"
          revrec errors explain 429
        """
        from revrec.jobs.reports.known_errors import explain_error

        rows = explain_error(text)
        if not _as_data(options, rows):
            print("\n\n".join("\n".join(_paragraph(row)) for row in rows))


def _as_data(options: Options, rows: list[dict[str, Any]]) -> bool:
    """Print the rows as JSON or CSV if one of them is requested, and return whether it was."""
    from revrec.cli.output import print_csv, print_json

    if options.json:
        print_json({"errors": rows})
    elif options.csv:
        print_csv(rows, COLUMNS)
    return options.json or options.csv


def _paragraph(row: dict[str, Any]) -> list[str]:
    return [
        f"{row['error']} ({row['class'].replace('_', ' ')}; known by {row['signs']})",
        f"  what to do: {row['advice']}",
        f"  what revrec does: {row['policy']}",
    ]
