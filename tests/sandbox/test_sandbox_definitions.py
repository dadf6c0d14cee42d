"""Behaviors 71 and 72: the definitions of objects, and the preferences and permissions of the company."""

import pytest

from support.sandbox_client import SandboxAnswer, SandboxClient


def definition(answer: SandboxAnswer, name: str) -> dict[str, str]:
    """Return the definition of a field in a lookup."""
    field = next(one for one in answer.data.iter("Field") if one.findtext("ID") == name)
    return {part.tag: part.text or "" for part in field if not len(part)}


def lookup(client: SandboxClient, name: str) -> SandboxAnswer:
    answer = client.call(f"<lookup><object>{name}</object></lookup>")
    assert answer.status == "success", answer.http.text
    return answer


def test_b71_lookup_describes_each_field(client: SandboxClient) -> None:
    answer = lookup(client, "glbatch")
    assert answer.data.attrib == {"listtype": "All", "count": "1"}
    assert answer.data.find("Type").attrib == {"Name": "GLBATCH", "DocumentType": ""}
    assert definition(answer, "BATCH_TITLE") == {
        "ID": "BATCH_TITLE",
        "LABEL": "Batch title",
        "DESCRIPTION": "Batch title",
        "REQUIRED": "true",
        "READONLY": "false",
        "DATATYPE": "TEXT",
        "ISCUSTOM": "false",
    }
    assert definition(answer, "RECORDNO")["READONLY"] == "true"
    assert definition(answer, "BATCH_DATE")["DATATYPE"] == "DATE"
    assert "Submitted" in answer.column("VALIDVALUE")


def test_b71_lookup_names_the_related_objects(client: SandboxClient) -> None:
    found = {
        node.findtext("OBJECTPATH"): (node.findtext("RELATIONSHIPTYPE"), node.findtext("RELATEDBY"))
        for node in lookup(client, "GLENTRY").data.iter("Relationship")
    }
    assert found["CUSTOMER"] == ("MANY2ONE", "CUSTOMERID")
    assert found["GLBATCH"] == ("MANY2ONE", "BATCHNO")


def test_b71_required_fields_follow_the_settings_of_the_company(client: SandboxClient) -> None:
    assert definition(lookup(client, "GLENTRY"), "LOCATION")["REQUIRED"] == "false"
    client.switch(location_required=True)
    assert definition(lookup(client, "GLENTRY"), "LOCATION")["REQUIRED"] == "true"


def test_b71_custom_fields_are_named_as_such(client: SandboxClient) -> None:
    client.admin(
        "customfields", id="GLENTRY.SHIPMENT_ID", parent="GLENTRY", name="Shipment", details={"required": True}
    )
    found = definition(lookup(client, "GLENTRY"), "SHIPMENT_ID")
    assert (found["LABEL"], found["REQUIRED"], found["READONLY"], found["ISCUSTOM"]) == (
        "Shipment",
        "true",
        "false",
        "true",
    )
    assert "SHIPMENT_ID" not in lookup(client, "GLBATCH").column("ID")


def test_custom_fields_are_required_stored_and_read(client: SandboxClient) -> None:
    client.admin("customfields", id="GLENTRY.SHIPMENT_ID", parent="GLENTRY", details={"required": True})
    assert "Required field SHIPMENT_ID is missing in GLENTRY" in client.create(client.glbatch()).said
    answer = client.create(client.glbatch(client.pair("5.00", SHIPMENT_ID="88")))
    assert answer.status == "success"
    read = client.call(f"<read><object>GLBATCH</object><keys>{answer.record_no}</keys></read>")
    assert read.column("SHIPMENT_ID") == ["88", "88"]


def test_b71_lines_have_only_the_dimensions_that_are_enabled_in_the_ledger(client: SandboxClient) -> None:
    client.admin("dimensions", id="ROUTE", name="Route")
    client.switch(disabled_dimensions="CLASS")
    fields = lookup(client, "GLENTRY").column("ID")
    assert "GLDIMROUTE" in fields and "CUSTOMERID" in fields
    assert "CLASSID" not in fields
    assert "CLASSID" not in lookup(client, "GLDETAIL").column("ID")


def test_b71_selecting_a_dimension_that_is_not_enabled_refuses_the_query(client: SandboxClient) -> None:
    client.switch(disabled_dimensions="CLASS")
    query = "<query><object>GLENTRY</object><select><field>RECORDNO</field><field>CLASSID</field></select></query>"
    answer = client.call(query)
    assert answer.status == "failure"
    assert "CLASSID" in answer.said


def test_b71_a_line_with_a_dimension_that_is_not_enabled_is_refused(client: SandboxClient) -> None:
    client.switch(disabled_dimensions="CLASS")
    answer = client.create(client.glbatch(client.pair(CLASSID="RETAIL")))
    assert "The field CLASSID is not a field of GLENTRY." in answer.said


