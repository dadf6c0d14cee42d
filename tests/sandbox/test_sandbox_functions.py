"""Behaviors 22 to 37: functions, transactions, control ids."""

import threading
from typing import Any

import pytest
import requests

from support.sandbox_client import SandboxClient

QUERY = "<query><object>GLBATCH</object><select><field>RECORDNO</field></select></query>"
ALREADY = "A successful transaction has already been recorded with the control id "
ROLLED_BACK = ("XL03000009", "The entire transaction in this operation has been rolled back due to an error.")


def create(client: SandboxClient, control_id: str | None = None, **more: str) -> str:
    return client.function(f"<create>{client.glbatch(**more)}</create>", control_id)


@pytest.mark.parametrize("function", [f"<function>{QUERY}</function>", "<function controlid='a'/>", "<other/>"])
def test_b22_a_function_without_control_id_or_body_breaks_the_schema(client: SandboxClient, function: str) -> None:
    answer = client.post(client.document(function))
    assert answer.control == "failure"
    assert answer.errors[0][0] == "XL03000003"


@pytest.mark.parametrize("length", [0, 257])
def test_b22_a_function_control_id_has_1_to_256_characters(client: SandboxClient, length: int) -> None:
    answer = client.post(client.document(f'<function controlid="{"x" * length}">{QUERY}</function>'))
    assert answer.errors[0][0] == "XL03000003"


def test_b23_an_unknown_function_fails_alone(client: SandboxClient) -> None:
    answer = client.call("<make_money/>", QUERY)
    assert answer.statuses == ["failure", "success"]
    assert "make_money" in answer.said


def test_b23_generic_functions_do_not_exist_in_dtdversion_2_1(client: SandboxClient) -> None:
    assert client.call(QUERY, control=client.control(dtdversion="2.1")).status == "failure"
    assert client.call("<getAPISession/>", control=client.control(dtdversion="2.1")).status == "success"


def test_b24_each_function_gets_one_result_with_its_control_id(client: SandboxClient) -> None:
    answer = client.call(create(client, "one"), client.function(QUERY, "two"), create(client, "three"))
    found = [(node.findtext("controlid"), node.findtext("function")) for node in answer.root.iter("result")]
    assert found == [("one", "create"), ("two", "query"), ("three", "create")]


def test_b25_without_transaction_the_others_survive_a_failure(client: SandboxClient) -> None:
    answer = client.call(create(client), create(client, JOURNAL="NONE"), create(client))
    assert answer.statuses == ["success", "failure", "success"]
    assert len(client.entries()) == 2


def test_b26_with_transaction_everything_is_rolled_back(client: SandboxClient) -> None:
    answer = client.call(create(client), create(client, JOURNAL="NONE"), create(client), transaction="true")
    assert answer.statuses == ["aborted", "failure", "aborted"]
    assert client.entries() == []
    results = list(answer.root.iter("result"))
    assert [len(result.findall(".//error")) for result in results] == [1, 3, 1]
    assert results[0].findtext(".//errorno") == results[1].findall(".//errorno")[-1].text == ROLLED_BACK[0]


def test_b26_the_failing_function_may_also_be_aborted(client: SandboxClient) -> None:
    client.switch(aborting_status="aborted")
    answer = client.call(create(client), create(client, JOURNAL="NONE"), transaction="true")
    assert answer.statuses == ["aborted", "aborted"]


def test_b26_a_transaction_of_one_function_is_aborted(client: SandboxClient) -> None:
    answer = client.call(create(client, JOURNAL="NONE"), transaction="true")
    assert answer.statuses == ["aborted"]
    assert answer.errors[-1] == ROLLED_BACK


def test_b26_a_transaction_that_succeeds_keeps_everything(client: SandboxClient) -> None:
    assert client.call(create(client), create(client), transaction="true").statuses == ["success", "success"]
    assert len(client.entries()) == 2


def test_b27_a_create_of_several_objects_can_succeed_in_part(client: SandboxClient) -> None:
    answer = client.create(client.glbatch(), client.glbatch(JOURNAL="NONE"), client.glbatch())
    assert answer.status == "failure"
    assert answer.data.get("count") == "2"
    assert [int(number) for number in answer.column("RECORDNO")] == [e["record_no"] for e in client.entries()]


