"""``revrec run``."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from revrec.cli.adjustments import print_adjustments
from revrec.cli.filters import LIMIT, LimitOption
from revrec.cli.invoice import show_invoices
from revrec.cli.posting_results import WaitOption, end_unless_complete, show_errors
from revrec.cli.shared import INTERRUPTED, LAST_DAY, Options, YesOption, command, confirmed, day, fail, span
from revrec.core.harmless import harmless

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.running.result import EntryView, RunResult
    from revrec.jobs.running.unknown_records import LookedUp

COLUMNS = ("reference", "date", "journal", "entity", "currency", "lines", "amount", "status", "record_no")
INVOICE_COUNTS = ("posted", "failed", "in_doubt", "held", "waiting")
COUNTS = (*INVOICE_COUNTS, "awaiting_approval")
SPARE = ("lines", "journal", "entity")
MOST_REASONS = 20


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "run")
    def run(
        options: Options,
        date: Annotated[
            str,
            typer.Option("--date", metavar="D", help=f"Post all that is due on or before this day; {LAST_DAY}"),
        ],
        dry_run: Annotated[
            bool,
            typer.Option(
                "--dry-run", help="Show the entries, and unknown accounts and other records; send and save nothing."
            ),
        ] = False,
        wait: WaitOption = "0 s",
        retry_for: Annotated[
            str,
            typer.Option("--retry-for", metavar="TIME", help="How long to keep retrying temporary failures: '2 h'."),
        ] = "0 s",
        fetch: Annotated[bool, typer.Option("--fetch", help="Fetch new documents from the sources first.")] = False,
        yes: YesOption = False,
        limit: LimitOption = LIMIT,
    ) -> None:
        """Post what is due to Intacct: each journal entry exactly once.

        Each due amount moves from the deferred revenue account to the revenue account. Running it again posts nothing
        twice. Documents that are due for invoicing are invoiced first (see revrec invoice). If Intacct rejects an
        entry, its error and advice are kept, the next run tries it again, and the others are posted. Revenue of a
        closed period is blocked or dated in the next open one, as [posting] closed_period says. Exit code 4 means that
        something is left to settle, that a charge line has no rule, or that one has waited for an event for longer
        than [alerts] waiting_after.

        With --retry-for, it retries temporary failures every 15 minutes, and postings in doubt as soon as they can be
        settled, until none is left or the time is up. One alert is sent, at the end.

        If --date is after today, or the run would post more than [run] largest, it must be confirmed: on a terminal, or
        with --yes.

        With --fetch, a failing source does not stop the run from posting; its exit code is used if the run's is 0.

        \b
        Examples:
          revrec run --date 2024-03-31 --dry-run
          revrec run --date 2024-03-31
          revrec run --date 2024-03-31 --wait "5 min" --format json
          revrec run --date 2024-03-31 --retry-for 2h
          revrec run --date 2024-03-31 --fetch
        """
        from revrec.jobs.running.alert import run_and_alert
        from revrec.jobs.running.guards import above_limit, after_today

        due = day(date, "--date")
        assert due is not None
        waits = (span(wait, "--wait"), _warn, span(retry_for, "--retry-for"))
        context, sure = options.context(), dry_run or yes
        confirmed([] if sure else after_today(context, due))
        fetched = _fetch(options, dry_run) if fetch else 0
        confirmed([] if sure else above_limit(context, due))
        result = run_and_alert(context, due, dry_run, *waits)
        _show(options, result, _looked_up(context, result), limit)
        _end(result)
        if fetched:
            raise typer.Exit(fetched)


def _fetch(options: Options, dry_run: bool) -> int:
    """Fetch from the sources, print problems on standard error, and return the exit code."""
    from revrec.cli.fetch import exit_code, report_problems
    from revrec.jobs.importing.fetch import fetch

    results = fetch(options.context(), dry_run=dry_run)
    for one in results:
        report_problems(one)
    return exit_code(results)


def _warn(text: str) -> None:
    print(f"revrec: warning: {text}", file=sys.stderr)


def _looked_up(context: "Context", result: "RunResult") -> "LookedUp":
    """Return the records of a dry run that Intacct does not know; none after a run, which Intacct has answered."""
    from revrec.jobs.running.unknown_records import look_up

    return look_up(context, result.named)


def _show(options: Options, result: "RunResult", looked_up: "LookedUp", limit: int) -> None:
    from revrec.cli.output import as_data, conclude, counted, print_csv, print_json, print_table
    from revrec.jobs.rules.files import RULES_ADVICE

    if options.json:
        counts = dict.fromkeys(COUNTS, 0) | result.counts
        repaired = [{"repair": name, "entries": count} for name, count in result.repaired.items()]
        head = {"run": result.run, "runs": result.runs, "date": result.date, "entries": result.entries}
        adjusted = {"adjustments": result.adjustments, "adjusted": result.adjustment_counts}
        invoiced = {"invoices": result.invoices, "invoiced": dict.fromkeys(INVOICE_COUNTS, 0) | result.invoice_counts}
        undated = {"undated": as_data(result.undated), "missing": as_data(result.missing)}
        rules = {"rule_changes": as_data(result.rule_changes), "picked_up": [one.charge for one in result.picked_up]}
        unknown = {"unknown_records": as_data(looked_up.unknown), "not_looked_up": looked_up.failed}
        shared = {"shared": _shared_data(result), **unknown}
        print_json({**head, **counts, "repaired": repaired, **invoiced, **adjusted, **shared, **undated, **rules})
        return
    if options.csv:
        print_csv(result.entries, (*COLUMNS, "error_no", "error", "advice", "recognized", "reason"))
        return
    if result.invoices:
        show_invoices(result, limit)
    rows = [_shown(one) for one in result.entries]
    print_table(rows, COLUMNS, right=("lines",), spare=SPARE, limit=limit, noun=("entry", "entries"))
    print_adjustments(result, limit, "Adjusting entries", ("adjusting entry", "adjusting entries"))
    _show_dates(result)
    show_errors([*result.entries, *result.adjustments], "reference")
    conclude(_summary(result), bool(result.entries or result.invoices or result.adjustments))
    _show_shared(result)
    if result.picked_up:
        print(f"{counted(len(result.picked_up), 'charge line')} without a schedule got one by rules that changed")
    if result.rule_changes:
        _warn(f"{harmless(str(result.rule_changes))}; {RULES_ADVICE}")
    for record in looked_up.unknown[:MOST_REASONS]:
        _warn(harmless(str(record)))
    if looked_up.failed:
        _warn(f"records were not looked up in Intacct: {harmless(looked_up.failed)}")
    for missing in result.missing:
        _warn(f"{harmless(str(missing))}: see revrec preview --date {result.date}")


def _show_dates(result: "RunResult") -> None:
    """Print why entries are not dated with the day of recognition, or why their lines are blocked."""
    moved = [entry for entry in result.entries if entry["reason"]]
    for entry in moved[:MOST_REASONS]:
        print(harmless(f"{entry['reference'] or _shown(entry)['status']}: {entry['reason']}"), file=sys.stderr)
    if len(moved) > MOST_REASONS:
        print(f"... and {len(moved) - MOST_REASONS:,} more (--format json or csv shows all)", file=sys.stderr)


def _shown(entry: "EntryView") -> dict[str, object]:
    """Return an entry with its status as people read it; lines that are on no entry have no reference: blocked."""
    from revrec.core.posting import state_in_words

    is_blocked = entry["status"] == "held" and not entry["reference"]
    return {**entry, "status": "blocked" if is_blocked else state_in_words(entry["status"])}


def _summary(result: "RunResult") -> str:
    """Return what the run did in one line, with the totals by currency."""
    from revrec.cli.output import counted, counts_in_words

    if result.dry_run:
        blocked = result.counts["held"]
        planned = len(result.entries) - blocked
        text = f"{counted(planned, 'entry', 'entries')} would be posted{_sums(result, 'planned')}"
        text += f", {blocked:,} blocked" if blocked else ""
        text += f"; {counted(len(result.invoices), 'document')} invoiced" if result.invoices else ""
        adjusted = counted(len(result.adjustments), "adjusting entry", "adjusting entries")
        text += f"; {adjusted}" if result.adjustments else ""
        return f"dry run for {result.date}: {text}; nothing was written"
    views = (*result.entries, *result.invoices, *result.adjustments)
    every = (result.counts, result.invoice_counts, result.adjustment_counts)
    if not views and not any(count for counts in every for count in counts.values()):
        return f"run {result.run} for {result.date}: nothing left to post"
    words = counts_in_words(result.counts, blocked=len(result.blocked) + len(result.awaiting_invoice))
    words[0] += _sums(result, "posted")
    invoices = {state: count for state, count in result.invoice_counts.items() if count}
    words += [f"invoices {one}" for one in counts_in_words(invoices)]
    adjusting = {state: count for state, count in result.adjustment_counts.items() if count}
    words += [f"adjusting entries {one}" for one in counts_in_words(adjusting)]
    words += [f"{counted(count, 'entry', 'entries')} repaired by {name}" for name, count in result.repaired.items()]
    runs = f"run {result.run}" if len(result.runs) < 2 else f"runs {result.runs[0]} to {result.runs[-1]}"
    return f"{runs} for {result.date}: {', '.join(words)}"


def _shared_data(result: "RunResult") -> dict[str, object] | None:
    from revrec.core.money import decimal_string

    if result.shared is None:
        return None
    sums = [{"currency": one, "amount": decimal_string(amount, one)} for one, amount in result.shared.sums.items()]
    return {"runs": result.shared.runs, "posted": result.shared.posted, "sums": sums}


def _show_shared(result: "RunResult") -> None:
    """Print what runs that worked at the same time posted together; the one that ends last knows it."""
    from revrec.cli.output import counted, grouped
    from revrec.core.money import decimal_string

    if result.shared is None:
        return
    runs = ", ".join(map(str, result.shared.runs))
    sums = ", ".join(f"{grouped(decimal_string(amount, one))} {one}" for one, amount in result.shared.sums.items())
    posted = counted(result.shared.posted, "entry", "entries")
    print(f"runs {runs} shared the work and posted {posted} together" + (f": {sums} on each side" if sums else ""))


def _sums(result: "RunResult", status: str) -> str:
    from decimal import Decimal

    from revrec.cli.output import grouped

    sums: dict[str, Decimal] = {}
    for entry in result.entries:
        if entry["status"] == status:
            currency = str(entry["currency"])
            sums[currency] = sums.get(currency, Decimal(0)) + Decimal(str(entry["amount"]))
    text = ", ".join(f"{grouped(amount)} {currency}" for currency, amount in sorted(sums.items()))
    return f" ({text} on each side)" if text else ""


def _end(result: "RunResult") -> None:
    """End with an exit code that says what is left: to be continued, to sign in, or to settle."""
    if result.interrupted:
        fail("interrupted while waiting; committed changes are kept, and the next run continues", INTERRUPTED)
    end_unless_complete(result, result.complete and (result.dry_run or not result.missing))
