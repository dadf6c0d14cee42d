"""Validation of a GLENTRY: account, direction, amount, currency, dimensions, and allocation into several lines."""

from decimal import Decimal

from revrec.sandbox.calls import Call
from revrec.sandbox.company.masters import MasterRecord
from revrec.sandbox.errors import Error, FunctionFailure, business_error
from revrec.sandbox.fields import (
    cut_to_limit,
    fields_of,
    illegal_value,
    missing_field,
    read_date,
    text_of,
    too_long,
    unknown_fields,
)
from revrec.sandbox.ledger.currencies import RateFieldNames, check_currency, find_rate
from revrec.sandbox.ledger.custom_fields import custom_fields, custom_values, missing_custom_fields
from revrec.sandbox.ledger.dimensions import (
    DIMENSIONS,
    OPEN_KINDS,
    USER_DIMENSION,
    Dimension,
    dimension_errors,
    disabled_dimensions,
    unknown,
    user_dimension,
    values_of,
)
from revrec.sandbox.ledger.entry import EntryLine
from revrec.sandbox.money import DECIMALS, decimals, format_mills, parse_decimal, to_mills
from revrec.sandbox.xmltree import Node

Fields = dict[str, Node]

LINE_FIELDS = frozenset(
    [
        "DOCUMENT",
        "ACCOUNTNO",
        "TRX_AMOUNT",
        "AMOUNT",
        "TR_TYPE",
        "CURRENCY",
        "EXCH_RATE_DATE",
        "EXCH_RATE_TYPE_ID",
        "EXCHANGE_RATE",
        "DESCRIPTION",
        "ALLOCATION",
        "SPLIT",
        "BILLABLE",
        "TAXENTRIES",
    ]
) | {dimension.element for dimension in DIMENSIONS}
"""The elements that a GLENTRY may have, unless their dimension is not enabled in the general ledger."""
_RATE_NAMES = RateFieldNames("EXCHANGE_RATE", "EXCH_RATE_TYPE_ID", "GLENTRY")


