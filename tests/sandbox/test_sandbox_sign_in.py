"""Behaviors 9 to 21: control, login, sessions."""

from datetime import datetime

import pytest

from revrec.sandbox.control.sandbox import Sandbox
from support.sandbox_client import SandboxClient, serving

QUERY = "<query><object>GLBATCH</object><select><field>RECORDNO</field></select></query>"
SIGN_IN = "Sign-in information is incorrect"


@pytest.mark.parametrize("part", ["senderid", "password", "controlid"])
def test_b9_control_needs_sender_password_and_control_id(client: SandboxClient, part: str) -> None:
    answer = client.call(QUERY, control=client.control(**{part: None}))
    assert answer.control == "failure"
    assert answer.errors[0][0] == "XL03000003"
    assert part in answer.errors[0][1]


def test_b9_a_control_id_has_at_most_256_characters(client: SandboxClient) -> None:
    assert client.call(QUERY, control=client.control(controlid="x" * 256)).control == "success"
    assert client.call(QUERY, control=client.control(controlid="x" * 257)).control == "failure"


@pytest.mark.parametrize("part", ["uniqueid", "includewhitespace", "dtdversion", "unheard_of"])
def test_b9_control_values_outside_the_schema_are_refused(client: SandboxClient, part: str) -> None:
    assert client.call(QUERY, control=client.control(**{part: "perhaps"})).errors[0][0] == "XL03000003"


def test_b9_an_unknown_transport_policy_is_refused(client: SandboxClient) -> None:
    answer = client.call(QUERY, control=client.control(policyid="mine"))
    assert answer.errors[0][0] == "XL03000006"
    assert answer.errors[0][1].startswith("mine is not a valid transport policy.")


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"senderid": "unknown"}, {"senderid": "REVREC_SENDER"}])
def test_b10_a_wrong_sender_is_a_control_failure_without_operation(
    client: SandboxClient, change: dict[str, str]
) -> None:
    answer = client.call(QUERY, control=client.control(**change))
    assert answer.control == "failure"
    assert answer.has("errormessage/error")
    assert not answer.has("operation")
    assert answer.errors[0][0] == "XL03000006"
    assert answer.errors[0][1].startswith("Incorrect Intacct XML Partner ID or password.")


def test_b11_a_sender_the_company_does_not_list_fails_at_authentication(client: SandboxClient) -> None:
    client.admin("senders", id="stranger", password="secret", authorized=False)
    answer = client.call(QUERY, control=client.control(senderid="stranger", password="secret"))
    assert (answer.control, answer.authentication) == ("success", "failure")
    assert answer.text("operation/errormessage/error/description") == "Invalid Web Services Authorization"
    assert "The sender ID 'stranger' is not authorized" in answer.said


@pytest.mark.parametrize(
    "change",
    [
        {"userid": "unknown"},
        {"password": "wrong"},
        {"companyid": "OTHER"},
        {"locationid": "900"},
        {"locationid": "100-NY"},
    ],
    ids=["user", "password", "company", "inactive entity", "location that is no entity"],
)
def test_b12_a_wrong_login_echoes_user_and_company(client: SandboxClient, change: dict[str, str]) -> None:
    answer = client.call(QUERY, authentication=client.login(**change))
    assert (answer.control, answer.authentication) == ("success", "failure")
    assert answer.text("operation/authentication/userid") == change.get("userid", client.address["user_id"])
    assert answer.text("operation/authentication/companyid") == change.get("companyid", client.address["company_id"])
    assert answer.errors[0][0] == "XL03000006"
    assert answer.errors[0][1].startswith(SIGN_IN)
    assert not answer.has("operation/result")


@pytest.mark.parametrize("location", [None, "", "100", "E100"])
def test_b12_a_login_names_its_entity_or_the_top_level(client: SandboxClient, location: str | None) -> None:
    answer = client.call(QUERY, authentication=client.login(locationid=location))
    assert answer.authentication == "success"
    assert answer.text("operation/authentication/locationid") == (location or "")


