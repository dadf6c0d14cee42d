"""getDimensions: the dimensions of the company, its own ones included."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.content_model import check_empty
from revrec.sandbox.ledger.dimensions import DIMENSIONS, disabled_dimensions
from revrec.sandbox.xmltree import Element, text_element, truth_text


def _run(call: Call) -> FunctionOutput:
    call.require("read", "DIMENSIONS")
    call.company.usage.count(reads=1)
    data = Element("data")
    listed = text_element(data, "dimensions")
    disabled = disabled_dimensions(call.company.switches)
    for standard in DIMENSIONS:
        _append(listed, standard.kind, standard.label, is_own=False, is_enabled=standard not in disabled)
    for own in call.company.masters.all("DIMENSION"):
        _append(listed, own.id, own.name, is_own=True, is_enabled=own.active)
    return FunctionOutput(data)


def _append(listed: Element, name: str, label: str, is_own: bool, is_enabled: bool) -> None:
    dimension = text_element(listed, "dimension")
    text_element(dimension, "objectName", name)
    text_element(dimension, "objectLabel", label)
    text_element(dimension, "termLabel", label)
    text_element(dimension, "userDefinedDimension", truth_text(is_own))
    text_element(dimension, "enabledInGL", truth_text(is_enabled))


FUNCTION = GatewayFunction("getDimensions", _run, check_empty)
