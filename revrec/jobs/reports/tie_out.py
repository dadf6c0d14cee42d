"""``revrec report tie-out``: the control totals of the books, step by step, each compared with the one before.

A person signs them for a day; the signature is in the audit trail, with a hash of the figures.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.money import decimal_string
from revrec.core.report import Check, Report, minor_of
from revrec.core.typed_dates import DateSpan
from revrec.jobs.reports.contract_balances import account_balances, lines_to_read
from revrec.jobs.reports.day_notes import check_has_begun
from revrec.jobs.reports.line_balances import BalanceOptions
from revrec.jobs.reports.report_header import report_header
from revrec.jobs.reports.rollforward import RollforwardOptions, rollforward
from revrec.jobs.reports.signing import check_words, sign_report
from revrec.store import audit
from revrec.store.posting.posted import RECONCILED
from revrec.store.posting.posted_adjustments import presented_on
from revrec.store.reports import control_totals
from revrec.store.reports.booked import AccountAmount, OtherCharges, recognized_by_account
from revrec.store.reports.control_totals import SIGNED, Total, Totals, added, signed_in_words
from revrec.store.reports.figures import SqlAlchemyView
from revrec.store.reports.plain_lines import AccountBalance
from revrec.store.reports.posted_exchange import gains_and_losses, posted_differences
from revrec.store.reports.undated import UNSCHEDULED, WAITING, undated_groups

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

COLUMNS = ("step", "figure", "currency", "count", "amount")
FILES, LINES, SCHEDULES, ENTRIES = "files", "charge lines", "schedules until the day", "entries"
BALANCES, INVOICES = "balances on the day", "invoices"
ON_NO_ENTRY = "on no entry yet"
IMPORTED, VOIDED, ASIDE = "files with charge lines", "voided before a schedule", "rows set aside, "
ACCEPTED, CHANGES = "accepted, as billed", "price changes and credits"
ALLOCATED, DATED = "moved by allocations", "dated"
NOT_REVENUE, HISTORICAL, BILLING = "not revenue", "recognized before a cutover", "bills a contract"
POSTED, RECOGNIZED = "schedule lines posted", "recognized by journal lines"
CLOSING, BALANCE = "rollforward: closing", "report balance: liabilities less assets"
MOVED, REVENUE = "rollforward: recognized", "report revenue"
CLEARED, GAINS = "exchange differences cleared from deferred accounts", "exchange gains less losses"
PRESENTED, REVERSED = "presentation entries: moved on the day", "presentation entries: reversed on the next day"
"""The figures of the steps."""
FIRST = date(1900, 1, 1)
"""The first day of the balances: everything is later."""


class _Step(NamedTuple):
    """A figure of a step by currency."""

    step: str
    figure: str
    totals: Totals


def tie_out(context: "Context", until: date) -> Report:
    """Return the control totals as of a day, with the signatures for it in the header."""
    with context.database.one_view() as connection:
        wanted = BalanceOptions(until)
        special = lines_to_read(context, connection, wanted)
        scheduled = control_totals.schedule_totals(connection, until, special)
        accepted = control_totals.accepted(connection)
        steps, checks = _files(connection, accepted)
        rows = [*_rows(steps), *_set_aside(connection)]
        steps, of_lines = _charge_lines(connection, accepted, scheduled.dated)
        of_documents, of_invoices = _invoices(connection)
        checks += of_lines
        others = OtherCharges(connection)
        more, of_schedules = _schedules(others, scheduled)
        steps += more
        checks += of_schedules
        header = report_header(context, connection, "tie-out", {"date": until})
        of_exchange, of_gains = _exchange(connection, until)
        presented = _presented(connection, until)
        signed = control_totals.signatures(connection, until.isoformat())
        reconciled = audit.last_event(connection, RECONCILED)
        balances = list(account_balances(context, connection, wanted, special))
        recognized = list(recognized_by_account(connection, FIRST, until, others=others))
        more, of_balances = _balances(context, until, balances, recognized)
    rows += _rows([*steps, *of_documents, *more, *of_exchange])
    # Without presentation entries, which are posted after the signature: the balances are the same with them.
    digest = _digest(rows)
    rows += _rows(presented)
    checks += [*of_invoices, *of_balances, *of_gains]
    report = Report(f"Tie-out as of {until}", header, COLUMNS, rows, checks, ("amount",))
    return report._replace(
        header={
            **header,
            "figures_sha256": digest,
            "signed": signed_in_words(signed, digest),
            "last_reconciliation": _reconciliation(reconciled),
        },
        empty="no charge lines yet",
        adds_up=False,
        spare=("count",),
    )


def sign(context: "Context", until: date, text: str) -> Report:
    """Record in the audit trail that a person signs the figures of a day; another person may sign them again.

    Raises:
        BadInput: there is no text, the day is to come, or a check fails: then nothing is recorded.
    """
    check_words(text, "agrees with the trial balance")
    check_has_begun(context, "report tie-out --sign", until)
    return sign_report(context, tie_out(context, until), SIGNED, "date", text, "it does not tie out")


def _digest(rows: list[dict[str, Any]]) -> str:
    """Return the SHA-256 of the balances and the revenue of the day, without currencies that have none yet.

    The other figures also count what arrives after the day: with them, a signature would end with the next import.
    """
    figures = [row for row in rows if row["step"] == BALANCES and Decimal(row["amount"])]
    return hashlib.sha256(json.dumps(figures, sort_keys=True).encode()).hexdigest()


def _reconciliation(event: audit.TrailEvent | None) -> str:
    if event is None:
        return "never: compare the books with Intacct by revrec reconcile"
    detail = event.detail
    outcome = "ties out" if detail["ties"] else f"does not tie out: {len(detail['open'])} findings"
    return f"{detail['from']} to {detail['to']}, by {event.actor} at {event.at[:19]} UTC: {outcome}"


def _files(connection: "Connection", accepted: Totals) -> tuple[list[_Step], list[Check]]:
    """Return what files bill, and that all of it was accepted or voided."""
    imported, voided = control_totals.files(connection), control_totals.voided(connection)
    steps = [_Step(FILES, IMPORTED, imported), _Step(FILES, VOIDED, voided)]
    return steps, list(_checks("charge lines of files = accepted and voided", added(imported), added(accepted, voided)))


def _set_aside(connection: "Connection") -> Iterator[dict[str, Any]]:
    """Yield the rows that were set aside; their amounts, as far as they can be read, are in no other figure."""
    for one in control_totals.set_aside(connection):
        amount = None if one.amount is None else decimal_string(one.amount, one.currency)
        figure = f"{ASIDE}{one.outcome}"
        yield dict(zip(COLUMNS, (FILES, figure, one.currency, one.rows, amount), strict=True))


def _invoices(connection: "Connection") -> tuple[list[_Step], list[Check]]:
    """Return the invoices that revrec posts, by state, and that each is the sum of its lines."""
    by_state, lines = control_totals.invoices(connection)
    steps = [_Step(INVOICES, in_words(state), totals) for state, totals in sorted(by_state.items())]
    return steps, list(_checks("invoices and credit memos = their lines", added(*by_state.values()), added(lines)))


def _charge_lines(connection: "Connection", billed: Totals, dated: Totals) -> tuple[list[_Step], list[Check]]:
    """Return what was billed, as its prices are now, and that all of it is dated or waits."""
    changes = control_totals.price_changes(connection)
    allocated = control_totals.allocations(connection)
    undated: dict[str, Totals] = {WAITING: {}, UNSCHEDULED: {}}
    for group in undated_groups(SqlAlchemyView(connection), date.max):
        if not group.is_cost:
            known = undated[group.kind].get(group.currency, Total())
            undated[group.kind][group.currency] = Total(known.rows + group.lines, known.amount + group.amount)
    undated[NOT_REVENUE] = control_totals.not_revenue(connection)
    if before := control_totals.historical(connection):
        undated[HISTORICAL] = before
    if billing := control_totals.billing(connection):
        undated[BILLING] = billing
    steps = [
        _Step(LINES, ACCEPTED, billed),
        _Step(LINES, CHANGES, changes),
        _Step(LINES, ALLOCATED, allocated),
        _Step(LINES, DATED, dated),
        *(_Step(LINES, kind, totals) for kind, totals in undated.items()),
    ]
    left, right = added(billed, changes, allocated), added(dated, *undated.values())
    return steps, list(_checks("accepted and changes = dated, waiting, unscheduled and not revenue", left, right))


def _schedules(others: OtherCharges, scheduled: control_totals.ScheduleTotals) -> tuple[list[_Step], list[Check]]:
    """Return what is due until the day by the state of its entry, and that posted lines are what entries recognize."""
    by_state = due_by_state(scheduled)
    posted = scheduled.posted
    recognized = control_totals.recognized_by_entries(others)
    steps = [_Step(SCHEDULES, state, totals) for state, totals in sorted(by_state.items())]
    steps += [
        _Step(ENTRIES, POSTED, posted),
        _Step(ENTRIES, RECOGNIZED, recognized),
    ]
    return steps, list(_checks("schedule lines posted = recognized by journal lines", added(posted), added(recognized)))


def in_words(state: str) -> str:
    """Return a stored state as the report shows it."""
    return state.lower().replace("_", " ")


def due_by_state(scheduled: control_totals.ScheduleTotals) -> dict[str, Totals]:
    """Return what is due by the state of its entry, in words."""
    return {in_words(state) or ON_NO_ENTRY: totals for state, totals in scheduled.due.items()}


def _balances(
    context: "Context", until: date, of_accounts: Iterable[AccountBalance], by_entries: Iterable[AccountAmount]
) -> tuple[list[_Step], list[Check]]:
    """Return the deferred balances on the day, and that the rollforward ends with them.

    ``of_accounts`` are the balances on the day, ``by_entries`` is what entries recognize until then.
    """
    whole = rollforward(context, RollforwardOptions(DateSpan(FIRST, until), each="span"))
    closing, recognized, balances, booked = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for row in whole.rows:
        closing[row["currency"]] += minor_of(row, "closing")
        recognized[row["currency"]] += minor_of(row, "recognized")
        booked[row["currency"]] -= minor_of(row, "to_principals")
    for line in of_accounts:
        if not line.is_cost:
            balances[line.currency] += line.balance
    for one in by_entries:
        booked[one.currency] += one.amount
    steps = [
        _Step(BALANCES, CLOSING, _as_totals(closing)),
        _Step(BALANCES, BALANCE, _as_totals(balances)),
        _Step(BALANCES, MOVED, _as_totals(recognized)),
        _Step(BALANCES, REVENUE, _as_totals(booked)),
    ]
    checks = [
        *_checks("rollforward closing = report balance", closing, balances),
        *_checks("rollforward recognized = report revenue", recognized, booked),
    ]
    return steps, checks


def _exchange(connection: "Connection", until: date) -> tuple[list[_Step], list[Check]]:
    """Return the exchange differences in the ledger, in base currency, and that gains less losses are the same."""
    cleared: dict[str, Total] = {}
    for one in posted_differences(connection, until):
        before = cleared.get(one.base, Total())
        cleared[one.base] = Total(before.rows + 1, before.amount + one.amount)
    gains = gains_and_losses(connection, until)
    steps = [
        _Step(BALANCES, CLEARED, cleared),
        _Step(BALANCES, GAINS, _as_totals(gains)),
    ]
    return steps, list(_checks("exchange differences cleared = gains less losses", added(cleared), gains))


def _presented(connection: "Connection", until: date) -> list[_Step]:
    """Return what presentation entries of the day moved to other accounts: the balances above are before them."""
    moved, back = (_as_totals(presented_on(connection, until, is_reversal)) for is_reversal in (False, True))
    return [
        _Step(BALANCES, PRESENTED, moved),
        _Step(BALANCES, REVERSED, back),
    ]


def _checks(name: str, left: Mapping[str, int], right: Mapping[str, int]) -> Iterator[Check]:
    for currency in sorted({*left, *right}):
        yield Check(name, currency, left.get(currency, 0), right.get(currency, 0))


def _as_totals(amounts: Mapping[str, int]) -> Totals:
    return {currency: Total(0, amount) for currency, amount in amounts.items()}


def _rows(steps: list[_Step]) -> Iterator[dict[str, Any]]:
    for step, figure, totals in steps:
        for currency, total in sorted(totals.items()):
            amount = decimal_string(total.amount, currency)
            yield dict(zip(COLUMNS, (step, figure, currency, total.rows or None, amount), strict=True))
