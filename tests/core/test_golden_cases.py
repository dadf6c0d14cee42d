"""Recognition figures published by other systems and by the standards, reproduced by rules."""

import json
import tomllib
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from revrec.core.change import changed
from revrec.core.charge_line import ChargeLine, FulfilmentEvent
from revrec.core.money import decimal_string, to_minor
from revrec.core.pricing import price_of
from revrec.core.schedule import Schedule

GOLDEN = Path(__file__).parent.parent / "golden"
CASES = {case["id"]: case for case in json.loads((GOLDEN / "cases.json").read_text())}
COVERED = tomllib.loads((GOLDEN / "covered.toml").read_text())["covered"]
NOT_COVERED = {
    case: reason
    for reason, table in tomllib.loads((GOLDEN / "not_covered.toml").read_text())["not_covered"].items()
    for case in table["cases"]
}


def as_toml(table: dict) -> str:
    return "\n".join(f"{key} = {json.dumps(value)}" for key, value in table.items())


def charge_line(case: dict, how: dict) -> ChargeLine:
    inputs = case["inputs"]
    start, end = (date.fromisoformat(inputs[key][:10]) if inputs[key] else None for key in ("start", "end"))
    start, end = (how.get("service", {}).get(key, day) for key, day in (("start", start), ("end", end)))
    currency = how.get("currency", inputs["currency"])
    amount = to_minor(Decimal(how.get("amount") or inputs["amount"] or "100.00"), currency)
    posted = how.get("posted", start)
    return ChargeLine(
        "golden", case["id"], "1", "C", "I", posted, amount, currency, service_start=start, service_end=end
    )


def events_of(line: ChargeLine, how: dict) -> list[FulfilmentEvent]:
    found = []
    for one in how.get("events", []):
        quantity, percent = (Decimal(one[key]) if key in one else None for key in ("quantity", "percent"))
        amount = to_minor(Decimal(one["amount"]), line.currency) if "amount" in one else None
        name = one.get("name", "")
        found.append(FulfilmentEvent(line.id, one["kind"], one["date"], quantity, percent, amount, name))
    return found


def with_carried(how: dict, line: ChargeLine, derived: Schedule) -> list[tuple[str, int]]:
    """What was posted before the plan changed, and what the change leaves to be posted."""
    carried = [(one["date"], to_minor(Decimal(one["amount"]), line.currency)) for one in how["carried"]]
    return [(str(day), amount) for day, amount in [*carried, *changed(derived, carried, (), line.currency).parts]]


def figures(case: dict, how: dict, line: ChargeLine, parts: list[tuple[str, int]]) -> dict[str, int]:
    """The figures of the schedule under the names that the case gives them."""
    view = how.get("view", "parts")
    by_date, by_month = defaultdict(int), defaultdict(int)
    for day, amount in parts:
        by_date[day] += amount
        by_month[day[:7]] += amount
    if view == "parts":
        return {**by_date, **by_month}
    if view == "years":
        return {name: sum(amount for day, amount in parts if day[:4] == year) for name, year in how["years"].items()}
    if view == "remaining":
        return {"remaining": line.amount - sum(amount for _day, amount in parts[: how["posted_lines"]])}
    if view == "spans":
        return {name: span(one, line, parts) for name, one in how["spans"].items()}
    if view == "count":
        return {"count": 100 * len(parts)}
    if view == "deferred_movement":
        return {month: -amount + line.amount * (month == str(line.post_date)[:7]) for month, amount in by_month.items()}
    done = sum(amount for day, amount in parts if day <= how["as_of"].isoformat())
    return {"recognised": done} | dict.fromkeys(("deferred", "deferred_at_cutoff"), line.amount - done)


def span(how: dict, line: ChargeLine, parts: list[tuple[str, int]]) -> int:
    """What is recognised from one day to another: as it is, negated, less than ``of``, or by ``each``."""
    first, last = (how.get(key, bound).isoformat() for key, bound in (("from", date.min), ("to", date.max)))
    found = sum(amount for day, amount in parts if first <= day <= last)
    if "of" in how:
        return to_minor(Decimal(how["of"]), line.currency) - found
    return -found if how.get("negated") else round(found / how.get("each", 1))


@pytest.mark.parametrize("case_id", COVERED)
def test_a_rule_reproduces_the_published_figures(case_id, parts, derive):
    case, how = CASES[case_id], COVERED[case_id]
    line = charge_line(case, how)
    events = events_of(line, how)
    if "carried" in how:
        found_parts = with_carried(how, line, derive(as_toml(how["recognize"]), line, events))
    else:
        found_parts = parts(as_toml(how["recognize"]), line, events)
    found = figures(case, how, line, found_parts)
    expected = {one.get("date") or one["period"]: one["amount"] for one in case["expected"]}
    currency = line.currency
    assert not expected.keys() - found.keys() or how.get("view", "parts") != "spans"
    assert {name: decimal_string(found.get(name, 0), currency) for name in expected} == {
        name: decimal_string(to_minor(Decimal(amount), currency), currency) for name, amount in expected.items()
    }
    if how.get("view", "parts") == "parts" and case.get("sums_to_total"):
        assert sum(amount for _day, amount in found_parts) == price_of(line, events)
        assert {day for day, _amount in found_parts} <= set(expected) or {day[:7] for day, _ in found_parts} <= set(
            expected
        )


def test_every_case_is_covered_or_has_a_reason_why_not():
    neither = sorted(set(CASES) - set(COVERED) - set(NOT_COVERED))
    assert not neither, f"say in tests/golden what becomes of: {', '.join(neither)}"
    assert not set(COVERED) & set(NOT_COVERED)
    assert set(COVERED) | set(NOT_COVERED) == set(CASES)


def test_the_cent_that_one_published_table_loses_is_not_lost_here(parts):
    case = CASES["recurly-daily"]
    line = charge_line(case, {})
    found = parts('method = "daily"\nby = "month"', line)
    published = [to_minor(Decimal(one["amount"]), "USD") for one in case["expected"]]
    assert sum(published) == line.amount - 1
    assert sum(amount for _day, amount in found) == line.amount
    assert all(abs(ours - theirs) <= 1 for (_day, ours), theirs in zip(found, published, strict=True))
