"""Golden cases: published recognition figures, reproduced by rules that are kept as data.

A case in ``cases.json`` has its source, its inputs and the expected figures; ``covered.toml`` has the keys of
``[rule.recognize]`` and the events that reproduce it, and how to read the figures from the schedule.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from revrec.core.change import replan
from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.money import decimal_string, to_minor
from revrec.core.pricing import price_of
from revrec.core.rules import RuleBook, parse_all, parse_rules
from revrec.core.rules.contracts import ContractMember, allocate_contract
from revrec.core.schedule import Schedule, Unscheduled

GoldenCase = Mapping[str, Any]
CasePolicies = Mapping[str, Any]
Parts = Sequence[tuple[str, int]]
BEGUN = date(2024, 1, 1)
"""The first day of a contract whose case states none."""
ACCOUNTS = {"deferred": "2400", "accrued": "4000", "journal": "RR"}


class PlayedCase(NamedTuple):
    """A case that was played: its figures by name, as decimal text.

    ``whole``: the parts add up to the price, and there are no parts that the case does not have.
    """

    expected: dict[str, str]
    found: dict[str, str]
    whole: bool

    @property
    def as_published(self) -> bool:
        """Check that every figure is the published one."""
        return self.expected == self.found and self.whole


def play(case: GoldenCase, how: CasePolicies) -> PlayedCase:
    """Derive the schedule of a case and read its figures from it."""
    if "allocate" in how:
        return _play_contract(case, how)
    line = _charge_line(case, how)
    events = _events(line, how)
    book, parts = _book(how["recognize"], how.get("financing", {})), []
    lines = [_charge_line(case, {**how, **own}) for own in how.get("lines", [{}])]
    if how.get("of") == "interest":
        lines = [interest for one in lines for interest in book.costs_of(one)]
    for one in lines:
        derived = book.derive(one, events)
        if not isinstance(derived, Schedule):
            return PlayedCase({"schedule": "a schedule"}, {"schedule": derived.reason}, False)
        posted = _with_posted(how, one, derived) if "already_posted" in how else None
        parts += posted or [(str(part.date), part.amount) for part in derived.parts]
    if how.get("of") == "interest":
        parts = [(day, abs(amount)) for day, amount in parts]
    figures = _figures(how, line, parts)
    expected = {str(one.get("date") or one["period"]): str(one["amount"]) for one in case["expected"]}
    whole = _is_whole(case, how, parts, price_of(line, events), set(expected))
    return _played(expected, figures, line.currency, whole)


def _played(expected: Mapping[str, str], figures: Mapping[str, int], currency: str, whole: bool) -> PlayedCase:
    shown = {name: decimal_string(figures.get(name, 0), currency) for name in expected}
    wanted = {name: decimal_string(to_minor(Decimal(one), currency), currency) for name, one in expected.items()}
    return PlayedCase(wanted, shown, whole)


def _play_contract(case: GoldenCase, how: CasePolicies) -> PlayedCase:
    """Allocate a contract whose first item is billed the whole price, and read its figures from shares or schedules."""
    prices, currency = how.get("ssp") or case["inputs"]["ssp"], how.get("currency", case["inputs"]["currency"])
    book = _contract_book(how, prices)
    members = _members(case, how, prices, currency)
    lines = [member.line for member in members]
    found = allocate_contract(book, members)
    if isinstance(found, Unscheduled):
        return PlayedCase({"allocation": "an allocation"}, {"allocation": found.reason}, False)
    schedules = [book.derive(line, (), found.steps[line.id]) for line in lines]
    parts = [(str(day), part) for one in schedules if isinstance(one, Schedule) for day, part in one.parts]
    by_item = {
        line.item: round(found.shares[line.id].allocated / how.get("units", {}).get(line.item, 1)) for line in lines
    }
    named = {how.get("named", {}).get(item, item): amount for item, amount in by_item.items()}
    figures = named if how["view"] == "allocation" else _figures(how, lines[0], parts)
    expected = {str(one["period"]): str(one["amount"]) for one in case["expected"]}
    whole = sum(line.amount for line in lines)
    return _played(expected, figures, currency, sum(amount for _day, amount in parts) == whole)


def _members(case: GoldenCase, how: CasePolicies, prices: Mapping[str, str], currency: str) -> list[ContractMember]:
    """Return the lines of a contract; those that join it later are billed separately."""
    billed = {next(iter(prices)): case["inputs"]["amount"], **how.get("billed", {})}
    joins = how.get("joins", {})
    return [
        ContractMember(
            _item_line(item, to_minor(Decimal(billed.get(item, "0")), currency), currency, joins.get(item, BEGUN)),
            part=2 if item in joins else 1,
        )
        for item in prices
    ]


def _contract_book(how: CasePolicies, prices: Mapping[str, str]) -> RuleBook:
    items = how.get("items") or {item: {"method": "fixed_offset"} for item in prices}
    rules = "".join(
        f'[[rule]]\nname = "{item}"\n[rule.when]\nitem = "{item}"\n[rule.recognize]\n{_as_toml(keys)}\n'
        for item, keys in items.items()
    )
    table = '[[table]]\nname = "ssp"\nfile = "ssp.csv"\nkey = "item"\n'
    text = f'{table}[[allocation]]\nname = "golden"\nprices = "ssp"\n{how["allocate"]}\n{rules}'
    listed = "item,price\n" + "".join(f"{item},{price}\n" for item, price in prices.items())
    return RuleBook(*parse_all({"golden.toml": text}, ACCOUNTS, lambda wanted, _by: (wanted, listed)))


def _item_line(item: str, amount: int, currency: str, post_date: date) -> ChargeLine:
    return ChargeLine("golden", "contract", item, "C", item, post_date, amount, currency)


def policy(case: GoldenCase, how: CasePolicies) -> str:
    """Return the rounding and day-count policy of a case: in its source's words, and as rule keys."""
    source = "; ".join(filter(None, (case.get("rounding", ""), case.get("day_count", ""))))
    if "allocate" in how:
        return f"{source} -> {how['allocate'] or 'rounding cumulative'}"
    chosen = {**how["recognize"], **how.get("financing", {})}
    keys = ", ".join(f"{name} {_plain(value)}" for name, value in chosen.items())
    return f"{source} -> {keys}"


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _book(keys: Mapping[str, Any], financing: Mapping[str, Any]) -> RuleBook:
    text = f'[[rule]]\nname = "golden"\n[rule.recognize]\n{_as_toml(keys)}\n'
    if financing:
        text += f"[rule.financing]\n{_as_toml(financing)}\n"
    return RuleBook(parse_rules(text, "golden.toml", ACCOUNTS))