def test_b13_login_children_out_of_order_fail(client: SandboxClient) -> None:
    a = client.address
    login = (
        f"<login><userid>{a['user_id']}</userid><password>{a['user_password']}</password>"
        f"<companyid>{a['company_id']}</companyid></login>"
    )
    answer = client.call(QUERY, authentication=login)
    assert answer.authentication == "failure"
    assert answer.errors[0][1].startswith(SIGN_IN)


def test_b14_login_and_session_together_or_neither_break_the_schema(client: SandboxClient) -> None:
    both = client.login() + "<sessionid>x</sessionid>"
    for authentication in (both, "<other/>"):
        answer = client.call(QUERY, authentication=authentication)
        assert answer.control == "failure"
        assert answer.errors[0][0] == "XL03000003"
    assert client.post(client.document(QUERY).replace(client.login(), "")).errors[0][0] == "XL03000003"


def test_b15_the_user_is_locked_after_repeated_failures(client: SandboxClient) -> None:
    client.switch(lockout_after=3)
    for _ in range(3):
        client.call(QUERY, authentication=client.login(password="wrong"))
    assert client.call(QUERY).authentication == "failure"
    assert client.look("state")["locked_users"] == [client.address["user_id"]]
    client.admin("users/unlock")
    assert client.call(QUERY).authentication == "success"


def test_b15_a_right_password_in_between_starts_the_count_again(client: SandboxClient) -> None:
    client.switch(lockout_after=2)
    for _ in range(3):
        client.call(QUERY, authentication=client.login(password="wrong"))
        assert client.call(QUERY).authentication == "success"


def test_b15_without_a_limit_no_user_is_locked(client: SandboxClient) -> None:
    client.switch(lockout_after=0)
    for _ in range(12):
        client.call(QUERY, authentication=client.login(password="wrong"))
    assert client.call(QUERY).authentication == "success"


def test_b16_an_unknown_session_fails_with_empty_user_and_company(client: SandboxClient) -> None:
    _, endpoint = client.session()
    answer = client.in_session(("UNKNOWNSESSION", endpoint), QUERY)
    assert (answer.control, answer.authentication) == ("success", "failure")
    assert answer.text("operation/authentication/userid") == ""
    assert answer.text("operation/authentication/companyid") == ""
    assert answer.errors[0][0] == "XL03000006"
    assert answer.errors[0][1].startswith("Invalid session UNKNOW....")


def test_b16_a_session_expires_and_nothing_is_executed(client: SandboxClient) -> None:
    session = client.session()
    client.admin("clock", offset_seconds=2 * 3600 + 1)
    answer = client.in_session(session, f"<create>{client.glbatch()}</create>")
    assert answer.errors[0][1].startswith("Invalid session")
    assert client.entries() == []


def test_b17_every_call_extends_the_session(client: SandboxClient) -> None:
    session = client.session()
    for hours in (1.5, 3, 4.5):
        client.admin("clock", offset_seconds=hours * 3600)
        answer = client.in_session(session, QUERY)
        assert answer.authentication == "success"
    stamp = datetime.fromisoformat(answer.text("operation/authentication/sessiontimestamp"))
    end = datetime.fromisoformat(answer.text("operation/authentication/sessiontimeout"))
    assert (end - stamp).total_seconds() == 2 * 3600


def test_b18_get_api_session_must_be_the_only_function(client: SandboxClient) -> None:
    answer = client.call("<getAPISession/>", QUERY)
    assert answer.statuses == ["failure", "success"]
    client.switch(session_alone="allow")
    assert client.call("<getAPISession/>", QUERY).statuses == ["success", "success"]


def test_b19_the_session_endpoint_differs_from_the_login_endpoint(client: SandboxClient) -> None:
    session = client.session()
    assert session[1] != client.address["url"]
    assert client.in_session(session, QUERY).status == "success"


