"""What the commands that post have in common: their options, the errors of their postings, and their exit codes."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.shared import fail
from revrec.core.harmless import harmless

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from revrec.jobs.running.result import RunResult

MOST_ERRORS = 20

WaitOption = Annotated[
    str, typer.Option("--wait", metavar="TIME", help="How long to wait for another run to finish: '5 min'.")
]


def show_errors(postings: "Sequence[Mapping[str, Any]]", traced: str) -> None:
    """Print why postings failed, and the advice, on standard error; ``traced`` is the key that a trace starts from."""
    failed = [one for one in postings if one["error"] and one["status"] != "posted"]
    for one in failed[:MOST_ERRORS]:
        print(harmless(f"{one['reference']}: {one['error_no'] or ''} {one['error']}"), file=sys.stderr)
        advice = one["advice"] or f"see revrec trace {one[traced]}"
        print(harmless(f"  advice: {advice}"), file=sys.stderr)
    if len(failed) > MOST_ERRORS:
        more = len(failed) - MOST_ERRORS
        print(f"... and {more:,} more errors; list them with: revrec postings list --limit 0", file=sys.stderr)


def end_unless_complete(run: "RunResult", complete: bool) -> None:
    """End with exit code 5 if new credentials are needed, and with 4 if the run stopped or is not complete."""
    if run.stopped is not None:
        fail(f"stopped: {run.stopped.explanation}", 5 if run.stopped.error_class == "needs_sign_in" else 4)
    if not complete:
        raise typer.Exit(4)