def _as_toml(keys: Mapping[str, Any]) -> str:
    return "\n".join(f"{key} = {json.dumps(value)}" for key, value in keys.items())


def _charge_line(case: GoldenCase, how: CasePolicies) -> ChargeLine:
    inputs = case["inputs"]
    start, end = (date.fromisoformat(inputs[key][:10]) if inputs[key] else None for key in ("start", "end"))
    start, end = (how.get("service", {}).get(key, day) for key, day in (("start", start), ("end", end)))
    currency = how.get("currency", inputs["currency"])
    amount = to_minor(Decimal(how.get("amount") or inputs["amount"] or "100.00"), currency)
    posted = how.get("posted", start)
    return ChargeLine(
        "golden", case["id"], "1", "C", "I", posted, amount, currency, service_start=start, service_end=end
    )


def _events(line: ChargeLine, how: CasePolicies) -> list[FulfillmentEvent]:
    found = []
    for one in how.get("events", []):
        quantity, percent = (Decimal(one[key]) if key in one else None for key in ("quantity", "percent"))
        amount = to_minor(Decimal(one["amount"]), line.currency) if "amount" in one else None
        name = one.get("name", "")
        found.append(FulfillmentEvent(line.id, one["kind"], one["date"], quantity, percent, amount, name))
    return found


