"""What a refusal is made of: `error` blocks as Intacct writes them, and the three levels they occur at.

An errorno that starts with `SIM-` belongs to the sandbox: the real number is not documented, and a
client must not depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Error:
    """One `<error>`: errorno and texts, plus the parts shown only with `showadditionalerrorinfo`."""

    errorno: str
    description: str = ""
    description2: str = ""
    correction: str = ""
    errorid: str = ""
    category: str = ""
    messageid: str = ""
    placeholders: tuple[tuple[str, str], ...] = ()


class Refusal(Exception):
    """A function failed; its errors go into the function's `result`."""

    def __init__(self, *errors: Error) -> None:
        super().__init__("; ".join(error.description2 or error.description for error in errors))
        self.errors = errors


class ControlRefusal(Exception):
    """The request failed at the `control` level: nothing was executed."""

    def __init__(self, *errors: Error, http_status: int = 200, echo: bool = True) -> None:
        super().__init__(errors[0].description2 if errors else "")
        self.errors = errors
        self.http_status = http_status
        self.echo = echo


class SchemaViolation(ControlRefusal):
    """Malformed or schema-invalid XML (XL03000003). Takes error keyword sets made by the helpers below."""

    def __init__(self, *faults: dict[str, Any]) -> None:
        super().__init__(*(Error(errorno="XL03000003", **fault) for fault in faults))


class AuthenticationRefusal(Exception):
    """The `authentication` block failed: control succeeded, nothing was executed."""

    def __init__(self, error: Error, user: str = "", company: str = "", http_status: int = 200) -> None:
        super().__init__(error.description2)
        self.error = error
        self.user = user
        self.company = company
        self.http_status = http_status


def parse_fault(code: int, message: str, line: int, column: int) -> dict[str, str]:
    """Keywords for SchemaViolation: a parser error, worded as the gateway words libxml's."""
    text = f"XML Parse schema error: Fatal Error {code}: {message}. Line: {line}, column: {column}."
    return {"description2": text}


def schema_fault(message: str, line: int = 0) -> SchemaViolation:
    """A well-formed request that breaks the gateway's schema; `message` names element and rule."""
    return SchemaViolation({"description2": f"XML Parse schema error: Error 1871: {message} Line: {line}, column: 0."})


def business(
    description2: str, *, description: str = "", correction: str = "", errorno: str = "BL01001973", **more: Any
) -> Error:
    """An error of the business layer, whose errorno (BL01001973) stands for almost everything."""
    return Error(errorno, description, description2, correction, **more)


def read_fault(description2: str) -> Refusal:
    """A bad field, filter or statement in a read (DL02000001)."""
    return Refusal(Error("DL02000001", "There was an error processing the request.", description2))


ROLLED_BACK = Error(
    "XL03000009",
    description2="The entire transaction in this operation has been rolled back due to an error.",
)
