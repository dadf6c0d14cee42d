"""``revrec trace``: show the history of a charge line, from the row of its file to Intacct's record number."""

import json
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from revrec.core.closed_periods import ClosedPeriodBlock
from revrec.core.errors import BadInput
from revrec.core.money import decimal_string
from revrec.jobs.importing import quarantine
from revrec.jobs.posting.periods import posting_dates
from revrec.jobs.scheduling.contracts import stored_allocations
from revrec.store import charges
from revrec.store.posting.entries import ENTRY_TABLES
from revrec.store.posting.invoices import INVOICE_TABLES
from revrec.store.reports import history

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection

Fact = dict[str, Any]


def trace(context: "Context", reference: str) -> Iterator[Fact]:
    """Yield the history of every charge line that ``reference`` may mean.

    A reference is a charge id, the reference of an entry or an invoice, an Intacct record number or DOCID, a document,
    or an imported file (its name at import, or its SHA-256).

    Raises:
        BadInput: No record has that name.
    """
    with context.database.read() as connection:
        dated = posting_dates(context, connection)
        numbers = history.charges_of(connection, reference)
        if not numbers:
            raise BadInput(
                f"{reference}: no record has this name; use a charge id (SOURCE/DOCUMENT/LINE), an entry's "
                "or an invoice's reference (RR..., IV...), an Intacct record number or DOCID, a document, or an "
                "imported file"
            )
        for no in numbers:
            yield _life(connection, no, ClosedPeriodBlock(dated))


def _life(connection: "Connection", no: int, holding: ClosedPeriodBlock) -> Fact:
    charge = history.charge(connection, no)
    source = history.source(connection, charge["import_id"])
    schedules = history.schedules(connection, no)
    lines = history.schedule_lines(connection, no)
    events = history.events(connection, no)
    aside = quarantine.life(connection, source["id"], charge["row"])
    allocations = list(stored_allocations(connection, no))
    invoices = [_invoice(connection, one) for one in history.invoices(connection, no)]
    entries = [_entry(connection, entry, no) for entry in history.entries(connection, no)]
    return {
        "charge": _charge(charge),
        "source": {
            **_some(source, "uri", "sha256", "size", "mapping", "imported_at", "actor"),
            "row": charge["row"],
            "cleaning": cleaned(connection, source["id"], charge["row"]),
            "quarantine": aside,
        },
        "events": [_event(connection, event, charge["currency"]) for event in events],
        "rule": _rule(schedules[-1]) if schedules else None,
        "unscheduled": _waiting(history.waiting(connection, no)),
        "allocations": [{**one._asdict(), "lines": [share._asdict() for share in one.lines]} for one in allocations],
        "schedule": [_version(version, lines, charge, holding) for version in schedules],
        "repairs": [_some(one, "name", "version", "text", "file") for one in history.repairs(connection, no)],
        "invoices": invoices,
        "entries": entries,
        "audit": _audit(
            connection,
            charge,
            [source["id"], *_imports(events)],
            [*(one["audit_seq"] for one in schedules), *(one.audit_seq for one in allocations)],
            [*invoices, *entries],
            aside,
        ),
    }


def cleaned(connection: "Connection", import_id: int, row: int) -> list[Fact]:
    """Return what cleaning changed in a row of an import: field, before, after, step, table and row of the table."""
    steps = charges.cleaning_steps(connection, import_id, row)
    names = ("field", "before", "after", "step", "table", "table_row")
    return [dict(zip(names, step, strict=True)) for step in json.loads(steps)] if steps else []


def _some(fact: Fact, *names: str) -> Fact:
    return {name: fact[name] for name in names}


def _charge(charge: Fact) -> Fact:
    shown = {name: value for name, value in charge.items() if name not in ("no", "import_id", "row")}
    amount = decimal_string(charge["amount"], charge["currency"])
    return {**shown, "amount": amount, "dimensions": json.loads(charge["dimensions"])}


def _event(connection: "Connection", event: Fact, currency: str) -> Fact:
    names = ("kind", "date", "quantity", "percent", "name", "note", "recorded_at", "actor", "row")
    amount = None if event["amount"] is None else decimal_string(event["amount"], currency)
    imported = event["import_id"]
    source = _some(history.source(connection, imported), "uri", "sha256") if imported else None
    if source:
        source["cleaning"] = cleaned(connection, imported, event["row"])
    return {**_some(event, *names), "amount": amount, "source": source}


def _rule(version: Fact) -> Fact:
    names = ("name", "text", "file", "method", "deferred", "accrued", "journal", "explanation")
    return {"version": version["rule_version"], **_some(version, *names)}


