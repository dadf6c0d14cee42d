"""Legacy functions: children in a fixed order, dates as year, month and day elements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from revrec.sandbox.errors import Refusal, business, schema_fault
from revrec.sandbox.xmltree import Node


def check_order(body: Node, order: Sequence[str]) -> None:
    """Raises SchemaViolation for an unknown, repeated or misplaced child of a legacy function."""
    reached = -1
    for node in body:
        if node.tag not in order:
            raise schema_fault(f"Element '{node.tag}': This element is not expected in '{body.tag}'.", node.line)
        place = order.index(node.tag)
        if place <= reached:
            expected = ", ".join(order[reached + 1 :]) or "nothing more"
            raise schema_fault(
                f"Element '{node.tag}': Not expected here. Expected is one of ( {expected} ).", node.line
            )
        reached = place


def legacy_date(node: Node | None, name: str) -> date | None:
    """The date in year, month and day elements; None without the element. Raises Refusal."""
    if node is None:
        return None
    parts = [node.value(part) or "" for part in ("year", "month", "day")]
    try:
        return date(*(int(part) for part in parts))
    except ValueError:
        raise Refusal(business(f"The value '{'-'.join(parts)}' of {name} is not a date.")) from None
