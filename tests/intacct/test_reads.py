"""Reads from Intacct: entries by reference, balances, closed books, and reads that fail."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from lxml import etree

from revrec.intacct.client import XmlGateway
from revrec.intacct.credentials import Credentials
from revrec.intacct.errors import GatewayUnreachable, ReadRefused, SignInFailed
from revrec.intacct.gateway import ClaimOutcome, MasterKind
from revrec.intacct.reading import ID_FIELDS, IDS_PER_QUERY, ReadPolicy
from support import wire

BATCH = (
    "<GLBATCH><RECORDNO>{no}</RECORDNO><BATCHNO>17</BATCHNO><JOURNAL>RR</JOURNAL><BATCH_DATE>03/31/2025</BATCH_DATE>"
    "<BATCH_TITLE>Rev rec</BATCH_TITLE><REFERENCENO>RR1</REFERENCENO><STATE>Posted</STATE>"
    "<WHENCREATED>03/31/2025 06:00:00</WHENCREATED></GLBATCH>"
)
ENTRY = (
    "<GLENTRY><RECORDNO>{no}</RECORDNO><BATCHNO>{batch}</BATCHNO><LINE_NO>{no}</LINE_NO><TR_TYPE>{type}</TR_TYPE><ACCOUNTNO>2400</ACCOUNTNO>"
    "<TRX_AMOUNT>{amount}</TRX_AMOUNT><CURRENCY>{currency}</CURRENCY><DOCUMENT>INV-1/1</DOCUMENT></GLENTRY>"
)


def page(request: str, records: str, remaining: int = 0) -> Any:
    control_id = wire.control_id_in(request)
    data = f'<data listtype="X" numremaining="{remaining}">{records}</data>'
    return wire.Say(wire.answer(control_id, wire.result(control_id, data=data)))


def ledger(batches: list[str], entries: list[str], size: int = 1000) -> Any:
    """Answer queries page by page."""

    def say(request: str) -> Any:
        all_of_them = batches if "<object>GLBATCH</object>" in request else entries
        match = re.search(r"<offset>(\d+)</offset>", request)
        assert match
        offset = int(match[1])
        some = all_of_them[offset : offset + size]
        return page(request, "".join(some), max(0, len(all_of_them) - offset - size))

    return say


def line(no: int, side: str = "1", amount: str = "12.50", currency: str = "USD", batch: str = "") -> str:
    return ENTRY.format(no=no, type=side, amount=amount, currency=currency, batch=batch)


def test_an_entry_is_found_by_journal_and_reference_with_its_lines(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.script = [ledger([BATCH.format(no=6680)], [line(1), line(2, "-1")])]
    (found,) = gateway.find_entries("RR", "RR1")
    assert (found.record_no, found.batch_no, found.journal, found.reference) == ("6680", "17", "RR", "RR1")
    assert (found.date, found.state, found.total_debit) == (date(2025, 3, 31), "Posted", 1250)
    assert [(one.side, one.account, one.amount, one.document) for one in found.lines] == [
        ("debit", "2400", 1250, "INV-1/1"),
        ("credit", "2400", 1250, "INV-1/1"),
    ]


def test_the_query_has_two_conditions_an_order_and_private_records(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.script = [ledger([BATCH.format(no=6680)], [line(1)])]
    gateway.find_entries("RR", "RR<1>")
    first, second = (etree.fromstring(request.encode()) for request in stub.requests[1:])
    query = wire.find(stub.requests[1], ".//query")
    assert [(e.findtext("field"), e.findtext("value")) for e in query.findall("filter/and/equalto")] == [
        ("JOURNAL", "RR"),
        ("REFERENCENO", "RR<1>"),
    ]
    assert query.findtext("orderby/order/field") == "RECORDNO"
    assert query.find("orderby/order/ascending") is not None
    assert query.findtext("options/showprivate") == "true"
    assert second.findtext(".//filter/equalto/field") == "BATCHNO" and second.find(".//filter/and") is None
    assert second.findtext(".//filter/equalto/value") == "6680"
    assert first.findtext("control/uniqueid") == "false"


def test_all_pages_are_read(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    lines = [line(no, "1" if no % 2 else "-1", batch=batch) for no in range(25, 0, -1) for batch in "123"]
    stub.script = [ledger([BATCH.format(no=no) for no in (1, 2, 3)], lines, size=10)]
    found = gateway.find_entries("RR", "RR1")
    assert [one.record_no for one in found] == ["1", "2", "3"]
    assert [[line.line_no for line in one.lines] for one in found] == [list(range(1, 26))] * 3
    assert len(stub.requests) == 1 + 1 + 8, "a sign-in, one page of entries, eight of the lines of all of them"


def test_entries_of_days_are_read_page_after_page_by_record_number(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.script = [
        lambda request: page(request, "".join(BATCH.format(no=no) for no in (3, 8)), remaining=1),
        lambda request: page(request, BATCH.format(no=11)),
    ]
    found = list(gateway.entries_dated("RR", date(2025, 3, 1), date(2025, 3, 31)))
    assert [one.record_no for one in found] == ["3", "8", "11"]
    asked = [wire.find(request, ".//filter/and") for request in stub.requests[1:]]
    assert [
        [(one.tag, one.findtext("field"), one.findtext("value")) for one in conditions] for conditions in asked
    ] == [
        [
            ("equalto", "JOURNAL", "RR"),
            ("greaterthanorequalto", "BATCH_DATE", "03/01/2025"),
            ("lessthanorequalto", "BATCH_DATE", "03/31/2025"),
            ("greaterthan", "RECORDNO", last),
        ]
        for last in ("0", "8")
    ]


def test_repeated_pages_do_not_loop_forever(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.script = [lambda request: page(request, BATCH.format(no=0), remaining=1)]
    with pytest.raises(ReadRefused, match="did not end"):
        list(gateway.entries_since("RR", datetime(2025, 3, 1, tzinfo=UTC)))


def test_a_line_of_an_entry_that_was_not_asked_for_is_refused(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.script = [ledger([BATCH.format(no=1), BATCH.format(no=2)], [line(1, batch="7")])]
    with pytest.raises(ReadRefused, match="BATCHNO '7'"):
        gateway.find_entries("RR", "RR1")


def test_nothing_found_is_an_empty_list(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.script = [ledger([], [])]
    assert gateway.find_entries("RR", "RR1") == []


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.5", "USD", 1250),
        ("12", "USD", 1200),
        ("12.5000000", "USD", 1250),
        ("12", "JPY", 12),
        ("-12.50", "USD", 1250),
        ("", "USD", 0),
        ("12.50", "", 1250),
    ],
)
def test_amounts_come_back_in_minor_units(
    amount: str, currency: str, minor: int, gateway: XmlGateway, stub: wire.StubGateway
) -> None:
    stub.script = [ledger([BATCH.format(no=1)], [line(1, "1", amount, currency)])]
    (found,) = gateway.find_entries("RR", "RR1")
    assert found.lines[0].amount == minor


@pytest.mark.parametrize("amount", ["12.505", "twelve", "NaN", "Infinity", "1e400", "9" * 400])
def test_an_impossible_amount_is_refused_with_its_place(
    amount: str, gateway: XmlGateway, stub: wire.StubGateway
) -> None:
    stub.script = [ledger([BATCH.format(no=1)], [line(7, "1", amount)])]
    with pytest.raises(ReadRefused, match="GLENTRY 7"):
        gateway.find_entries("RR", "RR1")


def test_balances_are_signed_and_include_adjusting_journals(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    def say(request: str) -> Any:
        root = etree.fromstring(request.encode())
        results = ""
        for function in root.iter("function"):
            account = function.findtext(".//glaccountno")
            row = (
                f"<accountbalance><glaccountno>{account}</glaccountno><startbalance>-100.00</startbalance>"
                "<debits>10</debits><credits>0.5</credits><adjdebits>1</adjdebits><adjcredits></adjcredits>"
                "<endbalance>-89.50</endbalance></accountbalance>"
            )
            results += wire.result(function.get("controlid", ""), data=f"<data>{row}</data>")
        return wire.Say(wire.answer("x", results))

    stub.script = [say]
    balances = gateway.account_balances(["2400", "4000", "2400"], date(2025, 3, 1), date(2025, 3, 31), "E100")
    assert [(b.account, b.start, b.debits, b.credits, b.end, b.currency) for b in balances] == [
        ("2400", -10000, 1100, 50, -8950, "USD"),
        ("4000", -10000, 1100, 50, -8950, "USD"),
    ]
    element = wire.find(stub.requests[1], ".//get_accountbalances")
    assert [child.tag for child in element] == ["startdate", "enddate", "glaccountno", "locationid", "showzerobalances"]
    assert [part.text for part in wire.find(stub.requests[1], ".//startdate")] == ["2025", "03", "01"]
    assert len(stub.requests) == 2


def test_closed_books_are_asked_for_within_the_entity_s_own_session(
    gateway: XmlGateway, stub: wire.StubGateway
) -> None:
    row = "<closedbooksdate><year>2025</year><month>02</month><day>28</day></closedbooksdate>"
    stub.script = [lambda request: page(request, row)]
    assert gateway.closed_through("E200") == date(2025, 2, 28)
    assert "<locationid>E200</locationid>" in stub.requests[0]


@pytest.mark.parametrize("row", ["", "<closedbooksdate/>", "<closedbooksdate><year>x</year></closedbooksdate>"])
def test_closed_books_that_intacct_does_not_report_are_unknown(
    row: str, gateway: XmlGateway, stub: wire.StubGateway
) -> None:
    stub.script = [lambda request: page(request, row)]
    assert gateway.closed_through() is None
    stub.script = [wire.refused(wire.error("XL03000009", "", "Object definition closedbooks not found"))]
    assert gateway.closed_through() is None


PASSING: dict[str, wire.Script] = {
    "503": wire.Say("", 503),
    "drop": wire.Say(fault="drop"),
    "429": wire.Say("", 429, headers={"Retry-After": "7"}),
    "GW-0001": wire.Say(wire.control_failure(wire.error("GW-0001", "Invalid Request"))),
}


@pytest.mark.parametrize("case", PASSING)
def test_a_read_is_retried_after_a_temporary_failure(
    case: str, credentials: Credentials, stub: wire.StubGateway
) -> None:
    pauses: list[float] = []
    stub.script = [PASSING[case], PASSING[case], ledger([], [])]
    with XmlGateway(credentials, timeout=2, reads=ReadPolicy(3, 0.5, pauses.append)) as gateway:
        assert gateway.find_entries("RR", "RR1") == []
    assert pauses == ([7.0, 7.0] if case == "429" else [0.5, 1.0])


def test_a_read_that_never_gets_an_answer_says_so(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.script = [wire.Say("", 503)]
    with pytest.raises(GatewayUnreachable, match="503"):
        gateway.find_entries("RR", "RR1")
    assert len(stub.requests) == 4


def test_a_refused_read_is_not_retried(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.script = [wire.refused(wire.error("X", "You do not have permission for API operation query"))]
    with pytest.raises(ReadRefused, match=r"permission.*General Ledger"):
        gateway.find_entries("RR", "RR1")
    assert len(stub.requests) == 2


REFUSED_READS: dict[str, wire.Script] = {
    "X9 You do not have permission for API": wire.refused(wire.error("X9", "You do not have permission for API")),
    "XL03000003 XML Parse": wire.Say(wire.control_failure(wire.error("XL03000003", "", "XML Parse schema error"))),
    "ZZ1 Never heard of": wire.refused(wire.error("ZZ1", "", "Never heard of")),
    "BL01001973 Etwas anderes": wire.refused(wire.error("BL01001973", "", "Etwas anderes")),
    "BL03000018 Illegal format": wire.refused(wire.error("BL03000018", "", "Illegal format for x")),
    "DL02000001 There was an error": wire.refused(wire.error("DL02000001", "There was an error")),
    "Invalid fields list x": wire.refused(wire.error("Invalid fields list x")),
    "GW-0012 Not allowed": wire.Say(wire.control_failure(wire.error("GW-0012", "", "Not allowed"))),
    "GW-0011 Invalid Request": wire.Say(wire.control_failure(wire.error("GW-0011", "Invalid Request"))),
}


@pytest.mark.parametrize("said", REFUSED_READS)
def test_a_refused_read_names_intacct_s_error_and_gives_no_advice_about_postings(
    said: str, gateway: XmlGateway, stub: wire.StubGateway
) -> None:
    stub.script = [REFUSED_READS[said]]
    with pytest.raises((ReadRefused, SignInFailed)) as refused:
        gateway.find_entries("RR", "RR1")
    assert said in str(refused.value)
    assert not re.search(r"saved|the entry|charge line|trace|\bsend\b", str(refused.value)), refused.value


def test_a_refused_read_is_not_said_to_have_saved_an_entry(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.script = [wire.refused(wire.error("DL02000001", "Error processing the request"))]
    with pytest.raises(ReadRefused, match="A read changes nothing in Intacct") as caught:
        gateway.find_entries("RR", "RR1")
    assert "saved" not in str(caught.value)


def test_a_read_renews_its_session_once(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.script = [wire.invalid_session, ledger([], [])]
    assert gateway.find_entries("RR", "RR1") == []
    stub.script = [wire.invalid_session]
    with pytest.raises(SignInFailed):
        gateway.find_entries("RR", "RR1")


def test_reading_stops_after_too_many_pages(
    gateway: XmlGateway, stub: wire.StubGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("revrec.intacct.reading.PAGES_LIMIT", 5)
    stub.script = [lambda request: page(request, BATCH.format(no=1), remaining=1)]
    with pytest.raises(ReadRefused, match="did not end"):
        gateway.find_entries("RR", "RR1")


def master(kind: MasterKind, no: int, status: str = "active") -> str:
    key = ID_FIELDS[kind]
    return f"<{kind}><RECORDNO>{no}</RECORDNO><{key}>ID-{no}</{key}><STATUS>{status}</STATUS></{kind}>"


@pytest.mark.parametrize("kind", list(MasterKind))
def test_master_records_are_asked_for_by_their_ids(
    gateway: XmlGateway, stub: wire.StubGateway, kind: MasterKind
) -> None:
    stub.script = [lambda request: page(request, master(kind, 1) + master(kind, 2, "inactive"))]
    assert gateway.masters(kind, ["ID-1", "ID-2", "ID<3>", "", "ID-1"]) == {"ID-1": True, "ID-2": False}
    query = wire.find(stub.requests[-1], ".//query")
    assert query.findtext("object") == kind
    assert query.findtext("filter/in/field") == ID_FIELDS[kind]
    assert [one.text for one in query.findall("filter/in/value")] == ["ID-1", "ID-2", "ID<3>"]


def test_very_many_ids_are_asked_for_in_parts(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.script = [lambda request: page(request, "")]
    assert gateway.masters(MasterKind.ACCOUNT, [f"A{number}" for number in range(IDS_PER_QUERY * 2 + 1)]) == {}
    assert [request.count("<value>") for request in stub.requests[1:]] == [IDS_PER_QUERY, IDS_PER_QUERY, 1]


def test_without_ids_nothing_is_asked(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    assert gateway.masters(MasterKind.LOCATION, ["", ""]) == {} and stub.requests == []


def test_the_check_of_reading_runs_the_queries_of_recovery(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.script = [lambda request: page(request, "")]
    gateway.check_reading("RR")
    first, second, third = stub.requests[1:]
    assert "<object>GLBATCH</object>" in first and "<value>RR</value>" in first
    assert "<field>WHENCREATED</field><value>01/01/9000 00:00:00</value>" in second
    assert "<object>GLENTRY</object>" in third


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("", ClaimOutcome.WON),
        ("A successful transaction has already been recorded with the control id claim:1", ClaimOutcome.TAKEN),
        ("There is a concurrent request in process with the control id claim:1", ClaimOutcome.IN_PROCESS),
        ("Der Vorgang wurde bereits gebucht", ClaimOutcome.TAKEN),
    ],
)
def test_the_answer_to_a_claim(gateway: XmlGateway, stub: wire.StubGateway, text: str, outcome: ClaimOutcome) -> None:
    def say(request: str) -> Any:
        result = wire.result("claim:1", "failure", errors=wire.error("BL01", "", text)) if text else None
        return wire.Say(wire.answer(wire.control_id_in(request), result or wire.result("claim:1")))

    stub.script = [say]
    assert gateway.claim(["claim:1"]) == [outcome]
