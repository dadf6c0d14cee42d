"""``revrec reconcile``."""

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from revrec.cli.filters import LIMIT, LimitOption, OutputOption
from revrec.cli.shared import LAST_DAY, EntityOption, Options, ReasonOption, command, day, fail

if TYPE_CHECKING:
    from revrec.jobs.posting.findings import Finding
    from revrec.jobs.reconciling.reconcile import Reconciliation

FINDINGS = (
    "key", "kind", "reference", "record_no", "date", "amount", "currency", "what", "advice", "accepted",
)  # fmt: skip
SHOWN = ("key", "kind", "reference", "record_no", "date", "amount", "currency", "what")
BALANCES = ("account", "role", "currency", "books", "others", "difference", "rest", "intacct", "unrecognized")
ROLES = {"accrued": "revenue"}
"""Roles of accounts as accountants know them, by their names in the rules and in JSON."""
MOST_OTHERS = 1000
"""Maximum number of other entries that JSON lists; the balances include all of them."""


def register(app: typer.Typer) -> None:
    """Add the command."""

    @command(app, "reconcile")
    def reconcile(
        options: Options,
        date: Annotated[str, typer.Option("--date", metavar="D", help=f"The last day to compare; {LAST_DAY}")],
        start: Annotated[
            str | None,
            typer.Option(
                "--from",
                metavar="D",
                help="The first day to compare; default: the first day billed.",
            ),
        ] = None,
        account: Annotated[str | None, typer.Option("--account", metavar="A", help="Only this account.")] = None,
        entity: EntityOption = None,
        accept: Annotated[
            list[str] | None, typer.Option("--accept", metavar="KEY", help="Accept this finding; can be repeated.")
        ] = None,
        reopen: Annotated[
            list[str] | None,
            typer.Option(
                "--reopen",
                metavar="KEY",
                help="Accept that an entry was reversed or deleted in Intacct; its schedule lines are due again.",
            ),
        ] = None,
        final: Annotated[
            list[str] | None,
            typer.Option("--final", metavar="KEY", help="The same, but its schedule lines are never posted again."),
        ] = None,
        recognized: Annotated[
            bool | None,
            typer.Option(
                "--recognized/--not-recognized",
                help="Whether a lost entry that you accept recognized the revenue of its lines.",
            ),
        ] = None,
        reason: ReasonOption = "",
        limit: LimitOption = LIMIT,
        output: OutputOption = None,
    ) -> None:
        """Compare entries, invoices and balances with Intacct's ledger.

        Finds entries, invoices and credit memos that were deleted, edited, reversed or duplicated in Intacct, or that
        revrec does not know, and credit memos that Intacct lacks. For each account, shows what revrec's entries moved,
        what other entries moved, and what is left to explain. Nothing is posted or changed in Intacct. Use --accept
        with a reason for a finding that is correct as it is; for an entry that was reversed or deleted in Intacct,
        --reopen to post its lines again, or --final. The result is recorded in the audit trail. Exit code 7 means that
        something differs.

        \b
        Examples:
          revrec reconcile --date 2024-03-31
          revrec reconcile --date 2024-03-31 --from 2024-03-01 --account 2400 --format json
          revrec reconcile --date 2024-03-31 --accept 3f2a9c01d4e5 --reason "reversed on purpose, ticket 81"
          revrec reconcile --date 2024-03-31 --reopen 51d0c7aa93f1 --reason "deleted by mistake, ticket 82"
          revrec reconcile --date 2024-03-31 --accept 9b1c04d27e6a --recognized --reason "posted on the old machine"
        """
        from revrec.cli.output import writing_to
        from revrec.jobs.reconciling.reconcile import reconcile as compare

        end, begin = day(date, "--date"), day(start, "--from", "first")
        assert end is not None
        if begin is not None and begin > end:
            fail(f"--from {begin}: is after --date {end}", 2)
        with writing_to(output):  # before anything is recorded: a file that cannot be written is a usage error
            result = compare(
                options.context(),
                end,
                begin,
                account,
                entity,
                accept or (),
                reason,
                recognized=recognized,
                reopen=reopen or (),
                final=final or (),
            )
            _show(options, result, limit)
        if not result.ties:
            raise typer.Exit(7)


