"""``revrec postings``."""

import sys
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.filters import ALL, LIMIT, BasisOption, LimitOption, list_command
from revrec.cli.posting_results import WaitOption, end_unless_complete, show_errors
from revrec.cli.shared import Options, ReasonOption, YesOption, add_group, command, confirmed, day, fail, span
from revrec.core.filters import Basis, Filters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from revrec.jobs.context import Context
    from revrec.jobs.running.reverse import ReversalResult


class PostingState(StrEnum):
    """The states of a posting that can be listed; ``held`` is the stored name of ``needs_review``."""

    all = "all"
    posted = "posted"
    ready = "ready"
    sending = "sending"
    awaiting_approval = "awaiting_approval"
    in_doubt = "in_doubt"
    rejected = "rejected"
    needs_review = "needs_review"
    held = "held"
    replaced = "replaced"
    canceled = "canceled"


FOLLOW = "; details: revrec trace REFERENCE"
_STATE_HELP = (
    "Only this state: posted, awaiting_approval, ready, sending, in_doubt, rejected, needs_review (stored as held), "
    "replaced or canceled; all: every state. Default: what is not settled."
)
COLUMNS = (
    "reference", "kind", "date", "state", "amount", "currency", "record_no", "posted_at", "posted_by", "error_no",
    "error", "advice",
)  # fmt: skip
FURTHER = ("total", "document", "recognized", "entity", "run", "not_before")
SPARE = ("currency", "record_no", "posted_at", "error_no", "kind", "posted_by")


def _columns(state: PostingState | None) -> tuple[str, ...]:
    """Return the columns of the table: for success, for failure, or both."""
    if state is PostingState.posted:
        return COLUMNS[:9]
    return COLUMNS if state is PostingState.all else (*COLUMNS[:6], *COLUMNS[9:])


def _shown(row: "Mapping[str, Any]") -> dict[str, Any]:
    from revrec.cli.listing import when
    from revrec.core.posting import state_in_words

    return {**row, "state": state_in_words(row["state"]), "posted_at": when(row["posted_at"])}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = add_group(app, "postings", "List, settle and reverse entries and invoices.")

    @list_command(group, "list", "postings", filters=ALL)
    def list_(
        options: Options,
        filters: Filters,
        state: Annotated[PostingState | None, typer.Option("--state", metavar="STATE", help=_STATE_HELP)] = None,
        basis: BasisOption = Basis.ledger,
        limit: LimitOption = LIMIT,
    ) -> None:
        """List entries, invoices and adjusting entries by their state.

        By default, shows what is not settled, with errors and advice. Posted ones show Intacct's record number, who
        posted them and when. The amount is what an entry recognizes: below zero if it takes revenue back, such as a
        reversal; costs are below zero too. An invoice or adjusting entry has its total. A period, --from and --to
        select by the date in the ledger; with --basis earned, by the day of recognition.

        \b
        Examples:
          revrec postings list
          revrec postings list --state rejected --format csv
          revrec postings list --state posted --period 2024-03
          revrec postings list --state all --charge shop/INV-1001/1
        """
        from revrec.cli.listing import show_list
        from revrec.jobs.reports.lists import postings

        wanted = "held" if state is PostingState.needs_review else state
        dates = "ledger" if basis is Basis.ledger else "recognition"
        by = f" by {dates} date" if filters.first or filters.last else ""
        found = postings(options.context(), filters, wanted, basis)
        nouns = ("posting", "postings") if state else ("posting is not settled", "postings are not settled")
        columns = (*COLUMNS, *FURTHER) if options.csv else _columns(state)
        show_list(options, "postings", found, columns, nouns, limit, _shown, SPARE, conclusion=by + FOLLOW)

    _add_resolve(group)
    _add_reverse(group)


