"""Validation of one GLENTRY: account, direction, amount, currency, dimensions."""

from __future__ import annotations

from decimal import Decimal

from revrec.sandbox.calls import Call
from revrec.sandbox.company.masters import Master
from revrec.sandbox.company.profile import BASE_CURRENCY
from revrec.sandbox.errors import Error, Refusal, business
from revrec.sandbox.fields import fields_of, fitted, illegal, missing, read_date, text_of, too_long, unknown_fields
from revrec.sandbox.ledger.currencies import RateNames, checked_currency, rate_of
from revrec.sandbox.ledger.dimensions import DIMENSIONS, OPEN_KINDS, Dimension, dimension_errors, unknown
from revrec.sandbox.ledger.entry import Line
from revrec.sandbox.money import DECIMALS, decimals, format_mills, parse_decimal, to_mills
from revrec.sandbox.xmltree import Node

Fields = dict[str, Node]

_KNOWN = frozenset(
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
_RATE_NAMES = RateNames("EXCHANGE_RATE", "EXCH_RATE_TYPE_ID", "GLENTRY")


class LineReader:
    """Reads the GLENTRY elements of one GLBATCH, collecting everything that is wrong."""

    def __init__(self, call: Call, title: str) -> None:
        self._call = call
        self._title = title
        self._masters = call.desk.masters
        self._switches = call.desk.switches
        self._created: set[tuple[str, str]] = set()
        self.errors: list[Error] = []

    def read(self, node: Node) -> list[Line]:
        """The line, or the lines of its allocation; none when it was refused (see `errors`)."""
        before = len(self.errors)
        try:
            fields = fields_of(node, repeatable=("SPLIT",))
            lines = self._allocated(node, fields) if text_of(fields, "ALLOCATION") else [self._line(fields)]
        except Refusal as refusal:
            self.errors.extend(refusal.errors)
            return []
        return lines if len(self.errors) == before else []

    def _allocated(self, node: Node, fields: Fields) -> list[Line]:
        lines = [self._line(part) for part in split_fields(node, fields)]
        currency = self._currency(fields)
        whole, parts = to_mills(self._amount(fields, currency), currency), sum(line.trx_mills for line in lines)
        if whole != parts:
            raise unequal(format_mills(whole, currency), format_mills(parts, currency))
        return lines

    def _line(self, fields: Fields) -> Line:
        self.errors += unknown_fields(fields, _KNOWN, "GLENTRY", self._switches)
        account = self._account(fields)
        sign = self._sign(fields)
        currency = self._currency(fields)
        amount = self._amount(fields, currency)
        rate, rate_type, rate_date = self._rate(fields, currency)
        dimensions = self._dimensions(fields)
        self.errors += dimension_errors(account, dimensions, self._masters)
        location = dimensions.get("LOCATION", "")
        return Line(
            account=account.id,
            sign=sign,
            currency=currency,
            trx_mills=to_mills(amount, currency),
            base_mills=to_mills(amount * rate, BASE_CURRENCY),
            entity=self._masters.entity_of(location) if location else self._call.who.location,
            dimensions=dimensions,
            rate=None if currency == BASE_CURRENCY else f"{rate.normalize():f}",
            rate_type=rate_type,
            rate_date=rate_date,
            document=self._text(fields, "DOCUMENT", self._switches.max_document) or None,
            description=self._text(fields, "DESCRIPTION", self._switches.max_description) or self._title,
        )

    def _account(self, fields: Fields) -> Master:
        number = text_of(fields, "ACCOUNTNO")
        if not number:
            raise Refusal(missing("ACCOUNTNO", "GLENTRY"))
        account = self._masters.active("GLACCOUNT", number)
        if account is None:
            text = f"Account {number} is not valid"
            correction = "Use an existing, active account."
            raise Refusal(
                business(
                    text, correction=correction, errorid="SIM-INVALID-ACCOUNT", placeholders=(("ACCOUNTNO", number),)
                )
            )
        return account

    def _sign(self, fields: Fields) -> int:
        text = text_of(fields, "TR_TYPE")
        if not text:
            raise Refusal(missing("TR_TYPE", "GLENTRY"))
        if text not in ("1", "-1"):
            raise Refusal(illegal("TR_TYPE", text, "1 (debit) or -1 (credit)"))
        return int(text)

    def _amount(self, fields: Fields, currency: str) -> Decimal:
        name = "TRX_AMOUNT" if text_of(fields, "TRX_AMOUNT") else "AMOUNT"
        text = text_of(fields, name)
        if not text:
            raise Refusal(missing("TRX_AMOUNT", "GLENTRY"))
        amount = parse_decimal(text)
        if amount is None or amount <= 0:
            raise Refusal(illegal(name, text, "a number above zero, with at most 12 digits before the point"))
        if decimals(amount) > DECIMALS[currency] and self._switches.extra_decimals == "reject":
            raise Refusal(illegal(name, text, f"a number with at most {DECIMALS[currency]} decimals for {currency}"))
        if to_mills(amount, currency) == 0:
            raise Refusal(illegal(name, text, "a number that does not round to zero"))
        return amount

    def _currency(self, fields: Fields) -> str:
        code = text_of(fields, "CURRENCY")
        if not code:
            if self._switches.currency_required:
                raise Refusal(missing("CURRENCY", "GLENTRY"))
            return BASE_CURRENCY
        return checked_currency(code, self._switches)

    def _rate(self, fields: Fields, currency: str) -> tuple[Decimal, str | None, str | None]:
        day = text_of(fields, "EXCH_RATE_DATE")
        rate_date = read_date("EXCH_RATE_DATE", day, self._switches).isoformat() if day else None
        kind = text_of(fields, "EXCH_RATE_TYPE_ID") if "EXCH_RATE_TYPE_ID" in fields else None
        rate = rate_of(currency, text_of(fields, "EXCHANGE_RATE"), kind, _RATE_NAMES, self._switches)
        return rate.value, rate.kind, rate_date

    def _dimensions(self, fields: Fields) -> dict[str, str]:
        values = {item.element: text_of(fields, item.element) for item in DIMENSIONS}
        given = {element: code for element, code in values.items() if code}
        for dimension in DIMENSIONS:
            if dimension.element in given and not self._known(dimension, given[dimension.element]):
                self.errors.append(unknown(dimension, given[dimension.element]))
        self._check_location(given.get("LOCATION", ""))
        return given

    def _known(self, dimension: Dimension, code: str) -> bool:
        if self._masters.active(dimension.kind, code) is not None or (dimension.kind, code) in self._created:
            return True
        created = dimension.kind in OPEN_KINDS and self._switches.masters == "open"
        if not created or self._masters.get(dimension.kind, code) is not None:
            return False
        self._masters.put(Master(dimension.kind, code, code))
        self._created.add((dimension.kind, code))
        return True

    def _check_location(self, location: str) -> None:
        session_entity = self._call.who.location
        if not location and self._switches.location_required:
            text = "Use of empty Location is invalid. A valid Multi-Entity Location must be specified."
            self.errors.append(business(text, errorid="SIM-EMPTY-LOCATION"))
        if location and session_entity and self._masters.entity_of(location) != session_entity:
            self.errors.append(unknown(DIMENSIONS[0], location))

    def _text(self, fields: Fields, name: str, limit: int) -> str:
        text = fitted(text_of(fields, name), limit, self._switches)
        problem = too_long(name, text, limit)
        if problem:
            self.errors.append(problem)
        return text


_DIMENSION_NAMES = {dimension.element for dimension in DIMENSIONS}
_IN_SPLIT = {"LOCATIONID": "LOCATION", "DEPARTMENTID": "DEPARTMENT"}


def split_fields(node: Node, fields: Fields) -> list[Fields]:
    """The fields of each part of an allocated line: the line's own, with amount and dimensions of the SPLIT.

    Raises Refusal for an unknown allocation, or one without SPLIT blocks.
    """
    name = text_of(fields, "ALLOCATION")
    if name != "Custom":
        raise Refusal(business(f"Allocation '{name}' specified is not valid.", errorid="SIM-INVALID-ALLOCATION"))
    splits = [child for child in node if child.tag.upper() == "SPLIT"]
    if not splits:
        raise Refusal(missing("SPLIT", "GLENTRY with a Custom allocation"))
    left_out = {"ALLOCATION", "SPLIT", "AMOUNT", "TRX_AMOUNT"} | _DIMENSION_NAMES
    common = {name: field for name, field in fields.items() if name not in left_out}
    return [common | _part(split) for split in splits]


def _part(split: Node) -> Fields:
    return {_IN_SPLIT.get(name, name): field for name, field in fields_of(split).items()}


def unequal(whole: str, parts: str) -> Refusal:
    """The splits do not add up to the line."""
    text = f"The splits of the allocation add up to {parts}, not to the amount {whole} of the line."
    return Refusal(business(text, errorid="SIM-ALLOCATION-SUM"))