def test_b28_control_ids_are_checked_when_uniqueid_is_left_out(client: SandboxClient) -> None:
    control = client.control(uniqueid=None)
    answer = client.call(create(client, "b28"), control=control)
    assert answer.text("control/uniqueid") == "true"
    assert client.call(create(client, "b28"), control=control).status == "failure"


def test_b29_repeat_of_a_succeeded_control_id_is_refused(client: SandboxClient) -> None:
    assert client.call(create(client, "b29")).status == "success"
    answer = client.call(create(client, "b29"))
    assert answer.status == "failure"
    assert answer.errors[0][0] == "SIM-DUPLICATE-CONTROLID"
    assert answer.errors[0][1].startswith(ALREADY + "b29")
    assert not answer.has("operation/result/data")
    assert not answer.has("operation/result/key")
    assert len(client.entries()) == 1


def test_b29_the_errorno_of_a_refused_repeat_is_a_switch(client: SandboxClient) -> None:
    client.switch(duplicate_errorno="BL01001973")
    client.call(create(client, "b29"))
    assert client.call(create(client, "b29")).errors[0][0] == "BL01001973"


def test_b29_reads_and_logins_use_up_their_control_ids_too(client: SandboxClient) -> None:
    for body in (QUERY, "<getAPISession/>"):
        control_id = client.fresh_id()
        assert client.call(client.function(body, control_id)).status == "success"
        assert client.call(client.function(body, control_id)).status == "failure"


def test_b29_the_case_of_a_control_id_counts_or_not(client: SandboxClient) -> None:
    assert client.create(control_id="Case").status == "success"
    assert client.create(control_id="case").status == "success"
    client.switch(control_id_case="ignored")
    assert "already been recorded" in client.create(control_id="CASE").said
    assert len(client.entries()) == 2


def test_b22_a_control_id_beyond_256_characters_may_be_cut(client: SandboxClient) -> None:
    client.switch(control_id_length="cut")
    assert client.create(control_id="x" * 256 + "one").status == "success"
    assert "already been recorded" in client.create(control_id="x" * 256 + "other").said


def test_b30_repeat_of_a_failed_control_id_is_executed(client: SandboxClient) -> None:
    assert client.call(create(client, "b30", JOURNAL="NONE")).status == "failure"
    assert client.call(create(client, "b30")).status == "success"


def test_b31_repeat_of_a_rolled_back_control_id_is_executed(client: SandboxClient) -> None:
    client.call(create(client, "b31"), create(client, JOURNAL="NONE"), transaction="true")
    assert client.call(create(client, "b31")).status == "success"
    assert len(client.entries()) == 1


def test_b32_without_uniqueid_nothing_is_checked_and_nothing_remembered(client: SandboxClient) -> None:
    off = client.control(uniqueid="false")
    assert client.call(create(client, "b32"), control=off).status == "success"
    assert client.call(create(client, "b32"), control=off).status == "success"
    assert client.call(create(client, "b32")).status == "success"
    assert client.call(create(client, "b32"), control=off).status == "success"
    assert len(client.entries()) == 4


def test_b32_ids_used_without_uniqueid_may_be_remembered(client: SandboxClient) -> None:
    client.switch(remember_nonunique=True)
    client.call(create(client, "b32"), control=client.control(uniqueid="false"))
    assert client.call(create(client, "b32")).status == "failure"


def test_b33_the_control_id_element_may_repeat(client: SandboxClient) -> None:
    control = client.control(controlid="always-the-same")
    assert client.call(create(client), control=control).status == "success"
    assert client.call(create(client), control=control).status == "success"


def test_b34_the_same_id_in_flight_is_a_concurrent_request(client: SandboxClient) -> None:
    client.switch(function_delay_ms=250)
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(client.call(create(client, "b34")))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status for answer in answers) == ["failure", "failure", "failure", "success"]
    refusals = [answer.said for answer in answers if answer.status == "failure"]
    assert all("concurrent request in process" in text for text in refusals)
    assert len(client.entries()) == 1


def test_b34_many_at_once_post_exactly_once(client: SandboxClient) -> None:
    results: list[str] = []

    def attempt() -> None:
        body = client.document(create(client, "b34-race")).encode()
        results.append(requests.post(client.address["url"], data=body, timeout=10).text)

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum("<RECORDNO>" in text for text in results) == 1
    assert len(client.entries()) == 1


