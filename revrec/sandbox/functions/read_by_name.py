"""readByName: records of one object by their id, such as CUSTOMERID; objects without an id are read by RECORDNO."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.functions.read import check_shape, records_data, split_keys
from revrec.sandbox.reading.selection import readable_object, select_keys, select_visible


def _run(call: Call) -> FunctionOutput:
    target = readable_object(call)
    call.company.usage.count(reads=1)
    names = split_keys(call.body.value("keys") or "")
    selection = select_visible(target, call, show_private=True)
    key = target.name_key or f"CAST({target.key} AS TEXT)"
    selection.add(f"{key} IN ({', '.join('?' * len(names))})", names)
    selection.order = key
    found = select_keys(call, selection)
    return FunctionOutput(records_data(call, target, call.body.value("fields") or "*", found))


FUNCTION = GatewayFunction("readByName", _run, check_shape)
