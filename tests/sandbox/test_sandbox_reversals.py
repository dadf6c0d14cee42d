"""Behavior 73: reversals of journal entries and receivables."""

from typing import Any

from support.sandbox_client import SandboxClient

INVOICE = (
    "<create_invoice><customerid>C1007</customerid>"
    "<datecreated><year>2025</year><month>03</month><day>12</day></datecreated><termname>Net 30</termname>"
    "<invoiceno>INV-9</invoiceno><invoiceitems><lineitem><glaccountno>4000</glaccountno><amount>25.00</amount>"
    "<locationid>100</locationid></lineitem></invoiceitems></create_invoice>"
)


def update(client: SandboxClient, key: str, **more: str) -> Any:
    return client.call(f"<update>{client.glbatch(RECORDNO=key, **more)}</update>")


def reverse(client: SandboxClient, key: str, day: str = "15") -> Any:
    date = f"<datereversed><year>2025</year><month>03</month><day>{day}</day></datereversed>"
    return client.call(f'<reverse_invoice key="{key}">{date}<description>Wrong</description></reverse_invoice>')


def test_b73_an_update_with_a_reversal_date_makes_the_reversal(client: SandboxClient) -> None:
    key = client.create().record_no
    assert update(client, key, REVERSEDATE="04/01/2025").status == "success"
    original, mirror = client.entries()
    assert (mirror["date"], mirror["reversed_from"]) == ("2025-04-01", original["record_no"])
    assert set(client.balances().values()) == {"0.00"}
    fields = "<field>REVERSEDATE</field><field>REVERSEDKEY</field>"
    answer = client.call(
        f"<query><object>GLBATCH</object><select>{fields}</select>"
        f"<filter><equalto><field>RECORDNO</field><value>{key}</value></equalto></filter></query>"
    )
    assert answer.column("REVERSEDATE") == ["04/01/2025"]
    assert answer.column("REVERSEDKEY") == [str(mirror["record_no"])]


def test_b73_an_entry_is_reversed_once(client: SandboxClient) -> None:
    key = client.create(client.glbatch(REVERSEDATE="04/01/2025")).record_no
    answer = update(client, key, REVERSEDATE="04/02/2025")
    assert answer.status == "failure" and "is reversed already" in answer.said
    assert len(client.entries()) == 2


def test_b73_an_entry_whose_reversal_is_deleted_can_be_reversed_again(client: SandboxClient) -> None:
    key = client.create(client.glbatch(REVERSEDATE="04/01/2025")).record_no
    mirror = client.entries()[1]["record_no"]
    client.call(f"<delete><object>GLBATCH</object><keys>{mirror}</keys></delete>")
    assert update(client, key, REVERSEDATE="04/02/2025").status == "success"


def test_b73_a_reversed_invoice_leaves_nothing_in_the_ledger(client: SandboxClient) -> None:
    key = client.call(INVOICE).text("operation/result/key")
    assert reverse(client, key).text("operation/result/key") == key
    assert set(client.balances().values()) == {"0.00"}
    read = f"<read><object>ARINVOICE</object><keys>{key}</keys><fields>STATE</fields></read>"
    assert client.call(read).column("STATE") == ["Reversed"]


def test_b73_an_invoice_is_reversed_once_and_not_before_it_is_posted(client: SandboxClient) -> None:
    key = client.call(INVOICE).text("operation/result/key")
    assert "must not be before the posting date" in reverse(client, key, "11").said
    reverse(client, key)
    assert "cannot be reversed (Reversed)" in reverse(client, key).said
    assert "'17' does not exist" in reverse(client, "17").said


def test_b73_a_reversal_in_a_closed_period_is_refused(client: SandboxClient) -> None:
    key = client.call(INVOICE).text("operation/result/key")
    client.admin("periods/close", entity="100", month="2025-03")
    assert "Periods are closed" in reverse(client, key).said
