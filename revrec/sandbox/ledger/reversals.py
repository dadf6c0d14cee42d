"""Reversal of a stored journal entry: a second entry on another day, with debits and credits exchanged."""

from datetime import date

from revrec.sandbox.company.state import CompanyState
from revrec.sandbox.errors import FunctionFailure, business_error
from revrec.sandbox.ledger.ledger import next_recordno, stored_batch


def reverse_stored(company: CompanyState, record_no: int, day: date, user: str) -> int:
    """Write the reversal of a stored entry inside the caller's transaction, and return its RECORDNO.

    Raises:
        FunctionFailure: the entry does not exist, or is reversed already.
    """
    store, text = company.store, day.isoformat()
    entry = stored_batch(store, str(record_no))
    if entry["reversedkey"] is not None:
        reason = f"GLBATCH with the key '{record_no}' is reversed already, by '{entry['reversedkey']}'."
        raise FunctionFailure(business_error(reason, errorid="SIM-REVERSED"))
    mirror = next_recordno(company)
    lines = store.dicts("SELECT * FROM glentry WHERE batch = ? ORDER BY line_no", (record_no,))
    first = store.next("glentry_recordno", len(lines)) - len(lines) + 1
    now = company.clock.now().isoformat(timespec="seconds")
    header = {
        "recordno": mirror,
        "batchno": store.next(f"batchno:{entry['journal']}"),
        "batch_date": text,
        "batch_title": f"Reversed - {entry['batch_title']}"[:80],
        "referenceno": None,
        "reversedate": None,
        "reversedfrom": record_no,
        "created_by": user,
        "created": now,
        "modified": now,
    }
    store.insert("glbatch", entry | header)
    changed = [
        line | {"recordno": first + at, "batch": mirror, "entry_date": text, "sign": -line["sign"]}
        for at, line in enumerate(lines)
    ]
    store.insert("glentry", *changed)
    sql = "UPDATE glbatch SET reversedkey = ?, reversedate = ?, modified = ? WHERE recordno = ?"
    store.execute(sql, (mirror, text, now, record_no))
    return mirror