def _show(options: Options, result: "Reconciliation", limit: int) -> None:
    from revrec.cli.output import print_csv, print_json

    findings = [_plain(one, result) for one in result.findings]
    if options.json:
        print_json(_json(result, findings))
    elif options.csv:
        print_csv(findings, FINDINGS)
    else:
        _show_tables(result, findings, limit)


def _show_tables(result: "Reconciliation", findings: list[dict[str, Any]], limit: int) -> None:
    from revrec.cli.output import conclude, counted, grouped, print_table
    from revrec.core.money import decimal_string

    left = [one for one in findings if not one["accepted"]]
    print_table(left, SHOWN, spare=("currency", "date"), limit=limit, noun=("difference", "differences"))
    for kind, advice in {one["kind"]: one["advice"] for one in left}.items():
        print(f"{kind}: {advice}", file=sys.stderr)
    rows = [{**_balance(one), "role": ROLES.get(one.role, one.role)} for one in result.balances]
    adjusted = any(one.adjusting for one in result.balances)
    columns = (*BALANCES[:4], "adjusting", *BALANCES[4:]) if adjusted else BALANCES
    print_table(rows, columns, "Movements, debits positive" if left else "", spare=("unrecognized",))
    differences = counted(len(left), "difference") if left else "no difference"
    accepted = f", {len(result.accepted)} accepted" if result.accepted else ""
    accepted += f", {result.awaiting:,} awaiting approval in Intacct" if result.awaiting else ""
    verdict = "ties out" if result.ties else "does not tie out"
    days = f"{result.within.start} to {result.within.end}"
    compared = counted(result.entries, "entry", "entries")
    compared += f" and {counted(result.invoices, 'invoice')}" if result.invoices else ""
    conclude(f"{result.company}, {days}: {verdict}; {compared} compared, {differences}{accepted}", bool(rows or left))
    for one in result.other_invoices:
        documents = counted(one.documents, one.definition or "receivable", f"{one.definition or 'receivable'}s")
        print(f"{documents} of others in Intacct: {grouped(decimal_string(one.amount, one.currency))} {one.currency}")


def _plain(one: "Finding", result: "Reconciliation") -> dict[str, Any]:
    from revrec.core.money import decimal_string

    amount = decimal_string(one.amount, one.currency) if one.currency else None
    facts = {name: getattr(one, name) for name in ("key", "kind", "reference", "record_no", "date", "currency")}
    rest = {"amount": amount, "what": one.what, "advice": one.advice, "accepted": one.key in result.accepted}
    return {**facts, **rest}


def _balance(one: Any) -> dict[str, Any]:
    from revrec.core.money import decimal_string

    values = one._asdict()
    return {
        name: decimal_string(value, one.currency) if isinstance(value, int) else value for name, value in values.items()
    }


def _json(result: "Reconciliation", findings: list[dict[str, Any]]) -> dict[str, Any]:
    from revrec.core.money import decimal_string

    reported = [
        {**_balance(one), "unexplained": decimal_string(one.unexplained, one.currency)} for one in result.reported
    ]
    return {
        "company": result.company,
        "from": result.within.start,
        "to": result.within.end,
        "journals": list(result.journals),
        "entries": result.entries,
        "invoices": result.invoices,
        "other_invoices": [_balance(one) for one in result.other_invoices],
        "awaiting_approval": result.awaiting,
        "ties": result.ties,
        "differences": len(result.open),
        "accepted": len(result.accepted),
        "findings": findings,
        "balances": [_balance(one) for one in result.balances],
        "reported": reported,
        "others": [_balance(one) for one in result.others[:MOST_OTHERS]],
        "others_in_all": len(result.others),
    }
