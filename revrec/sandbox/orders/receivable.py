"""Receivables: what a customer owes, the accounts credited for it, and the journal entry behind it."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

from revrec.sandbox.calls import Call
from revrec.sandbox.company.profile import SALES_JOURNAL
from revrec.sandbox.errors import FunctionFailure, business_error
from revrec.sandbox.ledger.balancing import balance
from revrec.sandbox.ledger.dimensions import by_column, dimension_errors
from revrec.sandbox.ledger.entry import EntryLine, JournalEntry
from revrec.sandbox.ledger.ledger import delete_entry, next_recordno, require_open_period, stored_batch, write_entry

ARINVOICE, ARADJUSTMENT = "arinvoice", "aradjustment"
_TITLES = {ARINVOICE: "Invoice", ARADJUSTMENT: "Adjustment"}


@dataclass(slots=True)
class ReceivableLine:
    """One line: ``account`` is credited and ``offset`` debited with ``mills`` (reversed if negative)."""

    account: str
    offset: str
    mills: int
    base_mills: int
    entity: str
    dimensions: dict[str, str] = field(default_factory=dict)
    memo: str = ""


@dataclass(slots=True)
class Receivable:
    """One ARINVOICE or ARADJUSTMENT (``record_type``).

    ``module`` is 8.SO when an order-entry document (``docid``) is behind it, else 4.AR. A credit memo is an adjustment
    whose lines are below zero.
    """

    recordid: str
    customer: str
    created: date
    posted: date
    due: date
    term: str | None
    currency: str
    lines: list[ReceivableLine]
    module: str
    description: str = ""
    docnumber: str = ""
    docid: str | None = None
    journal: str = SALES_JOURNAL
    draft: bool = False
    in_ledger: bool = True
    record_type: str = ARINVOICE
    custom: dict[str, str] = field(default_factory=dict)


def write_receivable(receivable: Receivable, call: Call) -> int:
    """Write a receivable and, unless it is a draft, its journal entry; return its RECORDNO.

    Raises:
        FunctionFailure: the total is negative, the entry is invalid, or its period is closed.
    """
    total = sum(line.mills for line in receivable.lines)
    if total < 0 and receivable.record_type == ARINVOICE:
        raise FunctionFailure(
            business_error("The total of an invoice must not be negative.", errorid="SIM-NEGATIVE-TOTAL")
        )
    recordno = next_recordno(call.company)
    _insert(receivable, recordno, total, call)
    if receivable.in_ledger and not receivable.draft:
        batch = _post(receivable, recordno, call)
        call.company.store.execute("UPDATE arinvoice SET glbatch = ? WHERE recordno = ?", (batch, recordno))
    return recordno


def delete_receivable(recordno: int, call: Call) -> None:
    """Delete a receivable and its journal entry.

    Raises:
        FunctionFailure: the period of the entry is closed.
    """
    store = call.company.store
    batch = store.value("SELECT glbatch FROM arinvoice WHERE recordno = ?", (recordno,))
    if batch is not None:
        require_open_period(stored_batch(store, str(batch)), call.company)
        delete_entry(batch, call.company)
    store.execute("DELETE FROM arinvoice WHERE recordno = ?", (recordno,))


def _insert(receivable: Receivable, recordno: int, total: int, call: Call) -> None:
    now = call.company.clock.now().isoformat(timespec="seconds")
    store = call.company.store
    row = {
        "recordno": recordno,
        "recordid": receivable.recordid,
        "recordtype": receivable.record_type,
        "module": receivable.module,
        "state": "Draft" if receivable.draft else "Posted",
        "customer": receivable.customer,
        "created_day": receivable.created.isoformat(),
        "posted_day": receivable.posted.isoformat(),
        "due_day": receivable.due.isoformat(),
        "term": receivable.term,
        "currency": receivable.currency,
        "mills": total,
        "base_mills": sum(line.base_mills for line in receivable.lines),
        "description": receivable.description or None,
        "docnumber": receivable.docnumber or None,
        "docid": receivable.docid,
        "custom": json.dumps(receivable.custom, sort_keys=True),
        "private_entity": call.caller.location or None,
        "created_by": call.caller.user,
        "created": now,
        "modified": now,
    }
    store.insert("arinvoice", row)
    first = store.next("arinvoiceitem_recordno", len(receivable.lines)) - len(receivable.lines) + 1
    rows = [_row(line, recordno, first + at, at + 1) for at, line in enumerate(receivable.lines)]
    store.insert("arinvoiceitem", *rows)


def _row(line: ReceivableLine, invoice: int, recordno: int, number: int) -> dict[str, object]:
    return {
        "recordno": recordno,
        "invoice": invoice,
        "line_no": number,
        "account": line.account,
        "offset_account": line.offset,
        "mills": line.mills,
        "base_mills": line.base_mills,
        "memo": line.memo or None,
        **by_column(line.dimensions),
    }


def _post(receivable: Receivable, recordno: int, call: Call) -> int:
    """Post the journal entry: one debit per receivable account and location, one credit per line."""
    lines = [*_debits(receivable), *(_credit(line, receivable) for line in receivable.lines if line.mills)]
    if not lines:
        raise FunctionFailure(
            business_error("An invoice without any amount cannot be posted.", errorid="SIM-ZERO-TOTAL")
        )
    _check(lines, receivable, call)
    for line in lines:
        line.base_currency = call.company.masters.base_currency(line.entity)
    entry = JournalEntry(
        journal=receivable.journal,
        day=receivable.posted,
        title=f"{_TITLES[receivable.record_type]} {receivable.recordid}"[:80],
        state="Posted",
        lines=balance(lines, None, call.company.switches),
        private_entity=call.caller.location or None,
        module=receivable.module,
        prrecord=recordno,
    )
    return write_entry(entry, call)


def _check(lines: list[EntryLine], receivable: Receivable, call: Call) -> None:
    masters = call.company.masters
    errors = []
    for line in lines:
        account = masters.active("GLACCOUNT", line.account)
        if account is None:
            errors.append(business_error(f"Account {line.account} is not valid", errorid="SIM-INVALID-ACCOUNT"))
        elif line.account not in {one.offset for one in receivable.lines}:
            errors += dimension_errors(account, line.dimensions, masters)
    closed = [
        call.company.periods.posting_error(receivable.posted, entity)
        for entity in sorted({one.entity for one in lines})
    ]
    errors += [error for error in closed if error is not None]
    if errors:
        raise FunctionFailure(*errors)


def _debits(receivable: Receivable) -> list[EntryLine]:
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for line in receivable.lines:
        key = (line.offset, line.dimensions.get("LOCATION", ""), line.entity)
        sums[key][0] += line.mills
        sums[key][1] += line.base_mills
    found = []
    for (account, location, entity), (mills, base) in sums.items():
        dimensions = {"CUSTOMERID": receivable.customer} | ({"LOCATION": location} if location else {})
        if mills:
            found.append(_line(account, mills, base, entity, dimensions, receivable, ""))
    return found


def _credit(line: ReceivableLine, receivable: Receivable) -> EntryLine:
    dimensions = {"CUSTOMERID": receivable.customer} | line.dimensions
    return _line(line.account, -line.mills, -line.base_mills, line.entity, dimensions, receivable, line.memo)


def _line(
    account: str, mills: int, base: int, entity: str, dimensions: dict[str, str], receivable: Receivable, memo: str
) -> EntryLine:
    return EntryLine(
        account=account,
        sign=1 if mills > 0 else -1,
        currency=receivable.currency,
        trx_mills=abs(mills),
        base_mills=abs(base),
        entity=entity,
        dimensions=dimensions,
        document=receivable.recordid,
        description=memo or receivable.description or f"{_TITLES[receivable.record_type]} {receivable.recordid}",
    )
