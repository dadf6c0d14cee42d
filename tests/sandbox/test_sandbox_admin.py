"""Behaviors 68 and 69, and the admin port."""

import io
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

import pytest
import requests

from revrec.sandbox.control.sandbox import Sandbox
from support.sandbox_client import SandboxClient, serving


def test_b68_the_log_names_function_control_id_and_outcome_and_no_secret(client: SandboxClient) -> None:
    lines: list[str] = []
    server = client.sandbox._gateway
    kept, server.log = server.log, lines.append
    try:
        session = client.session()
        client.in_session(session, client.function(f"<create>{client.glbatch()}</create>", "seen\nin log"))
        client.call("<getAPISession/>", authentication=client.login(password="wrong-password"))
        client.post("<request><control><password>half a secret</password>")
    finally:
        server.log = kept
    text = "\n".join(lines)
    assert "create 'seen in log' success" in text
    secrets = [client.address["sender_password"], client.address["user_password"], session[0], "wrong-password"]
    assert not [secret for secret in [*secrets, "half a secret", "Revenue March"] if secret in text]


def test_b68_a_refused_login_does_not_echo_its_password(client: SandboxClient) -> None:
    answer = client.call("<getAPISession/>", authentication=client.login(password="my-wrong-password"))
    assert "my-wrong-password" not in answer.http.text


def test_b69_the_same_seed_gives_the_same_numbers_and_orders(client: SandboxClient) -> None:
    def story(seed: int) -> list[str]:
        with serving(Sandbox(seed=seed)) as mine:
            found = [mine.create().record_no for _ in range(6)]
            query = "<query><object>GLBATCH</object><select><field>RECORDNO</field></select></query>"
            return found + mine.call(query).column("RECORDNO")

    assert story(3) == story(3)
    assert story(3) != story(4)


def test_b69_the_gateway_port_does_not_show_the_state(client: SandboxClient) -> None:
    base = client.address["url"].split("/ia/")[0]
    assert requests.get(base + "/state", timeout=60).status_code == 404


def test_the_state_counts_and_lists_switches(client: SandboxClient) -> None:
    client.create(client.glbatch(client.pair() * 2))
    state = client.look("state")
    assert state["counts"] == {"entries": 1, "posted": 1, "lines": 4, "control_ids": 1}
    assert state["switches"]["masters"] == "open"
    assert state["open_periods"] == {"first": "2000-01", "last": "2099-12"}


def test_entries_show_lines_and_can_be_chosen(client: SandboxClient) -> None:
    client.create(client.glbatch(REFERENCENO="A", JOURNAL="GJ"))
    client.create(client.glbatch(client.pair("7.00", CUSTOMERID="C1007", DOCUMENT="D1"), REFERENCENO="B"))
    found = client.look("entries?reference=B")
    assert found["total"] == 1
    entry = found["entries"][0]
    assert (entry["journal"], entry["date"], entry["title"], entry["state"]) == (
        "RR",
        "2025-03-31",
        "Revenue March",
        "Posted",
    )
    assert entry["lines"][0] == {
        "line_no": 1,
        "account": "2400",
        "type": 1,
        "currency": "USD",
        "amount": "7.00",
        "base_amount": "7.00",
        "document": "D1",
        "description": "Revenue March",
        "dimensions": {"LOCATION": "100", "CUSTOMERID": "C1007"},
        "custom": {},
    }
    assert client.look("entries?journal=GJ")["entries"][0]["reference"] == "A"


def test_the_page_shows_entries_escaped(client: SandboxClient) -> None:
    client.create(client.glbatch(BATCH_TITLE="&lt;script&gt;alert(1)&lt;/script&gt;"))
    page = requests.get(client.address["admin_url"], timeout=60)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "&lt;script&gt;alert(1)" in page.text
    assert "<script>" not in page.text
    assert "2400" in page.text


@pytest.mark.parametrize(("path", "kind"), [("accounts", "GLACCOUNT"), ("items", "ITEM"), ("classes", "CLASS")])
def test_master_data_is_added_and_made_inactive(client: SandboxClient, path: str, kind: str) -> None:
    client.admin(path, id="NEW-1", name="New one")
    assert client.sandbox.company.masters.active(kind, "NEW-1") is not None
    changed = client.admin(path, id="NEW-1", active=False)
    assert changed["name"] == "New one"
    assert client.sandbox.company.masters.active(kind, "NEW-1") is None


def test_a_new_account_can_be_posted_to(client: SandboxClient) -> None:
    client.admin("accounts", id="4500", name="Revenue - new", details={"requires": ["CUSTOMER"]})
    lines = client.line("2400", "1", "5.00") + client.line("4500", "-1", "5.00")
    assert "missing the Customer dimension for the Account 4500" in client.create(client.glbatch(lines)).said
    client.admin("accounts", id="4500", details={})
    assert client.create(client.glbatch(lines)).status == "success"