@pytest.mark.parametrize("body", ["<lookup/>", "<lookup><objet>GLBATCH</objet></lookup>", "<inspect/>"])
def test_b71_a_definition_needs_an_object(client: SandboxClient, body: str) -> None:
    assert client.call(body).errors[0][0] == "XL03000003"


@pytest.mark.parametrize(("name", "found"), [("Glbatch", "GLBATCH"), ("Sales Order", "SODOCUMENT")])
@pytest.mark.parametrize("function", ["lookup", "inspect"])
def test_b71_objects_also_have_names_for_people(client: SandboxClient, function: str, name: str, found: str) -> None:
    answer = client.call(f"<{function}><name>{name}</name></{function}>")
    assert answer.data.find("Type").get("Name") == found


@pytest.mark.parametrize("function", ["lookup", "inspect"])
def test_b71_an_unknown_object_has_no_definition(client: SandboxClient, function: str) -> None:
    answer = client.call(f"<{function}><object>VENDOR9</object></{function}>")
    assert answer.errors == [("Query Failed", answer.errors[0][1])]
    assert "Object definition VENDOR9 not found" in answer.said


def test_b71_inspect_lists_the_objects_of_the_company(client: SandboxClient) -> None:
    answer = client.call("<inspect><object>*</object></inspect>")
    names = [node.get("typename") for node in answer.data.iter("type")]
    assert {"glbatch", "customer"} <= set(names)


def test_b71_inspect_lists_the_fields_of_an_object(client: SandboxClient) -> None:
    answer = client.call('<inspect detail="0"><object>JOURNAL</object></inspect>')
    assert answer.data.find("Type").get("Name") == "JOURNAL"
    assert {"RECORDNO", "SYMBOL", "TITLE"} <= set(answer.column("Field"))


def test_b71_inspect_with_details_gives_the_lengths_of_texts(client: SandboxClient) -> None:
    answer = client.call('<inspect detail="1"><object>GLBATCH</object></inspect>')
    lengths = dict(zip(answer.column("Name"), answer.column("maxLength"), strict=True))
    assert (lengths["BATCH_TITLE"], lengths["REFERENCENO"], lengths["STATE"]) == ("80", "20", "")
    assert answer.text("operation/result/data/Type/Attributes/SingularName") == "Glbatch"


def preferences(client: SandboxClient, application: str) -> dict[str | None, str | None]:
    answer = client.call(f'<get_companyprefs application="{application}"/>')
    assert {node.findtext("application") for node in answer.data} <= {application}
    return {node.findtext("preference"): node.findtext("prefvalue") for node in answer.data}


def test_b72_the_preferences_of_the_ledger_name_its_dimensions(client: SandboxClient) -> None:
    client.switch(disabled_dimensions="CLASS")
    found = preferences(client, "GL")
    assert (found["CUSTOMERDIMENSION"], found["CLASSDIMENSION"]) == ("T", "F")


def test_b72_other_applications_have_preferences_too(client: SandboxClient) -> None:
    assert preferences(client, "GEN")["FISCAL_FIRST_MONTH"] == "1"
    assert preferences(client, "ME") == {"DISABLEENTITYSLIDEIN": "false"}
    assert preferences(client, "AP") == {}


@pytest.mark.parametrize("body", ["<get_companyprefs/>", '<get_companyprefs application="XX"/>'])
def test_b72_preferences_need_a_known_application(client: SandboxClient, body: str) -> None:
    assert client.call(body).errors[0][0] == "XL03000003"


def test_b72_the_applications_of_the_company_are_listed(client: SandboxClient) -> None:
    assert {"GL", "AR", "SO"} <= set(client.call("<get_applications/>").column("application"))


def rights(client: SandboxClient, policy: str) -> str:
    answer = client.call(f"<getUserPermissions><userId>{client.address['user_id']}</userId></getUserPermissions>")
    found = {node.findtext("policyName"): node.findtext("rights") for node in answer.data.iter("policy")}
    return found[policy] or ""


def test_b72_permissions_show_what_the_user_may_do(client: SandboxClient) -> None:
    assert rights(client, "Journal Entries") == "List|View|Add|Edit|Delete"
    client.switch(denied="create:GLBATCH, delete")
    assert rights(client, "Journal Entries") == "List|View|Edit"
    assert rights(client, "Customers") == "List|View|Add|Edit"


def test_b72_permissions_are_of_a_known_user_and_for_those_who_may_see_them(client: SandboxClient) -> None:
    function = "<getUserPermissions><userId>{}</userId></getUserPermissions>"
    assert "'Steve' does not exist" in client.call(function.format("Steve")).said
    client.switch(denied="read:USERRIGHTS")
    assert "You do not have permission" in client.call(function.format(client.address["user_id"])).said
