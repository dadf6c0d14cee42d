"""Errors in the form of Intacct's ``<error>`` blocks, and one exception for each level at which they occur.

An errorno that starts with ``SIM-`` is invented by the sandbox, because Intacct does not document the real number.
Clients must not depend on it.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Error:
    """One ``<error>``: errorno and texts, plus the parts shown only with ``showadditionalerrorinfo``."""

    errorno: str
    description: str = ""
    description2: str = ""
    correction: str = ""
    errorid: str = ""
    category: str = ""
    messageid: str = ""
    placeholders: tuple[tuple[str, str], ...] = ()


class FunctionFailure(Exception):
    """Failure of one function; its errors go into the ``<result>`` of that function."""

    def __init__(self, *errors: Error) -> None:
        super().__init__("; ".join(error.description2 or error.description for error in errors))
        self.errors = errors


class ControlFailure(Exception):
    """Failure of the whole request at the ``<control>`` level: nothing was executed."""

    def __init__(self, *errors: Error, http_status: int = 200, echo: bool = True) -> None:
        super().__init__(errors[0].description2 if errors else "")
        self.errors = errors
        self.http_status = http_status
        self.echo = echo


class SchemaViolation(ControlFailure):
    """Request that is malformed or breaks the schema (XL03000003).

    Each argument is the keywords of one error; ``parser_error`` and ``schema_violation`` make them.
    """

    def __init__(self, *errors: dict[str, Any]) -> None:
        super().__init__(*(Error(errorno="XL03000003", **error) for error in errors))


class AuthenticationFailure(Exception):
    """Failure of the ``<authentication>`` block: control succeeded, nothing was executed."""

    def __init__(self, error: Error, user: str = "", company_id: str = "", http_status: int = 200) -> None:
        super().__init__(error.description2)
        self.error = error
        self.user = user
        self.company_id = company_id
        self.http_status = http_status


def parser_error(code: int, message: str, line: int, column: int) -> dict[str, str]:
    """Return the keywords of an XML parser error, in the words with which the gateway reports libxml's."""
    text = f"XML Parse schema error: Fatal Error {code}: {message}. Line: {line}, column: {column}."
    return {"description2": text}


def schema_violation(message: str, line: int = 0) -> SchemaViolation:
    """Return the violation for a well-formed request that breaks the schema; ``message`` names element and rule."""
    return SchemaViolation({"description2": f"XML Parse schema error: Error 1871: {message} Line: {line}, column: 0."})


def business_error(
    description2: str, *, description: str = "", correction: str = "", errorno: str = "BL01001973", **more: Any
) -> Error:
    """Return an error of the business layer, which uses one errorno (BL01001973) for almost everything."""
    return Error(errorno, description, description2, correction, **more)


def read_failure(description2: str) -> FunctionFailure:
    """Return the failure for a bad field, filter or statement in a read (DL02000001)."""
    return FunctionFailure(Error("DL02000001", "There was an error processing the request.", description2))


ROLLED_BACK = Error(
    "XL03000009",
    description2="The entire transaction in this operation has been rolled back due to an error.",
)