def _with_posted(how: CasePolicies, line: ChargeLine, derived: Schedule) -> list[tuple[str, int]]:
    """Return what was posted before the plan changed, and what remains to be posted."""
    posted = [(one["date"], to_minor(Decimal(one["amount"]), line.currency)) for one in how["already_posted"]]
    return [(str(day), amount) for day, amount in [*posted, *replan(derived, posted, (), line.currency).parts]]


def _figures(how: CasePolicies, line: ChargeLine, parts: Parts) -> dict[str, int]:
    """Return the figures of the schedule under the names that the case uses."""
    return _VIEWS[how.get("view", "parts")](how, line, parts)


def _by_date_and_month(_how: CasePolicies, _line: ChargeLine, parts: Parts) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for day, amount in parts:
        sums[day] += amount
        sums[day[:7]] += amount
    return sums


def _years(how: CasePolicies, _line: ChargeLine, parts: Parts) -> dict[str, int]:
    return {name: sum(amount for day, amount in parts if day[:4] == year) for name, year in how["years"].items()}


def _remaining(how: CasePolicies, line: ChargeLine, parts: Parts) -> dict[str, int]:
    return {"remaining": line.amount - sum(amount for _day, amount in parts[: how["posted_lines"]])}


def _count(_how: CasePolicies, _line: ChargeLine, parts: Parts) -> dict[str, int]:
    return {"count": 100 * len(parts)}


def _deferred_movement(how: CasePolicies, line: ChargeLine, parts: Parts) -> dict[str, int]:
    by_month = {name: one for name, one in _by_date_and_month(how, line, parts).items() if len(name) == 7}
    return {month: -amount + line.amount * (month == str(line.post_date)[:7]) for month, amount in by_month.items()}


def _as_of(how: CasePolicies, line: ChargeLine, parts: Parts) -> dict[str, int]:
    done = sum(amount for day, amount in parts if day <= how["as_of"].isoformat())
    recognised = dict.fromkeys(("recognised", "recognised_to_date"), done)
    return recognised | dict.fromkeys(("deferred", "deferred_at_cutoff", "still_deferred"), line.amount - done)


def _spans(how: CasePolicies, line: ChargeLine, parts: Parts) -> dict[str, int]:
    return {name: _span(one, line, parts) for name, one in how["spans"].items()}


def _span(how: CasePolicies, line: ChargeLine, parts: Parts) -> int:
    """Return what is recognized from one day to another: as it is, negated, subtracted from ``of``, or per ``each``."""
    first, last = (how.get(key, bound).isoformat() for key, bound in (("from", date.min), ("to", date.max)))
    found = sum(amount for day, amount in parts if first <= day <= last)
    if "of" in how:
        return to_minor(Decimal(how["of"]), line.currency) - found
    return -found if how.get("negated") else round(found / how.get("each", 1))


_VIEWS: dict[str, Callable[[CasePolicies, ChargeLine, Parts], dict[str, int]]] = {
    "parts": _by_date_and_month,
    "years": _years,
    "remaining": _remaining,
    "count": _count,
    "deferred_movement": _deferred_movement,
    "deferred": _as_of,
    "balances": _as_of,
    "spans": _spans,
}


def _is_whole(case: GoldenCase, how: CasePolicies, parts: Parts, price: int, names: set[str]) -> bool:
    """Check that the parts add up to the price, and that a case that lists all parts lists no other ones."""
    if how.get("view", "parts") != "parts" or not case.get("sums_to_total"):
        return True
    days, months = {day for day, _amount in parts}, {day[:7] for day, _amount in parts}
    return sum(amount for _day, amount in parts) == price and (days <= names or months <= names)
