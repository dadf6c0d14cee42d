"""Nothing is recognized until another rule says how."""

from collections.abc import Mapping
from typing import Any

from revrec.core.anchors import Events
from revrec.core.charge_line import ChargeLine
from revrec.core.keys import ConfigKey, text
from revrec.core.recognition import AnchorDates, Method
from revrec.core.schedule import UNDATED, Plan, Unscheduled, WaitReason


class Hold(Method):
    """Nothing is recognized: the whole line waits, shown with the ``reason``, until another rule matches it.

    For lines under review: a contract whose collection is doubtful, a customer in dispute, a prepayment that may have
    to be handed over. A line scheduled by another rule before keeps what was posted; `revrec schedule --rebuild
    --reason TEXT` makes the rest wait. To stop and resume single charge lines, record ``hold`` and ``release`` events.

    Keys: ``reason`` (required).

    Example::

        [rule.recognize]
        method = "hold"
        reason = "customer in dispute, see legal's file 2024-17"

    Source: ASC 606-10-25-1(e), 25-6 to 25-8 (IFRS 15.9(e), 14 to 16): no contract, no revenue.
    """

    name = "hold"
    keys = (ConfigKey("reason", text(), "Why nothing is recognized; it is shown wherever the line is.", required=True),)

    def __init__(self, settings: Mapping[str, Any]) -> None:
        super().__init__(settings)
        self.reason: str = settings["reason"]

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """Return no dates: none matters."""
        return ()

    def plan(self, anchors: AnchorDates) -> Plan | Unscheduled:
        """Plan for all of it to wait."""
        return Plan((UNDATED,), (1,), f"held: {self.reason}", WaitReason("held", f"held: {self.reason}"))
