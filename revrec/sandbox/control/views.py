"""The views of the admin port: state, entries, balances, and an HTML page. Amounts are decimal text."""

import json
from datetime import date
from html import escape
from typing import Any

from revrec.sandbox.company import profile
from revrec.sandbox.company.state import CompanyState
from revrec.sandbox.faults import FaultPlan
from revrec.sandbox.ledger import ledger
from revrec.sandbox.ledger.dimensions import DIMENSIONS
from revrec.sandbox.money import format_mills

_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="3">
<title>Intacct sandbox</title><style>body{{font:14px sans-serif;margin:2em}}table{{border-collapse:collapse}}
td,th{{border-bottom:1px solid #ccc;padding:.3em .7em;text-align:left}}td.n{{text-align:right}}</style></head>
<body><h1>Intacct sandbox</h1><p>{summary}</p><table><tr><th>Record</th><th>Journal</th><th>No.</th><th>Date</th>
<th>Title</th><th>Reference</th><th>State</th><th>Lines</th><th>Debits (base)</th></tr>{rows}</table>
<h2>Balances</h2><table><tr><th>Account</th><th>Balance</th></tr>{balances}</table></body></html>"""


def state(company: CompanyState, faults: FaultPlan) -> dict[str, Any]:
    """Return counts, closed periods, switches, faults and usage."""
    store = company.store
    return {
        "company_id": profile.COMPANY_ID,
        "now": company.clock.now().isoformat(timespec="seconds"),
        "counts": {
            "entries": store.value("SELECT count(*) FROM glbatch"),
            "posted": store.value("SELECT count(*) FROM glbatch WHERE posted = 1"),
            "lines": store.value("SELECT count(*) FROM glentry"),
            "control_ids": store.value("SELECT count(*) FROM control_id"),
        },
        "open_periods": {"first": profile.FIRST_MONTH, "last": profile.LAST_MONTH},
        "closed_through": company.periods.as_dict(),
        "switches": company.switches.as_dict(),
        "faults": faults.as_list(),
        "fault_seed": faults.seed,
        "injected": list(faults.injected),
        "locked_users": company.access.locked(),
        "usage": company.usage.as_dict(),
    }


def entries(company: CompanyState, query: dict[str, str]) -> dict[str, Any]:
    """Return journal entries with lines, oldest first.

    ``journal``, ``reference`` and ``record_no`` in the query filter them; ``limit`` (1000) and ``offset`` page them.
    """
    conditions, values = ["1"], []
    for name, column in (("journal", "journal"), ("reference", "referenceno"), ("record_no", "recordno")):
        if name in query:
            conditions.append(f"{column} = ?")
            values.append(query[name])
    where = " AND ".join(conditions)
    limit, offset = int(query.get("limit", 1000)), int(query.get("offset", 0))
    sql = f"SELECT * FROM glbatch WHERE {where} ORDER BY recordno LIMIT ? OFFSET ?"  # noqa: S608
    found = company.store.dicts(sql, [*values, limit, offset])
    total = company.store.value(f"SELECT count(*) FROM glbatch WHERE {where}", values)  # noqa: S608
    return {"total": total, "entries": [_entry(company, row) for row in found]}


def _entry(company: CompanyState, row: dict[str, Any]) -> dict[str, Any]:
    lines = company.store.dicts("SELECT * FROM glentry WHERE batch = ? ORDER BY line_no", (row["recordno"],))
    return {
        "record_no": row["recordno"],
        "batch_no": row["batchno"],
        "journal": row["journal"],
        "date": row["batch_date"],
        "title": row["batch_title"],
        "reference": row["referenceno"],
        "state": row["state"],
        "base_location": row["baselocation"],
        "attachment": row["supdocid"],
        "custom": json.loads(row["custom"]),
        "reversed_from": row["reversedfrom"],
        "created": row["created"],
        "lines": [_line(line) for line in lines],
    }


def _line(row: dict[str, Any]) -> dict[str, Any]:
    dimensions = {
        dimension.element: row[dimension.element.lower()]
        for dimension in DIMENSIONS
        if row[dimension.element.lower()] is not None
    }
    return {
        "line_no": row["line_no"],
        "account": row["account"],
        "type": row["sign"],
        "currency": row["currency"],
        "amount": format_mills(row["trx_mills"], row["currency"]),
        "base_amount": format_mills(row["base_mills"], row["base_currency"]),
        "document": row["document"],
        "description": row["description"],
        "dimensions": dimensions | json.loads(row["user_dimensions"]),
        "custom": json.loads(row["custom"]),
    }


def balances(company: CompanyState) -> dict[str, str]:
    """Return the balance of each account over everything posted, in base currency; credits are negative."""
    rows = ledger.balances(company.store, date.max, date.max)
    return {account: format_mills(opening, profile.BASE_CURRENCY) for account, opening, _, _ in rows}


def html_page(company: CompanyState) -> str:
    """Return the newest fifty entries and the balances as an HTML page that reloads itself."""
    rows = company.store.rows(
        "SELECT b.recordno, b.journal, b.batchno, b.batch_date, b.batch_title, b.referenceno, b.state, count(*), "
        "sum(CASE WHEN l.sign = 1 THEN l.base_mills ELSE 0 END) "
        "FROM glbatch b JOIN glentry l ON l.batch = b.recordno GROUP BY b.recordno ORDER BY b.recordno DESC LIMIT 50"
    )
    cells = "".join(_row([*row[:8], format_mills(row[8], profile.BASE_CURRENCY)]) for row in rows)
    sums = "".join(_row([account, amount]) for account, amount in balances(company).items())
    count = company.store.value("SELECT count(*) FROM glbatch")
    summary = f"Company {escape(profile.COMPANY_ID)}: {count} journal entries, the newest fifty first."
    return _PAGE.format(summary=summary, rows=cells, balances=sums)


def _row(values: list[Any]) -> str:
    cells = "".join(f"<td>{escape('' if value is None else str(value))}</td>" for value in values)
    return f"<tr>{cells}</tr>"