def test_an_entry_is_edited_manually(client: SandboxClient) -> None:
    number = int(client.create(client.glbatch(REFERENCENO="A")).record_no)
    lines = [{"line_no": at, "amount": "12.50"} for at in (1, 2)] + [{"line_no": 2, "account": "4010"}]
    client.admin("entries/edit", record_no=number, title="By hand", reference=None, date="2025-04-02", lines=lines)
    (entry,) = client.entries()
    assert (entry["title"], entry["reference"], entry["date"]) == ("By hand", None, "2025-04-02")
    assert client.balances() == {"2400": "12.50", "4010": "-12.50"}
    client.admin("entries/edit", record_no=number, state="Draft")
    assert client.balances() == {} and client.entries()[0]["state"] == "Draft"


def test_an_entry_is_deleted_and_reversed_manually(client: SandboxClient) -> None:
    first, second = (int(client.create(client.glbatch(REFERENCENO=name)).record_no) for name in "AB")
    client.admin("entries/delete", record_no=first)
    mirror = client.admin("entries/reverse", record_no=second, date="2025-04-01")["entries"][0]
    assert (mirror["reversed_from"], mirror["date"], mirror["batch_no"]) == (second, "2025-04-01", 3)
    fields = "<field>RECORDNO</field><field>REVERSED</field><field>REVERSEDKEY</field><field>REVERSEDFROM</field>"
    order = "<orderby><order><field>RECORDNO</field></order></orderby>"
    answer = client.call(f"<query><object>GLBATCH</object><select>{fields}</select>{order}</query>")
    rows = [[node.text or "" for node in row] for row in answer.data]
    assert rows == [
        [str(second), "true", str(mirror["record_no"]), ""],
        [str(mirror["record_no"]), "false", "", str(second)],
    ]
    assert set(client.balances().values()) == {"0.00"}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("entries/edit", {"record_no": 9}, "there is no entry 9"),
        ("entries/delete", {"record_no": 9}, "there is no entry 9"),
        ("entries/edit", {"lines": [{"line_no": 1, "amount": "1"}]}, "would be out of balance by -9.00 USD"),
        ("entries/edit", {"lines": [{"line_no": 3}]}, "has no line 3"),
        ("entries/edit", {"lines": [{"line_no": 1, "amount": "-1"}]}, "is not a positive amount"),
        ("entries/reverse", {"date": "soon"}, "soon"),
    ],
)
def test_an_impossible_manual_edit_is_rejected(
    client: SandboxClient, path: str, body: dict[str, Any], said: str
) -> None:
    number = client.create().record_no
    response = requests.post(client.address["admin_url"] + path, json={"record_no": number} | body, timeout=60)
    assert response.status_code == 400 and said in response.json()["error"]
    assert client.balances() == {"2400": "10.00", "4000": "-10.00"}


def test_reset_goes_back_to_the_seeded_company(client: SandboxClient) -> None:
    client.admin("periods/close", month="2025-03")
    client.create(client.glbatch(BATCH_DATE="04/01/2025"), control_id="again")
    client.admin("customers", id="NEW-1")
    client.admin("reset")
    assert client.look("state")["counts"] == {"entries": 0, "posted": 0, "lines": 0, "control_ids": 0}
    assert client.sandbox.company.masters.get("CUSTOMER", "NEW-1") is None
    assert client.create(control_id="again").status == "success"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("switch", {"no_such_switch": 1}),
        ("switch", {"masters": "perhaps"}),
        ("switch", {"approval": "perhaps"}),
        ("switch", {"lockout_after": "-1"}),
        ("periods/close", {"month": "March"}),
        ("periods/close", {}),
        ("clock", {"offset_seconds": "soon"}),
        ("customers", {"name": "without id"}),
        ("accounts", {"id": "1", "details": "x"}),
    ],
)
def test_a_wrong_change_is_refused_and_changes_nothing(client: SandboxClient, path: str, body: dict[str, Any]) -> None:
    before = client.look("state")
    response = requests.post(client.address["admin_url"] + path, json=body, timeout=60)
    assert response.status_code == 400
    assert response.json()["error"]
    after = client.look("state")
    assert (before["switches"], before["closed_through"]) == (after["switches"], after["closed_through"])


def test_a_web_page_cannot_change_the_sandbox(client: SandboxClient) -> None:
    url = client.address["admin_url"] + "reset"
    assert requests.post(url, data=b"{}", headers={"Content-Type": "text/plain"}, timeout=60).status_code == 415
    assert requests.post(url, json={}, headers={"Host": "evil.example:80"}, timeout=60).status_code == 403


def test_unknown_admin_paths_do_not_exist(client: SandboxClient) -> None:
    assert requests.get(client.address["admin_url"] + "nothing", timeout=60).status_code == 404
    assert requests.post(client.address["admin_url"] + "nothing", json={}, timeout=60).status_code == 404


def test_nothing_is_printed_by_a_sandbox_inside_a_process(client: SandboxClient) -> None:
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        client.create()
        client.look("state")
    assert (out.getvalue(), err.getvalue()) == ("", "")
