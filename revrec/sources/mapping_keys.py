"""The keys of ``[mapping.NAME]``, each with the kind of value that it accepts."""

import codecs
import re
from collections.abc import Iterable
from typing import Any

from revrec.core.keys import ANY_TEXT, ConfigKey, RejectedValue, ValueKind, choice, forbidden
from revrec.core.money import UnknownCurrency, minor_digits
from revrec.sources import formats
from revrec.sources.dates import compile_format
from revrec.sources.formula import YES_OR_NO, Formula
from revrec.sources.mapping import (
    CONTROL,
    DOCUMENT_TOTAL,
    EVENT,
    EXCLUSIVE,
    GROUP_TOTAL_ROW,
    MINOR_UNITS,
    REFUSE,
    ROUNDINGS,
    SUM_OF,
    SUM_TOTAL,
    TOTAL,
    TOTAL_ROW,
    UNIT_PRICE,
    ColumnPosition,
)
from revrec.sources.time_zones import ZONE_NAME

WIDEST_LINE = 32_768
"""Most characters of a fixed-width line."""

FROM_DOCUMENT = ("customer", "currency", "entity")
"""Fields that other charge lines of a document may supply: those that a document has once."""

MOST_HEADER_ROWS = 5
_HEADER_ROWS = re.compile(r"([1-9]\d{0,4})(?:\s*-\s*([1-9]\d{0,4}))?", re.ASCII)
_POSITION = re.compile(
    r"(?P<first>\d{1,5})(?:\s*-\s*(?P<last>\d{1,5}))?(?:,\s*(?P<decimals>[0-4]) decimals?)?", re.ASCII
)


def _date_format(value: Any) -> str:
    text: str = ANY_TEXT.read(value)
    try:
        compile_format(text)
    except ValueError as error:
        raise RejectedValue(str(error)) from None
    return text


def _encoding(value: Any) -> str:
    text: str = ANY_TEXT.read(value)
    try:
        "a".encode(text)
        codecs.getincrementaldecoder(text)
    except (LookupError, ValueError):
        raise RejectedValue() from None
    return text


def _delimiter(value: Any) -> str:
    text: str = ANY_TEXT.read(value)
    if text == "tab":
        return "\t"
    if len(text) != 1 or text in '"\r\n ':
        raise RejectedValue()
    return text


def _header_rows(value: Any) -> tuple[int, int]:
    found = _HEADER_ROWS.fullmatch(ANY_TEXT.read(value))
    if not found:
        raise RejectedValue()
    first, last = int(found[1]), int(found[2] or found[1])
    if not first <= last < first + MOST_HEADER_ROWS:
        raise RejectedValue()
    return first, last


def _formula(value: Any) -> Formula:
    return Formula(ANY_TEXT.read(value))


def _formulas(value: Any) -> tuple[Formula, ...]:
    return tuple(Formula(text) for text in _patterns(value))


def _from_document(value: Any) -> tuple[str, ...]:
    names = _texts(value)
    for position, name in enumerate(names):
        if name not in FROM_DOCUMENT:
            raise RejectedValue(item=position)
    return names


def _condition(value: Any) -> Formula:
    return Formula(ANY_TEXT.read(value), YES_OR_NO)


def _currency(value: Any) -> str:
    text: str = ANY_TEXT.read(value)
    try:
        minor_digits(text)
    except UnknownCurrency as error:
        raise RejectedValue(str(error)) from None
    return text


def _position(value: Any) -> ColumnPosition:
    match = _POSITION.fullmatch(ANY_TEXT.read(value).strip())
    if not match:
        raise RejectedValue()
    first, last = int(match["first"]), int(match["last"] or match["first"])
    if not 1 <= first <= last <= WIDEST_LINE:
        raise RejectedValue()
    return ColumnPosition(first, last, int(match["decimals"] or 0))


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise RejectedValue()
    for position, item in enumerate(value):
        if not isinstance(item, str):
            raise RejectedValue(item=position)
    return tuple(value)


def _patterns(value: Any) -> tuple[str, ...]:
    patterns = (value,) if isinstance(value, str) else _texts(value)
    if not patterns:
        raise RejectedValue()
    return patterns


