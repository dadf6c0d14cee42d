"""Dimensions of a journal line, and Intacct's error texts for them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from revrec.sandbox.company.masters import MasterRecord, MasterRecords
from revrec.sandbox.company.switches import Switches
from revrec.sandbox.errors import Error, business_error


@dataclass(frozen=True, slots=True)
class Dimension:
    """One dimension: element in a GLENTRY, kind of its master records, label, and error text for an unknown id."""

    element: str
    kind: str
    label: str
    unknown: str


DIMENSIONS = (
    Dimension("LOCATION", "LOCATION", "Location", "The location '{}' is invalid."),
    Dimension("DEPARTMENT", "DEPARTMENT", "Department", "The department '{}' is invalid."),
    Dimension("PROJECTID", "PROJECT", "Project", "Invalid Project '{}' specified."),
    Dimension("TASKID", "TASK", "Task", "Invalid Task '{}' specified."),
    Dimension("COSTTYPEID", "COSTTYPE", "Cost type", "Invalid Cost type '{}' specified."),
    Dimension("CUSTOMERID", "CUSTOMER", "Customer", "Customer '{}' specified is not valid."),
    Dimension("VENDORID", "VENDOR", "Vendor", "The vendor '{}' is invalid."),
    Dimension("EMPLOYEEID", "EMPLOYEE", "Employee", "The employee '{}' is invalid."),
    Dimension("ITEMID", "ITEM", "Item", "Item '{}' specified is not valid."),
    Dimension("CLASSID", "CLASS", "Class", "Class '{}' specified is not valid."),
    Dimension("CONTRACTID", "CONTRACT", "Contract", "Contract '{}' specified is not valid."),
    Dimension("WAREHOUSEID", "WAREHOUSE", "Warehouse", "Warehouse '{}' specified is not valid."),
)
BY_KIND = {dimension.kind: dimension for dimension in DIMENSIONS}
NEEDS = {"TASKID": "PROJECTID", "COSTTYPEID": "TASKID"}
OPEN_KINDS = ("CUSTOMER", "ITEM", "CONTRACT", "PROJECT", "CLASS", "DEPARTMENT")


USER_DIMENSION = "GLDIM"
"""The element of a dimension that the company has defined starts with this; its name follows."""


def user_dimension(name: str, masters: MasterRecords) -> MasterRecord | None:
    """Return an active dimension that the company has defined, by its name in any case."""
    return next((one for one in masters.all("DIMENSION") if one.active and one.id.upper() == name.upper()), None)


def values_of(name: str, masters: MasterRecords) -> list[MasterRecord]:
    """Return the records of a dimension that the company has defined."""
    return [one for one in masters.all("DIMENSIONVALUE") if one.parent.upper() == name.upper()]


def disabled_dimensions(switches: Switches) -> list[Dimension]:
    """Return the standard dimensions that are not enabled in the general ledger."""
    kinds = {name.strip().upper() for name in switches.disabled_dimensions.split(",")}
    return [dimension for dimension in DIMENSIONS if dimension.kind in kinds]


def by_column(values: Mapping[str, str]) -> dict[str, str | None]:
    """Return the dimensions of a line by their column names in the store."""
    return {dimension.element.lower(): values.get(dimension.element) for dimension in DIMENSIONS}


def unknown(dimension: Dimension, code: str) -> Error:
    """Return the error for an id that does not exist or is not active."""
    return business_error(
        dimension.unknown.format(code),
        description=f"Invalid {dimension.label}",
        correction=f"Use an existing, active {dimension.label.lower()}.",
        errorid=f"SIM-INVALID-{dimension.kind}",
        placeholders=((dimension.kind, code),),
    )


def dimension_errors(account: MasterRecord, values: Mapping[str, str], masters: MasterRecords) -> list[Error]:
    """Return the errors of a line on ``account``: missing, dependent and restricted dimensions."""
    errors = [
        business_error(f"{element} needs {NEEDS[element]} on the same line.")
        for element in NEEDS
        if element in values and NEEDS[element] not in values
    ]
    for kind in account.details.get("requires", ()):
        if BY_KIND[kind].element not in values:
            errors.append(_missing(BY_KIND[kind], account))
    return errors + _restricted(account, values, masters)


def _missing(dimension: Dimension, account: MasterRecord) -> Error:
    return business_error(
        f"This transaction is missing the {dimension.label} dimension for the Account {account.id}",
        correction=f"Add the {dimension.label} dimension, then try again.",
        errorid="SIM-MISSING-DIMENSION",
        placeholders=(("DIMENSION", dimension.label), ("ACCOUNTNO", account.id)),
    )


def _restricted(account: MasterRecord, values: Mapping[str, str], masters: MasterRecords) -> list[Error]:
    only: dict[str, Any] = account.details.get("only", {})
    errors = []
    for kind, allowed in only.items():
        dimension = BY_KIND[kind]
        code = values.get(dimension.element)
        if code is not None and code not in allowed:
            known = masters.get(kind, code)
            name = known.name if known else ""
            text = (
                f"{dimension.label} '{code}':'{name}' specified is not valid. "
                f"{dimension.label} is restricted by GL account."
            )
            errors.append(business_error(text, errorid="SIM-RESTRICTED-DIMENSION"))
    return errors