def _waiting(waiting: Fact | None) -> Fact | None:
    return _some(waiting, "code", "reason", "rule") if waiting else None


def _version(version: Fact, lines: list[Fact], charge: Fact, holding: ClosedPeriodBlock) -> Fact:
    currency = charge["currency"]
    own = [_line(line, charge, holding) for line in lines if line["version"] == version["version"]]
    return {
        "version": version["version"],
        "rule": version["name"],
        "rule_version": version["rule_version"],
        "explanation": version["explanation"],
        "amount": decimal_string(version["amount"], currency),
        "carried": decimal_string(version["posted"], currency),
        "waiting": decimal_string(version["waiting"] or 0, currency),
        "waits_for": version["waits_for"],
        "price_change": _price_change(version, currency),
        "allocated": None if version["allocated"] is None else decimal_string(version["allocated"], currency),
        "of": version["lines"],
        "lines": own,
        **_some(version, "at", "actor", "command"),
    }


def _price_change(version: Fact, currency: str) -> Fact | None:
    """Return by how much this version changes the line's total revenue, and why; None if it does not."""
    if version["price_change"] is None:
        return None
    return {"amount": decimal_string(version["price_change"], currency), "reason": version["price_reason"]}


def _line(line: Fact, charge: Fact, holding: ClosedPeriodBlock) -> Fact:
    currency, reason = charge["currency"], line["reason"] or ""
    if line["reference"] is None and not line["superseded_by"]:
        day, schedule = date.fromisoformat(line["date"]), (line["charge_no"], line["version"])
        held = holding.why_blocked(charge["entity"], day, schedule, line["amount"])
        reason = held or holding.dates.of(charge["entity"], day).reason
    state = (line["state"] or "planned").lower() if not line["superseded_by"] else "superseded"
    return {
        **_some(line, "seq", "date"),
        "amount": decimal_string(line["amount"], currency),
        "status": state,
        **_some(line, "superseded_by", "reference", "record_no", "entry_date"),
        "reason": reason,
    }


def _entry(connection: "Connection", entry: Fact, no: int) -> Fact:
    currency = entry["currency"]
    lines = [
        {
            **_some(line, "line_no", "side", "account", "document", "memo"),
            "amount": decimal_string(line["amount"], currency),
        }
        for line in history.entry_lines(connection, entry["id"], no)
    ]
    names = ("reference", "control_id", "date", "journal", "entity", "title", "created_at", "posted_at", "record_no")
    said = ("error_no", "error", "advice", "content_hash")
    return {
        **_some(entry, *names),
        "recognized": entry["recognition_date"] or entry["date"],
        "reason": entry["reason"] or "",
        "status": entry["state"].lower(),
        "currency": currency,
        "amount": decimal_string(entry["amount"], currency),
        "lines": lines,
        **_some(entry, *said),
        "repairs": history.repaired(connection, entry["id"], no),
        "attempts": [_attempt(one) for one in history.attempts(connection, ENTRY_TABLES, entry["id"])],
    }


def _invoice(connection: "Connection", invoice: Fact) -> Fact:
    names = ("reference", "control_id", "kind", "number", "definition", "date", "customer", "term", "created_at")
    line = _some(invoice, "line_no", "item", "quantity", "price", "account", "memo")
    currency = invoice["currency"]
    return {
        **_some(invoice, *names, "posted_at", "record_no"),
        "status": invoice["state"].lower(),
        "currency": currency,
        "amount": decimal_string(invoice["amount"], currency),
        "lines": invoice["lines"],
        "line": {**line, "amount": decimal_string(invoice["line_amount"], currency)},
        **_some(invoice, "error_no", "error", "advice", "content_hash"),
        "attempts": [_attempt(one) for one in history.attempts(connection, INVOICE_TABLES, invoice["id"])],
    }


def _attempt(attempt: Fact) -> Fact:
    names = ("number", "kind", "at", "actor", "control_id", "request")
    answer = ("answered_at", "outcome", "failure", "class", "http_status", "record_no", "error", "response")
    return _some(attempt, *names, *answer)


def _imports(events: list[Fact]) -> list[int]:
    return [event["import_id"] for event in events if event["import_id"] is not None]


def _audit(
    connection: "Connection",
    charge: Fact,
    imports: list[int],
    sequences: list[int],
    entries: list[Fact],
    aside: Fact | None,
) -> list[Fact]:
    subjects = [charge["id"], *(f"import {one}" for one in imports), *(entry["reference"] for entry in entries)]
    subjects += [f"quarantine {aside['id']}"] if aside else []
    found = history.audit(connection, subjects, sequences)
    return [{**fact, "detail": json.loads(fact["detail"])} for fact in found]
