"""``revrec report opening``: the opening balances of contracts in progress, compared with the ledger.

What was still deferred of the charge lines at their cutover must be on the deferred accounts in Intacct on the day
before it. A person signs the figures; the signature is in the audit trail, with a hash of the figures.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from revrec.core.errors import BadInput
from revrec.core.money import decimal_string
from revrec.core.report import Check, Report
from revrec.intacct.gateway import MasterKind
from revrec.jobs.gateway import company, open_gateway
from revrec.jobs.reconciling.amounts import DateRange, added
from revrec.jobs.reconciling.balances import Ledger
from revrec.jobs.reconciling.entries import EntryCheck, ReconcileScope
from revrec.jobs.reports.drill import drill_rows
from revrec.jobs.reports.filters import check_account, check_currency, check_entity
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
BEHIND = ("charge", "account", "currency", "date", "journal", "entry", "record_no", "amount")
NOTHING = "no charge line of this cutover is on the account, in the currency, or of the entity"
FIRST_DAY = date(1900, 1, 1)


class OpeningOptions(NamedTuple):
    """The cutover, by default the only one, and one account, entity and currency if only those are compared."""

    cutover: date | None = None
    account: str | None = None
    entity: str | None = None
    currency: str | None = None


WHOLE = OpeningOptions()


def opening(context: "Context", wanted: OpeningOptions = WHOLE, connect: "Connect | None" = None) -> Report:
    """Return the opening balances of a cutover beside Intacct's of the day before.

    Intacct's balances are the sums of all posted lines on the accounts, in the currencies of the transactions.

    Raises:
        BadInput: no charge line has this cutover, they have several and none was named, or the account, the entity
            or the currency is unknown.
        BadConfiguration: the gateway cannot be reached or the sign-in fails.
    """
    with context.database.read() as connection:
        return _compare(context, connection, wanted, connect)[0]


def drill_opening(context: "Context", wanted: OpeningOptions, address: str, connect: "Connect | None" = None) -> Report:
    """Return the charge lines and the entries in Intacct behind a figure of the opening balances.

    Raises:
        BadInput: the report has no such column or row, and as :func:`opening` does.
        BadConfiguration: the gateway cannot be reached or the sign-in fails.
    """
    with context.database.read() as connection:
        report, ledger = _compare(context, connection, wanted, connect)
        day = report.header["cutover"]
        lines = list(opening_balances(connection, day, wanted.account, wanted.entity, by_charge=True))

    def behind(row: Mapping[str, Any], column: str) -> Iterator[tuple[Mapping[str, Any], int]]:
        whose = row["account"], row["currency"]
        for one in lines if column != "ledger" else ():
            amount = {"original": one.original, "recognized_before": one.before}.get(column, one.open)
            if amount and (one.account, one.currency) == whose:
                yield {"charge": one.charge, "account": one.account, "date": ""}, amount
        for number in ledger.posted() if column in ("ledger", "difference") else ():
            amount, head = ledger.read.net[number].get(whose, 0), ledger.heads[number]
            if amount:
                values = {
                    "account": row["account"],
                    "record_no": number,
                    "date": str(head.date or ""),
                    "journal": head.journal,
                }
                yield {**values, "entry": head.reference}, amount if column == "difference" else -amount

    name = "charge lines and entries = the figure"
    return drill_rows(report, address, behind, BEHIND, ("journal",), name)


def sign(context: "Context", cutover: date | None, text: str, connect: "Connect | None" = None) -> Report:
    """Record in the audit trail that a person signs the opening balances; another person may sign them again.

    Raises:
        BadInput: there is no text, or a balance differs from the ledger: then nothing is recorded.
    """
    check_words(text, "agrees with the closing trial balance")
    report = opening(context, OpeningOptions(cutover), connect)
    return sign_report(context, report, OPENING_SIGNED, "cutover", text, "the ledger has other balances")


def _compare(
    context: "Context", connection: "Connection", wanted: OpeningOptions, connect: "Connect | None"
) -> tuple[Report, Ledger]:
    """Return the report, and what Intacct has on its accounts."""
    check_entity(context, connection, wanted.entity)
    check_currency(connection, wanted.currency)
    day = _cutover(connection, wanted.cutover)
    every = opening_balances(connection, day, wanted.account, wanted.entity)
    found = [one for one in every if wanted.currency in (None, one.currency)]
    check_account(context, connection, wanted.account, [one.account for one in found])
    with (connect or open_gateway)(context) as gateway:
        gateway.sign_in()
        there = gateway.masters(MasterKind.ACCOUNT, {one.account for one in found})
        scope = ReconcileScope(DateRange(FIRST_DAY, day - timedelta(days=1)), wanted.account, wanted.entity)
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
    parameters = wanted._asdict() | {"cutover": day, "company": company(context)}
    header = report_header(context, connection, "opening", parameters)
    digest, signed = _digest(rows), signatures(connection, day.isoformat(), OPENING_SIGNED)
    if wanted == OpeningOptions(wanted.cutover):
        header |= {"figures_sha256": digest, "signed": signed_in_words(signed, digest)}
    report = Report(
        f"Opening balances of the cutover on {day}", header, COLUMNS, rows, checks, AMOUNTS,
        ("original", "recognized_before", "lines"), {"open": {"original": 1, "recognized_before": -1}}, empty=NOTHING,
    )  # fmt: skip
    return report, ledger


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