class LineReader:
    """The reader of the GLENTRY elements of one GLBATCH, with all errors in them."""

    def __init__(self, call: Call, title: str) -> None:
        self._call = call
        self._title = title
        self._masters = call.company.masters
        self._switches = call.company.switches
        disabled = {one.element for one in disabled_dimensions(self._switches)}
        self._custom = custom_fields("GLENTRY", self._masters)
        self._known = LINE_FIELDS - disabled | self._custom.keys()
        self._created: set[tuple[str, str]] = set()
        self.errors: list[Error] = []

    def read(self, node: Node) -> list[EntryLine]:
        """Return the line, or the lines of its allocation; return nothing when it is invalid (see ``errors``)."""
        before = len(self.errors)
        try:
            fields = fields_of(node, repeatable=("SPLIT",))
            lines = self._allocated(node, fields) if text_of(fields, "ALLOCATION") else [self._line(fields)]
        except FunctionFailure as failure:
            self.errors.extend(failure.errors)
            return []
        return lines if len(self.errors) == before else []

    def _allocated(self, node: Node, fields: Fields) -> list[EntryLine]:
        lines = [self._line(part) for part in split_fields(node, fields)]
        currency = self._currency(fields, lines[0].base_currency)
        whole, parts = to_mills(self._amount(fields, currency), currency), sum(line.trx_mills for line in lines)
        if whole != parts:
            text = (
                f"The splits of the allocation add up to {format_mills(parts, currency)}, not to the amount "
                f"{format_mills(whole, currency)} of the line."
            )
            raise FunctionFailure(business_error(text, errorid="SIM-ALLOCATION-SUM"))
        return lines

    def _line(self, fields: Fields) -> EntryLine:
        self.errors += unknown_fields(fields, self._known, "GLENTRY", self._switches)
        self.errors += missing_custom_fields(fields, "GLENTRY", self._custom)
        account = self._account(fields)
        sign = self._sign(fields)
        dimensions = self._dimensions(fields)
        self.errors += dimension_errors(account, dimensions, self._masters)
        location = dimensions.get("LOCATION", "")
        entity = self._masters.entity_of(location) if location else self._call.caller.location
        base = self._masters.base_currency(entity)
        currency = self._currency(fields, base)
        amount = self._amount(fields, currency)
        rate, rate_type, rate_date = self._rate(fields, currency, base)
        return EntryLine(
            account=account.id,
            sign=sign,
            currency=currency,
            trx_mills=to_mills(amount, currency),
            base_mills=to_mills(amount * rate, base),
            base_currency=base,
            entity=entity,
            dimensions=dimensions,
            user_dimensions=self._user_dimensions(fields),
            custom=custom_values(fields, self._custom),
            rate=None if currency == base else f"{rate.normalize():f}",
            rate_type=rate_type,
            rate_date=rate_date,
            document=self._text(fields, "DOCUMENT", self._switches.max_document) or None,
            description=self._text(fields, "DESCRIPTION", self._switches.max_description) or self._title,
        )

    def _account(self, fields: Fields) -> MasterRecord:
        number = text_of(fields, "ACCOUNTNO")
        if not number:
            raise FunctionFailure(missing_field("ACCOUNTNO", "GLENTRY"))
        account = self._masters.active("GLACCOUNT", number)
        if account is None:
            text = f"Account {number} is not valid"
            correction = "Use an existing, active account."
            raise FunctionFailure(
                business_error(
                    text, correction=correction, errorid="SIM-INVALID-ACCOUNT", placeholders=(("ACCOUNTNO", number),)
                )
            )
        return account

    def _sign(self, fields: Fields) -> int:
        text = text_of(fields, "TR_TYPE")
        if not text:
            raise FunctionFailure(missing_field("TR_TYPE", "GLENTRY"))
        if text not in ("1", "-1"):
            raise FunctionFailure(illegal_value("TR_TYPE", text, "1 (debit) or -1 (credit)"))
        return int(text)

    def _amount(self, fields: Fields, currency: str) -> Decimal:
        name = "TRX_AMOUNT" if text_of(fields, "TRX_AMOUNT") else "AMOUNT"
        text = text_of(fields, name)
        if not text:
            raise FunctionFailure(missing_field("TRX_AMOUNT", "GLENTRY"))
        amount = parse_decimal(text)
        if amount is None or amount <= 0:
            raise FunctionFailure(
                illegal_value(name, text, "a number above zero, with at most 12 digits before the point")
            )
        if decimals(amount) > DECIMALS[currency] and self._switches.extra_decimals == "reject":
            raise FunctionFailure(
                illegal_value(name, text, f"a number with at most {DECIMALS[currency]} decimals for {currency}")
            )
        if to_mills(amount, currency) == 0:
            raise FunctionFailure(illegal_value(name, text, "a number that does not round to zero"))
        return amount

    def _currency(self, fields: Fields, base: str) -> str:
        code = text_of(fields, "CURRENCY")
        if not code:
            if self._switches.currency_required:
                raise FunctionFailure(missing_field("CURRENCY", "GLENTRY"))
            return base
        return check_currency(code, self._switches)

    def _rate(self, fields: Fields, currency: str, base: str) -> tuple[Decimal, str | None, str | None]:
        day = text_of(fields, "EXCH_RATE_DATE")
        rate_date = read_date("EXCH_RATE_DATE", day, self._switches).isoformat() if day else None
        kind = text_of(fields, "EXCH_RATE_TYPE_ID") if "EXCH_RATE_TYPE_ID" in fields else None
        rate = find_rate(currency, text_of(fields, "EXCHANGE_RATE"), kind, _RATE_NAMES, self._switches, base)
        return rate.value, rate.kind, rate_date

    def _dimensions(self, fields: Fields) -> dict[str, str]:
        values = {item.element: text_of(fields, item.element) for item in DIMENSIONS}
        present = {element: code for element, code in values.items() if code}
        for dimension in DIMENSIONS:
            if dimension.element in present and not self._exists_or_created(dimension, present[dimension.element]):
                self.errors.append(unknown(dimension, present[dimension.element]))
        self._check_location(present.get("LOCATION", ""))
        return present

    def _user_dimensions(self, fields: Fields) -> dict[str, str]:
        """Return the dimensions that the company has defined: a GLDIM element has the id of a record, not its name."""
        values = {name: text_of(fields, name) for name in fields if name.startswith(USER_DIMENSION)}
        present = {name: value for name, value in values.items() if value}
        for element, value in present.items():
            name = element.removeprefix(USER_DIMENSION)
            if user_dimension(name, self._masters) is None:
                if self._switches.unknown_fields == "refuse":
                    text = f"The field {element} is not a field of GLENTRY."
                    self.errors.append(business_error(text, errorid="SIM-FIELD"))
            elif not any(str(one.recordno) == value and one.active for one in values_of(name, self._masters)):
                text = f"Invalid {name} '{value}' specified."
                self.errors.append(business_error(text, errorid="SIM-INVALID-DIMENSION"))
        return present

    def _exists_or_created(self, dimension: Dimension, code: str) -> bool:
        if self._masters.active(dimension.kind, code) is not None or (dimension.kind, code) in self._created:
            return True
        is_open = dimension.kind in OPEN_KINDS and dimension.kind not in self._masters.complete
        may_create = is_open and self._switches.masters == "open"
        if not may_create or self._masters.get(dimension.kind, code) is not None:
            return False
        self._masters.put(MasterRecord(dimension.kind, code, code))
        self._created.add((dimension.kind, code))
        return True

    def _check_location(self, location: str) -> None:
        session_entity = self._call.caller.location
        if not location and self._switches.location_required:
            text = "Use of empty Location is invalid. A valid Multi-Entity Location must be specified."
            self.errors.append(business_error(text, errorid="SIM-EMPTY-LOCATION"))
        if location and session_entity and self._masters.entity_of(location) != session_entity:
            self.errors.append(unknown(DIMENSIONS[0], location))

    def _text(self, fields: Fields, name: str, limit: int) -> str:
        text = cut_to_limit(text_of(fields, name), limit, self._switches)
        problem = too_long(name, text, limit)
        if problem:
            self.errors.append(problem)
        return text


