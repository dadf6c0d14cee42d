"""The declaration of the rule-file language: every table and key except the keys of single recognition methods."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

from revrec.core.calendar import NO_OFFSET
from revrec.core.charge_line import DIMENSIONS, SCOPES
from revrec.core.keys import (
    ANY_TEXT,
    DATE,
    OFFSET,
    YES_OR_NO,
    ConfigKey,
    RejectedValue,
    ValueKind,
    choice,
    text,
    whole_number,
)
from revrec.core.methods import methods
from revrec.core.numbers import PERCENT, POSITIVE
from revrec.core.policies import SCOPE_TEXT
from revrec.core.recognition import ANCHOR, COMMON_KEYS, OVER_TIME, POINT_IN_TIME
from revrec.core.rules.costs import CATEGORIES, FINANCING, UNNAMED
from revrec.core.rules.expression import Expression
from revrec.core.rules.financing import COMPOUNDS, DEFERRAL, PREPAYMENT
from revrec.core.rules.lookup import FIELDS
from revrec.core.rules.memo import MEMO
from revrec.core.rules.patterns import DIMENSIONS as DIMENSIONS_PREFIX
from revrec.core.rules.patterns import LONGEST as LONGEST_PATTERN
from revrec.core.rules.ranges import ValueRange, read_ranges
from revrec.core.safe_expression import LONGEST as LONGEST_EXPRESSION
from revrec.core.summary import KEPT

DEFAULT_PRIORITY = 100

_PATTERN = text(longest=LONGEST_PATTERN)


def _one_or_many(value: Any) -> list[Any]:
    many = value if isinstance(value, list) else [value]
    if not many:
        raise RejectedValue("an empty list matches nothing: leave the key out, or give a value")
    return many


def _patterns(value: Any) -> tuple[str, ...]:
    found = []
    for index, one in enumerate(_one_or_many(value)):
        try:
            found.append(_PATTERN.read(one))
        except RejectedValue as refused:
            raise RejectedValue(str(refused), item=index if isinstance(value, list) else None) from None
    return tuple(found)


def _comparisons(kind: type[Decimal] | type[date]) -> Any:
    def read(value: Any) -> tuple[tuple[ValueRange, ...], tuple[str, ...]]:
        ranges: list[ValueRange] = []
        for index, one in enumerate(_one_or_many(value)):
            at = index if isinstance(value, list) else None
            if not isinstance(one, str):
                raise RejectedValue(f'write it in quotes: "= {one}"', item=at)
            try:
                found = read_ranges(one, kind)
            except ValueError:
                raise RejectedValue(item=at) from None
            if not found:
                raise RejectedValue("no value can meet all of it", item=at)
            ranges.extend(found)
        return tuple(ranges), tuple(_one_or_many(value))

    return read


def _listed(schema: Any) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "array", "items": schema, "minItems": 1}]}


def _condition(value: Any) -> Expression:
    if not isinstance(value, str) or not value.strip():
        raise RejectedValue()
    return Expression(value)


PATTERNS = ValueKind(
    f"a text of at most {LONGEST_PATTERN} characters or a list of them, * and ? being wildcards",
    _patterns,
    _listed(_PATTERN.schema),
)


def _key_fields(value: Any) -> tuple[str, ...]:
    fields = tuple(_patterns(value))
    for index, field in enumerate(fields):
        if field not in FIELDS and not field.startswith(DIMENSIONS_PREFIX):
            raise RejectedValue(item=index if isinstance(value, list) else None)
    return fields


KEY_FIELDS = ValueKind(
    f"one or several of {', '.join(FIELDS)} or dimensions.NAME", _key_fields, _listed({"type": "string"}), FIELDS
)
FILES = ValueKind("a file name or a list of them", _patterns, _listed(_PATTERN.schema))
AMOUNTS = ValueKind(
    'a comparison such as ">= 0.01" or "> 10 and <= 20", or a list of them',
    _comparisons(Decimal),
    _listed({"type": "string"}),
)
DATES = ValueKind(
    'a comparison such as ">= 2024-01-01" or "> 2024-01-01 and < 2025-01-01", or a list of them',
    _comparisons(date),
    _listed({"type": "string"}),
)
CONDITION = ValueKind(
    "an expression such as \"quantity > 1 and source == 'shop'\"",
    _condition,
    {"type": "string", "minLength": 1, "maxLength": LONGEST_EXPRESSION},
)


def _account(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) != {"table", "column"} or not all(isinstance(one, str) for one in value.values()):
            raise RejectedValue('of a table write { table = "items", column = "revenue" }')
        return (value["table"], value["column"])
    return _ACCOUNT.read(value)


_ACCOUNT = text('an account number in quotes, such as "2400"', 40)
_CELL = {"type": "object", "properties": {"table": {"type": "string"}, "column": {"type": "string"}}}
ACCOUNT = ValueKind(
    'an account number in quotes, such as "2400", or { table = "items", column = "revenue" }',
    _account,
    {"anyOf": [_ACCOUNT.schema, {**_CELL, "required": ["table", "column"], "additionalProperties": False}]},
)
VALUE = text("an id of at most 80 characters in quotes", 80)
NAMES = ValueKind(
    'a dimension\'s name in quotes, such as "class", or a list of them',
    _patterns,
    _listed(text(longest=80).schema),
)
JOURNAL = text('a journal symbol in quotes, such as "RR"', 40)
NAME = text("a name of at most 80 characters in quotes", 80)


def _cost_name(value: Any) -> Any:
    name = text(longest=20).read(value)
    if not re.fullmatch("[A-Za-z0-9_-]+", name):
        raise RejectedValue()
    return name


COST_NAME = ValueKind(
    'a name of at most 20 letters, digits, - and _ in quotes, such as "cogs"',
    _cost_name,
    {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,20}$"},
)

EFFECTIVE_KEYS = (
    ConfigKey("from", DATE, "The first post date that the rule matches."),
    ConfigKey("to", DATE, "The last post date that the rule matches."),
)

ANY_DIMENSION = ConfigKey("*", PATTERNS, "A dimension of the charge line by its name.")

ANY_COLUMN = ConfigKey("*", PATTERNS, "A column of the table by its name.")
ANY_TABLE = ConfigKey("*", None, "A table by its name.", table=(ANY_COLUMN,))

WHEN_KEYS = (
    ConfigKey("item", PATTERNS, "Item code."),
    ConfigKey("customer", PATTERNS, "Customer id."),
    ConfigKey("currency", PATTERNS, "Currency code, such as USD."),
    ConfigKey("source", PATTERNS, "The source that the line came from."),
    ConfigKey("document", PATTERNS, "Document number."),
    ConfigKey("entity", PATTERNS, "Entity id."),
    ConfigKey("amount", AMOUNTS, "Amount in units of its currency; negative for credits."),
    ConfigKey("quantity", AMOUNTS, "Quantity; a line without one does not match."),
    ConfigKey("post_date", DATES, "Post date."),
    ConfigKey("dimensions", None, f"Dimensions: {', '.join(DIMENSIONS)}, or your own.", table=(ANY_DIMENSION,)),
    ConfigKey(
        "lookup", None, "A value that a table of this file has for the line: lookup.TABLE.COLUMN.", table=(ANY_TABLE,)
    ),
    ConfigKey("condition", CONDITION, "An expression over the fields of the line that must be true."),
)

ANY_ENTRY_FIELD = ConfigKey("*", text(longest=500), "A custom field by its integration name in Intacct.")
ANY_LINE_FIELD = ConfigKey("*", MEMO, "A custom field by its integration name in Intacct; a template as in `memo`.")

TARGET_KEYS = (
    ConfigKey("deferred", ACCOUNT, "The deferred revenue account that the invoice credited; it is debited."),
    ConfigKey("accrued", ACCOUNT, "The revenue account that receives the earned amount; it is credited."),
    ConfigKey("journal", JOURNAL, "The symbol of the journal that the entries go to."),
    ConfigKey("memo", MEMO, "The text on each journal line."),
)
OPTION_KEYS = (
    ConfigKey(
        "summarize", choice(*KEPT), "What one pair of journal lines adds up, by default each schedule line alone."
    ),
    ConfigKey("attachment", VALUE, "The id of an attachment in Intacct that is linked to each entry."),
    ConfigKey("deferred_location", VALUE, "The location of the line on the deferred account."),
    ConfigKey("accrued_location", VALUE, "The location of the line on the revenue account."),
    ConfigKey("entry_fields", None, "Custom fields of the entry (GLBATCH).", table=(ANY_ENTRY_FIELD,)),
    ConfigKey("line_fields", None, "Custom fields of each journal line (GLENTRY).", table=(ANY_LINE_FIELD,)),
)
"""The keys of :class:`revrec.core.posting_options.PostingOptions`."""
POST_KEYS = TARGET_KEYS + OPTION_KEYS


def recognize_keys(method: str) -> tuple[ConfigKey, ...]:
    """Return the keys of ``[rule.recognize]`` for a method: the common keys and the method's."""
    return COMMON_KEYS + methods()[method].keys


