"""Allocation rules: which charge lines form a contract, and the standalone selling prices for its allocation."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from revrec.core.allocation import AllocatedShare, AllocationTerms, CannotAllocate, Obligation, allocate
from revrec.core.charge_line import ChargeLine
from revrec.core.keys import KeyPath, KeyProblem, did_you_mean, read_table
from revrec.core.numbers import in_minor_units
from revrec.core.rules.declaration import ALLOCATION_KEYS, ANY_DIMENSION, EFFECTIVE_KEYS, VARIABLE_KEYS, WHEN_KEYS
from revrec.core.rules.lookup import RuleLookupTable, field_of
from revrec.core.rules.model import Condition
from revrec.core.rules.patterns import Patterns
from revrec.core.rules.readers import conditions_of
from revrec.core.rules.toml_text import TomlBlock
from revrec.core.standalone import COLUMNS, StandalonePrice, price_list_problems, standalone

DOCUMENT = ("source", "document")
"""The default contract: the lines of one document."""


@dataclass(frozen=True, slots=True, eq=False)
class AllocationRule:
    """One ``[[allocation]]`` of a rule file.

    ``text`` is its exact text with the version of its price list, ``sha256`` the digest of that text: its version.
    """

    name: str
    description: str
    priority: int
    effective_from: date | None
    effective_to: date | None
    when: tuple[Condition, ...]
    contract_by: tuple[str, ...]
    prices: RuleLookupTable
    by_line: bool
    round_to: Decimal | None
    rounding: str
    discount_to: Patterns | None
    bundle_price: Decimal | None
    price_only: Patterns | None
    variable: tuple[tuple[Patterns, Patterns], ...]
    residual_range: tuple[Decimal, Decimal] | None
    later: str
    scope: str
    file: str
    line: int
    text: str
    sha256: str = field(default="")

    def matches(self, line: ChargeLine) -> bool:
        """Check whether a charge line belongs to the contracts that it allocates."""
        if not (self.effective_from or date.min) <= line.post_date <= (self.effective_to or date.max):
            return False
        return all(condition.holds(line) for condition in self.when) and self.contract_of(line) is not None

    def contract_of(self, line: ChargeLine) -> str | None:
        """Return the contract of a charge line as JSON of its identifying fields; None if one is empty."""
        fields = {name: field_of(name)(line) for name in self.contract_by}
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")) if all(fields.values()) else None

    def terms(self, currency: str) -> AllocationTerms:
        """Return the terms for contracts in a currency."""
        unit = in_minor_units(self.round_to, currency) if self.round_to else 1
        bundle = None if self.bundle_price is None else in_minor_units(self.bundle_price, currency)
        return AllocationTerms(currency, unit, self.rounding, bundle)

    def standalone(self, line: ChargeLine) -> StandalonePrice:
        """Return the line's standalone selling price.

        Raises:
            CannotAllocate: the price list does not have it.
        """
        row = self.prices.row(line)
        found = standalone(row.values, line, self.by_line, self.residual_range) if row else None
        if row is None or found is None:
            where = f"{self.prices.file} has no {line.currency} price for {self.prices.key_of(line)}"
            raise CannotAllocate(f"{where} on {line.post_date}: add it, then: revrec schedule")
        return found._replace(words=f"{found.words} ({self.prices.file}:{row.line})")

    def allocate(self, lines: Sequence[ChargeLine]) -> tuple[AllocatedShare, ...]:
        """Return the share of each line of a contract.

        Raises:
            CannotAllocate: a price is not known, or does not fit.
        """
        return allocate([self.obligation(line, lines) for line in lines], self.terms(lines[0].currency))

    def is_only_a_price(self, line: ChargeLine) -> bool:
        """Check whether a line buys nothing itself: its amount belongs to the contract, or to some of its lines."""
        if self.price_only and self.price_only.holds(line):
            return True
        return any(items.holds(line) for items, _to in self.variable)

    def obligation(self, line: ChargeLine, lines: Sequence[ChargeLine]) -> Obligation:
        """Return the line as an obligation among the lines of its contract."""
        for items, to in self.variable:
            if items.holds(line):
                targets = tuple(one.id for one in lines if to.holds(one) and not items.holds(one))
                if targets:
                    return Obligation(line.id, line.amount, only_for=targets)
        if self.price_only and self.price_only.holds(line):
            return Obligation(line.id, line.amount)
        discounted = self.discount_to is not None and self.discount_to.holds(line)
        return Obligation(line.id, line.amount, self.standalone(line), discounted)


def read_allocation(
    table: Any,
    path: KeyPath,
    file: str,
    block: TomlBlock,
    tables: Mapping[str, RuleLookupTable],
    complaints: list[KeyProblem],
) -> AllocationRule | None:
    """Read the allocation of a block; None if problems were added to ``complaints``."""
    before = len(complaints)
    values, _refused = read_table(table, ALLOCATION_KEYS, path, complaints)
    effective, _refused = read_table(values.get("effective", {}), EFFECTIVE_KEYS, (*path, "effective"), complaints)
    keys = tuple(key for key in WHEN_KEYS if key.name != "lookup")
    when, _refused = read_table(values.get("when", {}), keys, (*path, "when"), complaints)
    dimensions, _refused = read_table(
        when.get("dimensions", {}), (ANY_DIMENSION,), (*path, "when", "dimensions"), complaints
    )
    variable = tuple(_variable(values.get("variable", []), (*path, "variable"), complaints))
    prices = tables.get(values.get("prices", ""))
    if len(complaints) == before:
        complaints += _mistakes(values, effective, prices, tables, path)
    if len(complaints) > before or prices is None:
        return None
    text = f"{block.text}\n\n{prices.version}"
    items = {name: Patterns("item", values[name]) for name in ("discount_to", "price_only") if name in values}
    return AllocationRule(
        values["name"],
        values["description"],
        values["priority"],
        effective.get("from"),
        effective.get("to"),
        tuple(conditions_of(when, dimensions)),
        values.get("contract_by", DOCUMENT),
        prices,
        values["per"] == "line",
        values.get("round_to"),
        values["rounding"],
        items.get("discount_to"),
        values.get("bundle_price"),
        items.get("price_only"),
        variable,
        values.get("residual_range"),
        values["later"],
        values.get("scope", ""),
        file,
        block.line,
        text,
        hashlib.sha256(text.encode()).hexdigest(),
    )


def _mistakes(
    values: Mapping[str, Any],
    effective: Mapping[str, date],
    prices: RuleLookupTable | None,
    tables: Mapping[str, RuleLookupTable],
    path: KeyPath,
) -> list[KeyProblem]:
    found = []
    if prices is None:
        fix = did_you_mean(values["prices"], tuple(tables)) or "; write a [[table]] block for it"
        found.append(KeyProblem((*path, "prices"), f'there is no table "{values["prices"]}"{fix}'))
    elif not any(column in prices.columns for column in COLUMNS):
        known = ", ".join(COLUMNS)
        message = f'prices: table "{prices.name}" ({prices.file}) has no price; it needs one of the columns {known}'
        found.append(KeyProblem((*path, "prices"), message))
    if "bundle_price" in values and "discount_to" not in values:
        message = "bundle_price is what the items of discount_to are sold for together: name them"
        found.append(KeyProblem((*path, "bundle_price"), message))
    if effective.get("from") and effective.get("to") and effective["from"] > effective["to"]:
        message = f"effective.to = {effective['to']} is before effective.from = {effective['from']}"
        found.append(KeyProblem((*path, "effective", "to"), message))
    return found


def _variable(raw: Any, path: KeyPath, complaints: list[KeyProblem]) -> list[tuple[Patterns, Patterns]]:
    """Read the pairs of ``variable``: items whose amounts are variable, and the items that they are for."""
    if not isinstance(raw, list):
        complaints.append(KeyProblem(path, 'variable must be a list: variable = [{ items = "BONUS", to = "LIC-*" }]'))
        return []
    found = []
    for index, one in enumerate(raw):
        values, refused = read_table(one, VARIABLE_KEYS, (*path, index), complaints)
        if not refused and "items" in values and "to" in values:
            found.append((Patterns("item", values["items"]), Patterns("item", values["to"])))
    return found


def price_problems(prices: RuleLookupTable) -> list[tuple[int, str]]:
    """Return the problems of a price list: (line of the file, problem and fix)."""
    return [(row.line, said) for row in prices.rows() for said in price_list_problems(row.values)]