def _add_resolve(group: typer.Typer) -> None:
    @command(group, "resolve", "postings")
    def resolve(
        options: Options,
        reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="The entry or invoice.")],
        reason: ReasonOption,
        as_posted: Annotated[
            str | None,
            typer.Option(
                "--as-posted",
                metavar="KEY",
                help="Record it as posted under this Intacct record number or DOCID; a rejected invoice as entered by "
                "hand.",
            ),
        ] = None,
        resend: Annotated[
            bool, typer.Option("--resend", help="Look it up in Intacct again, then send it if it is not there.")
        ] = False,
        cancel: Annotated[bool, typer.Option("--cancel", help="Cancel it; its lines become due again.")] = False,
        drop: Annotated[
            bool, typer.Option("--drop", help="Cancel an invoice for good; its charge lines are voided.")
        ] = False,
        recognize: Annotated[
            bool, typer.Option("--recognize", help="With --drop: recognize the charge lines without an invoice.")
        ] = False,
        early: Annotated[
            bool, typer.Option("--in-quarantine", help="Settle it even though its quarantine has not ended.")
        ] = False,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Show what would be settled, and save nothing.")
        ] = False,
    ) -> None:
        """Settle a posting that needs review, is in doubt, or was rejected.

        Look it up in Intacct first. A posting in doubt is settled by the next run once its quarantine has ended. The
        reason is recorded in the audit trail. An invoice that revrec cannot send can be entered in Intacct by hand
        (--as-posted), so that its charge lines count as invoiced, or never be invoiced (--drop).

        \b
        Examples:
          revrec postings resolve RRDWV4S7Q2K3MABC --as-posted 6680 --reason "its title was changed"
          revrec postings resolve RRDWV4S7Q2K3MABC --resend --reason "the journal was locked"
          revrec postings resolve RRDWV4S7Q2K3MABC --cancel --reason "deleted by the controller"
          revrec postings resolve IVPJW2ENJPH6MFGMJS --as-posted "Sales Invoice-4711" --reason "entered by hand"
          revrec postings resolve IVPJW2ENJPH6MFGMJS --drop --reason "a duplicate of INV-7" --dry-run
        """
        from revrec.jobs.posting import resolve as job

        if (as_posted is not None) + resend + cancel + drop != 1:
            fail("postings resolve: use exactly one of --as-posted KEY, --resend, --cancel or --drop", 2)
        if recognize and not drop:
            fail("postings resolve: --recognize goes with --drop", 2)
        context = options.context()
        if drop:
            _drop(options, context, reference, reason, recognize, early, dry_run)
            return
        if as_posted is not None:
            state = job.as_posted(context, reference, as_posted, reason, early, dry_run)
        else:
            state = (job.send_again if resend else job.cancel)(context, reference, reason, early, dry_run)
        words = f" as {as_posted}" if as_posted is not None else ""
        _show_settled(options, reference, state, dry_run, words)


def _drop(
    options: Options, context: "Context", reference: str, reason: str, recognize: bool, early: bool, dry_run: bool
) -> None:
    from revrec.cli.output import counted
    from revrec.jobs.invoicing.dropping import drop

    dropped = drop(context, reference, reason, recognize, early, dry_run)
    lines = counted(len(dropped.charges), "charge line")
    words = f"; {lines} {'recognized without an invoice' if recognize else 'voided'}: {', '.join(dropped.charges)}"
    _show_settled(options, reference, dropped.state, dry_run, words, charges=dropped.charges, recognize=recognize)


def _show_settled(options: Options, reference: str, state: str, dry_run: bool, words: str = "", **more: object) -> None:
    from revrec.cli.output import print_csv, print_json
    from revrec.core.posting import state_in_words

    settled = {"reference": reference, "state": state.lower(), "dry_run": dry_run, **more}
    if options.json:
        print_json(settled)
    elif options.csv:
        print_csv([settled], tuple(settled))
    else:
        begin = "dry run, nothing was saved: " if dry_run else ""
        print(f"{begin}{reference}: {state_in_words(state.lower())}{words}")


