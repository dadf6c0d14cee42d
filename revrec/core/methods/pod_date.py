"""The whole amount on delivery, or a part of it with each delivery of a part."""

from collections.abc import Mapping, Sequence
from typing import Any

from revrec.core.anchors import Events
from revrec.core.charge_line import ChargeLine
from revrec.core.deliveries import delivered_shares
from revrec.core.explanation import explain_progress
from revrec.core.money import increments, split_by_progress
from revrec.core.progress import plan_of_readings, shown
from revrec.core.recognition import AnchorDates, PointInTimeMethod
from revrec.core.schedule import Plan, Unscheduled, WaitReason


class PodDate(PointInTimeMethod):
    """The whole amount on the day of delivery, plus the ``offset``; until then the line waits.

    The day is the date of the proof of delivery recorded last (an event of kind ``pod``): a POD recorded later
    corrects the earlier ones. A POD with a quantity delivers so many of the line's units and earns their share of the
    amount on its day; the rest waits. It adds to the others; one with the same name corrects the earlier one of that
    name. A POD without a quantity delivers all that is left.

    Keys: ``start`` (default ``delivered``), ``offset``, ``roll``, ``calendar``.

    Example::

        [rule.recognize]
        method = "pod_date"

    Source: ASC 606-10-25-30 (IFRS 15.38): control passes with physical possession and the customer's acceptance.
    """

    name = "pod_date"

    @classmethod
    def default_start(cls, settings: Mapping[str, Any]) -> str:  # noqa: ARG003 - the same for all settings
        """Return the day of delivery."""
        return "delivered"

    def anchors(self, line: ChargeLine, events: Events) -> AnchorDates | Unscheduled:
        """Return the start, or each delivery of a part with the share that is delivered by then."""
        shares = delivered_shares(line, events) if events and self.start.name == "delivered" else ()
        return tuple(shares) if any(share < 1 for _day, share in shares) else super().anchors(line, events)

    def plan(self, anchors: AnchorDates) -> Plan | Unscheduled:
        """Plan one part, or a part for each delivery; what is not delivered waits."""
        if not isinstance(anchors[0], tuple):
            return super().plan(anchors)
        day, share = anchors[-1]
        words = f"{self.name} recognizes {shown(share)} of it in deliveries from {anchors[0][0]} to {day}"
        reason = f"waits for proof of delivery (POD), {shown(1 - share)} of it is not delivered"
        return plan_of_readings(self, anchors, words, WaitReason("waiting", reason, "pod"))

    def amounts(self, total: int, weights: Sequence[int]) -> list[int]:
        """Return the increments from delivery to delivery; the whole if there is one."""
        return split_by_progress(total, weights)

    def dividing_weights(self, weights: Sequence[int]) -> tuple[int, ...] | None:
        """Return the increments from position to position; None if one is not above zero, except the last."""
        return increments(weights)

    def explain_amounts(self, total: int, weights: Sequence[int], currency: str) -> list[str]:
        """Explain the whole amount, or each delivery's share minus what came before."""
        if len(weights) == 1:
            return super().explain_amounts(total, weights, currency)
        return explain_progress(self.amounts(total, weights), weights, currency)
