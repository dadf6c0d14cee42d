"""Dimensions that the company has defined: sent by record id, read by name, checked before anything is sent."""

from collections.abc import Iterator
from typing import Any

import pytest

from revrec.intacct.client import XmlGateway
from revrec.intacct.credentials import Credentials
from revrec.intacct.errors import UnpostableEntry
from revrec.intacct.gateway import PostingOutcome
from revrec.intacct.reading import ReadPolicy
from revrec.sandbox.control.sandbox import Sandbox
from support import wire
from support.sandbox_client import SandboxClient, serving


@pytest.fixture(scope="module")
def served() -> Iterator[SandboxClient]:
    with serving(Sandbox(seed=11)) as client:
        yield client


@pytest.fixture
def company(served: SandboxClient) -> SandboxClient:
    """Return a company with the dimension Route and two routes, one of them twice."""
    served.admin("reset")
    served.switch(denied="")
    served.admin("dimensions", id="ROUTE", name="Route")
    for number, name in enumerate(("North", "South", "South")):
        served.admin("dimensionvalues", id=f"R{number}", name=name, parent="ROUTE")
    return served


@pytest.fixture
def gateway(company: SandboxClient) -> Iterator[XmlGateway]:
    names = ("sender_id", "sender_password", "company_id", "user_id", "user_password")
    address = company.sandbox.address
    credentials = Credentials(**{name: address[name] for name in names}, endpoint=address["url"])
    with XmlGateway(credentials, reads=ReadPolicy(1, 0.0)) as one:
        yield one


def entry(value: str, name: str = "route", reference: str = "RRABCDEFGH23456789") -> Any:
    lines = [wire.journal_line(number, dimensions={name: value}) for number in (1, 2)]
    return wire.journal_entry(*lines, reference=reference, control_id=f"revrec:udd:{reference.lower()}")


def test_the_record_id_is_sent_and_read_back_as_the_name(gateway: XmlGateway, company: SandboxClient) -> None:
    answer = gateway.post_entry(entry("North"))
    assert answer.outcome is PostingOutcome.POSTED, answer
    (posted,) = company.entries()
    north = company.admin("dimensionvalues", id="R0")["recordno"]
    assert {line["dimensions"]["GLDIMROUTE"] for line in posted["lines"]} == {str(north)}
    (found,) = gateway.with_lines(gateway.entries_numbered([answer.record_no]), ["route", "customer"])
    assert [line.dimensions["route"] for line in found.lines] == ["North", "North"]


def test_names_are_looked_up_once(gateway: XmlGateway, company: SandboxClient) -> None:
    gateway.prepare(entry("North"))
    before = company.look("state")["usage"]["reads"]
    gateway.prepare(entry("North", reference="RRABCDEFGH23456782"))
    assert company.look("state")["usage"]["reads"] == before


def test_a_record_id_is_sent_as_it_is(gateway: XmlGateway) -> None:
    assert b"<GLDIMROUTE>17</GLDIMROUTE>" in gateway.prepare(entry("17")).body


@pytest.mark.parametrize(
    ("value", "name", "said"),
    [
        ("West", "route", "dimension route: Intacct has no record named 'West'; create or rename it there"),
        ("South", "route", "Intacct has 2 records named 'South'"),
        ("North", "lane", "dimension lane: the company has no such dimension"),
    ],
)
def test_what_intacct_does_not_have_is_refused_before_it_is_sent(
    gateway: XmlGateway, company: SandboxClient, value: str, name: str, said: str
) -> None:
    with pytest.raises(UnpostableEntry, match=said):
        gateway.prepare(entry(value, name))
    assert company.entries() == []


def test_a_dimension_that_is_not_enabled_in_the_ledger_is_refused_and_not_read(
    gateway: XmlGateway, company: SandboxClient
) -> None:
    company.admin("dimensions", id="ROUTE", active=False)
    with pytest.raises(UnpostableEntry, match="has no such dimension in its general ledger"):
        gateway.prepare(entry("North"))
    assert list(gateway.with_lines([], ["route"])) == []


def test_a_user_who_may_not_list_dimensions_can_post(gateway: XmlGateway, company: SandboxClient) -> None:
    company.switch(denied="read:DIMENSIONS")
    assert gateway.post_entry(entry("North")).outcome is PostingOutcome.POSTED


def test_a_user_who_may_not_read_the_records_is_named_the_reason(gateway: XmlGateway, company: SandboxClient) -> None:
    company.switch(denied="read:ROUTE")
    with pytest.raises(UnpostableEntry, match=r"its records cannot be read: .*permission"):
        gateway.prepare(entry("North"))


def test_missing_values_are_named(gateway: XmlGateway) -> None:
    assert gateway.missing_values("route", ["North", "West", "17", ""]) == ["West"]


def test_the_sandbox_refuses_a_name_where_an_id_belongs(company: SandboxClient) -> None:
    line = "<GLENTRY><ACCOUNTNO>{}</ACCOUNTNO><TR_TYPE>{}</TR_TYPE><TRX_AMOUNT>1</TRX_AMOUNT>{}</GLENTRY>"
    for field, said in (
        ("<GLDIMROUTE>North</GLDIMROUTE>", "Invalid ROUTE 'North' specified."),
        ("<GLDIMLANE>1</GLDIMLANE>", "The field GLDIMLANE is not a field of GLENTRY."),
    ):
        lines = line.format("2400", "1", field) + line.format("4000", "-1", field)
        answer = company.create(company.glbatch(lines))
        assert answer.status == "failure" and said in answer.said
