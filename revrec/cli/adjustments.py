"""Show the adjusting entries that a command posted."""

from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.filters import LIMIT
from revrec.cli.posting_results import end_unless_complete, show_errors
from revrec.cli.shared import Options

if TYPE_CHECKING:
    from revrec.jobs.running.result import RunResult

COLUMNS = ("reference", "date", "journal", "entity", "subject", "currency", "amount", "status", "record_no")
SPARE = ("journal", "entity", "record_no")
KEYS = (*COLUMNS, "kind", "day", "lines", "reverses", "reason", "error_no", "error", "advice")

PostDryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="With --post: show the entries; send and save nothing.")
]


def show_adjustments(options: Options, result: "RunResult") -> None:
    """Print the adjusting entries of a run, and end with exit code 4 if something is left to settle."""
    from revrec.cli.output import conclude, print_csv, print_json

    if options.json:
        head = {"run": result.run, "date": result.date, "dry_run": result.dry_run, "adjustments": result.adjustments}
        print_json({**head, **result.adjustment_counts})
    elif options.csv:
        print_csv(result.adjustments, KEYS)
    else:
        print_adjustments(result, LIMIT)
        conclude(_summary(result), bool(result.adjustments))
    show_errors(result.adjustments, "reference")
    end_unless_complete(result, result.complete)


def print_adjustments(
    result: "RunResult", limit: int, title: str = "", noun: tuple[str, str] = ("entry", "entries")
) -> None:
    """Print at most ``limit`` adjusting entries of a run as a table (0: all)."""
    from revrec.cli.output import print_table
    from revrec.core.posting import state_in_words

    rows = [{**one, "status": state_in_words(one["status"])} for one in result.adjustments]
    print_table(rows, COLUMNS, title, spare=SPARE, limit=limit, noun=noun)


def _summary(result: "RunResult") -> str:
    from revrec.cli.output import counted, counts_in_words

    if result.dry_run:
        count = counted(len(result.adjustments), "entry", "entries")
        return f"dry run for {result.date}: {count} would be posted; nothing was written"
    if not any(result.adjustment_counts.values()):
        return f"run {result.run} for {result.date}: nothing left to post"
    return f"run {result.run} for {result.date}: {', '.join(counts_in_words(result.adjustment_counts))}"
