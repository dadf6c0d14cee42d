"""``revrec rules explain``: show why a charge line is recognized as it is."""

from typing import TYPE_CHECKING, NamedTuple

from revrec.core.errors import UnknownCharge
from revrec.core.money import decimal_string
from revrec.core.schedule import Schedule, Unscheduled, or_unscheduled
from revrec.jobs.importing.billing import billed_contract_line
from revrec.jobs.rules.load import load_rules
from revrec.jobs.scheduling.contracts import ContractShare, derive_stored_line, shares_of_contract
from revrec.store import charges

if TYPE_CHECKING:
    from revrec.jobs.context import Context


class TriedRule(NamedTuple):
    """A rule that was tried on a charge; ``matched`` is yes or no, and ``reason`` names the condition that failed."""

    rule: str
    priority: int
    matched: str
    reason: str


class DerivedPart(NamedTuple):
    """A part of the schedule that the present rules give; ``amount`` is a decimal string."""

    seq: int
    date: str
    amount: str


class DerivedWaitingAmount(NamedTuple):
    """The amount (a decimal string) that has no date yet under the present rules, and what it waits for."""

    amount: str
    currency: str
    reason: str


class RuleExplanation(NamedTuple):
    """The rule that covers a charge line, and the schedule that results from it now.

    ``winner`` is the name of that rule, None if no rule matches. ``explanation`` is why the schedule is as it is, or,
    if the charge is ``unscheduled``, why it has none. ``allocation`` has the shares of the contract's lines.
    """

    charge: str
    rules: tuple[TriedRule, ...]
    winner: str | None
    explanation: str
    unscheduled: bool
    schedule: tuple[DerivedPart, ...]
    waiting: DerivedWaitingAmount | None
    allocation: tuple[ContractShare, ...]


def explain(context: "Context", charge: str) -> RuleExplanation:
    """Return every rule with the condition that failed, the winner, and the schedule that it gives now.

    Raises:
        BadInput: The charge does not exist.
    """
    book = load_rules(context)
    with context.database.read() as connection:
        no = charges.find_charge(connection, charge)
        if no is None:
            raise UnknownCharge(charge)
        if ordered := billed_contract_line(connection, [no]):
            why = f"it bills the contract line {ordered}, which earns the revenue; see: revrec rules explain {ordered}"
            return RuleExplanation(charge, (), None, why, True, (), None, ())
        derived_line = derive_stored_line(connection, book, no)
    line, derived, contract = derived_line.line, or_unscheduled(derived_line.derived), derived_line.contract
    return RuleExplanation(
        charge=charge,
        rules=tuple(
            TriedRule(trial.rule.name, trial.rule.priority, "yes" if trial.matched else "no", trial.reason)
            for trial in book.explain(line)
        ),
        winner=derived.rule.name if derived.rule else None,
        explanation=derived.reason if isinstance(derived, Unscheduled) else derived.explanation,
        unscheduled=isinstance(derived, Unscheduled),
        schedule=_schedule(derived, line.currency),
        waiting=_waiting(derived, line.currency),
        allocation=tuple(shares_of_contract(contract, line.currency)) if contract else (),
    )


def _schedule(derived: Schedule | Unscheduled, currency: str) -> tuple[DerivedPart, ...]:
    if isinstance(derived, Unscheduled):
        return ()
    return tuple(
        DerivedPart(seq, day.isoformat(), decimal_string(amount, currency))
        for seq, (day, amount) in enumerate(derived.parts, 1)
    )


def _waiting(derived: Schedule | Unscheduled, currency: str) -> DerivedWaitingAmount | None:
    """Return the amount of a schedule that waits, and why."""
    if isinstance(derived, Unscheduled) or derived.waits is None:
        return None
    amount = sum(part.amount for part in derived.waiting)
    return DerivedWaitingAmount(decimal_string(amount, currency), currency, derived.waits.reason)
