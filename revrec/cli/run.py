"""``revrec run``."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.invoice import show_invoices
from revrec.cli.shared import INTERRUPTED, Options, command, day, fail, span
from revrec.core.harmless import harmless

if TYPE_CHECKING:
    from revrec.jobs.running.result import RunResult

COLUMNS = ("reference", "date", "journal", "entity", "currency", "lines", "amount", "status", "record_no")
COUNTS = ("posted", "failed", "in_doubt", "held", "waiting")
SPARE = ("lines", "journal", "entity")
MOST_REASONS = 20


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "run")
    def run(
        options: Options,
        date: Annotated[str, typer.Option("--date", metavar="D", help="Post all that is due on or before this day.")],
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Make the entries and throw them away.")] = False,
        wait: Annotated[
            str, typer.Option("--wait", metavar="TIME", help="How long to wait for another run to end: '5 min'.")
        ] = "0 s",
        retry_for: Annotated[
            str,
            typer.Option("--retry-for", metavar="TIME", help="How long to keep trying what passes by itself: '2 h'."),
        ] = "0 s",
        fetch: Annotated[bool, typer.Option("--fetch", help="Take what the sources have to offer first.")] = False,
    ) -> None:
        """Post what is due to Intacct: each journal entry exactly once.

        Documents whose source asks for it are invoiced first (see revrec invoice).
        Every due amount goes from deferred to accrued. Running it again posts nothing twice. Entries that Intacct
        refuses are kept with their error and advice, and tried again by the next run; the others go on. What is
        recognized in a closed period is held or dated in the next open one, as [posting] closed_period says. Exit code
        4 says that something is left to settle.

        With --retry-for it goes on, every 15 minutes or as soon as a doubt can be settled, until nothing is left that
        passes by itself or the time is up. People are told once, at the end.

        With --fetch, a source that fails does not keep the run from posting; its exit code counts where the run's own
        is 0.

        \b
        Examples:
          revrec run --date 2024-03-31 --dry-run
          revrec run --date 2024-03-31
          revrec run --date 2024-03-31 --wait "5 min" --format json
          revrec run --date 2024-03-31 --retry-for 2h
          revrec run --date 2024-03-31 --fetch
        """
        from revrec.jobs.running.alert import run_and_alert

        due = day(date, "--date")
        assert due is not None
        waits = (span(wait, "--wait"), _warn, span(retry_for, "--retry-for"))
        fetched = _fetch(options, dry_run) if fetch else 0
        result = run_and_alert(options.context(), due, dry_run, *waits)
        _show(options, result)
        _end(result)
        if fetched:
            raise typer.Exit(fetched)


def _fetch(options: Options, dry_run: bool) -> int:
    """Take what the sources have to offer; what went wrong is told on standard error. The exit code that says so."""
    from revrec.cli.fetch import exit_code, tell_problems
    from revrec.jobs.importing.fetch import fetch

    results = fetch(options.context(), dry_run=dry_run)
    for one in results:
        tell_problems(one)
    return exit_code(results)


def _warn(text: str) -> None:
    print(f"revrec: warning: {text}", file=sys.stderr)


def _show(options: Options, result: "RunResult") -> None:
    from revrec.cli.output import conclude, print_csv, print_json, print_table

    if options.json:
        counts = dict.fromkeys(COUNTS, 0) | result.counts
        repaired = [{"repair": name, "entries": count} for name, count in result.repaired.items()]
        told = {"run": result.run, "runs": result.runs, "date": result.date, "entries": result.entries}
        invoiced = {"invoices": result.invoices, "invoiced": dict.fromkeys(COUNTS, 0) | result.invoice_counts}
        print_json({**told, **counts, "repaired": repaired, **invoiced})
        return
    if options.csv:
        print_csv(result.entries, (*COLUMNS, "error_no", "error", "advice", "recognised", "reason"))
        return
    if result.invoices:
        show_invoices(result)
    print_table(result.entries, COLUMNS, right=("lines",), spare=SPARE)
    _show_dates(result)
    for entry in result.entries:
        if entry["error"] and entry["status"] != "posted":
            print(harmless(f"{entry['reference']}: {entry['error_no'] or ''} {entry['error']}"), file=sys.stderr)
            advice = entry["advice"] or f"see revrec trace {entry['reference']}"
            print(harmless(f"  advice: {advice}"), file=sys.stderr)
    conclude(_summary(result), bool(result.entries or result.invoices))


def _show_dates(result: "RunResult") -> None:
    """Why entries are dated otherwise than with the day of recognition, or held."""
    told = [entry for entry in result.entries if entry["reason"]]
    for entry in told[:MOST_REASONS]:
        print(harmless(f"{entry['reference'] or entry['status']}: {entry['reason']}"), file=sys.stderr)
    if len(told) > MOST_REASONS:
        print(f"... and {len(told) - MOST_REASONS:,} more (--format json or csv shows all)", file=sys.stderr)


def _summary(result: "RunResult") -> str:
    """What the run did, in one line, with the sums by currency."""
    from revrec.cli.output import counted

    if result.dry_run:
        held = result.counts["held"]
        planned = len(result.entries) - held
        told = f"{counted(planned, 'entry', 'entries')} would be posted{_sums(result, 'planned')}"
        told += f", {held:,} held" if held else ""
        told += f"; {counted(len(result.invoices), 'document')} invoiced" if result.invoices else ""
        return f"dry run for {result.date}: {told}; nothing was written"
    if (
        not result.entries
        and not result.invoices
        and not any((*result.counts.values(), *result.invoice_counts.values()))
    ):
        return f"run {result.run} for {result.date}: nothing was due that is not posted already"
    words = [f"{count} {state.replace('_', ' ')}" for state, count in result.counts.items()]
    words[0] += _sums(result, "posted")
    words += [f"invoices {count} {state.replace('_', ' ')}" for state, count in result.invoice_counts.items() if count]
    words += [f"{counted(count, 'entry', 'entries')} repaired by {name}" for name, count in result.repaired.items()]
    runs = f"run {result.run}" if len(result.runs) < 2 else f"runs {result.runs[0]} to {result.runs[-1]}"
    return f"{runs} for {result.date}: {', '.join(words)}"


def _sums(result: "RunResult", status: str) -> str:
    from decimal import Decimal

    from revrec.cli.output import grouped

    sums: dict[str, Decimal] = {}
    for entry in result.entries:
        if entry["status"] == status:
            currency = str(entry["currency"])
            sums[currency] = sums.get(currency, Decimal(0)) + Decimal(str(entry["amount"]))
    told = ", ".join(f"{grouped(amount)} {currency}" for currency, amount in sorted(sums.items()))
    return f" ({told} on each side)" if told else ""


def _end(result: "RunResult") -> None:
    """The exit code: 5 if only new credentials help, 4 if anything is left to settle."""
    if result.interrupted:
        fail("interrupted while it waited; what was committed is kept, the next run goes on", INTERRUPTED)
    if result.stopped is not None:
        code = 5 if result.stopped.error_class == "needs_sign_in" else 4
        fail(f"stopped: {result.stopped.advice}", code)
    if not result.complete:
        raise typer.Exit(4)