def test_b35_the_same_id_twice_in_one_request_refuses_the_second(client: SandboxClient) -> None:
    answer = client.call(create(client, "b35"), create(client, "b35"))
    assert answer.statuses == ["success", "failure"]
    assert ALREADY in answer.said
    assert len(client.entries()) == 1


def test_b35_twice_in_one_transaction_rolls_both_back(client: SandboxClient) -> None:
    answer = client.call(create(client, "b35"), create(client, "b35"), transaction="true")
    assert answer.statuses == ["aborted", "failure"]
    assert ALREADY in answer.said
    assert client.entries() == []


def test_b36_another_senders_id_is_another_id(client: SandboxClient) -> None:
    client.admin("senders", id="second", password="secret")
    assert client.call(create(client, "b36")).status == "success"
    other = client.control(senderid="second", password="secret")
    assert client.call(create(client, "b36"), control=other).status == "success"
    assert client.call(create(client, "b36"), control=other).status == "failure"


def test_b36_the_company_may_be_part_of_the_key(client: SandboxClient) -> None:
    ids = client.sandbox.company.control_ids
    assert ids.scope("sender", "A") == ids.scope("sender", "B")
    client.switch(control_id_scope="company")
    assert ids.scope("sender", "A") != ids.scope("sender", "B")
    assert client.call(create(client, "b36")).status == "success"
    assert client.call(create(client, "b36")).status == "failure"


def test_b37_a_lost_answer_can_be_found_by_its_reference(client: SandboxClient) -> None:
    function = create(client, "b37", REFERENCENO="RR-B37")
    with pytest.raises(requests.ConnectionError):
        client.call(function, headers={"X-Sandbox-Fault": "drop@after"})
    repeat = client.call(function)
    assert repeat.status == "failure"
    assert ALREADY in repeat.said
    found = client.call(
        "<query><object>GLBATCH</object><select><field>RECORDNO</field></select><filter><and>"
        "<equalto><field>JOURNAL</field><value>RR</value></equalto>"
        "<equalto><field>REFERENCENO</field><value>RR-B37</value></equalto></and></filter></query>"
    )
    assert found.data.get("totalcount") == "1"
    assert [int(number) for number in found.column("RECORDNO")] == [entry["record_no"] for entry in client.entries()]


def test_b37_a_request_dropped_before_the_commit_leaves_no_trace(client: SandboxClient) -> None:
    function = create(client, "b37")
    with pytest.raises(requests.ConnectionError):
        client.call(function, headers={"X-Sandbox-Fault": "drop@before"})
    assert client.call(function).status == "success"
    assert len(client.entries()) == 1


def test_b38_a_new_entry_can_stay_invisible_for_some_reads(client: SandboxClient) -> None:
    client.switch(visibility_reads=2)
    client.create()
    assert [client.call(QUERY).data.get("count") for _ in range(3)] == ["0", "0", "1"]


def test_b38_a_new_entry_can_stay_invisible_for_some_seconds(client: SandboxClient) -> None:
    client.switch(visibility_seconds=30)
    client.create()
    assert client.call(QUERY).data.get("count") == "0"
    client.admin("clock", offset_seconds=31)
    assert client.call(QUERY).data.get("count") == "1"


def test_b66_a_user_without_the_permission_is_rejected(client: SandboxClient) -> None:
    client.switch(denied="create:GLBATCH, read:GLENTRY")
    assert "You do not have permission for API" in client.create().said
    assert client.call(QUERY).status == "success"
    assert client.call(QUERY.replace("GLBATCH", "GLENTRY")).status == "failure"


def test_b67_the_service_can_be_offline(client: SandboxClient) -> None:
    client.switch(offline=True)
    assert "The Service is Temporarily Off-line" in client.create().said


def test_b67_a_create_can_fail_without_a_reason(client: SandboxClient) -> None:
    client.switch(random_failures=1)
    answer = client.create()
    correction = answer.text("operation/result/errormessage/error/correction")
    assert correction == "Check the transaction for errors or inconsistencies, then try again."
    assert client.create().status == "success"


def test_b70_transactions_are_counted_as_intacct_counts_them(client: SandboxClient) -> None:
    before = client.look("state")["usage"]
    client.create(client.glbatch(client.pair() * 50))
    client.call(QUERY)
    after = client.look("state")["usage"]
    assert after["records_written"] - before["records_written"] == 1
    assert after["reads"] - before["reads"] == 1