def _kind(wanted: str, read: Any) -> ValueKind:
    return ValueKind(wanted, read, {"type": "string"})


def _by_name(name: str, kind: ValueKind, doc: str) -> ConfigKey:
    """Return the key of a table whose keys are names that the user chooses."""
    return ConfigKey(name, None, doc, table=(ConfigKey("*", kind, doc),))


_TABLE_FILE = ANY_TEXT._replace(wanted='the name of a CSV file in quotes, such as "customers.csv"')
_FIELD = ANY_TEXT._replace(wanted='the name of another field in quotes, such as "customer"')
_COLUMNS = ValueKind('a list of column names, such as ["Notes"]', _texts, {"type": "array"})
_PATTERNS = ValueKind(
    'a text or a list of texts, such as ["D1", "X*"]', _patterns, {"anyOf": [{"type": "string"}, {"type": "array"}]}
)
_FROM_DOCUMENT = ValueKind(f"a list of {', '.join(FROM_DOCUMENT)}", _from_document, {"type": "array"}, FROM_DOCUMENT)
_PATHS = _PATTERNS._replace(wanted='a path such as "data/orders", or a list of paths')
_FORMULA = _kind('a formula such as "quantity * price - discount"', _formula)
_FORMULAS = _PATTERNS._replace(
    wanted='a formula such as "total - tax", or a list of formulas of totals that all have to agree', read=_formulas
)
_CONDITION = _kind("a condition such as \"status == 'draft'\"", _condition)
_TOTALS = _PATTERNS._replace(wanted='an amount in quotes, or a list such as ["100.00 USD", "20.00 EUR"]')
_LOOKUP = (
    ConfigKey("table", _TABLE_FILE, "The lookup table: a CSV file next to the configuration.", required=True),
    ConfigKey("by", _FIELD, "The field whose value is looked up in the table.", required=True),
)

ROWS = ConfigKey("rows", choice("charges", "events"), "The rows of its files.", "charges")

