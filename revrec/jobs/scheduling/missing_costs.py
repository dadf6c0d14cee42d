"""Write the cost lines that rules gained after the import of their charge lines."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from revrec.core.batching import batched
from revrec.core.pricing import AllocationStep
from revrec.core.schedule import Unscheduled
from revrec.jobs.paging import PAGE
from revrec.jobs.scheduling.contracts import belongs_to_contract, settle_whole_contracts
from revrec.store import charges
from revrec.store.audit import record

if TYPE_CHECKING:
    from revrec.core.charge_line import ChargeLine
    from revrec.core.rules import RuleBook
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection


def add_missing_costs(
    connection: "Connection", book: "RuleBook", who: "AuditStamp", audit_seq: int, numbers: Sequence[int]
) -> list[int]:
    """Write the cost lines that the rules give these charge lines and the database does not have; return their numbers.

    A rule may have gained a cost after the import. Each cost line gets the source row of its charge line.
    """
    added: list[int] = []
    for page in batched(numbers, PAGE):
        lines = list(charges.read_charges(connection, page))
        shares = _shares_of(connection, book, lines)
        wanted = [(line.id, cost) for no, line in lines for cost in book.costs_of(line, shares.get(no, ()))]
        there = charges.known_charges(connection, [cost.id for _id, cost in wanted])
        missing = [(id, cost) for id, cost in wanted if cost.id not in there]
        rows = charges.known_charges(connection, [id for id, _cost in missing])
        next_no = charges.next_charge_number(connection)
        new = [
            charges.charge_row(no, cost, rows[id].import_id, rows[id].row)
            for no, (id, cost) in enumerate(missing, next_no)
        ]
        if new:
            digest = charges.add_charges(connection, new)
            record(connection, who, "charge lines written", f"costs of event {audit_seq}", {}, [digest])
            added += [row[0] for row in new]
    return added


def _shares_of(
    connection: "Connection", book: "RuleBook", lines: "Sequence[tuple[int, ChargeLine]]"
) -> dict[int, Sequence[AllocationStep]]:
    """Return the shares of lines in progress in the prices of their contracts: their costs depend on that."""
    in_progress = [no for no, line in lines if line.is_migrated and belongs_to_contract(book, line)]
    if not (in_progress and book.costs):
        return {}
    settled = settle_whole_contracts(connection, book, in_progress)
    outcomes = [(no, settled.contracts.outcome(no)) for no in in_progress]
    return {no: outcome for no, outcome in outcomes if not isinstance(outcome, Unscheduled)}
