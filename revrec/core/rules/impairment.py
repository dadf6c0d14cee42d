"""The impairment of deferred costs: what a cost loses of its value is expensed at once, to an account for such losses.

An ``impair`` event moves its amount from the cost to a charge line beside it, the loss. What is left of the cost is
expensed over the parts to come. A loss is not reversed when the value comes back: no event does that.

Source: ASC 340-40-35-3 to 35-6: 35-3, the loss is what the carrying amount exceeds the remaining consideration less
the costs to come by; 35-6, no reversal (IFRS 15.101 to 104, where 104 allows one).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from revrec.core.charge_line import LOSS_MARK, ChargeLine
from revrec.core.recognition import AnchorDates, PointInTimeMethod
from revrec.core.rules.costs import Cost
from revrec.core.schedule import Plan, Unscheduled


class ImpairmentMethod(PointInTimeMethod):
    """Each impairment on its day. It is not chosen by a rule: it recognizes the losses of ``impair`` events.

    Source: ASC 340-40-35-3 (IFRS 15.101).
    """

    name = "impairment"

    def plan(self, anchors: AnchorDates) -> Plan | Unscheduled:
        """Plan one part, of an amount that is zero until an event changes it."""
        found = super().plan(anchors)
        return found._replace(words="it is expensed on the day of the event") if isinstance(found, Plan) else found


@dataclass(frozen=True, slots=True)
class ImpairmentLoss(Cost):
    """The loss of a cost that can be impaired: a charge line beside the cost, to the account of impairment losses."""

    def line_of(self, line: ChargeLine) -> None:
        """Return None: a loss has no line before its cost is impaired."""

    @property
    def own_method(self) -> ImpairmentMethod:
        """Return the method that recognizes losses."""
        return ImpairmentMethod({})


def losses_of(costs: Sequence[Cost]) -> tuple[ImpairmentLoss, ...]:
    """Return the losses of the costs that have an account for them."""
    return tuple(
        ImpairmentLoss(f"{one.name}{LOSS_MARK}", None, None, "line", 1, one.deferred, one.impairment, one.category)
        for one in costs
        if one.impairment
    )


def loss_line(cost: ChargeLine) -> ChargeLine:
    """Return the charge line of the losses of a cost: of no amount, since events add what is lost."""
    return cost._replace(line=f"{cost.line}{LOSS_MARK}", amount=0, recognized_before=0, cutover=None)