OPTIONS = (
    ROWS,
    ConfigKey(
        "format",
        choice("", *formats.format_names())._replace(wanted=f"one of {', '.join(formats.format_names())}"),
        "The format of its files, if their names do not determine it.",
    ),
    ConfigKey("date_format", _kind('a date format such as "%d/%m/%Y"', _date_format), "How its files write dates."),
    ConfigKey("timezone", ZONE_NAME, "The time zone in which the day of a time is found."),
    ConfigKey("times_in", ZONE_NAME, "The time zone of times without a mark, if it is another one."),
    ConfigKey("on_changed", choice(EVENT, REFUSE), "How a charge line is treated that arrives again and differs."),
    ConfigKey("decimal", choice(".", ",")._replace(wanted='"." or ","'), "The decimal sign."),
    ConfigKey(
        "thousands",
        choice("", ",", ".", " ", "'", "\u2019")._replace(wanted='",", ".", " ", "\'" or ""'),
        "The sign between thousands.",
    ),
    ConfigKey("delimiter", _kind('one character, such as ";", or "tab"', _delimiter), "The sign between CSV columns."),
    ConfigKey(
        "encoding", _kind('an encoding such as "utf-8", "cp1252" or "utf-16"', _encoding), "The encoding of its files."
    ),
    ConfigKey("record", _PATHS, "The path to the records of JSON and XML."),
    ConfigKey("lines", _PATHS, "The lists in each document of JSON or XML whose items are its lines."),
    ConfigKey("sheet", ANY_TEXT, "The sheet of a workbook."),
    ConfigKey(
        "header_row",
        _kind('the number of the row with the column names, in quotes, such as "4", or "4-5"', _header_rows),
        "The row with the column names, or its first and last row.",
    ),
    ConfigKey("fill_down", _COLUMNS, "Columns whose value holds for the rows below it, until the next value."),
    ConfigKey("headings", _COLUMNS, "Columns whose value is in a heading row above its rows."),
    ConfigKey(
        "short_rows", choice("fill")._replace(wanted='"fill"'), "A row of CSV may end before its last columns if set."
    ),
    ConfigKey(
        "amount_is",
        choice(UNIT_PRICE, MINOR_UNITS),
        "The meaning of the column of amounts: the price of one unit, or minor units.",
    ),
    ConfigKey(
        "service_end_is",
        choice(EXCLUSIVE),
        "service_end is the first day after the service.",
    ),
    ConfigKey("rounding", choice(*ROUNDINGS), "Round amounts with more decimals than their currency has."),
    ConfigKey(
        "compute",
        None,
        "The formulas of fields, and of document_total.",
        table=(
            ConfigKey(DOCUMENT_TOTAL, _FORMULAS, "The total of the row's document, or several that have to agree."),
            ConfigKey("*", _FORMULA, "The formula of a field."),
        ),
    ),
    _by_name("skip", _CONDITION, "The condition of rows to leave out; the key is the reason that is reported."),
    ConfigKey("from_document", _FROM_DOCUMENT, "Missing fields that other charge lines of the document supply."),
    ConfigKey("ignore", _COLUMNS, "Columns to skip; * and ? are wildcards."),
    _by_name("columns", ANY_TEXT, "The column of a field."),
    _by_name("defaults", ANY_TEXT, "The value of a field if its cell is empty or its column is missing."),
    _by_name("dimensions", ANY_TEXT, "The column of a dimension."),
    _by_name("signs", _kind('the code of a currency, such as "USD"', _currency), "The currency that a sign means."),
    _by_name(
        "positions",
        _kind(
            'its first and last character, such as "11-20", or "21-32, 2 decimals" if the decimal sign is implied',
            _position,
        ),
        "The position of a column in a fixed-width line.",
    ),
    _by_name("only", _PATTERNS, "The values of a column that select records; * and ? are wildcards."),
    _by_name("aliases", _TABLE_FILE, "The table that translates the values of a field."),
    ConfigKey(
        "lookups",
        None,
        "The tables that supply missing values of fields.",
        table=(ConfigKey("*", None, "The table that supplies a field.", table=_LOOKUP),),
    ),
    ConfigKey(
        CONTROL,
        None,
        "Totals to compare with what was read.",
        table=(
            ConfigKey(TOTAL, _TOTALS, "The total of a file, or one for each of its currencies."),
            ConfigKey(DOCUMENT_TOTAL, ANY_TEXT, "The column that has the total of the row's document."),
            ConfigKey(TOTAL_ROW, _CONDITION, "The condition of a row with the total of all rows above it."),
            ConfigKey(GROUP_TOTAL_ROW, _CONDITION, "The condition of a row with the total of a group of rows."),
            ConfigKey(SUM_OF, ANY_TEXT, "A column of amounts whose sum over all rows the file states."),
            ConfigKey(SUM_TOTAL, ANY_TEXT, "The column that has the sum of sum_of."),
        ),
    ),
)
"""The options of a mapping. The name of a field is a key too: a constant for that field."""

_ANY = ConfigKey("*", None, "A key of a mapping.")
_NO_ROWS = ConfigKey(ROWS.name, forbidden("the name of the table says which rows it reads"), ROWS.doc)
PARTS = (
    _NO_ROWS,
    ConfigKey("charges", None, "Its charges.", table=(_NO_ROWS, _ANY)),
    ConfigKey("events", None, "Its events.", table=(_NO_ROWS, _ANY)),
    _ANY,
)
"""The keys of a mapping that reads charges and events: both parts extend the rest, which is checked with each."""


def cleaning_keys(names: Iterable[str]) -> tuple[ConfigKey, ...]:
    """Return the keys of ``[cleaning]``, which cleans these fields and dimensions in every mapping."""
    aliases, lookups = (next(one for one in OPTIONS if one.name == name) for name in ("aliases", "lookups"))
    by_field = ((one, tuple(one.table[0]._replace(name=name) for name in names)) for one in (aliases, lookups))
    return tuple(one._replace(table=table) for one, table in by_field)


def mapping_keys(fields: tuple[str, ...]) -> tuple[ConfigKey, ...]:
    """Return the keys of a mapping whose rows have these fields."""
    return (*OPTIONS, *(ConfigKey(name, ANY_TEXT, "The value of the field in every row.") for name in fields))
