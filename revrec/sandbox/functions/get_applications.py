"""get_applications: the applications that the company subscribes to."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.content_model import check_empty
from revrec.sandbox.xmltree import Element, text_element

_APPLICATIONS = ("CO", "GL", "AR", "SO", "INV", "PA", "ME")


def _run(call: Call) -> FunctionOutput:
    call.company.usage.count(reads=1)
    data = Element("data")
    for name in _APPLICATIONS:
        text_element(data, "application", name)
    return FunctionOutput(data)


FUNCTION = GatewayFunction("get_applications", _run, check_empty, legacy=True)