def _add_reverse(group: typer.Typer) -> None:
    @command(group, "reverse", "postings")
    def reverse(
        options: Options,
        what: Annotated[
            str, typer.Argument(metavar="REF|RUN", help="The reference of an entry, or the number of a run.")
        ],
        reason: ReasonOption,
        date: Annotated[
            str | None,
            typer.Option(
                "--date", metavar="D", help="Date of the reversal; default: the entry's, or the next open day."
            ),
        ] = None,
        final: Annotated[
            bool, typer.Option("--final", help="Never post the schedule lines again; default: they are due again.")
        ] = False,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Show the reversals without sending or saving them.")
        ] = False,
        wait: WaitOption = "0 s",
        yes: YesOption = False,
        limit: LimitOption = LIMIT,
    ) -> None:
        """Reverse a posted entry, or all entries of a run.

        Posts the mirror entry (debits and credits exchanged) to Intacct, exactly once. Once it is posted, the schedule
        lines are due again: change the rules or record events, then run. If they must never be posted again, because
        the revenue is booked elsewhere, use --final. If the command is interrupted, repeat it, or run revrec run. Exit
        code 4 means that a reversal is not posted yet.

        \b
        Examples:
          revrec postings reverse RRDWV4S7Q2K3MABC --reason "wrong account" --dry-run
          revrec postings reverse RRDWV4S7Q2K3MABC --reason "wrong account"
          revrec postings reverse 12 --date 2024-04-30 --reason "the run was dated 2042"
          revrec postings reverse RRDWV4S7Q2K3MABC --final --reason "booked by hand, JE 4711"
        """
        from revrec.jobs.posting.reversing import ReversalOrder
        from revrec.jobs.running.guards import after_today
        from revrec.jobs.running.reverse import reverse as job

        context, dated = options.context(), day(date, "--date")
        confirmed(after_today(context, dated) if dated and not (yes or dry_run) else [])
        result = job(context, ReversalOrder(what, reason, dated, final), dry_run, span(wait, "--wait"))
        _show_reversals(options, result, final, limit)
        end_unless_complete(result.run, result.complete)


REVERSALS = ("reference", "reverses", "date", "journal", "entity", "currency", "lines", "amount", "status", "record_no")


def _show_reversals(options: Options, result: "ReversalResult", final: bool, limit: int) -> None:
    from revrec.cli.output import conclude, counted, print_csv, print_json, print_table
    from revrec.core.posting import state_in_words

    run = result.run
    rows = [{**one, "reverses": result.reverses[one["reference"]]} for one in run.entries]
    if options.json:
        print_json({"run": run.run, "final": final, "entries": rows, "left_out": result.left_out})
        return
    if options.csv:
        print_csv(rows, (*REVERSALS, "error_no", "error", "advice"))
        return
    shown = [{**row, "status": state_in_words(one["status"])} for row, one in zip(rows, run.entries, strict=True)]
    spare = ("lines", "journal", "entity")
    print_table(shown, REVERSALS, right=("lines",), spare=spare, limit=limit, noun=("reversal", "reversals"))
    show_errors(run.entries, "reference")
    for reason in result.left_out:
        print(f"left out: {reason}", file=sys.stderr)
    posted = sum(one["status"] == "posted" for one in run.entries)
    lines = counted(result.lines, "schedule line")
    after = f"{lines} will not be posted again" if final else f"{lines} due again"
    if run.dry_run:
        conclude(f"dry run: {counted(len(rows), 'entry', 'entries')} would be reversed, {after}", bool(rows))
        return
    conclude(f"{posted} of {counted(len(rows), 'reversal')} posted, {after}", bool(rows))
    if not final and posted:
        print(
            "The next run posts them as planned. To apply changed rules first: revrec schedule --rebuild --reason TEXT"
        )
    if not final and result.blocked:
        print(
            f"{counted(result.blocked, 'line')} of a closed period: blocked until it reopens, by policy hold",
            file=sys.stderr,
        )
