"""ALLOCATION on a GLENTRY: the line is split, and dimensions given beside it are ignored.

The sandbox knows `Custom` allocations, whose SPLIT blocks stand in the line; no others are seeded.
"""

from __future__ import annotations

from revrec.sandbox.dimensions import DIMENSIONS
from revrec.sandbox.errors import Refusal, business
from revrec.sandbox.fields import fields_of, missing, text_of
from revrec.sandbox.xmltree import Node

Fields = dict[str, Node]

_DIMENSION_NAMES = {dimension.element for dimension in DIMENSIONS}
_IN_SPLIT = {"LOCATIONID": "LOCATION", "DEPARTMENTID": "DEPARTMENT"}


def split_fields(node: Node, fields: Fields) -> list[Fields]:
    """The fields of each part of an allocated line: the line's own, with amount and dimensions of the SPLIT.

    Raises Refusal for an unknown allocation, or one without SPLIT blocks.
    """
    name = text_of(fields, "ALLOCATION")
    if name != "Custom":
        raise Refusal(business(f"Allocation '{name}' specified is not valid.", errorid="SIM-INVALID-ALLOCATION"))
    splits = [child for child in node if child.tag.upper() == "SPLIT"]
    if not splits:
        raise Refusal(missing("SPLIT", "GLENTRY with a Custom allocation"))
    left_out = {"ALLOCATION", "SPLIT", "AMOUNT", "TRX_AMOUNT"} | _DIMENSION_NAMES
    common = {name: field for name, field in fields.items() if name not in left_out}
    return [common | _part(split) for split in splits]


def _part(split: Node) -> Fields:
    return {_IN_SPLIT.get(name, name): field for name, field in fields_of(split).items()}


def unequal(whole: str, parts: str) -> Refusal:
    """The splits do not add up to the line."""
    text = f"The splits of the allocation add up to {parts}, not to the amount {whole} of the line."
    return Refusal(business(text, errorid="SIM-ALLOCATION-SUM"))
