"""Changes that users make to journal entries in Intacct's screens: edit, delete, reverse. They have no control id.

As in the screens, an entry must balance afterwards. Unlike there, closed periods are not checked.
"""

from datetime import date
from typing import Any

from revrec.sandbox.company.state import CompanyState
from revrec.sandbox.errors import FunctionFailure
from revrec.sandbox.ledger.dimensions import DIMENSIONS
from revrec.sandbox.ledger.ledger import delete_entry
from revrec.sandbox.ledger.reversals import reverse_stored
from revrec.sandbox.money import format_mills, parse_decimal, to_mills

_HEADER = {"title": "batch_title", "reference": "referenceno", "journal": "journal", "state": "state"}
_LINE = {"account": "account", "document": "document", "description": "description", "location": "location"} | {
    dimension.kind.lower(): dimension.element.lower() for dimension in DIMENSIONS
}
_USER = "ui_user"


def edit(company: CompanyState, record_no: int, changes: dict[str, Any]) -> None:
    """Change title, reference, journal, state or date of an entry; ``lines`` are changes by ``line_no``.

    Raises:
        ValueError: the entry does not exist, or would not balance.
    """
    with company.store.transaction():
        _require_entry(company, record_no)
        for name, column in _HEADER.items():
            if name in changes:
                _set(company, "glbatch", column, changes[name], record_no)
        if "state" in changes:
            _set(company, "glbatch", "posted", int(changes["state"] == "Posted"), record_no)
            _set_lines(company, "posted", int(changes["state"] == "Posted"), record_no)
        if "date" in changes:
            day = date.fromisoformat(changes["date"]).isoformat()
            _set(company, "glbatch", "batch_date", day, record_no)
            _set_lines(company, "entry_date", day, record_no)
        for change in changes.get("lines", ()):
            _edit_line(company, record_no, change)
        _check_balance(company, record_no)
        _touch(company, record_no)


def delete(company: CompanyState, record_no: int) -> None:
    """Delete an entry and its lines.

    Raises:
        ValueError: it does not exist.
    """
    with company.store.transaction():
        _require_entry(company, record_no)
        delete_entry(record_no, company)


def reverse(company: CompanyState, record_no: int, day: date) -> int:
    """Create the reversal of an entry, dated ``day``, and return its RECORDNO.

    Raises:
        ValueError: the entry does not exist, or is reversed already.
    """
    with company.store.transaction():
        try:
            return reverse_stored(company, record_no, day, _USER)
        except FunctionFailure as failure:
            raise ValueError(str(failure)) from None


def _edit_line(company: CompanyState, record_no: int, change: dict[str, Any]) -> None:
    sql = "SELECT recordno, currency FROM glentry WHERE batch = ? AND line_no = ?"
    found = company.store.rows(sql, (record_no, change["line_no"]))
    if not found:
        raise ValueError(f"entry {record_no} has no line {change['line_no']}")
    key, currency = found[0]
    for name, column in _LINE.items():
        if name in change:
            _set(company, "glentry", column, change[name], key)
    if "amount" in change:
        amount = parse_decimal(str(change["amount"]))
        if amount is None or amount <= 0:
            raise ValueError(f"{change['amount']!r} is not a positive amount")
        mills = to_mills(amount, currency)
        # Scale the base amount, because editing an amount in the screens keeps the exchange rate of the line.
        sql = "UPDATE glentry SET base_mills = base_mills * ? / trx_mills, trx_mills = ? WHERE recordno = ?"
        company.store.execute(sql, (mills, mills, key))


def _check_balance(company: CompanyState, record_no: int) -> None:
    sql = "SELECT currency, sum(sign * trx_mills) FROM glentry WHERE batch = ? GROUP BY currency"
    for currency, rest in company.store.rows(sql, (record_no,)):
        if rest:
            raise ValueError(f"entry {record_no} would be out of balance by {format_mills(rest, currency)} {currency}")


def _require_entry(company: CompanyState, record_no: int) -> dict[str, Any]:
    found = company.store.dicts("SELECT * FROM glbatch WHERE recordno = ?", (record_no,))
    if not found:
        raise ValueError(f"there is no entry {record_no}")
    return found[0]


def _set(company: CompanyState, table: str, column: str, value: object, record_no: int) -> None:
    company.store.execute(f"UPDATE {table} SET {column} = ? WHERE recordno = ?", (value, record_no))  # noqa: S608


def _set_lines(company: CompanyState, column: str, value: object, batch: int) -> None:
    company.store.execute(f"UPDATE glentry SET {column} = ? WHERE batch = ?", (value, batch))  # noqa: S608


def _touch(company: CompanyState, record_no: int) -> None:
    _set(company, "glbatch", "modified", company.clock.now().isoformat(timespec="seconds"), record_no)
