"""Behaviors 74 and 75: attachments, and the legacy functions get and get_list, which read them and other records."""

import base64
from typing import Any

import pytest

from support.sandbox_client import SandboxAnswer, SandboxClient

DATA = base64.b64encode(b"signed contract").decode()


def file(name: str = "Contract", data: str = DATA) -> str:
    parts = {"attachmentname": name, "attachmenttype": "pdf", "attachmentdata": data}
    return f"<attachment>{''.join(f'<{tag}>{text}</{tag}>' for tag, text in parts.items())}</attachment>"


def create(client: SandboxClient, code: str = "A-1", folder: str = "Journal entries", files: str = "") -> SandboxAnswer:
    header = f"<supdocid>{code}</supdocid>" if code else ""
    header += f"<supdocname>Support</supdocname><supdocfoldername>{folder}</supdocfoldername>"
    return client.call(f"<create_supdoc>{header}<attachments>{files or file()}</attachments></create_supdoc>")


def get(client: SandboxClient, code: str = "A-1") -> Any:
    return client.call(f'<get object="supdoc" key="{code}"/>')


def test_b74_an_attachment_is_stored_with_its_files(client: SandboxClient) -> None:
    answer = create(client)
    assert answer.text("operation/result/key").isdecimal()
    found = get(client)
    assert found.column("supdocid") == ["A-1"] and found.column("folder") == ["Journal entries"]
    assert found.column("attachmentdata") == [DATA]
    assert found.column("createdby") == [client.address["user_id"]]


def test_b74_an_attachment_without_an_id_is_numbered(client: SandboxClient) -> None:
    create(client, code="")
    create(client, code="")
    assert client.call('<get_list object="supdoc"/>').column("supdocid") == ["ATT-00001", "ATT-00002"]


def test_b74_an_update_adds_files_and_changes_the_header(client: SandboxClient) -> None:
    create(client)
    files = f"<attachments>{file('Annex')}</attachments>"
    header = "<supdocid>A-1</supdocid><supdocdescription>Both</supdocdescription>"
    assert client.call(f"<update_supdoc>{header}{files}</update_supdoc>").status == "success"
    found = get(client)
    assert found.column("attachmentname") == ["Contract", "Annex"] and found.column("description") == ["Both"]


@pytest.mark.parametrize(
    ("code", "folder", "files", "said"),
    [
        ("A-1", "Journal entries", "", "A-1 already exists"),
        ("A-2", "Nowhere", "", "The attachment folder 'Nowhere' is invalid."),
        ("A-2", "Journal entries", file() + file(), "two files named 'Contract.pdf'"),
    ],
)
def test_b74_an_unusable_attachment_is_refused(
    client: SandboxClient, code: str, folder: str, files: str, said: str
) -> None:
    create(client)
    assert said in create(client, code, folder, files).said
    assert client.call('<get_list object="supdoc"/>').column("supdocid") == ["A-1"]


def test_b74_data_that_is_not_base64_breaks_the_schema(client: SandboxClient) -> None:
    assert create(client, files=file(data="a?")).errors[0][0] == "XL03000003"


def test_b74_folders_can_be_created(client: SandboxClient) -> None:
    folder = (
        "<supdocfoldername>Bills</supdocfoldername><supdocfolderdescription>Bills of vendors</supdocfolderdescription>"
    )
    assert client.call(f"<create_supdocfolder>{folder}</create_supdocfolder>").status == "success"
    assert "Bills already exists" in client.call(f"<create_supdocfolder>{folder}</create_supdocfolder>").said
    assert create(client, folder="Bills").status == "success"
    assert client.call('<get_list object="supdocfolder"/>').column("supdocfoldername") == ["Bills", "Journal entries"]


def test_b74_a_deleted_attachment_is_gone(client: SandboxClient) -> None:
    create(client)
    assert client.call('<delete_supdoc key="A-1"/>').status == "success"
    assert "'A-1' does not exist" in get(client).said
    assert "The attachment 'A-1' is invalid." in client.call('<delete_supdoc key="A-1"/>').said


def test_b74_an_entry_refers_to_an_attachment_that_exists(client: SandboxClient) -> None:
    assert "The attachment 'A-1' is invalid." in client.create(client.glbatch(SUPDOCID="A-1")).said
    create(client)
    key = client.create(client.glbatch(SUPDOCID="A-1")).record_no
    assert client.call(f"<read><object>GLBATCH</object><keys>{key}</keys></read>").column("SUPDOCID") == ["A-1"]


