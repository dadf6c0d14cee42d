"""``revrec rules explain``: show why a charge line is recognized as it is."""

from typing import TYPE_CHECKING, Any

from revrec.core.errors import BadInput
from revrec.core.money import decimal_string
from revrec.core.schedule import Schedule, Unscheduled, or_unscheduled
from revrec.jobs.rules.load import load_rules
from revrec.jobs.scheduling.contracts import derive_stored_line, shares_of_contract
from revrec.store import charges

if TYPE_CHECKING:
    from revrec.jobs.context import Context


def explain(context: "Context", charge: str) -> dict[str, Any]:
    """Return every rule with the condition that failed, the winner, and the schedule that it gives now.

    Raises:
        BadInput: The charge does not exist.
    """
    book = load_rules(context)
    with context.database.read() as connection:
        no = charges.find_charge(connection, charge)
        if no is None:
            raise BadInput(f"{charge}: no such charge; a charge's id is SOURCE/DOCUMENT/LINE")
        derived_line = derive_stored_line(connection, book, no)
    line, derived = derived_line.line, or_unscheduled(derived_line.derived)
    unscheduled = isinstance(derived, Unscheduled)
    parts = () if isinstance(derived, Unscheduled) else derived.parts
    return {
        "charge": charge,
        "rules": [
            {
                "rule": trial.rule.name,
                "priority": trial.rule.priority,
                "matched": "yes" if trial.matched else "no",
                "reason": trial.reason,
            }
            for trial in book.explain(line)
        ],
        "winner": derived.rule.name if derived.rule else None,
        "explanation": derived.reason if isinstance(derived, Unscheduled) else derived.explanation,
        "unscheduled": unscheduled,
        "schedule": [
            {"seq": seq, "date": day.isoformat(), "amount": decimal_string(amount, line.currency)}
            for seq, (day, amount) in enumerate(parts, 1)
        ],
        "waiting": _waiting(derived, line.currency),
        "allocation": shares_of_contract(derived_line.contract, line.currency) if derived_line.contract else [],
    }


def _waiting(derived: Schedule | Unscheduled, currency: str) -> dict[str, str] | None:
    """Return the amount of a schedule that waits, and why."""
    if isinstance(derived, Unscheduled) or derived.waits is None:
        return None
    amount = sum(part.amount for part in derived.waiting)
    return {"amount": decimal_string(amount, currency), "currency": currency, "reason": derived.waits.reason}
