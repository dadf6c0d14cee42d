"""Find the charge lines whose amounts are revenue: what customers bought, less what an agent owes of it to principals.

Source: ASC 606-10-55-38 (IFRS 15.B36): the revenue of an agent is its fee or commission, and not the price.
"""

from typing import TYPE_CHECKING, NamedTuple

from revrec.jobs.reports.presented_lines import shares_of_principals
from revrec.jobs.rules.load import load_rules
from revrec.store import rule_versions
from revrec.store.posting.invoices import SOLD
from revrec.store.reports.recognition import Condition, follow_versions, waiting_costs

if TYPE_CHECKING:
    from revrec.jobs.context import Context
    from revrec.store.connection import Connection


class RevenueLines(NamedTuple):
    """The conditions that the amounts of a charge line are revenue: ``counted`` of all of them, ``owed`` of a part.

    ``owed`` is the condition of what an agent owes to a principal: its amounts are below zero, so that they reduce the
    price of the line that it belongs to. It is None if there is no such line.
    """

    counted: Condition
    owed: Condition | None


def revenue_lines(context: "Context", connection: "Connection") -> RevenueLines:
    """Return the charge lines whose amounts are revenue, and which of these are owed to principals."""
    versions, waiting = rule_versions.of_principals(connection), waiting_costs(connection)
    if waiting:
        # A line that waits for its first schedule has no rule version yet, so the present rules decide.
        waiting &= {name for rule in load_rules(context).rules for name in shares_of_principals(rule)}
    if not versions and not waiting:
        return RevenueLines(SOLD, None)
    owed = follow_versions(versions, waiting)
    return RevenueLines(SOLD | owed, owed)