COST_KEYS = (
    ConfigKey("name", COST_NAME, "The cost's name, unique among all rule files.", required=True),
    ConfigKey("amount", POSITIVE, "What it costs, in the currency of the charge line."),
    ConfigKey("percent", POSITIVE, "What it costs, in percent of the charge line's amount."),
    ConfigKey(
        "per",
        choice("line", "unit", "part"),
        "What the amount is for: the line, a unit, a part such as an issue.",
        "line",
    ),
    ConfigKey("deferred", _ACCOUNT, "The account that the cost was deferred in; it is credited.", required=True),
    ConfigKey("expense", _ACCOUNT, "The account that it is expensed to; it is debited.", required=True),
    ConfigKey("impairment", _ACCOUNT, "The account of impairment losses; without it, the cost cannot be impaired."),
    ConfigKey("category", choice(*CATEGORIES), "What `revrec report costs` adds it up under.", UNNAMED),
)

CONSTRAINT_KEYS = (
    ConfigKey(
        "reason", text(), "Why it may have to be given back; it is shown wherever the amount waits.", required=True
    ),
    ConfigKey("percent", PERCENT, "How much of the charge line is constrained, in percent."),
    ConfigKey("amount", POSITIVE, "How much is, in the line's currency."),
    ConfigKey("until", OFFSET, "How long; without it, until an event of kind `constraint`."),
    ConfigKey("from", ANCHOR, "The date that `until` is counted from; default the `start` of `[rule.recognize]`."),
    ConfigKey("costs", YES_OR_NO, "Whether the rule's costs wait in the same share: the goods may come back.", False),
)

