"""getAPISession: opens a session, at the same level as the login, at the top level or in an entity."""

from __future__ import annotations

from revrec.sandbox.calls import Call, Function, Outcome
from revrec.sandbox.errors import Error, Refusal, schema_fault
from revrec.sandbox.xmltree import Element, Node, text_element


def _check(body: Node) -> None:
    for node in body:
        if node.tag != "locationid":
            raise schema_fault(f"Element '{node.tag}': This element is not expected.", node.line)


def _run(call: Call) -> Outcome:
    if not call.alone and call.desk.switches.session_alone == "refuse":
        text = "getAPISession must be the only function of its request."
        raise Refusal(Error("Get API Session Failed", description2=text))
    wanted = call.body.value("locationid")
    location = call.who.location if wanted is None else wanted
    if location and not call.desk.masters.is_entity(location):
        text = f"The location '{location}' is invalid."
        raise Refusal(Error("Get API Session Failed", description2=text))
    session = call.desk.sessions.open(call.who.user, call.who.company, location)
    return Outcome(data=_data(session.id, call.desk.session_url, location))


def _data(session_id: str, endpoint: str, location: str) -> Element:
    data = Element("data")
    api = text_element(data, "api")
    text_element(api, "sessionid", session_id)
    text_element(api, "endpoint", endpoint)
    text_element(api, "locationid", location)
    return data


FUNCTION = Function("getAPISession", _run, _check, legacy=True)