def test_b19_a_session_works_at_the_login_endpoint_too_or_not(client: SandboxClient) -> None:
    session = client.session()
    assert client.in_session((session[0], client.address["url"]), QUERY).status == "success"
    client.switch(session_endpoint="own")
    answer = client.in_session((session[0], client.address["url"]), QUERY)
    assert answer.errors[0][1].startswith("Invalid session")


def endpoint(client: SandboxClient, host: str) -> str:
    return client.call("<getAPISession/>", headers={"Host": host}).column("endpoint")[0]


@pytest.mark.parametrize("host", ["localhost:8099", "api.intacct.com", "[::1]:80"])
def test_b19_the_session_endpoint_is_at_the_host_that_was_asked(client: SandboxClient, host: str) -> None:
    assert endpoint(client, host) == f"http://{host}/ia/xml/na12/xmlgw.phtml"


@pytest.mark.parametrize("host", ["user@elsewhere.example", "a/b", "<x>"])
def test_b19_a_malformed_host_is_not_repeated(client: SandboxClient, host: str) -> None:
    assert endpoint(client, host) == client.session()[1]


def test_b19_the_session_endpoint_is_at_the_public_address_if_there_is_one() -> None:
    with serving(Sandbox(public_url="https://api.intacct.com/")) as client:
        assert client.session()[1] == "https://api.intacct.com/ia/xml/na12/xmlgw.phtml"


@pytest.mark.parametrize("url", ["api.intacct.com", "ftp://x", "https://x/y", "https://a@b"])
def test_b19_a_public_address_is_a_scheme_and_a_host(url: str) -> None:
    with pytest.raises(ValueError, match="is not a public address"):
        Sandbox(public_url=url)


def test_b19_a_login_is_refused_at_the_session_endpoint(client: SandboxClient) -> None:
    _, endpoint = client.session()
    assert client.call(QUERY, url=endpoint).authentication == "failure"
    client.switch(login_on_session_endpoint="allow")
    assert client.call(QUERY, url=endpoint).authentication == "success"


@pytest.mark.parametrize(("login", "asked", "got"), [("100", None, "100"), ("100", "", ""), (None, "E100", "E100")])
def test_b19_a_session_is_for_the_logins_level_an_entity_or_the_top(
    client: SandboxClient, login: str | None, asked: str | None, got: str
) -> None:
    inner = "" if asked is None else f"<locationid>{asked}</locationid>"
    answer = client.call(f"<getAPISession>{inner}</getAPISession>", authentication=client.login(locationid=login))
    assert answer.column("locationid") == [got]
    session = (answer.column("sessionid")[0], answer.column("endpoint")[0])
    assert client.in_session(session, QUERY).text("operation/authentication/locationid") == got


def test_b19_a_session_for_an_unknown_entity_is_refused(client: SandboxClient) -> None:
    assert client.call("<getAPISession><locationid>900</locationid></getAPISession>").status == "failure"


def test_b20_additional_error_information_comes_only_when_asked_for(client: SandboxClient) -> None:
    bad = client.glbatch(client.line("2400", "1", "2.00") + client.line("4000", "-1", "1.00"))
    assert not client.create(bad).has(".//additionalinfo")
    answer = client.create(bad, control=client.control(showadditionalerrorinfo="true"))
    error = "operation/result/errormessage/error/"
    assert answer.text(error + "additionalinfo/errorid") == "GL-1009"
    assert answer.text(error + "additionalinfo/cdescription/messageid") == "IA.TRANSACTIONS_DO_NOT_BALANCE_FOR"
    ids = [node.text for node in answer.root.iter("errorid")]
    assert ids == ["GL-1009", "GL-0951"]


def test_b21_a_refused_login_can_be_answered_with_http_401(client: SandboxClient) -> None:
    client.switch(login_refusal="http401")
    answer = client.call(QUERY, authentication=client.login(password="wrong"))
    assert answer.http.status_code == 401
    assert answer.control == "failure"
    assert answer.errors[0][0] == "XMLGW_JPP0002"
    assert answer.errors[0][1].startswith(SIGN_IN + ". Please check your request.")