DISCLOSE_KEYS = (
    ConfigKey("within_a_year", YES_OR_NO, "Contracts of the rule were expected to last a year or less.", False),
    ConfigKey("right_to_invoice", YES_OR_NO, "What is invoiced corresponds to the value of what is done.", False),
    ConfigKey("usage_based", YES_OR_NO, "The price is a royalty by sales or usage, or variable for one part.", False),
    ConfigKey("notice", OFFSET, "The notice with which customers can cancel without a penalty."),
)
"""The expedients of :data:`revrec.core.rules.disclosure.EXPEDIENTS`, and the notice of contracts."""


def _financing_name(value: Any) -> Any:
    name = COST_NAME.read(value)
    if not name.startswith(FINANCING):
        raise RejectedValue()
    return name


FINANCING_KEYS = (
    ConfigKey(
        "direction",
        choice(PREPAYMENT, DEFERRAL),
        "Whether the customer pays before the transfer or after it.",
        required=True,
    ),
    ConfigKey("rate", POSITIVE, "The interest rate in percent a year."),
    ConfigKey(
        "cash_price",
        POSITIVE,
        "Instead of a rate, the price in cash at the transfer, in the line's currency: of a unit, if the line has a "
        "quantity.",
    ),
    ConfigKey(
        "interest",
        _ACCOUNT,
        "The account of the interest expense; of a deferral the interest income.",
        required=True,
    ),
    ConfigKey("account", _ACCOUNT, "The account that bears interest; default the deferred account of the rule."),
    ConfigKey(
        "compounds",
        choice(*COMPOUNDS),
        "How often interest is added to the balance, and the length of an interest period.",
        "yearly",
    ),
    ConfigKey("start", ANCHOR, "The first day that bears interest.", "post_date"),
    ConfigKey("offset", OFFSET, "How long after the start interest begins; the rate then follows.", NO_OFFSET),
    ConfigKey("term", OFFSET, 'How long from the start until the transfer or payment, such as "2 years".'),
    ConfigKey("end", ANCHOR, "Without a term, the last day that bears interest.", "service_end"),
    ConfigKey(
        "settled",
        choice("once", "equally"),
        "Whether the balance is settled at once at the end, or in equal amounts at the end of each period.",
        "once",
    ),
    ConfigKey("by", choice("month", "period"), "A part for each month, or for each interest period.", "month"),
    ConfigKey("expedient", YES_OR_NO, "Whether a year or less bears no interest.", True),
    ConfigKey(
        "name",
        ValueKind(
            'a name of at most 20 letters, digits, - and _ that begins with financing, such as "financing-licenses"',
            _financing_name,
            {"type": "string", "pattern": "^financing[A-Za-z0-9_-]{0,11}$"},
        ),
        "The name of the interest lines, unique among all rule files.",
        FINANCING,
    ),
)

