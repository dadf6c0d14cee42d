"""getAPISession: opens a session at the level of the login, at the top level, or in an entity."""

from revrec.sandbox.calls import Call, FunctionOutput, GatewayFunction
from revrec.sandbox.errors import Error, FunctionFailure, schema_violation
from revrec.sandbox.xmltree import Element, Node, text_element


def _check(body: Node) -> None:
    for node in body:
        if node.tag != "locationid":
            raise schema_violation(f"Element '{node.tag}': This element is not expected.", node.line)


def _run(call: Call) -> FunctionOutput:
    if not call.alone and call.company.switches.session_alone == "refuse":
        text = "getAPISession must be the only function of its request."
        raise FunctionFailure(Error("Get API Session Failed", description2=text))
    wanted = call.body.value("locationid")
    location = call.caller.location if wanted is None else wanted
    if location and not call.company.masters.is_entity(location):
        text = f"The location '{location}' is invalid."
        raise FunctionFailure(Error("Get API Session Failed", description2=text))
    session = call.company.sessions.open(call.caller.user, call.caller.company_id, location)
    return FunctionOutput(data=_data(session.id, call.caller.session_url, location))


def _data(session_id: str, endpoint: str, location: str) -> Element:
    data = Element("data")
    api = text_element(data, "api")
    text_element(api, "sessionid", session_id)
    text_element(api, "endpoint", endpoint)
    text_element(api, "locationid", location)
    return data


FUNCTION = GatewayFunction("getAPISession", _run, _check, legacy=True)
