"""The elements of objects in a request: generic objects (any order, any case) and legacy functions (fixed order)."""

from collections.abc import Collection
from datetime import date

from revrec.sandbox.company.switches import Switches
from revrec.sandbox.dates import parse_us_date
from revrec.sandbox.errors import Error, FunctionFailure, business_error
from revrec.sandbox.xmltree import Node


def fields_of(node: Node, repeatable: Collection[str] = ()) -> dict[str, Node]:
    """Return the child elements by upper-case name.

    Raises:
        FunctionFailure: an element occurs twice and is not ``repeatable``.
    """
    found: dict[str, Node] = {}
    for child in node:
        name = child.tag.upper()
        if name in found and name not in repeatable:
            raise FunctionFailure(
                business_error(f"The field {name} occurs more than once in {node.tag.upper()} (line {child.line}).")
            )
        found[name] = child
    return found


def text_of(fields: dict[str, Node], name: str) -> str:
    """Return the text of a field, or "" when the field is absent or empty."""
    node = fields.get(name)
    return "" if node is None else node.text


def missing_field(field: str, subject: str) -> Error:
    """Return the error for a required field that is absent or empty (BL03000018)."""
    return Error(
        "BL03000018",
        f"Missing {field}",
        f"Required field {field} is missing in {subject}.",
        f"Enter a value for {field}, then try again.",
        errorid="SIM-MISSING-FIELD",
        placeholders=(("FIELD", field),),
    )


def too_long(field: str, text: str, limit: int) -> Error | None:
    """Return the error for a text longer than ``limit`` characters, or None when it fits."""
    if len(text) <= limit:
        return None
    message = f"The value of {field} has {len(text)} characters; the maximum is {limit}."
    return Error("BL03000018", f"Illegal format for {field}", message, errorid="SIM-TOO-LONG")


def cut_to_limit(text: str, limit: int, switches: Switches) -> str:
    """Return a text as Intacct would store it: cut to ``limit`` if the switch ``over_long`` says so."""
    return text[:limit] if switches.over_long == "cut" else text


def illegal_value(field: str, value: str, wanted: str) -> Error:
    """Return the error for a value of the wrong form (BL03000018)."""
    message = f"The value '{value}' of {field} is not valid; it must be {wanted}."
    return Error("BL03000018", f"Illegal format for {field}", message, errorid="SIM-ILLEGAL-VALUE")


def unknown_fields(fields: Collection[str], known: Collection[str], subject: str, switches: Switches) -> list[Error]:
    """Return an error for each element that is neither known nor a user-defined dimension (GLDIM...)."""
    if switches.unknown_fields == "ignore":
        return []
    unknown = [name for name in fields if name not in known and not name.startswith("GLDIM")]
    return [business_error(f"The field {name} is not a field of {subject}.", errorid="SIM-FIELD") for name in unknown]


def read_date(field: str, text: str, switches: Switches) -> date:
    """Parse a date ``mm/dd/yyyy``.

    Raises:
        FunctionFailure: the text has another form (BL03000018).
    """
    found = parse_us_date(text)
    if found is None and switches.iso_dates:
        try:
            found = date.fromisoformat(text)
        except ValueError:
            found = None
    if found is None:
        message = f"The value '{text}' of {field} is not a date of the form mm/dd/yyyy."
        raise FunctionFailure(Error("BL03000018", f"Illegal format for {field}", message, errorid="SIM-DATE"))
    return found


def legacy_date(node: Node | None, name: str) -> date | None:
    """Read the date in ``<year>``, ``<month>`` and ``<day>``; return None without the element.

    Raises:
        FunctionFailure: the parts are not a date.
    """
    if node is None:
        return None
    parts = [node.value(part) or "" for part in ("year", "month", "day")]
    try:
        return date(*(int(part) for part in parts))
    except ValueError:
        raise FunctionFailure(business_error(f"The value '{'-'.join(parts)}' of {name} is not a date.")) from None
