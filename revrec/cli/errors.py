"""``revrec errors``."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.filters import list_command
from revrec.cli.shared import Options, add_group, command

if TYPE_CHECKING:
    from revrec.jobs.reports.known_errors import KnownError


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

    @list_command(group, "list", "errors")
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

        found = list(known_errors(error_class))
        if not _as_data(options, found):
            from revrec.cli.output import print_table

            print_table(list(map(_row, found)), COLUMNS[:4], spare=("signs",))
            conclude(f"{counted(len(found), 'error')}; details: revrec errors explain NAME", True)

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

        Use it for a number or text that Intacct returned. To see the request and the response, use `revrec trace` with
        the reference of the entry.

        \b
        Examples:
          revrec errors explain GL-1009
          revrec errors explain "Account 4000 is not valid"
          revrec errors explain 429
        """
        from revrec.jobs.reports.known_errors import explain_error

        found = explain_error(text)
        if not _as_data(options, found):
            print("\n\n".join("\n".join(_paragraph(one)) for one in found))


def _as_data(options: Options, found: "list[KnownError]") -> bool:
    """Print the errors as JSON or CSV if one of them is requested, and return whether it was."""
    from revrec.cli.output import print_csv, print_json

    rows = list(map(_row, found))
    if options.json:
        print_json({"errors": rows})
    elif options.csv:
        print_csv(rows, COLUMNS)
    return options.json or options.csv


def _row(one: "KnownError") -> dict[str, str]:
    """Return an error as a row, with the column ``class``, a word that Python reserves."""
    return {
        "error": one.error,
        "class": one.error_class,
        "signs": one.signs,
        "advice": one.advice,
        "policy": one.policy,
    }


def _paragraph(one: "KnownError") -> list[str]:
    return [
        f"{one.error} ({one.error_class.replace('_', ' ')}; known by {one.signs})",
        f"  what to do: {one.advice}",
        f"  what revrec does: {one.policy}",
    ]
