"""``revrec report opening``: the opening balances of contracts in progress, compared with the ledger.

What was still deferred of the charge lines at their cutover must be on the deferred accounts in Intacct on the day
before it. A person signs the figures; the signature is in the audit trail, with a hash of the figures.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from revrec.core.errors import BadInput
from revrec.core.money import decimal_string
from revrec.core.report import Check, Report
from revrec.intacct.gateway import MasterKind
from revrec.jobs.gateway import company, open_gateway
from revrec.jobs.reconciling.amounts import DateRange, added
from revrec.jobs.reconciling.entries import EntryCheck, ReconcileScope
from revrec.jobs.reports.report_header import report_header
from revrec.jobs.reports.signing import check_words, sign_report
from revrec.store.reports.control_totals import OPENING_SIGNED, signatures, signed_in_words
from revrec.store.reports.migration import OpeningBalance, cutovers, opening_balances

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.jobs.gateway import Connect
    from revrec.store.connection import Connection

COLUMNS = ("account", "currency", "lines", "original", "recognized_before", "open", "ledger", "difference")
AMOUNTS = COLUMNS[3:]
FIRST_DAY = date(1900, 1, 1)


def opening(context: "Context", cutover: date | None = None, connect: "Connect | None" = None) -> Report:
    """Return the opening balances of a cutover, by default the only one, beside Intacct's of the day before.

    Intacct's balances are the sums of all posted lines on the accounts, in the currencies of the transactions.

    Raises:
        BadInput: no charge line has this cutover, or they have several and none was named.
        BadConfiguration: the gateway cannot be reached or the sign-in fails.
    """
    with context.database.read() as connection:
        day = _cutover(connection, cutover)
        found = list(opening_balances(connection, day))
        with (connect or open_gateway)(context) as gateway:
            gateway.sign_in()
            there = gateway.masters(MasterKind.ACCOUNT, {one.account for one in found})
            scope = ReconcileScope(DateRange(FIRST_DAY, day - timedelta(days=1)), None, None)
            ledger = EntryCheck(context, connection, gateway, scope).ledger(sorted(there))
        balances = added(ledger.read.net[number] for number in ledger.posted())
        rows = [_row(one, -balances.get((one.account, one.currency), 0)) for one in found]
        checks = [
            Check(
                f"account {one.account}: open at the cutover = ledger", one.currency, one.open,
                -balances.get((one.account, one.currency), 0),
            )
            for one in found
        ]  # fmt: skip
        header = report_header(context, connection, "opening", {"cutover": day, "company": company(context)})
        signed = signatures(connection, day.isoformat(), OPENING_SIGNED)
    digest = _digest(rows)
    header |= {"figures_sha256": digest, "signed": signed_in_words(signed, digest)}
    return Report(
        f"Opening balances of the cutover on {day}", header, COLUMNS, rows, checks, AMOUNTS,
        ("original", "recognized_before", "lines"), {"open": {"original": 1, "recognized_before": -1}},
        empty="no charge line has a cutover",
    )  # fmt: skip


def sign(context: "Context", cutover: date | None, text: str, connect: "Connect | None" = None) -> Report:
    """Record in the audit trail that a person signs the opening balances; another person may sign them again.

    Raises:
        BadInput: there is no text, or a balance differs from the ledger: then nothing is recorded.
    """
    check_words(text, "agrees with the closing trial balance")
    report = opening(context, cutover, connect)
    return sign_report(context, report, OPENING_SIGNED, "cutover", text, "the ledger has other balances")


def _cutover(connection: "Connection", wanted: date | None) -> date:
    known = cutovers(connection)
    named = [wanted.isoformat()] if wanted else known
    if len(named) == 1 and named[0] in known:
        return date.fromisoformat(named[0])
    shown = ", ".join(known)
    if not known:
        raise BadInput("no charge line has a cutover: import contracts in progress with the column cutover")
    if wanted:
        raise BadInput(f"--cutover {wanted}: no charge line has it; these books have {shown}")
    raise BadInput(f"the charge lines have several cutovers: name one of {shown} with --cutover")


def _row(one: OpeningBalance, ledger: int) -> dict[str, Any]:
    amounts = (one.original, one.before, one.open, ledger, one.open - ledger)
    return {
        "account": one.account,
        "currency": one.currency,
        "lines": one.lines,
        **{name: decimal_string(amount, one.currency) for name, amount in zip(AMOUNTS, amounts, strict=True)},
    }


def _digest(rows: Sequence[Mapping[str, Any]]) -> str:
    return hashlib.sha256(json.dumps(rows, sort_keys=True).encode()).hexdigest()
