"""Check that the rule of a charge line knows the milestone or the usage of an event, before it is recorded.

An event with a misspelled milestone would change nothing, and its revenue would wait without anyone noticing. A second
cancellation would replace the first one and its refund.
"""

from collections.abc import Iterable

from revrec.core.charge_line import ChargeLine, FulfillmentEvent
from revrec.core.rules.book import RuleBook
from revrec.core.rules.model import Rule

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
