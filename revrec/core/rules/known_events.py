"""Check that the rule of a charge line knows the milestone, usage or impairment of an event, before it is recorded.

An event with a misspelled milestone would change nothing, and its revenue would wait without anyone noticing. A second
cancellation would replace the first one and its refund.
"""

from collections.abc import Iterable

from revrec.core.anchors import Events
from revrec.core.charge_line import IMPAIR, ChargeLine, FulfillmentEvent
from revrec.core.migration import cutover_of
from revrec.core.money import decimal_string
from revrec.core.pricing import price_of
from revrec.core.rules.book import RuleBook
from revrec.core.rules.costs import COST_MARK, cost_of, is_cost, is_financing, is_loss
from revrec.core.rules.model import Rule
from revrec.core.schedule import Unscheduled

CHECKED = ("milestone", "usage", "estimate")
"""Kinds of events that change nothing under a rule that does not follow them: the revenue would wait forever."""


def unknown_event(book: RuleBook, lines: Iterable[ChargeLine], kind: str, name: str) -> tuple[str, str] | None:
    """Return why none of the rules of these charge lines follows an event, and the fix; None if one follows it.

    A line without a rule accepts every event, because its rule may be written later.
    """
    if kind not in CHECKED:
        return None
    rules = []
    for line in lines:
        rule = book.match(line)
        if not isinstance(rule, Rule) or _follows(rule, kind, name):
            return None
        rules.append(rule)
    return _why(rules[0], kind, name) if rules else None


def canceled_twice(other: FulfillmentEvent) -> tuple[str, str]:
    """Return why a line that has a cancellation cannot have another one with a different name, and the fix."""
    named = f' with the name "{other.name}"' if other.name else " without a name"
    reason = f"{other.charge} was canceled on {other.date}, by an event{named}: a line is canceled once"
    return reason, "to correct that event, use its name; to refund more, record a credit; or withdraw it first"


def _follows(rule: Rule, kind: str, name: str) -> bool:
    words = _event_words(rule)
    if kind in words or name in words:
        return True
    if kind not in rule.method.follows:
        return False
    return kind != "milestone" or name in rule.method.milestone_names


def _event_words(rule: Rule) -> set[str]:
    """Return the words of the ``event:WORD`` anchors of a rule: kinds or names of events."""
    counted = rule.constraint.counted if rule.constraint else None
    return {word for word in (*rule.method.event_words, counted.word if counted else "") if word}


def _why(rule: Rule, kind: str, name: str) -> tuple[str, str]:
    named = f' named "{name}"' if kind == "milestone" else ""
    reason = f'rule "{rule.name}", which recognizes by {rule.method.name}, follows no {kind}{named}'
    names = [*rule.method.milestone_names, *sorted(_event_words(rule))]
    if not names:
        return reason, "correct the charge or the kind of the event, or change the rule first"
    return reason, f"it knows {', '.join(names)}: write one of these, or change the rule first"


def problem_of_loss(charge: str) -> tuple[str, str] | None:
    """Return why an event cannot be recorded for an impairment loss, and the fix; None if the charge is another line.

    The events of a loss are copies, so that both lines always have the same impairments.
    """
    if not is_loss(charge):
        return None
    return "is an impairment loss, which follows the events of its cost", f"name the cost, {cost_of(charge)}"


def impairment_problem(
    book: RuleBook, line: ChargeLine, recorded: Events, event: FulfillmentEvent
) -> tuple[str, str, str] | None:
    """Return why a charge line cannot be impaired as an event says: the field, the reason and the fix; None if it can.

    ``recorded`` are the events of the line that count. A loss is at most what is not expensed by the end of its day,
    and not earlier than the asset: before its post date or cutover, the books do not have it.
    """
    name = line.line.rpartition(COST_MARK)[2] if is_cost(line.line) else ""
    if not name or is_financing(line.line):
        return "charge", "is not a deferred cost, so it cannot be impaired", _NAME_A_COST
    cost = book.costs.get(name)
    if cost is None or not cost.impairment:
        where = f'to the [[rule.cost]] "{name}"'
        return "kind", f'the cost "{name}" has no account for impairment losses', f"add impairment = ACCOUNT {where}"
    amount = event.amount or 0
    begin = cutover_of(line) if line.is_migrated else line.post_date
    if event.date < begin:
        return "date", f"{event.date} is before {begin}, when the cost is in the books", "write the day of the loss"
    if amount <= 0:
        return "amount", "is not above zero, and an impairment is never reversed (ASC 340-40-35-6)", _WITHDRAW
    left = -_left(book, line, recorded, event)
    if amount > left:
        said = f"{decimal_string(max(left, 0), line.currency)} {line.currency}"
        return "amount", f"is more than what is left of the cost on {event.date}", f"write at most {said}"
    return None


_NAME_A_COST = "name the line of a cost, such as shop/INV-3001/1:cost:commission"
_WITHDRAW = "to correct a mistake, record the right amount with the same --name, or use revrec event withdraw"


def _left(book: RuleBook, line: ChargeLine, recorded: Events, event: FulfillmentEvent) -> int:
    """Return what is not recognized of a line by the end of an event's day, without what the event corrects."""
    others = [one for one in recorded if not (one.kind == IMPAIR and one.name and one.name == event.name)]
    found = book.derive(line, others)
    if isinstance(found, Unscheduled):
        return price_of(line, others)
    return sum(part.amount for part in found.all_parts if part.date > event.date)