RULE_KEYS = (
    ConfigKey("name", NAME, "The rule's name, unique among all rule files.", required=True),
    ConfigKey("description", ANY_TEXT, "What the rule is for, in a sentence.", ""),
    ConfigKey("owner", ANY_TEXT, "Who acts on the exceptions of its charge lines, for `revrec report exceptions`.", ""),
    ConfigKey(
        "priority", whole_number(-1_000_000, 1_000_000), "Of the rules that match, the highest wins.", DEFAULT_PRIORITY
    ),
    ConfigKey("effective", None, "The post dates that the rule matches.", table=EFFECTIVE_KEYS),
    ConfigKey("when", None, "Conditions that must all hold; without any, every line matches.", table=WHEN_KEYS),
    ConfigKey("recognize", None, "How the amount is recognized.", required=True, table=COMMON_KEYS),
    ConfigKey(
        "transfer",
        choice(POINT_IN_TIME, OVER_TIME),
        "When control passes, for `revrec report revenue --by timing`; the method decides, except `every`.",
    ),
    ConfigKey(
        "disclose", None, "Why `revrec report rpo` leaves the rule's obligations out, if it does.", table=DISCLOSE_KEYS
    ),
    ConfigKey("post", None, "The accounts and the journal.", table=POST_KEYS),
    ConfigKey("constraint", None, "What is billed and no part of the price yet.", table=CONSTRAINT_KEYS),
    ConfigKey("financing", None, "Interest in a price that is paid long before or after.", table=FINANCING_KEYS),
    ConfigKey(
        "cost", None, "A cost that is expensed as the revenue is recognized; write [[rule.cost]].", table=COST_KEYS
    ),
)

TABLE_KEYS = (
    ConfigKey("name", NAME, "The table's name, unique among all rule files.", required=True),
    ConfigKey("file", text("a file name in quotes"), "Its CSV file, beside this one or below.", required=True),
    ConfigKey("key", KEY_FIELDS, "The charge line fields that it is looked up by.", required=True),
)

SET_KEYS = (
    ConfigKey("account", _ACCOUNT, "The account in the place of the one that `account` in `[repair.when]` names."),
    ConfigKey("customer", VALUE, "The customer."),
    ConfigKey("item", VALUE, "The item."),
    ConfigKey(
        "dimensions", None, "Dimensions by their names.", table=(ConfigKey("*", VALUE, "A dimension by its name."),)
    ),
    ConfigKey(
        "date",
        choice("next_open"),
        "A day of the first open month, as the policy `next_open` dates it, by the entry's own date.",
    ),
    ConfigKey("omit", NAMES, "Dimensions that are left out: their names, `customer` or `item`."),
)

REPAIR_WHEN_KEYS = (
    ConfigKey("error", PATTERNS, "The failure, by its name in `revrec errors list`, or several.", required=True),
    ConfigKey(
        "account", PATTERNS, "Account of the journal line; the repair then changes the lines of that account alone."
    ),
    ConfigKey("dimension", PATTERNS, "The dimension that Intacct's error names, as it names it."),
    *(key for key in WHEN_KEYS if key.name != "lookup"),
)

