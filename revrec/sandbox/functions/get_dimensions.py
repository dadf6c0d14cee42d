"""getDimensions: the dimensions of the company, its own ones included."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.content_model import check_empty
from revrec.sandbox.ledger.dimensions import DIMENSIONS, disabled_dimensions
from revrec.sandbox.xmltree import Element, text_element


def _run(call: Call) -> FunctionOutput:
    call.require("read", "DIMENSIONS")
    call.company.usage.count(reads=1)
    data = Element("data")
    listed = text_element(data, "dimensions")
    disabled = disabled_dimensions(call.company.switches)
    for standard in DIMENSIONS:
        _append(listed, standard.kind, standard.label, "false", "false" if standard in disabled else "true")
    for own in call.company.masters.all("DIMENSION"):
        _append(listed, own.id, own.name, "true", "true" if own.active else "false")
    return FunctionOutput(data)


def _append(listed: Element, name: str, label: str, is_own: str, is_enabled: str) -> None:
    dimension = text_element(listed, "dimension")
    text_element(dimension, "objectName", name)
    text_element(dimension, "objectLabel", label)
    text_element(dimension, "termLabel", label)
    text_element(dimension, "userDefinedDimension", is_own)
    text_element(dimension, "enabledInGL", is_enabled)


FUNCTION = GatewayFunction("getDimensions", _run, check_empty)
