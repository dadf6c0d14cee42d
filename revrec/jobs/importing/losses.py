"""Write the charge line beside a cost that has its impairment losses."""

from typing import TYPE_CHECKING

from revrec.core.rules.impairment import loss_line
from revrec.store import charges
from revrec.store.audit import record

if TYPE_CHECKING:
    from revrec.store.audit import AuditStamp
    from revrec.store.connection import Connection


def add_loss_line(connection: "Connection", who: "AuditStamp", cost: int, cause: str) -> tuple[str, int]:
    """Write the line for the losses of a cost, which has none yet, with the source row of the cost.

    Return its id and number.
    """
    line = charges.read_charge(connection, cost)
    source = charges.known_charges(connection, [line.id])[line.id]
    loss, no = loss_line(line), charges.next_charge_number(connection)
    digest = charges.add_charges(connection, [charges.charge_row(no, loss, source.import_id, source.row)])
    record(connection, who, "charge lines written", cause, {}, [digest])
    return loss.id, no