REPAIR_KEYS = (
    ConfigKey("name", NAME, "The repair's name, unique among all rule files.", required=True),
    ConfigKey("description", ANY_TEXT, "What the repair is for, in a sentence.", ""),
    ConfigKey(
        "priority",
        whole_number(-1_000_000, 1_000_000),
        "Of the repairs that match, the highest wins.",
        DEFAULT_PRIORITY,
    ),
    ConfigKey("when", None, "The failure and the lines that it repairs.", required=True, table=REPAIR_WHEN_KEYS),
    ConfigKey("set", None, "The values that it supplies.", required=True, table=SET_KEYS),
)

_ALLOCATION_WHEN = tuple(key for key in WHEN_KEYS if key.name != "lookup")

VARIABLE_KEYS = (
    ConfigKey("items", PATTERNS, "Items whose lines are variable consideration.", required=True),
    ConfigKey("to", PATTERNS, "The items that it is for alone.", required=True),
)


def _residual_range(value: Any) -> tuple[Decimal, Decimal]:
    if not isinstance(value, list) or len(value) != 2:
        raise RejectedValue()
    low, high = (POSITIVE.read(one) for one in value)
    if low > high:
        raise RejectedValue("the lower price comes first")
    return low, high


RESIDUAL_RANGE = ValueKind(
    'a list of the lowest and the highest price, such as ["40.00", "120.00"]',
    _residual_range,
    {"type": "array", "items": POSITIVE.schema, "minItems": 2, "maxItems": 2},
)

ALLOCATION_KEYS = (
    ConfigKey("name", NAME, "The allocation's name, unique among all rule files.", required=True),
    ConfigKey("description", ANY_TEXT, "What it is for, in a sentence.", ""),
    ConfigKey(
        "priority",
        whole_number(-1_000_000, 1_000_000),
        "Of the allocations that match, the highest wins.",
        DEFAULT_PRIORITY,
    ),
    ConfigKey("effective", None, "The post dates of the lines that it matches.", table=EFFECTIVE_KEYS),
    ConfigKey("when", None, "The lines that it matches; without it, all.", table=_ALLOCATION_WHEN),
    ConfigKey("contract_by", KEY_FIELDS, "What makes a contract; default the source and the document."),
    ConfigKey("prices", NAME, "The [[table]] with the standalone selling prices.", required=True),
    ConfigKey("per", choice("unit", "line"), "Whether those are for a unit of the quantity or for a line.", "unit"),
    ConfigKey(
        "round_to", POSITIVE, 'The unit that is allocated in, such as "1" for whole dollars; default the minor unit.'
    ),
    ConfigKey("rounding", choice("cumulative", "last", "first"), "Who gets the odd units.", "cumulative"),
    ConfigKey("discount_to", PATTERNS, "Items that the whole discount of the contract belongs to."),
    ConfigKey("bundle_price", POSITIVE, "What those are sold for together, in the currency of the contract."),
    ConfigKey("price_only", PATTERNS, "Items that buy nothing: discounts, fees."),
    ConfigKey(
        "residual_range", RESIDUAL_RANGE, "The plausible prices of a residual item whose row has no `low` and `high`."
    ),
    ConfigKey("variable", None, "Items whose amounts belong to other items alone.", table=VARIABLE_KEYS),
    ConfigKey(
        "later",
        choice("separate", "modify"),
        "How lines that join a contract later are treated: as a separate contract, or by sharing what is not "
        "recognized yet.",
        "separate",
    ),
    ConfigKey("scope", choice(*SCOPES), SCOPE_TEXT),
)

FILE_KEYS = (
    ConfigKey("include", FILES, "Other rule files to read as well, relative to this one."),
    ConfigKey("rule", None, "A rule; write one [[rule]] block for each.", table=RULE_KEYS),
    ConfigKey("repair", None, "A repair; write one [[repair]] block for each.", table=REPAIR_KEYS),
    ConfigKey("allocation", None, "An allocation; write one [[allocation]] block for each.", table=ALLOCATION_KEYS),
    ConfigKey("table", None, "A lookup table; write one [[table]] block for each.", table=TABLE_KEYS),
)
