"""Test cases next to the rules: a charge line, its events, and the schedule that is expected.

Accountants write and run them (``revrec rules test``) before a changed rule is used on real data.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import zip_longest
from typing import Any, NamedTuple

from revrec.core.charge_line import DIMENSIONS, EVENT_KINDS, SCOPES, ChargeLine, FulfillmentEvent
from revrec.core.errors import BadInput
from revrec.core.keys import (
    ANY_TEXT,
    DATE,
    ConfigKey,
    KeyProblem,
    RejectedValue,
    ValueKind,
    choice,
    read_table,
    text,
    whole_number,
)
from revrec.core.money import decimal_string, to_minor
from revrec.core.rules.book import RuleBook
from revrec.core.rules.model import RuleErrors, RuleProblem
from revrec.core.rules.toml_text import TomlBlock, blocks, locate
from revrec.core.schedule import Schedule, Unscheduled, or_unscheduled

SHOWN = 3
"""The number of differing parts that are shown."""


class RuleCase(NamedTuple):
    """One ``[[case]]``. ``expect`` has the keys of ``[case.expect]`` in the file, amounts in minor units."""

    name: str
    file: str
    line: int
    charge: ChargeLine
    events: tuple[FulfillmentEvent, ...]
    expect: Mapping[str, Any]


class CaseDifference(NamedTuple):
    """The expected and the actual value of one ``field``, both as readable text."""

    field: str
    expected: str
    found: str


def _decimal(value: Any) -> Decimal:
    try:
        if isinstance(value, str | int) and not isinstance(value, bool):
            return Decimal(value)
    except InvalidOperation:
        pass
    raise RejectedValue("write it in quotes: the figures of a bare decimal number are not exact")


def _parts(value: Any) -> tuple[tuple[date, Decimal], ...]:
    if not isinstance(value, list) or not value:
        raise RejectedValue()
    found = []
    for index, one in enumerate(value):
        if not isinstance(one, dict) or set(one) != {"date", "amount"}:
            raise RejectedValue(item=index)
        try:
            found.append((DATE.read(one["date"]), _decimal(one["amount"])))
        except RejectedValue as refused:
            raise RejectedValue(str(refused), item=index) from None
    return tuple(found)


TEXT = text()
DECIMAL = ValueKind('a number in quotes such as "24.00"', _decimal, {"type": ["string", "integer"]})
PARTS = ValueKind('a list of { date = 2024-01-12, amount = "2.00" }', _parts, {"type": "array"})

CHARGE_KEYS = (
    ConfigKey("item", TEXT, "Item code.", required=True),
    ConfigKey("post_date", DATE, "Post date.", required=True),
    ConfigKey("amount", DECIMAL, "Amount in units of its currency.", required=True),
    ConfigKey("currency", TEXT, "Currency code, such as USD.", required=True),
    ConfigKey("source", TEXT, "The source that the line comes from.", "case"),
    ConfigKey("document", TEXT, "Document number.", "CASE"),
    ConfigKey("line", TEXT, "Line of the document.", "1"),
    ConfigKey("customer", ANY_TEXT, "Customer id.", ""),
    ConfigKey("description", ANY_TEXT, "Description.", ""),
    ConfigKey("entity", ANY_TEXT, "Entity id.", ""),
    ConfigKey("quantity", DECIMAL, "Quantity."),
    ConfigKey("rev_rec_date", DATE, "The recognition date that the source gave."),
    ConfigKey("service_start", DATE, "First day of service."),
    ConfigKey("service_end", DATE, "Last day of service."),
    ConfigKey("recognized_before", DECIMAL, "What was recognized before the cutover, in units of its currency."),
    ConfigKey("cutover", DATE, "The first day that revrec recognizes of a line in progress."),
    ConfigKey(
        "dimensions",
        None,
        f"Dimensions: {', '.join(DIMENSIONS)}, or your own.",
        table=(ConfigKey("*", TEXT, "An id."),),
    ),
)

EVENT_KEYS = (
    ConfigKey("kind", choice(*EVENT_KINDS), "ValueKind of event.", required=True),
    ConfigKey("date", DATE, "The day it bears.", required=True),
    ConfigKey("name", ANY_TEXT, "Its name, such as a milestone's.", ""),
    ConfigKey("note", ANY_TEXT, "A note.", ""),
    ConfigKey("scope", choice("", *SCOPES), "What a change of the price belongs to: contract or line.", ""),
    ConfigKey("quantity", DECIMAL, "Units used."),
    ConfigKey("percent", DECIMAL, "Percent complete."),
    ConfigKey("amount", DECIMAL, "Amount in units of the charge's currency."),
)

REASONS = ("unscheduled", "waits")
"""Fields of which only a part of the text is expected."""

EXPECT_KEYS = (
    ConfigKey("rule", TEXT, "The rule that wins."),
    ConfigKey("unscheduled", TEXT, "A part of the reason why there is no schedule."),
    ConfigKey("parts", whole_number(1, 40_000), "How many parts there are."),
    ConfigKey("first", DATE, "The date of the first part."),
    ConfigKey("last", DATE, "The date of the last part."),
    ConfigKey("schedule", PARTS, "Every part."),
    ConfigKey("waiting", DECIMAL, "The amount that waits for events, or is held."),
    ConfigKey("waits", TEXT, "A part of the reason why it waits."),
    ConfigKey("deferred", TEXT, "The deferred account."),
    ConfigKey("accrued", TEXT, "The accrued account."),
    ConfigKey("journal", TEXT, "The journal."),
)

CASE_KEYS = (
    ConfigKey("name", TEXT, "What the case shows, in a sentence.", required=True),
    ConfigKey("charge", None, "The charge line.", required=True, table=CHARGE_KEYS),
    ConfigKey("event", None, "Its events, in the order they are recorded.", table=EVENT_KEYS),
    ConfigKey("expect", None, "What must come of it.", required=True, table=EXPECT_KEYS),
)


def parse_cases(files: Mapping[str, str]) -> list[RuleCase]:
    """Read the cases of several files, as a mapping from name to text.

    Raises:
        RuleErrors: every problem of every file.
    """
    cases: list[RuleCase] = []
    problems: list[RuleProblem] = []
    for filename, content in files.items():
        cases += _cases_of(filename, content.removeprefix("\ufeff"), problems)
    if problems:
        raise RuleErrors(problems)
    return cases


def _cases_of(filename: str, content: str, problems: list[RuleProblem]) -> Iterator[RuleCase]:
    try:
        document = tomllib.loads(content)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        problems.append(RuleProblem(filename, 1, 1, f"this is not TOML that can be read: {error}"))
        return
    place, tables = blocks(content, "case"), document.get("case")
    strangers = [name for name in document if name != "case"]
    if strangers or not isinstance(tables, list) or len(tables) != len(place):
        said = f'unknown key "{strangers[0]}"; ' if strangers else ""
        problems.append(RuleProblem(filename, 1, 1, f"{said}write each case as a block that begins with [[case]]"))
        return
    for index, (table, block) in enumerate(zip(tables, place, strict=True)):
        complaints: list[KeyProblem] = []
        case = _case(table, index, filename, block, complaints)
        problems += [_placed(one, filename, content, block) for one in complaints]
        if case is not None:
            yield case


def _case(table: Any, index: int, filename: str, block: TomlBlock, complaints: list[KeyProblem]) -> RuleCase | None:
    path = ("case", index)
    values, _refused = read_table(table, CASE_KEYS, path, complaints)
    charge, _refused = read_table(values.get("charge", {}), CHARGE_KEYS, (*path, "charge"), complaints)
    any_id = (ConfigKey("*", TEXT, "An id."),)
    read_table(charge.get("dimensions", {}), any_id, (*path, "charge", "dimensions"), complaints)
    raw = values.get("event", [])
    events = [
        read_table(one, EVENT_KEYS, (*path, "event", at), complaints)[0]
        for at, one in enumerate(raw if isinstance(raw, list) else [raw])
    ]
    expect, _refused = read_table(values.get("expect", {}), EXPECT_KEYS, (*path, "expect"), complaints)
    if not complaints and not expect:
        complaints.append(KeyProblem(path, "[case.expect] is empty: a case that expects nothing cannot fail"))
    if complaints:
        return None
    try:
        line = _line(charge)
        return RuleCase(
            values["name"], filename, block.line, line, tuple(_event(one, line) for one in events),
            _in_minor_units(expect, line.currency),
        )  # fmt: skip
    except BadInput as error:
        complaints.append(KeyProblem((*path, "charge", "amount"), str(error)))
        return None


def _line(charge: Mapping[str, Any]) -> ChargeLine:
    amounts = ("amount", "recognized_before")
    minor = {name: to_minor(charge[name], charge["currency"]) for name in amounts if name in charge}
    return ChargeLine(**{"dimensions": {}, **charge, **minor})


def _event(event: Mapping[str, Any], line: ChargeLine) -> FulfillmentEvent:
    amount = None if "amount" not in event else to_minor(event["amount"], line.currency)
    return FulfillmentEvent(charge=line.id, **{**event, "amount": amount})


def _in_minor_units(expect: dict[str, Any], currency: str) -> dict[str, Any]:
    found = dict(expect)
    if "schedule" in expect:
        found["schedule"] = tuple((day, to_minor(amount, currency)) for day, amount in expect["schedule"])
    if "waiting" in expect:
        found["waiting"] = decimal_string(to_minor(expect["waiting"], currency), currency)
    return found


def _placed(complaint: KeyProblem, filename: str, content: str, block: TomlBlock) -> RuleProblem:
    if len(complaint.path) == 2:
        return RuleProblem(filename, block.line, 1, complaint.message)
    line, column = locate(content, complaint.path, block.line, key=complaint.on_key)
    return RuleProblem(filename, line, column, complaint.message)


def play(case: RuleCase, book: RuleBook) -> list[CaseDifference]:
    """Return the differences between the outcome of the rules and the expectation."""
    found = _found(or_unscheduled(book.derive(case.charge, case.events)), case.charge.currency)
    differences = []
    for field, expected in case.expect.items():
        there = found.get(field)
        fits = isinstance(there, str) and expected in there if field in REASONS else there == expected
        if not fits:
            differences.append(CaseDifference(field, *_shown(expected, there, case.charge.currency)))
    return differences


def _found(derived: Schedule | Unscheduled, currency: str) -> dict[str, Any]:
    if isinstance(derived, Unscheduled):
        return {"unscheduled": derived.reason, "rule": derived.rule.name if derived.rule else None}
    parts = tuple(tuple(part) for part in derived.parts)
    return {
        "rule": derived.rule.name,
        "parts": len(parts),
        "first": parts[0][0],
        "last": parts[-1][0],
        "schedule": parts,
        "waiting": decimal_string(sum(part.amount for part in derived.waiting), currency),
        "waits": derived.waits.reason if derived.waits else None,
        **{name: getattr(derived.post, name) for name in ("deferred", "accrued", "journal")},
    }


def _shown(expected: Any, found: Any, currency: str) -> tuple[str, str]:
    """Return both as text; for two schedules only the parts that differ."""
    if isinstance(expected, tuple) and isinstance(found, tuple):
        pairs = list(enumerate(zip_longest(expected, found), 1))
        parted = [(at, one, other) for at, (one, other) in pairs if one != other][:SHOWN]
        sides = ([(at, one) for at, one, _other in parted], [(at, other) for at, _one, other in parted])
        return _parts_shown(sides[0], currency), _parts_shown(sides[1], currency)
    first, second = ("nothing" if value is None else str(value) for value in (expected, found))
    return ("a schedule" if isinstance(expected, tuple) else first), second


def _parts_shown(parts: Iterable[tuple[int, tuple[date, int] | None]], currency: str) -> str:
    return ", ".join(
        f"part {at}: {f'{part[0]} {decimal_string(part[1], currency)}' if part else 'none'}" for at, part in parts
    )
