"""The rule-file language, declared: every table and key but those of the single recognition methods."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

from revrec.core.charge_line import DIMENSIONS
from revrec.core.keys import ANY_TEXT, DATE, OFFSET, YES_OR_NO, Key, Kind, Refused, choice, text, whole
from revrec.core.methods import methods
from revrec.core.money import ROUNDINGS
from revrec.core.numbers import PERCENT, POSITIVE
from revrec.core.recognition import ANCHOR, COMMON_KEYS
from revrec.core.rules.expression import LONGEST as LONGEST_EXPRESSION
from revrec.core.rules.expression import Expression
from revrec.core.rules.lookup import FIELDS
from revrec.core.rules.memo import MEMO
from revrec.core.rules.patterns import DIMENSIONS as DIMENSIONS_PREFIX
from revrec.core.rules.patterns import LONGEST as LONGEST_PATTERN
from revrec.core.rules.ranges import Range, read_ranges

DEFAULT_PRIORITY = 100

_PATTERN = text(longest=LONGEST_PATTERN)


def _one_or_many(value: Any) -> list[Any]:
    many = value if isinstance(value, list) else [value]
    if not many:
        raise Refused("an empty list matches nothing: leave the key out, or give a value")
    return many


def _patterns(value: Any) -> tuple[str, ...]:
    found = []
    for index, one in enumerate(_one_or_many(value)):
        try:
            found.append(_PATTERN.read(one))
        except Refused as refused:
            raise Refused(str(refused), item=index if isinstance(value, list) else None) from None
    return tuple(found)


def _comparisons(kind: type[Decimal] | type[date]) -> Any:
    def read(value: Any) -> tuple[tuple[Range, ...], tuple[str, ...]]:
        ranges: list[Range] = []
        for index, one in enumerate(_one_or_many(value)):
            at = index if isinstance(value, list) else None
            if not isinstance(one, str):
                raise Refused(f'write it in quotes: "= {one}"', item=at)
            try:
                found = read_ranges(one, kind)
            except ValueError:
                raise Refused(item=at) from None
            if not found:
                raise Refused("no value can meet all of it", item=at)
            ranges.extend(found)
        return tuple(ranges), tuple(_one_or_many(value))

    return read


def _listed(schema: Any) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1}]}


def _condition(value: Any) -> Expression:
    if not isinstance(value, str) or not value.strip():
        raise Refused()
    return Expression(value)


PATTERNS = Kind(
    f"a text of at most {LONGEST_PATTERN} characters or a list of them, * and ? being wildcards",
    _patterns,
    _listed(_PATTERN.schema),
)


def _key_fields(value: Any) -> tuple[str, ...]:
    fields = tuple(_patterns(value))
    for index, field in enumerate(fields):
        if field not in FIELDS and not field.startswith(DIMENSIONS_PREFIX):
            raise Refused(item=index if isinstance(value, list) else None)
    return fields


KEY_FIELDS = Kind(
    f"one or several of {', '.join(FIELDS)} or dimensions.NAME", _key_fields, _listed({"type": "string"}), FIELDS
)
FILES = Kind("a file name or a list of them", _patterns, _listed(_PATTERN.schema))
AMOUNTS = Kind(
    'a comparison such as ">= 0.01" or "> 10 and <= 20", or a list of them',
    _comparisons(Decimal),
    _listed({"type": "string"}),
)
DATES = Kind(
    'a comparison such as ">= 2024-01-01" or "> 2024-01-01 and < 2025-01-01", or a list of them',
    _comparisons(date),
    _listed({"type": "string"}),
)
CONDITION = Kind(
    "an expression such as \"quantity > 1 and source == 'shop'\"",
    _condition,
    {"type": "string", "minLength": 1, "maxLength": LONGEST_EXPRESSION},
)


def _account(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) != {"table", "column"} or not all(isinstance(one, str) for one in value.values()):
            raise Refused('of a table write { table = "items", column = "revenue" }')
        return (value["table"], value["column"])
    return _ACCOUNT.read(value)


_ACCOUNT = text('an account number in quotes, such as "2400"', 40)
_CELL = {"type": "object", "properties": {"table": {"type": "string"}, "column": {"type": "string"}}}
ACCOUNT = Kind(
    'an account number in quotes, such as "2400", or { table = "items", column = "revenue" }',
    _account,
    {"anyOf": [_ACCOUNT.schema, {**_CELL, "required": ["table", "column"], "additionalProperties": False}]},
)
VALUE = text("an id of at most 80 characters in quotes", 80)
NAMES = Kind(
    'a dimension\'s name in quotes, such as "class", or a list of them',
    _patterns,
    _listed(text(longest=80).schema),
)
JOURNAL = text('a journal symbol in quotes, such as "RR"', 40)
NAME = text("a name of at most 80 characters in quotes", 80)


def _cost_name(value: Any) -> Any:
    name = text(longest=20).read(value)
    if not re.fullmatch("[A-Za-z0-9_-]+", name):
        raise Refused()
    return name


COST_NAME = Kind(
    'a name of at most 20 letters, digits, - and _ in quotes, such as "cogs"',
    _cost_name,
    {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,20}$"},
)

EFFECTIVE_KEYS = (
    Key("from", DATE, "The first post date that the rule takes."),
    Key("to", DATE, "The last post date that the rule takes."),
)

ANY_DIMENSION = Key("*", PATTERNS, "A dimension of the charge line by its name.")

ANY_COLUMN = Key("*", PATTERNS, "A column of the table by its name.")
ANY_TABLE = Key("*", None, "A table by its name.", table=(ANY_COLUMN,))

WHEN_KEYS = (
    Key("item", PATTERNS, "Item code."),
    Key("customer", PATTERNS, "Customer id."),
    Key("currency", PATTERNS, "Currency code, such as USD."),
    Key("source", PATTERNS, "The source that the line came from."),
    Key("document", PATTERNS, "Document number."),
    Key("entity", PATTERNS, "Entity id."),
    Key("amount", AMOUNTS, "Amount in units of its currency; negative for credits."),
    Key("quantity", AMOUNTS, "Quantity; a line without one does not match."),
    Key("post_date", DATES, "Post date."),
    Key("dimensions", None, f"Dimensions: {', '.join(DIMENSIONS)}, or your own.", table=(ANY_DIMENSION,)),
    Key("lookup", None, "What a table of this file tells of the line: lookup.TABLE.COLUMN.", table=(ANY_TABLE,)),
    Key("condition", CONDITION, "An expression over the fields of the line that must be true."),
)

POST_KEYS = (
    Key("deferred", ACCOUNT, "The deferred revenue account that the invoice credited; it is debited."),
    Key("accrued", ACCOUNT, "The revenue account that receives the earned amount; it is credited."),
    Key("journal", JOURNAL, "The symbol of the journal that the entries go to."),
    Key("memo", MEMO, "The text on each journal line."),
)


def recognize_keys(method: str) -> tuple[Key, ...]:
    """The keys of ``[rule.recognize]`` for a method: the common ones and its own."""
    return COMMON_KEYS + methods()[method].keys


COST_KEYS = (
    Key("name", COST_NAME, "The cost's name, unique among all rule files.", required=True),
    Key("amount", POSITIVE, "What it costs, in the currency of the charge line."),
    Key("percent", POSITIVE, "What it costs, in percent of the charge line's amount."),
    Key(
        "per",
        choice("line", "unit", "part"),
        "What the amount is for: the line, a unit, a part such as an issue.",
        "line",
    ),
    Key("deferred", _ACCOUNT, "The account that the cost was deferred in; it is credited.", required=True),
    Key("expense", _ACCOUNT, "The account that it is expensed to; it is debited.", required=True),
)

CONSTRAINT_KEYS = (
    Key("reason", text(), "Why it may have to be given back; it is shown wherever the amount waits.", required=True),
    Key("percent", PERCENT, "How much of the charge line is constrained, in percent."),
    Key("amount", POSITIVE, "How much is, in the line's currency."),
    Key("until", OFFSET, "How long; without it, until an event of kind `constraint` tells."),
    Key("from", ANCHOR, "The date that `until` is counted from; default the `start` of `[rule.recognize]`."),
    Key("costs", YES_OR_NO, "Whether the rule's costs wait in the same share: the goods may come back.", False),
)

RULE_KEYS = (
    Key("name", NAME, "The rule's name, unique among all rule files.", required=True),
    Key("description", ANY_TEXT, "What the rule is for, in a sentence.", ""),
    Key("priority", whole(-1_000_000, 1_000_000), "Of the rules that match, the highest wins.", DEFAULT_PRIORITY),
    Key("effective", None, "The post dates that the rule takes.", table=EFFECTIVE_KEYS),
    Key("when", None, "Conditions that must all hold; without any, every line matches.", table=WHEN_KEYS),
    Key("recognize", None, "How the amount is recognised.", required=True, table=COMMON_KEYS),
    Key("post", None, "The accounts and the journal.", table=POST_KEYS),
    Key("constraint", None, "What is billed and no part of the price yet.", table=CONSTRAINT_KEYS),
    Key("cost", None, "A cost that is expensed as the revenue is recognised; write [[rule.cost]].", table=COST_KEYS),
)

TABLE_KEYS = (
    Key("name", NAME, "The table's name, unique among all rule files.", required=True),
    Key("file", text("a file name in quotes"), "Its CSV file, beside this one or below.", required=True),
    Key("key", KEY_FIELDS, "The charge line fields that it is looked up by.", required=True),
)

SET_KEYS = (
    Key("account", _ACCOUNT, "The account in the place of the one that `account` in `[repair.when]` names."),
    Key("customer", VALUE, "The customer."),
    Key("item", VALUE, "The item."),
    Key("dimensions", None, "Dimensions by their names.", table=(Key("*", VALUE, "A dimension by its name."),)),
    Key("date", choice("next_open"), "The first open day after the closed period, by the entry's own date."),
    Key("omit", NAMES, "Dimensions that are left out: their names, `customer` or `item`."),
)

REPAIR_WHEN_KEYS = (
    Key("error", PATTERNS, "The failure, by its name in `revrec errors list`, or several.", required=True),
    Key("account", PATTERNS, "Account of the journal line; the repair then changes the lines of that account alone."),
    Key("dimension", PATTERNS, "The dimension that Intacct's error names, as it names it."),
    *(key for key in WHEN_KEYS if key.name != "lookup"),
)

REPAIR_KEYS = (
    Key("name", NAME, "The repair's name, unique among all rule files.", required=True),
    Key("description", ANY_TEXT, "What the repair is for, in a sentence.", ""),
    Key("priority", whole(-1_000_000, 1_000_000), "Of the repairs that match, the highest wins.", DEFAULT_PRIORITY),
    Key("when", None, "The failure and the lines that it repairs.", required=True, table=REPAIR_WHEN_KEYS),
    Key("set", None, "The values that it supplies.", required=True, table=SET_KEYS),
)

_ALLOCATION_WHEN = tuple(key for key in WHEN_KEYS if key.name != "lookup")

VARIABLE_KEYS = (
    Key("items", PATTERNS, "Items whose lines are variable consideration.", required=True),
    Key("to", PATTERNS, "The items that it is for alone.", required=True),
)

ALLOCATION_KEYS = (
    Key("name", NAME, "The allocation's name, unique among all rule files.", required=True),
    Key("description", ANY_TEXT, "What it is for, in a sentence.", ""),
    Key("priority", whole(-1_000_000, 1_000_000), "Of the allocations that match, the highest wins.", DEFAULT_PRIORITY),
    Key("effective", None, "The post dates of the lines that it takes.", table=EFFECTIVE_KEYS),
    Key("when", None, "The lines that it takes; without it, all.", table=_ALLOCATION_WHEN),
    Key("contract_by", KEY_FIELDS, "What makes a contract; default the source and the document."),
    Key("prices", NAME, "The [[table]] with the standalone selling prices.", required=True),
    Key("per", choice("unit", "line"), "Whether those are for a unit of the quantity or for a line.", "unit"),
    Key("round_to", POSITIVE, 'The unit that is allocated in, such as "1" for whole dollars; default the minor unit.'),
    Key("rounding", choice(*ROUNDINGS), "Who gets the odd units.", "cumulative"),
    Key("discount_to", PATTERNS, "Items that the whole discount of the contract belongs to."),
    Key("bundle_price", POSITIVE, "What those are sold for together, in the currency of the contract."),
    Key("price_only", PATTERNS, "Items that buy nothing of their own: discounts, fees."),
    Key("variable", None, "Items whose amounts belong to other items alone.", table=VARIABLE_KEYS),
    Key(
        "later",
        choice("separate", "modify"),
        "What lines do that join a contract later: be a contract of their own, or share what is not recognised yet.",
        "separate",
    ),
)

FILE_KEYS = (
    Key("include", FILES, "Other rule files to read as well, relative to this one."),
    Key("rule", None, "A rule; write one [[rule]] block for each.", table=RULE_KEYS),
    Key("repair", None, "A repair; write one [[repair]] block for each.", table=REPAIR_KEYS),
    Key("allocation", None, "An allocation; write one [[allocation]] block for each.", table=ALLOCATION_KEYS),
    Key("table", None, "A lookup table; write one [[table]] block for each.", table=TABLE_KEYS),
)
