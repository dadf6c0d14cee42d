"""Journal entries in the store, and account balances. Every write runs inside the caller's transaction."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

from revrec.sandbox.calls import Call
from revrec.sandbox.company.state import CompanyState
from revrec.sandbox.company.store import Store
from revrec.sandbox.errors import FunctionFailure, business_error
from revrec.sandbox.ledger.dimensions import DIMENSIONS
from revrec.sandbox.ledger.entry import EntryLine, JournalEntry

_LINE_COLUMNS = (
    "recordno, batch, line_no, entry_date, posted, account, sign, currency, trx_mills, base_mills, rate, rate_type, "
    "rate_date, document, description, "
    + "".join(f"{dimension.element.lower()}, " for dimension in DIMENSIONS)
    + "user_dimensions, custom, base_currency"
)
_INSERT_LINE = f"INSERT INTO glentry ({_LINE_COLUMNS}) VALUES ({', '.join('?' * (18 + len(DIMENSIONS)))})"  # noqa: S608


def write_entry(entry: JournalEntry, call: Call) -> int:
    """Write a new entry and, if it has a reversal date, its reversal; return the RECORDNO of the entry."""
    recordno = _insert(entry, call, reversed_from=None)
    if entry.reverse_day is not None:
        mirror = _insert(_mirror(entry, entry.reverse_day), call, reversed_from=recordno)
        call.company.store.execute("UPDATE glbatch SET reversedkey = ? WHERE recordno = ?", (mirror, recordno))
    return recordno


def _insert(entry: JournalEntry, call: Call, reversed_from: int | None) -> int:
    company = call.company
    recordno = next_recordno(company)
    now = company.clock.now().isoformat(timespec="seconds")
    company.store.insert(
        "glbatch",
        {
            "recordno": recordno,
            "batchno": company.store.next(f"batchno:{entry.journal}"),
            "journal": entry.journal,
            "batch_date": entry.day.isoformat(),
            "batch_title": entry.title,
            "referenceno": entry.reference,
            "baselocation": entry.base_location,
            "state": entry.state,
            "posted": int(entry.posted),
            "reversedate": entry.reverse_day.isoformat() if entry.reverse_day else None,
            "reversedfrom": reversed_from,
            "history": entry.history,
            "supdocid": entry.attachment,
            "private_entity": entry.private_entity,
            "created_by": call.caller.user,
            "created": now,
            "modified": now,
            "module": entry.module,
            "prrecord": entry.prrecord,
            "custom": json.dumps(entry.custom, sort_keys=True),
        },
    )
    write_lines(company.store, recordno, entry)
    if reversed_from is None and entry.prrecord is None:
        # Intacct bills the record that was sent, not the reversal or receivable entry it generates from it.
        company.usage.count(records_written=1)
    company.store.after_commit(lambda: company.visibility.created(recordno))
    return recordno


def next_recordno(company: CompanyState) -> int:
    """Return a new RECORDNO.

    Numbers grow by more than one, because all objects of a real company share them. Clients that expect RECORDNOs
    without gaps fail here as they would in Intacct.
    """
    made = company.store.next("recordnos_made")
    return company.store.next("recordno", 2 + (made * 7919 + company.seed * 104729) % 8)


def write_lines(store: Store, recordno: int, entry: JournalEntry) -> None:
    """Write the lines of entry ``recordno``, numbered from 1."""
    last = store.next("glentry_recordno", len(entry.lines))
    first = last - len(entry.lines) + 1
    rows = [_row(line, entry, recordno, number, first + number - 1) for number, line in enumerate(entry.lines, 1)]
    store.executemany(_INSERT_LINE, rows)


def _row(line: EntryLine, entry: JournalEntry, batch: int, number: int, recordno: int) -> tuple[object, ...]:
    return (
        recordno,
        batch,
        number,
        entry.day.isoformat(),
        int(entry.posted),
        line.account,
        line.sign,
        line.currency,
        line.trx_mills,
        line.base_mills,
        line.rate,
        line.rate_type,
        line.rate_date,
        line.document,
        line.description,
        *(line.dimensions.get(dimension.element) for dimension in DIMENSIONS),
        json.dumps(line.user_dimensions, sort_keys=True),
        json.dumps(line.custom, sort_keys=True),
        line.base_currency,
    )


def _mirror(entry: JournalEntry, day: date) -> JournalEntry:
    lines = [replace(line, sign=-line.sign) for line in entry.lines]
    return replace(
        entry, day=day, title=f"Reversed - {entry.title}"[:80], lines=lines, reverse_day=None, reference=None
    )


def balances(
    store: Store, start: date, end: date, where: str = "", values: tuple[object, ...] = ()
) -> list[tuple[str, int, int, int]]:
    """Return, by account, the opening balance before ``start`` and the debits and credits from ``start`` to ``end``.

    Amounts are in base mills. Balances are signed: credits are negative. ``where`` is an additional SQL condition on
    glentry, with its ``values``.
    """
    sql = f"""
        SELECT account,
               sum(CASE WHEN entry_date < ? THEN sign * base_mills ELSE 0 END),
               sum(CASE WHEN entry_date >= ? AND sign = 1 THEN base_mills ELSE 0 END),
               sum(CASE WHEN entry_date >= ? AND sign = -1 THEN base_mills ELSE 0 END)
        FROM glentry WHERE posted = 1 AND entry_date <= ? {where and f"AND {where}"}
        GROUP BY account ORDER BY account"""  # noqa: S608
    opening = start.isoformat()
    found = store.rows(sql, (opening, opening, opening, end.isoformat(), *values))
    return [(account, start_, debits, credits_) for account, start_, debits, credits_ in found]


def stored_batch(store: Store, key: str) -> dict[str, Any]:
    """Return the header of the GLBATCH whose RECORDNO is the text ``key``.

    Raises:
        FunctionFailure: it does not exist.
    """
    found = store.dicts("SELECT * FROM glbatch WHERE recordno = ?", (int(key),)) if _is_key(key) else []
    if not found:
        raise FunctionFailure(business_error(f"GLBATCH with the key '{key}' does not exist.", errorid="SIM-NO-RECORD"))
    return found[0]


def editable_batch(store: Store, key: str) -> dict[str, Any]:
    """Return the header of a GLBATCH that was created in the general ledger and may be changed there.

    Raises:
        FunctionFailure: it does not exist, or belongs to another application such as accounts receivable.
    """
    batch = stored_batch(store, key)
    if batch["module"] != "2.GL":
        text = f"GLBATCH with the key '{key}' was created by another application; change it there."
        raise FunctionFailure(business_error(text, errorid="SIM-SUBLEDGER"))
    return batch


def _is_key(text: str) -> bool:
    return text.isdecimal() and len(text) < 19


def require_open_period(batch: dict[str, Any], company: CompanyState) -> None:
    """Check that the period of a stored entry is open for all of its entities.

    Raises:
        FunctionFailure: it is closed for one of them.
    """
    sql = "SELECT DISTINCT coalesce(location, '') FROM glentry WHERE batch = ?"
    for (location,) in company.store.rows(sql, (batch["recordno"],)):
        entity = company.masters.entity_of(location) if location else batch["private_entity"] or ""
        error = company.periods.posting_error(date.fromisoformat(batch["batch_date"]), entity)
        if error:
            raise FunctionFailure(error)


def replace_entry(recordno: int, entry: JournalEntry, call: Call) -> None:
    """Replace header and lines of a stored entry; journal, BATCHNO and RECORDNO stay the same."""
    store = call.company.store
    now = call.company.clock.now().isoformat(timespec="seconds")
    store.execute("DELETE FROM glentry WHERE batch = ?", (recordno,))
    store.execute(
        "UPDATE glbatch SET batch_date = ?, batch_title = ?, referenceno = coalesce(?, referenceno), baselocation = ?, "
        "supdocid = coalesce(?, supdocid), state = ?, posted = ?, modified = ?, custom = json_patch(custom, ?) "
        "WHERE recordno = ?",
        (
            entry.day.isoformat(),
            entry.title,
            entry.reference,
            entry.base_location,
            entry.attachment,
            entry.state,
            int(entry.posted),
            now,
            json.dumps(entry.custom),
            recordno,
        ),
    )
    write_lines(store, recordno, entry)
    call.company.usage.count(records_written=1)


def delete_entry(recordno: int, company: CompanyState) -> None:
    """Delete a stored entry and its lines. An entry that it reverses is not reversed any longer."""
    sql = "UPDATE glbatch SET reversedkey = NULL, reversedate = NULL WHERE reversedkey = ?"
    company.store.execute(sql, (recordno,))
    company.store.execute("DELETE FROM glbatch WHERE recordno = ?", (recordno,))
