"""Validation of a GLBATCH: turns the object of a create or update into a journal entry."""

from collections.abc import Collection
from datetime import date

from revrec.sandbox.calls import Call
from revrec.sandbox.company.attachments import stored_attachment
from revrec.sandbox.company.switches import Switches
from revrec.sandbox.errors import Error, FunctionFailure, business_error
from revrec.sandbox.fields import cut_to_limit, fields_of, missing_field, read_date, text_of, too_long, unknown_fields
from revrec.sandbox.ledger.balancing import balance
from revrec.sandbox.ledger.custom_fields import custom_fields, custom_values, missing_custom_fields
from revrec.sandbox.ledger.entry import STATES, EntryLine, JournalEntry
from revrec.sandbox.ledger.glentry import LineReader
from revrec.sandbox.xmltree import Node

Fields = dict[str, Node]

HEADER_FIELDS = frozenset(
    [
        "RECORDNO",
        "JOURNAL",
        "BATCH_DATE",
        "REVERSEDATE",
        "BATCH_TITLE",
        "HISTORY_COMMENT",
        "REFERENCENO",
        "BASELOCATION_NO",
        "SUPDOCID",
        "STATE",
        "TAXIMPLICATIONS",
        "VATVENDORID",
        "VATCUSTOMERID",
        "VATCONTACTID",
        "TAXSOLUTIONID",
        "TRANSACTIONSOURCE",
        "ENTRIES",
    ]
)
"""The elements that a GLBATCH may have."""
_ERRORS_SHOWN = 20


def read_entry(node: Node, call: Call) -> JournalEntry:
    """Return the journal entry in a GLBATCH element. Unknown customers, items and the like may be created on the way.

    Raises:
        FunctionFailure: header or lines are invalid; each error found is named.
    """
    fields = fields_of(node)
    _check_header(fields, call)
    day, reverse_day = _dates(fields, call)
    title = _text(fields, "BATCH_TITLE", call)
    lines = _lines(fields, call, title)
    base_location = _base_location(fields, call)
    booked = balance(lines, base_location, call.company.switches)
    _check_periods(call, {day, *([reverse_day] if reverse_day else [])}, {line.entity for line in booked})
    return JournalEntry(
        journal=_text(fields, "JOURNAL", call),
        day=day,
        title=title,
        state=_state(fields, call),
        lines=booked,
        reference=_text(fields, "REFERENCENO", call) or None,
        base_location=base_location,
        reverse_day=reverse_day,
        history=text_of(fields, "HISTORY_COMMENT") or None,
        attachment=text_of(fields, "SUPDOCID") or None,
        private_entity=call.caller.location or None,
        custom=custom_values(fields, custom_fields("GLBATCH", call.company.masters)),
    )


def _check_header(fields: Fields, call: Call) -> None:
    switches = call.company.switches
    errors = [
        missing_field(name, "GLBATCH") for name in ("JOURNAL", "BATCH_DATE", "BATCH_TITLE") if not text_of(fields, name)
    ]
    if "ENTRIES" not in fields or not fields["ENTRIES"].children:
        errors.append(missing_field("ENTRIES", "GLBATCH"))
    limits = text_limits(switches)
    lengths = [too_long(name, _text(fields, name, call), limit) for name, limit in limits.items()]
    errors += [error for error in lengths if error is not None]
    masters = call.company.masters
    custom = custom_fields("GLBATCH", masters)
    errors += missing_custom_fields(fields, "GLBATCH", custom)
    errors += unknown_fields(fields, {*HEADER_FIELDS, *custom}, "GLBATCH", switches)
    _raise(errors)
    if text_of(fields, "SUPDOCID"):
        stored_attachment(text_of(fields, "SUPDOCID"), masters)
    journal = _text(fields, "JOURNAL", call)
    if masters.active("JOURNAL", journal) is None:
        raise FunctionFailure(
            business_error(f"Journal '{journal}' specified is not valid.", errorid="SIM-INVALID-JOURNAL")
        )


def text_limits(switches: Switches) -> dict[str, int]:
    """Return the maximum length of each text of a GLBATCH that has one."""
    return {
        "JOURNAL": switches.max_journal,
        "REFERENCENO": switches.max_reference,
        "BATCH_TITLE": switches.max_title,
    }


def _text(fields: Fields, name: str, call: Call) -> str:
    return cut_to_limit(text_of(fields, name), text_limits(call.company.switches)[name], call.company.switches)


def _dates(fields: Fields, call: Call) -> tuple[date, date | None]:
    day = read_date("BATCH_DATE", text_of(fields, "BATCH_DATE"), call.company.switches)
    text = text_of(fields, "REVERSEDATE")
    if not text:
        return day, None
    reverse_day = read_date("REVERSEDATE", text, call.company.switches)
    if reverse_day <= day:
        raise FunctionFailure(
            business_error("The reversal date must be after the posting date.", errorid="SIM-REVERSEDATE")
        )
    return day, reverse_day


def _state(fields: Fields, call: Call) -> str:
    text = text_of(fields, "STATE") or "Posted"
    if text not in ("Posted", "Draft"):
        known = " or ".join(("Posted", "Draft")) if text in STATES else "one of " + ", ".join(STATES)
        raise FunctionFailure(
            business_error(f"The value '{text}' of STATE is not valid; it must be {known}.", errorid="SIM-STATE")
        )
    return "Submitted" if text == "Posted" and call.company.switches.approval else text


def _lines(fields: Fields, call: Call, title: str) -> list[EntryLine]:
    nodes = fields["ENTRIES"].children
    unknown = [node for node in nodes if node.tag.upper() != "GLENTRY"]
    if unknown:
        raise FunctionFailure(
            business_error(f"The element {unknown[0].tag} is not allowed in ENTRIES; only GLENTRY is.")
        )
    if len(nodes) < 2:
        text = "A journal entry needs at least two lines: one debit and one credit."
        raise FunctionFailure(business_error(text, errorid="SIM-TWO-LINES"))
    reader = LineReader(call, title)
    lines = [line for node in nodes for line in reader.read(node)]
    _raise(reader.errors)
    return lines


def _base_location(fields: Fields, call: Call) -> str | None:
    location = text_of(fields, "BASELOCATION_NO")
    if not location:
        return None
    if not call.company.masters.is_entity(location):
        raise FunctionFailure(business_error(f"The location '{location}' is invalid.", errorid="SIM-INVALID-LOCATION"))
    return location


def _check_periods(call: Call, days: Collection[date], entities: Collection[str]) -> None:
    for day in sorted(days):
        for entity in sorted(entities):
            error = call.company.periods.posting_error(day, entity)
            if error:
                raise FunctionFailure(error)


def _raise(errors: list[Error]) -> None:
    if errors:
        raise FunctionFailure(*errors[:_ERRORS_SHOWN])
