"""A receivable: the customer's debt, the accounts it credits, and the journal entry behind it."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date

from revrec.sandbox.calls import Call
from revrec.sandbox.company.profile import SALES_JOURNAL
from revrec.sandbox.errors import Refusal, business
from revrec.sandbox.ledger.balancing import balance
from revrec.sandbox.ledger.dimensions import by_column, dimension_errors
from revrec.sandbox.ledger.entry import Entry, Line
from revrec.sandbox.ledger.ledger import delete_entry, next_recordno, refuse_closed, stored_batch, write_entry


@dataclass(slots=True)
class Charge:
    """One line: `account` is credited, `offset` debited with `mills` (negative: the other way round)."""

    account: str
    offset: str
    mills: int
    base_mills: int
    entity: str
    dimensions: dict[str, str] = field(default_factory=dict)
    memo: str = ""


@dataclass(slots=True)
class Receivable:
    """One ARINVOICE. `module` is 8.SO if a document of order entry (`docid`) is behind it, else 4.AR."""

    recordid: str
    customer: str
    created: date
    posted: date
    due: date
    term: str | None
    currency: str
    charges: list[Charge]
    module: str
    description: str = ""
    docnumber: str = ""
    docid: str | None = None
    journal: str = SALES_JOURNAL
    draft: bool = False
    in_ledger: bool = True
    custom: dict[str, str] = field(default_factory=dict)


def write_receivable(receivable: Receivable, call: Call) -> int:
    """Write it, and unless it is a draft its journal entry; its RECORDNO. Raises Refusal, for a closed period too."""
    total = sum(charge.mills for charge in receivable.charges)
    if total < 0:
        raise Refusal(business("The total of an invoice must not be negative.", errorid="SIM-NEGATIVE-TOTAL"))
    recordno = next_recordno(call.desk)
    _insert(receivable, recordno, total, call)
    if receivable.in_ledger and not receivable.draft:
        batch = _post(receivable, recordno, call)
        call.desk.store.execute("UPDATE arinvoice SET glbatch = ? WHERE recordno = ?", (batch, recordno))
    return recordno


def delete_receivable(recordno: int, call: Call) -> None:
    """Remove it with its journal entry. Raises Refusal in a closed period."""
    store = call.desk.store
    batch = store.value("SELECT glbatch FROM arinvoice WHERE recordno = ?", (recordno,))
    if batch is not None:
        refuse_closed(stored_batch(store, str(batch)), call.desk)
        delete_entry(batch, call.desk)
    store.execute("DELETE FROM arinvoice WHERE recordno = ?", (recordno,))


def _insert(receivable: Receivable, recordno: int, total: int, call: Call) -> None:
    now = call.desk.clock.now().isoformat(timespec="seconds")
    store = call.desk.store
    row = {
        "recordno": recordno,
        "recordid": receivable.recordid,
        "module": receivable.module,
        "state": "Draft" if receivable.draft else "Posted",
        "customer": receivable.customer,
        "created_day": receivable.created.isoformat(),
        "posted_day": receivable.posted.isoformat(),
        "due_day": receivable.due.isoformat(),
        "term": receivable.term,
        "currency": receivable.currency,
        "mills": total,
        "base_mills": sum(charge.base_mills for charge in receivable.charges),
        "description": receivable.description or None,
        "docnumber": receivable.docnumber or None,
        "docid": receivable.docid,
        "custom": json.dumps(receivable.custom, sort_keys=True),
        "private_entity": call.who.location or None,
        "created_by": call.who.user,
        "created": now,
        "modified": now,
    }
    store.insert("arinvoice", row)
    first = store.next("arinvoiceitem_recordno", len(receivable.charges)) - len(receivable.charges) + 1
    rows = [_row(charge, recordno, first + at, at + 1) for at, charge in enumerate(receivable.charges)]
    store.insert("arinvoiceitem", *rows)


def _row(charge: Charge, invoice: int, recordno: int, number: int) -> dict[str, object]:
    return {
        "recordno": recordno,
        "invoice": invoice,
        "line_no": number,
        "account": charge.account,
        "offset_account": charge.offset,
        "mills": charge.mills,
        "base_mills": charge.base_mills,
        "memo": charge.memo or None,
        **by_column(charge.dimensions),
    }


def _post(receivable: Receivable, recordno: int, call: Call) -> int:
    """The journal entry: one debit of the receivable per account and location, one credit per line."""
    lines = [*_debits(receivable), *(_credit(charge, receivable) for charge in receivable.charges if charge.mills)]
    if not lines:
        raise Refusal(business("An invoice without any amount cannot be posted.", errorid="SIM-ZERO-TOTAL"))
    _check(lines, receivable, call)
    entry = Entry(
        journal=receivable.journal,
        day=receivable.posted,
        title=f"Invoice {receivable.recordid}"[:80],
        state="Posted",
        lines=balance(lines, None, call.desk.switches),
        private_entity=call.who.location or None,
        module=receivable.module,
        prrecord=recordno,
    )
    return write_entry(entry, call)


def _check(lines: list[Line], receivable: Receivable, call: Call) -> None:
    masters = call.desk.masters
    errors = []
    for line in lines:
        account = masters.active("GLACCOUNT", line.account)
        if account is None:
            errors.append(business(f"Account {line.account} is not valid", errorid="SIM-INVALID-ACCOUNT"))
        elif line.account not in {charge.offset for charge in receivable.charges}:
            errors += dimension_errors(account, line.dimensions, masters)
    closed = [call.desk.periods.refusal(receivable.posted, entity) for entity in sorted({one.entity for one in lines})]
    errors += [error for error in closed if error is not None]
    if errors:
        raise Refusal(*errors)


def _debits(receivable: Receivable) -> list[Line]:
    sums: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for charge in receivable.charges:
        key = (charge.offset, charge.dimensions.get("LOCATION", ""), charge.entity)
        sums[key][0] += charge.mills
        sums[key][1] += charge.base_mills
    found = []
    for (account, location, entity), (mills, base) in sums.items():
        dimensions = {"CUSTOMERID": receivable.customer} | ({"LOCATION": location} if location else {})
        if mills:
            found.append(_line(account, mills, base, entity, dimensions, receivable, ""))
    return found


def _credit(charge: Charge, receivable: Receivable) -> Line:
    dimensions = {"CUSTOMERID": receivable.customer} | charge.dimensions
    return _line(charge.account, -charge.mills, -charge.base_mills, charge.entity, dimensions, receivable, charge.memo)


def _line(
    account: str, mills: int, base: int, entity: str, dimensions: dict[str, str], receivable: Receivable, memo: str
) -> Line:
    return Line(
        account=account,
        sign=1 if mills > 0 else -1,
        currency=receivable.currency,
        trx_mills=abs(mills),
        base_mills=abs(base),
        entity=entity,
        dimensions=dimensions,
        document=receivable.recordid,
        description=memo or receivable.description or f"Invoice {receivable.recordid}",
    )
