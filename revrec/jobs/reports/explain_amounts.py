"""``revrec explain``: explain where each amount of a charge line comes from."""

import inspect
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from revrec.core.constraint import PARAGRAPH as OF_CONSTRAINT
from revrec.core.constraint import split_constrained
from revrec.core.explanation import explain_parts
from revrec.core.money import to_minor
from revrec.core.pricing import describe_price_changes
from revrec.core.recognition import Method
from revrec.core.rules.costs import PARAGRAPH, PARAGRAPH_OF_LOSS, is_cost, is_financing, is_loss
from revrec.core.schedule import Schedule, SchedulePart
from revrec.jobs.reports.trace import ChargeTrace, RuleTrace, ScheduleTrace, TracedCharge, trace
from revrec.jobs.rules.load import load_rules
from revrec.jobs.scheduling.contracts import derive_stored_line
from revrec.jobs.scheduling.scheduler import Scheduler
from revrec.store import charges

if TYPE_CHECKING:
    from revrec.core.charge_line import ChargeLine
    from revrec.core.rules import Rule, RuleBook
    from revrec.jobs.context import Context
    from revrec.jobs.scheduling.contracts import DerivedLine


class ExplainedRule(NamedTuple):
    """The rule version that a schedule follows, with its exact text."""

    name: str
    version: int
    file: str
    method: str
    text: str


class ExplainedPart(NamedTuple):
    """A part of a schedule that is in effect; ``amount`` is a decimal string in the currency of the charge.

    ``status`` is planned or the state of its journal entry, which ``reference`` and Intacct's ``record_no`` name.
    ``reason`` is why the entry has another date. ``comes_from`` explains the amount: the arithmetic of the plan, the
    price change, or why its schedule ``version`` was made.
    """

    date: str
    amount: str
    status: str
    reference: str | None
    record_no: str | None
    reason: str
    version: int
    comes_from: str


class ChargeExplanation(NamedTuple):
    """A charge line with the parts of its schedule in effect, and where each amount comes from.

    ``charge`` is as in a trace. ``why`` is the explanation of the schedule, or why there is none, and
    ``standard`` the paragraph that the method follows. ``current`` is true if ``revrec schedule`` would report no
    change. ``waiting`` is the amount without a date, a decimal string, and ``waits`` what it waits for.
    """

    charge: TracedCharge
    rule: ExplainedRule | None
    why: str
    standard: str | None
    price_changes: str | None
    current: bool
    waits: str | None
    waiting: str
    parts: tuple[ExplainedPart, ...]


def explain_amounts(context: "Context", reference: str) -> Iterator[ChargeExplanation]:
    """Yield every charge line that ``reference`` may mean, with the parts of its schedule that are in effect.

    Raises:
        BadInput: No record has that name.
        RuleErrors: The rules have errors.
    """
    book = load_rules(context)
    for life in trace(context, reference):
        with context.database.read() as connection:
            no = charges.find_charge(connection, life.charge.id)
            assert no is not None
            derived_line = derive_stored_line(connection, book, no)
            # As `revrec schedule` decides it: a plan that was corrected after posting differs from the plain one.
            current = Scheduler(connection, book, context.who(), audit_seq=0, rebuild=True).is_current(no)
        yield _explained(life, book, derived_line, current)


def _explained(life: ChargeTrace, book: "RuleBook", found: "DerivedLine", current: bool) -> ChargeExplanation:
    (line, recorded), derived = found.as_allocated, found.derived
    schedule = derived if isinstance(derived, Schedule) else None
    matched = book.rule_named(derived.rule.name) if derived.rule else None
    apart = (
        split_constrained(matched.constraint, matched.method, line, recorded, found.billed)
        if schedule and matched
        else None
    )
    if apart:
        line, recorded = apart.line, apart.events
    rule = life.rule
    words = explain_parts(schedule, line, recorded) if schedule else {}
    in_force = schedule is not None and rule is not None and schedule.rule.text == rule.text
    parts = tuple(
        part
        for version in life.schedule
        for part in _parts(version, line, schedule, words if in_force and _made_by(version, rule) else {})
    )
    last = life.schedule[-1] if life.schedule else None
    return ChargeExplanation(
        charge=life.charge,
        rule=rule and ExplainedRule(rule.name, rule.version, rule.file, rule.method, rule.text),
        why=last.explanation if last else life.unscheduled.reason if life.unscheduled else "",
        standard=_standards(matched, apart is not None),
        price_changes=describe_price_changes(line, recorded) or None,
        current=current,
        waits=last.waits_for if last else None,
        waiting=last.waiting if last else life.charge.amount,
        parts=parts,
    )


def _made_by(version: ScheduleTrace, rule: RuleTrace | None) -> bool:
    """Return True if a schedule version was made by this version of a rule."""
    return rule is not None and (version.rule, version.rule_version) == (rule.name, rule.version)


def _parts(
    version: ScheduleTrace, line: "ChargeLine", schedule: Schedule | None, words: Mapping[SchedulePart, str]
) -> Iterator[ExplainedPart]:
    """Yield the parts of a schedule version that no later version has replaced."""
    for one in version.lines:
        if not one.superseded_by:
            part = SchedulePart(date.fromisoformat(one.date), to_minor(Decimal(one.amount), line.currency))
            comes_from = words.get(part) or _reason_of_version(version, schedule)
            yield ExplainedPart(
                one.date, one.amount, one.status, one.reference, one.record_no, one.reason, version.version, comes_from
            )


def _reason_of_version(version: ScheduleTrace, schedule: Schedule | None) -> str:
    """Return why a schedule version was made: its explanation without the words of the plan."""
    explanation = version.explanation
    plan = schedule.plan.words if schedule and schedule.plan else ""
    _before, _plan, beyond = explanation.partition(plan) if plan and plan in explanation else ("", "", explanation)
    return f"schedule version {version.version}: {beyond.strip('; ') or explanation}"


def _standard(rule: "Rule | None") -> str | None:
    if rule is None:
        return None
    if is_loss(rule.name):
        return PARAGRAPH_OF_LOSS
    return PARAGRAPH if is_cost(rule.name) and not is_financing(rule.name) else paragraph(type(rule.method))


def _standards(rule: "Rule | None", constrained: bool) -> str | None:
    found = _standard(rule)
    return f"{found} {OF_CONSTRAINT}" if found and constrained else found


def paragraph(method: type[Method]) -> str | None:
    """Return the paragraph of the standard that a method follows, from its docstring."""
    _text, _word, source = (inspect.getdoc(method) or "").partition("Source: ")
    return " ".join(source.replace("``", "").split()) or None