def test_b74_an_update_attaches_to_an_entry(client: SandboxClient) -> None:
    create(client)
    key = client.create().record_no
    client.call(f"<update>{client.glbatch(RECORDNO=key, SUPDOCID='A-1')}</update>")
    assert client.call(f"<read><object>GLBATCH</object><keys>{key}</keys></read>").column("SUPDOCID") == ["A-1"]


def test_b74_attachments_need_permissions(client: SandboxClient) -> None:
    client.switch(denied="create:SUPDOC")
    assert "You do not have permission" in create(client).said


def listed(client: SandboxClient, inner: str = "", **attributes: str) -> SandboxAnswer:
    words = " ".join(f'{name}="{text}"' for name, text in attributes.items())
    return client.call(f"<get_list {words}>{inner}</get_list>")


def expression(field: str, operator: str, value: str) -> str:
    return f"<expression><field>{field}</field><operator>{operator}</operator><value>{value}</value></expression>"


def test_b75_a_page_of_a_list_names_its_place_in_the_whole_list(client: SandboxClient) -> None:
    answer = listed(client, object="department", start="1", maxitems="2")
    node = answer.root.find("operation/result/listtype")
    assert node is not None
    assert node.text == "department"
    assert [node.get(name) for name in ("start", "end", "total")] == ["1", "2", "7"]
    assert answer.column("departmentid") == ["300", "ENG"]
    assert answer.column("title") == ["Freight", "Engineering"]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (expression("departmentid", "=", "ENG"), ["ENG"]),
        (expression("title", "like", "%ing"), ["200", "ENG", "MKT"]),
        (expression("title", "like", "S_les"), ["SALES"]),
        (expression("title", "like", "*"), []),
        (expression("status", "!=", "active"), ["GONE"]),
        (expression("departmentid", "&lt;", "300"), ["200"]),
        (expression("parentid", "is null", ""), ["200", "300", "ENG", "GONE", "MKT", "OPS", "SALES"]),
        (
            f'<logical logical_operator="or">{expression("departmentid", "=", "OPS")}'
            f'<logical logical_operator="and">{expression("title", "like", "%ing")}'
            f"{expression('departmentid', '>=', 'F')}</logical></logical>",
            ["MKT", "OPS"],
        ),
    ],
)
def test_b75_lists_are_filtered(client: SandboxClient, condition: str, found: list[str]) -> None:
    assert listed(client, f"<filter>{condition}</filter>", object="department").column("departmentid") == found


def test_b75_lists_are_sorted_and_show_the_chosen_fields(client: SandboxClient) -> None:
    inner = '<sorts><sortfield order="desc">customerid</sortfield></sorts><fields><field>customerid</field></fields>'
    answer = listed(client, inner, object="customer")
    assert answer.column("customerid") == ["C1008", "C1007"]
    assert answer.column("name") == []


@pytest.mark.parametrize(
    "body",
    [
        "<get_list/>",
        '<get_list object="customer" maxitems="0"/>',
        '<get_list object="customer"><order/></get_list>',
        f'<get_list object="customer"><filter>{expression("name", "~", "x")}</filter></get_list>',
        f'<get_list object="item"><filter><logical>{expression("name", "=", "x") * 2}</logical></filter></get_list>',
        '<get object="customer"/>',
        '<get key="C1007"/>',
    ],
)
def test_b75_a_malformed_list_breaks_the_schema(client: SandboxClient, body: str) -> None:
    assert client.call(body).errors[0][0] == "XL03000003"


def test_b75_an_unknown_object_cannot_be_listed(client: SandboxClient) -> None:
    assert "Object definition nothing not found" in listed(client, object="nothing").said
    assert "Object definition nothing not found" in client.call('<get object="nothing" key="1"/>').said


def test_b75_lists_exist_in_dtdversion_2_1(client: SandboxClient) -> None:
    body = '<get object="glaccount" key="2400"><fields><field>title</field></fields></get>'
    answer = client.call(body, control=client.control(dtdversion="2.1"))
    assert answer.column("title") == ["Deferred Revenue"] and answer.column("status") == []