_DIMENSION_NAMES = {dimension.element for dimension in DIMENSIONS}
_IN_SPLIT = {"LOCATIONID": "LOCATION", "DEPARTMENTID": "DEPARTMENT"}


def split_fields(node: Node, fields: Fields) -> list[Fields]:
    """Return the fields of each part of an allocated line: the line's, with amount and dimensions of the SPLIT.

    Dimensions on the line itself are ignored, as the documentation of ALLOCATION says. The sandbox has ``Custom``
    allocations only, whose SPLIT blocks are in the line.

    Raises:
        FunctionFailure: the allocation is unknown, or has no SPLIT blocks.
    """
    name = text_of(fields, "ALLOCATION")
    if name != "Custom":
        raise FunctionFailure(
            business_error(f"Allocation '{name}' specified is not valid.", errorid="SIM-INVALID-ALLOCATION")
        )
    splits = [child for child in node if child.tag.upper() == "SPLIT"]
    if not splits:
        raise FunctionFailure(missing_field("SPLIT", "GLENTRY with a Custom allocation"))
    left_out = {"ALLOCATION", "SPLIT", "AMOUNT", "TRX_AMOUNT"} | _DIMENSION_NAMES
    common = {name: field for name, field in fields.items() if name not in left_out}
    return [common | _part(split) for split in splits]


def _part(split: Node) -> Fields:
    return {_IN_SPLIT.get(name, name): field for name, field in fields_of(split).items()}
