"""``revrec reconcile``: compare our entries and balances with Intacct's, and say what to do about each difference.

Nothing is posted or changed in Intacct. It reads, in bulk, our entries by record number and by reference, everything
else in our journals, and all lines on the accounts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from revrec.core.errors import BadInput, check_reason
from revrec.intacct.gateway import FoundEntry, MasterKind, ReportedBalance
from revrec.jobs.gateway import company, entity_currencies, open_gateway
from revrec.jobs.posting.findings import Amounts, Finding
from revrec.jobs.posting.poster import worker_name
from revrec.jobs.reconciling import balances
from revrec.jobs.reconciling.acceptance import LostEntryDecision, accept_lost, keep_reversal
from revrec.jobs.reconciling.amounts import DateRange
from revrec.jobs.reconciling.balances import AccountBalance, BalanceCheck, BooksAmounts, OtherEntry
from revrec.jobs.reconciling.entries import EntryCheck, ReconcileScope
from revrec.jobs.reconciling.invoices import InvoiceCheck, OtherInvoices
from revrec.jobs.reconciling.ledger_changes import keep_ledger_change
from revrec.jobs.reports.contract_balances import deferred_balances
from revrec.jobs.reports.filters import check_account, check_entity
from revrec.store.posting import posted
from revrec.store.posting.posted_adjustments import adjusting_sums
from revrec.store.posting.workers import active_run

if TYPE_CHECKING:
    from revrec.intacct.gateway import Gateway
    from revrec.jobs.context import Context
    from revrec.jobs.gateway import Connect
    from revrec.store.connection import Connection


@dataclass
class Reconciliation:
    """The result of a comparison. ``accepted`` are the keys of findings that a person has accepted."""

    company: str
    within: DateRange
    journals: Sequence[str] = ()
    entries: int = 0
    invoices: int = 0
    """The number of invoices and credit memos that were compared."""
    other_invoices: list[OtherInvoices] = field(default_factory=list)
    awaiting: int = 0
    """The number of entries that Intacct has outside its ledger, as drafts or waiting for approval."""
    findings: list[Finding] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    balances: list[AccountBalance] = field(default_factory=list)
    reported: list[BalanceCheck] = field(default_factory=list)
    others: list[OtherEntry] = field(default_factory=list)

    @property
    def open(self) -> list[Finding]:
        """Return the findings that no person has accepted."""
        return [one for one in self.findings if one.key not in self.accepted]

    @property
    def ties(self) -> bool:
        """Check that nothing is left to explain."""
        return not self.open and not any(one.rest for one in self.balances)


def reconcile(
    context: "Context",
    end: date,
    start: date | None = None,
    account: str | None = None,
    entity: str | None = None,
    accept: Sequence[str] = (),
    reason: str = "",
    connect: "Connect | None" = None,
    recognized: bool | None = None,
    reopen: Sequence[str] = (),
    final: Sequence[str] = (),
) -> Reconciliation:
    """Compare entries, invoices and credit memos dated until ``end``, from ``start`` or the first one, and balances.

    ``account`` and ``entity`` narrow them; with ``account``, invoices are not compared. ``accept`` are keys of findings
    that a person accepts with a ``reason``: from then on they are reported as accepted and no longer count as
    differences. For a ``lost`` entry, ``recognized`` says whether it counts: see :func:`accept_lost`. ``reopen`` and
    ``final`` accept findings about entries that were reversed or deleted in Intacct: their schedule lines are due
    again, or never posted again. The result is stored in the audit trail.

    Raises:
        Busy: a run is at work on this database.
        BadInput: an acceptance has no reason or no finding, ``recognized`` is missing for a lost entry, or these books
            do not know the account or entity.
        BadConfiguration: the gateway cannot be reached or the sign-in fails.
        ReadRefused: Intacct refuses a read.
    """
    reversed_there = {**dict.fromkeys(reopen, False), **dict.fromkeys(final, True)}
    accept = [*accept, *reversed_there]
    if accept:
        check_reason("reconcile: an acceptance", reason)
    lease = context.settings.posting.lease.total_seconds()
    with active_run(context.database, worker_name(context), 0, 1, lease, alone=True):
        with context.database.read() as connection:
            check_entity(context, connection, entity)
            within = DateRange(start or min(end, posted.first_activity_date(connection) or end), end)
        result = Reconciliation(company(context), within)
        with (connect or open_gateway)(context) as gateway:
            gateway.sign_in()
            with context.database.read() as connection:
                lost = _compare(context, connection, gateway, result, ReconcileScope(within, account, entity))
        _check_keys(result, lost, accept, recognized)
        decision = LostEntryDecision(bool(recognized), reason, result.company)
        _keep(context, result, lost, accept, decision, reversed_there)
    return result


def _compare(
    context: "Context", connection: "Connection", gateway: "Gateway", result: Reconciliation, wanted: ReconcileScope
) -> Mapping[str, FoundEntry]:
    """Fill the result; return the lost entries by the keys of their findings."""
    check = EntryCheck(context, connection, gateway, wanted)
    books = _books(connection, check, wanted)
    unrecognized = deferred_balances(context, connection, wanted.within.end, wanted.entity)
    adjusting = _adjusting(connection, check, wanted)
    keys = (*books, *adjusting, *unrecognized)
    check_account(context, connection, wanted.account, {account for account, _currency in keys})
    result.findings = list(check.findings())
    result.journals, result.entries, result.awaiting = check.journals, check.compared, check.awaiting
    if wanted.account is None:
        _compare_invoices(context, connection, gateway, result, wanted.entity)
    accounts = _accounts(connection, wanted.account, {**books, **adjusting}, unrecognized)
    in_ledger = _in_ledger(gateway, accounts, {**books, **adjusting})
    if not in_ledger:
        return check.lost
    ledger = check.ledger(in_ledger)
    of_ours = BooksAmounts(books, adjusting)
    result.balances = balances.account_balances(accounts, of_ours, ledger, result.findings, unrecognized)
    result.others = list(ledger.others())
    result.reported = balances.reported(_reported(context, gateway, in_ledger, wanted), ledger)
    result.findings += balances.unexplained(result.reported, wanted.within)
    return check.lost


def _books(connection: "Connection", check: EntryCheck, wanted: ReconcileScope) -> Amounts:
    """Return the net amounts of our posted lines that are compared, by account and currency."""
    if wanted.entity is None:
        return posted.account_sums(connection, *wanted.within)
    return posted.account_sums_at(connection, *wanted.within, check.places(wanted.entity))


def _adjusting(connection: "Connection", check: EntryCheck, wanted: ReconcileScope) -> Amounts:
    """Return the net amounts of our adjusting entries, by account and currency."""
    places = None if wanted.entity is None else check.places(wanted.entity)
    return adjusting_sums(connection, *wanted.within, places)


def _reported(
    context: "Context", gateway: "Gateway", accounts: Sequence[str], wanted: ReconcileScope
) -> Iterator[ReportedBalance]:
    """Yield the balances that Intacct reports: by entity if entities have their own base currencies."""
    by_entity = wanted.entity is None and entity_currencies(context)
    for entity in gateway.entities() if by_entity else [wanted.entity or ""]:
        yield from gateway.account_balances(accounts, *wanted.within, entity)


def _compare_invoices(
    context: "Context", connection: "Connection", gateway: "Gateway", result: Reconciliation, entity: str | None
) -> None:
    check = InvoiceCheck(context, connection, gateway, result.within, entity)
    result.findings += check.findings()
    result.invoices, result.other_invoices = check.compared, check.others


def _accounts(connection: "Connection", wanted: str | None, books: Amounts, unrecognized: Amounts) -> dict[str, str]:
    """Return the accounts to compare, each with its role: those with entries, and those with something unrecognized."""
    open_accounts = {account for (account, _currency), amount in unrecognized.items() if amount}
    roles = {**posted.account_roles(connection), **dict.fromkeys(open_accounts, "deferred")}
    named = {wanted} if wanted else {account for account, _currency in books} | open_accounts
    return {account: roles.get(account, "") for account in sorted(named)}


def _in_ledger(gateway: "Gateway", accounts: Iterable[str], books: Amounts) -> list[str]:
    """Return the accounts that Intacct has."""
    posted_to = {account for account, _currency in books}
    # Intacct refuses to report the balance of an account that it does not have. Nothing is posted there: look it up.
    others = gateway.masters(MasterKind.ACCOUNT, [account for account in accounts if account not in posted_to])
    return [account for account in accounts if account in posted_to or account in others]


def _check_keys(
    result: Reconciliation, lost: Mapping[str, FoundEntry], accept: Sequence[str], recognized: bool | None
) -> None:
    found = {one.key for one in result.findings}
    unknown = [key for key in accept if key not in found]
    if unknown:
        raise BadInput(f"reconcile: {', '.join(unknown)}: no finding of these days has this key; none was accepted")
    undecided = [key for key in accept if key in lost]
    if undecided and recognized is None:
        raise BadInput(f"reconcile: {', '.join(undecided)}: {_DECIDE}")
    if recognized is not None and not undecided:
        raise BadInput("reconcile: --recognized and --not-recognized go with --accept KEY of a lost entry")


_DECIDE = (
    "is a lost entry; say whether it counts: --recognized if it is right as it is in Intacct, so that its lines are "
    "not posted again; --not-recognized if it was reversed there, or its lines are not of these books; "
    "nothing was accepted"
)


def _keep(
    context: "Context",
    result: Reconciliation,
    lost: Mapping[str, FoundEntry],
    accept: Sequence[str],
    decision: LostEntryDecision,
    reversed_there: Mapping[str, bool],
) -> None:
    """Store acceptances and the result in the audit trail. ``reversed_there``: if a reversal in Intacct is final."""
    found = {one.key: one for one in result.findings}
    with context.database.write() as connection:
        who = context.who()
        for key in dict.fromkeys(accept):
            if key in lost:
                accept_lost(context, connection, lost[key], decision)
            else:
                accepted = posted.accept(connection, who, key, {**found[key].as_record(), "reason": decision.reason})
                keep_ledger_change(connection, who, found[key], accepted)
            if key in reversed_there:
                keep_reversal(connection, who, found[key], reversed_there[key], decision.reason)
        result.accepted = posted.accepted_keys(connection, list(found))
        posted.record_reconciliation(connection, who, result.company, _summary(result))


def _summary(result: Reconciliation) -> Mapping[str, Any]:
    balance_rows = [
        {"account": one.account, "currency": one.currency, "books": one.books, "adjusting": one.adjusting,
         "intacct": one.intacct, "others": one.others, "rest": one.rest}
        for one in result.balances
    ]  # fmt: skip
    return {
        "from": result.within.start.isoformat(),
        "to": result.within.end.isoformat(),
        "entries": result.entries,
        "invoices": result.invoices,
        "ties": result.ties,
        "open": [one.key for one in result.open],
        "accepted": sorted(result.accepted),
        "balances": balance_rows,
    }
