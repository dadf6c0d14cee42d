"""``revrec rules calendar``: show the fiscal periods and holidays of a rule for a year."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from revrec.core.errors import BadInput
from revrec.core.keys import did_you_mean
from revrec.core.methods.fiscal import Fiscal
from revrec.jobs.rules.load import load_rules

if TYPE_CHECKING:
    from revrec.core.rules import Rule
    from revrec.jobs.context import Context


def rule_calendar(context: "Context", name: str, year: int) -> dict[str, Any]:
    """Return the fiscal periods of a year, if the rule has any, and the weekdays that are not business days.

    Raises:
        BadInput: The rule does not exist, or the calendar does not cover the year.
        RuleErrors: The rules have errors.
    """
    rules = {rule.name: rule for rule in load_rules(context).rules}
    if name not in rules:
        raise BadInput(
            f'there is no rule "{name}"{did_you_mean(name, tuple(rules))}; `revrec rules list` shows them all'
        )
    rule = rules[name]
    try:
        periods = _periods(rule, year)
        first, last = (periods[0]["first"], periods[-1]["last"]) if periods else (date(year, 1, 1), date(year, 12, 31))
    except (OverflowError, ValueError):
        raise BadInput(f"{year}: the calendar does not cover this year; choose one such as 2024") from None
    calendar = rule.method.calendar
    return {
        "rule": name,
        "year": year,
        "periods": periods,
        "calendar": calendar.name,
        "holidays": _holidays(rule, first, last),
    }


def _periods(rule: "Rule", year: int) -> list[dict[str, Any]]:
    if not isinstance(rule.method, Fiscal):
        return []
    return [{**period._asdict(), "weeks": period.weeks} for period in rule.method.fiscal.periods(year)]


def _holidays(rule: "Rule", first: date, last: date) -> list[dict[str, Any]]:
    calendar = rule.method.calendar
    days = (first + timedelta(days=index) for index in range((last - first).days + 1))
    return [
        {"date": day, "name": calendar.holiday(day)}
        for day in days
        if day.weekday() < 5 and not calendar.is_business_day(day)
    ]
