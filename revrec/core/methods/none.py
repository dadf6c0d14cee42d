"""Nothing is recognized: the amount is not revenue."""

from collections.abc import Mapping
from typing import Any

from revrec.core.anchors import Events
from revrec.core.charge_line import ChargeLine
from revrec.core.keys import ConfigKey, text
from revrec.core.recognition import AnchorDates, Method
from revrec.core.schedule import NOT_REVENUE, Plan, Unscheduled


class NotRevenue(Method):
    """Nothing is ever recognized: the amount is not revenue.

    For sales tax, refundable deposits, and amounts that are collected for others and passed on. Such a line has no
    schedule, waits for nothing, and is no part of contract liabilities, bundles or remaining obligations. It is counted
    in the control totals of ``revrec report tie-out``, and invoiced like any other line: a plain invoice credits it to
    the ``deferred`` account of its rule, such as sales tax payable.

    A line that another rule scheduled before keeps what was posted; ``revrec schedule --rebuild --reason TEXT`` drops
    the rest, also from the deferred balance. Closed months keep their figures.

    Keys: ``reason`` (required).

    Example::

        [rule.recognize]
        method = "none"
        reason = "sales tax, owed to the state"

    Source: ASC 606-10-32-2 and 32-2A (IFRS 15.47): amounts collected on behalf of third parties are not part of the
    transaction price.
    """

    name = "none"
    keys = (ConfigKey("reason", text(), "Why it is not revenue; it is shown wherever the line is.", required=True),)

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.reason: str = settings["reason"]

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """Return no dates: none matters."""
        return ()

    def plan(self, anchors: AnchorDates) -> Plan | Unscheduled:
        """Plan nothing."""
        return Unscheduled(NOT_REVENUE, f"not revenue: {self.reason}")
