"""get_closedbooksdate: the date through which the books of the current entity are closed."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.content_model import check_empty
from revrec.sandbox.xmltree import Element, text_element


def _run(call: Call) -> FunctionOutput:
    call.require("read", "CLOSEDBOOKSDATE")
    call.company.usage.count(reads=1)
    through = call.company.periods.closed_through(call.caller.location)
    data = Element("data")
    block = text_element(data, "closedbooksdate")
    text_element(block, "year", f"{through.year:04d}")
    text_element(block, "month", f"{through.month:02d}")
    text_element(block, "day", f"{through.day:02d}")
    return FunctionOutput(data)


FUNCTION = GatewayFunction("get_closedbooksdate", _run, check_empty, legacy=True)
