"""Test cases next to the rules: charge lines, their events, and the schedule or the entries that are expected.

Accountants write and run them (``revrec rules test``) before a changed rule is used on real data.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from revrec.core.charge_line import DIMENSIONS, EVENT_KINDS, SCOPES, ChargeLine, FulfillmentEvent
from revrec.core.errors import BadInput
from revrec.core.keys import (
    ANY_TEXT,
    DATE,
    YES_OR_NO,
    ConfigKey,
    KeyPath,
    KeyProblem,
    RejectedValue,
    ValueKind,
    choice,
    read_table,
    text,
    whole_number,
)
from revrec.core.money import decimal_string, to_minor
from revrec.core.rules.contracts import ContractMember
from revrec.core.rules.costs import is_cost, sold_by
from revrec.core.rules.model import RuleErrors, RuleProblem
from revrec.core.rules.toml_text import TomlBlock, blocks, locate


class RuleCase(NamedTuple):
    """One ``[[case]]``. ``expect`` has the keys of ``[case.expect]`` in the file, amounts in minor units.

    ``members`` are its charge lines with their events, in the order of the file. ``of_costs`` are events that are
    recorded for the costs of these lines, with the cost's charge id.
    """

    name: str
    file: str
    line: int
    members: tuple[ContractMember, ...]
    of_costs: tuple[FulfillmentEvent, ...]
    expect: Mapping[str, Any]

    @property
    def charge(self) -> ChargeLine:
        """Return its charge line; if it has several, the first one."""
        return self.members[0].line


class ExpectedEntry(NamedTuple):
    """A line of the expected journal: ``amount`` in minor units moves from ``debit`` to ``credit`` on a day.

    ``line`` is the line of the charge that it is for; its costs have the same one.
    """

    date: date
    line: str
    debit: str
    credit: str
    amount: int


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


ENTRY_KEYS = {"date", "debit", "credit", "amount"}


def _entries(value: Any) -> tuple[tuple[date, str, str, str, Decimal], ...]:
    if not isinstance(value, list):
        raise RejectedValue()
    found = []
    for index, one in enumerate(value):
        if not isinstance(one, dict) or set(one) - {"line"} != ENTRY_KEYS:
            raise RejectedValue(item=index)
        try:
            texts = (TEXT.read(one.get(name, "1")) for name in ("line", "debit", "credit"))
            found.append((DATE.read(one["date"]), *texts, _decimal(one["amount"])))
        except RejectedValue as refused:
            raise RejectedValue(str(refused), item=index) from None
    return tuple(found)


TEXT = text()
DECIMAL = ValueKind('a number in quotes such as "24.00"', _decimal, {"type": ["string", "integer"]})
ENTRIES = ValueKind(
    'a list of { date = 2024-01-12, line = "1", debit = "2400", credit = "4000", amount = "2.00" }',
    _entries,
    {"type": "array"},
)
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
    ConfigKey("joins", YES_OR_NO, "Whether the line joins the contract later, when others are scheduled.", False),
    ConfigKey(
        "dimensions",
        None,
        f"Dimensions: {', '.join(DIMENSIONS)}, or your own.",
        table=(ConfigKey("*", TEXT, "An id."),),
    ),
)

EVENT_KEYS = (
    ConfigKey("kind", choice(*EVENT_KINDS), "Kind of event.", required=True),
    ConfigKey("line", TEXT, "The line that it is recorded for, or LINE:cost:NAME; the only one if left out."),
    ConfigKey("date", DATE, "The day it bears.", required=True),
    ConfigKey("name", ANY_TEXT, "Its name, such as a milestone's.", ""),
    ConfigKey("note", ANY_TEXT, "A note.", ""),
    ConfigKey("scope", choice("", *SCOPES), "What a change of the price belongs to: contract or line.", ""),
    ConfigKey("quantity", DECIMAL, "Units used."),
    ConfigKey("percent", DECIMAL, "Percent complete."),
    ConfigKey("amount", DECIMAL, "Amount in units of the charge's currency."),
)

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
    ConfigKey("entries", ENTRIES, "Every amount of the entries, with its accounts, of all lines and their costs."),
    ConfigKey("until", DATE, "The last day of which entries are expected; default: all."),
    ConfigKey(
        "allocated",
        None,
        "The share of each line in the price of the contract.",
        table=(ConfigKey("*", DECIMAL, "Amount in units of its currency."),),
    ),
)
OF_CONTRACTS = ("entries", "until", "waiting", "allocated", "unscheduled")
"""Expectations of a case with several charge lines; the others are about one line."""

CASE_KEYS = (
    ConfigKey("name", TEXT, "What the case shows, in a sentence.", required=True),
    ConfigKey("charge", None, "The charge line, or a list: the lines of a contract.", required=True, table=CHARGE_KEYS),
    ConfigKey("event", None, "Its events, in the order they are recorded.", table=EVENT_KEYS),
    ConfigKey("expect", None, "The expected result.", required=True, table=EXPECT_KEYS),
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


def read_case(table: Mapping[str, Any]) -> RuleCase:
    """Return a case that is not in a file, from the keys of its ``[[case]]``.

    Raises:
        RuleErrors: every problem of the case.
    """
    complaints: list[KeyProblem] = []
    case = _case(table, 0, "", TomlBlock("[[case]]", 1, ""), complaints)
    if case is None:
        raise RuleErrors([RuleProblem("", 1, 1, one.message) for one in complaints])
    return case


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
    charges = [_charge(*one, complaints) for one in _tables(values.get("charge", {}), (*path, "charge"))]
    events = [
        read_table(one, EVENT_KEYS, where, complaints)[0]
        for one, where in _tables(values.get("event", []), (*path, "event"))
    ]
    expect = _expectation(values.get("expect", {}), (*path, "expect"), len(charges), complaints)
    if complaints:
        return None
    try:
        members = _members(charges)
        if len({member.line.line for member in members}) < len(members):
            complaints.append(KeyProblem((*path, "charge"), "case.charge: give each charge line its own line"))
            return None
        of_costs = _assign_events(events, members, path, complaints)
        if complaints:
            return None
        minor = _in_minor_units(expect, members[0].line.currency)
        return RuleCase(values["name"], filename, block.line, tuple(members), tuple(of_costs), minor)
    except BadInput as error:
        complaints.append(KeyProblem((*path, "charge", "amount"), str(error)))
        return None


def _tables(value: Any, path: KeyPath) -> list[tuple[Any, KeyPath]]:
    """Return the tables of a list with their places; one table is a list of one."""
    if not isinstance(value, list):
        return [(value, path)]
    return [(one, (*path, at)) for at, one in enumerate(value)]


def _charge(table: Any, path: KeyPath, complaints: list[KeyProblem]) -> dict[str, Any]:
    charge, _refused = read_table(table, CHARGE_KEYS, path, complaints)
    read_table(charge.get("dimensions", {}), (ConfigKey("*", TEXT, "An id."),), (*path, "dimensions"), complaints)
    return charge


def _expectation(table: Any, path: KeyPath, lines: int, complaints: list[KeyProblem]) -> dict[str, Any]:
    before = len(complaints)
    expect, _refused = read_table(table, EXPECT_KEYS, path, complaints)
    if "allocated" in expect:
        keys = (ConfigKey("*", DECIMAL, "Amount."),)
        expect["allocated"], _refused = read_table(expect["allocated"], keys, (*path, "allocated"), complaints)
    if len(complaints) > before:
        return expect
    if not set(expect) - {"until"}:
        complaints.append(KeyProblem(path[:-1], "[case.expect] is empty: a case that expects nothing cannot fail"))
    if not lines:
        complaints.append(KeyProblem(path[:-1], "case.charge is empty: write the charge line of the case"))
    of_one = [name for name in expect if name not in OF_CONTRACTS]
    if lines > 1 and of_one:
        said = (
            f"expect.{of_one[0]} is about one charge line, and the case has {lines}: expect {', '.join(OF_CONTRACTS)}"
        )
        complaints.append(KeyProblem((*path, of_one[0]), said, on_key=True))
    return expect


def _members(charges: Sequence[Mapping[str, Any]]) -> list[ContractMember]:
    """Return the lines of a case. Lines that join their contract later do so in the order of their post dates."""
    days = sorted({charge["post_date"] for charge in charges if charge["joins"]})
    found = []
    for charge in charges:
        fields = {name: value for name, value in charge.items() if name != "joins"}
        part = days.index(charge["post_date"]) + 2 if charge["joins"] else 1
        found.append(ContractMember(_line(fields), [], part))
    return found


def _assign_events(
    events: Sequence[Mapping[str, Any]], members: list[ContractMember], path: KeyPath, complaints: list[KeyProblem]
) -> list[FulfillmentEvent]:
    """Give each event to its line; return the events of costs."""
    by_line = {member.line.line: at for at, member in enumerate(members)}
    of_costs = []
    for number, event in enumerate(events):
        name = event.get("line") or (members[0].line.line if len(members) == 1 else "")
        at = by_line.get(sold_by(name))
        if at is None:
            said = f"event.line: write one of {', '.join(by_line)}"
            complaints.append(KeyProblem((*path, "event", number), said))
            continue
        sold = members[at].line
        fact = _event({key: value for key, value in event.items() if key != "line"}, sold)
        if is_cost(name):
            of_costs.append(fact._replace(charge=sold._replace(line=name).id))
        else:
            members[at] = members[at]._replace(events=[*members[at].events, fact])
    return of_costs


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
    if "entries" in expect:
        found["entries"] = tuple(
            sorted(
                ExpectedEntry(day, line, debit, credit, to_minor(amount, currency))
                for day, line, debit, credit, amount in expect["entries"]
            )
        )
    if "allocated" in expect:
        found["allocated"] = {line: to_minor(amount, currency) for line, amount in expect["allocated"].items()}
    if "waiting" in expect:
        found["waiting"] = decimal_string(to_minor(expect["waiting"], currency), currency)
    return found


def _placed(complaint: KeyProblem, filename: str, content: str, block: TomlBlock) -> RuleProblem:
    if len(complaint.path) == 2:
        return RuleProblem(filename, block.line, 1, complaint.message)
    line, column = locate(content, complaint.path, block.line, key=complaint.on_key)
    return RuleProblem(filename, line, column, complaint.message)
