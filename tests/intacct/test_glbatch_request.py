"""The request for a journal entry: what Intacct receives, and what is refused before it is sent."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from revrec.core.journal import JournalEntry
from revrec.core.posting_options import PostingOptions
from revrec.intacct.client import XmlGateway
from revrec.intacct.credentials import Credentials
from revrec.intacct.errors import UnpostableEntry
from revrec.intacct.glbatch import EntityCurrency, EntrySettings, create_glbatch, cut_to_length
from support import wire


def batch_of(entry: Any, settings: EntrySettings = EntrySettings(), comment: str = "") -> etree._Element:
    found = create_glbatch(entry, settings, comment).find("create/GLBATCH")
    assert found is not None
    return found


def texts(element: etree._Element) -> list[tuple[str, str]]:
    return [(child.tag, child.text or "") for child in element if not len(child)]


def test_a_glbatch_has_intacct_s_elements_in_their_order() -> None:
    batch = batch_of(wire.journal_entry(), comment="run 118")
    assert texts(batch) == [
        ("JOURNAL", "RR"),
        ("BATCH_DATE", "03/01/2025"),
        ("BATCH_TITLE", "Rev rec 2025-03-01 E100"),
        ("HISTORY_COMMENT", "run 118"),
        ("REFERENCENO", "RRABCDEFGH23456789"),
        ("STATE", "Posted"),
    ]
    lines = batch.findall("ENTRIES/GLENTRY")
    assert texts(lines[0]) == [
        ("DOCUMENT", "INV-1042/1"),
        ("ACCOUNTNO", "2400"),
        ("TR_TYPE", "1"),
        ("TRX_AMOUNT", "12.50"),
        ("CURRENCY", "USD"),
        ("CUSTOMERID", "C1007"),
        ("ITEMID", "FRT-OCEAN"),
        ("LOCATION", "E100"),
        ("DEPARTMENT", "OPS"),
        ("DESCRIPTION", "Ocean freight 1/12"),
    ]
    assert [lines[1].findtext(name) for name in ("ACCOUNTNO", "TR_TYPE", "TRX_AMOUNT")] == ["4000", "-1", "12.50"]


def test_the_envelope_asks_for_uniqueness_and_error_ids_and_no_transaction(
    gateway: XmlGateway, stub: wire.StubGateway
) -> None:
    stub.script = [wire.posted]
    gateway.post_entry(wire.journal_entry())
    request = etree.fromstring(stub.postings[0].encode())
    assert [(child.tag, child.text) for child in wire.find(stub.postings[0], "control")] == [
        ("senderid", "acme"),
        ("password", wire.SENDER_PASSWORD),
        ("controlid", "revrec:acme:d1:rrabcdefgh23456789"),
        ("uniqueid", "true"),
        ("dtdversion", "3.0"),
        ("includewhitespace", "false"),
        ("showadditionalerrorinfo", "true"),
    ]
    assert wire.find(stub.postings[0], "operation").get("transaction") == "false"
    assert request.findtext("operation/authentication/sessionid") == wire.SESSION_ID
    functions = request.findall("operation/content/function")
    assert [function.get("controlid") for function in functions] == ["revrec:acme:d1:rrabcdefgh23456789"]
    assert stub.headers[-1]["User-Agent"].startswith("revrec/")
    assert stub.headers[-1]["Accept-Encoding"] == "gzip, deflate"
    assert stub.headers[-1]["Content-Type"] == "application/xml"


@pytest.mark.parametrize(
    ("name", "element"),
    [
        ("location", "LOCATION"),
        ("department", "DEPARTMENT"),
        ("class", "CLASSID"),
        ("project", "PROJECTID"),
        ("contract", "CONTRACTID"),
        ("Location", "LOCATION"),
        ("route", "GLDIMROUTE"),
        ("lane_2", "GLDIMLANE_2"),
    ],
)
def test_a_dimension_is_sent_under_intacct_s_name(name: str, element: str) -> None:
    line = wire.journal_line(1, dimensions={name: "X1"})
    assert batch_of(wire.journal_entry(line, wire.journal_line(2))).findtext(f"ENTRIES/GLENTRY/{element}") == "X1"


def test_a_dimension_that_is_no_element_name_is_refused() -> None:
    line = wire.journal_line(1, dimensions={"a b><x": "1"})
    with pytest.raises(UnpostableEntry, match="rename it"):
        batch_of(wire.journal_entry(line, wire.journal_line(2)))


def test_lines_without_a_location_get_the_entity_s() -> None:
    bare = [wire.journal_line(number, dimensions={}) for number in (1, 2)]
    assert batch_of(wire.journal_entry(*bare)).findtext("ENTRIES/GLENTRY/LOCATION") == "E100"
    without = EntrySettings(entity_is_location=False)
    assert batch_of(wire.journal_entry(*bare), without).find("ENTRIES/GLENTRY/LOCATION") is None
    assert batch_of(wire.journal_entry(*bare, entity="")).find("ENTRIES/GLENTRY/LOCATION") is None


BETWEEN = EntrySettings(inter_entity=frozenset({"1900", "2900"}))
"""Settings of a company whose entries may be between entities."""


def between(*locations: str, **fields: Any) -> JournalEntry:
    """Return an entry whose lines are at these locations."""
    return wire.journal_entry(
        *(wire.journal_line(number, dimensions={"location": one}) for number, one in enumerate(locations, 1)), **fields
    )


def test_the_base_location_is_sent_only_with_an_entry_between_locations() -> None:
    assert batch_of(between("E100", "E100"), BETWEEN).find("BASELOCATION_NO") is None
    assert batch_of(between("E100", "200")).find("BASELOCATION_NO") is None
    assert batch_of(between("E100", "200"), BETWEEN).findtext("BASELOCATION_NO") == "E100"


def test_an_entry_between_locations_needs_an_entity() -> None:
    with pytest.raises(UnpostableEntry, match="its charge lines have no entity"):
        batch_of(between("E100", "200", entity=""), BETWEEN)


def test_a_rule_may_not_post_to_an_inter_entity_account() -> None:
    with pytest.raises(UnpostableEntry, match="account 2400 is for the lines that Intacct adds between entities"):
        batch_of(wire.journal_entry(), EntrySettings(inter_entity=frozenset({"2400"})))


EUROPE = EntrySettings(currencies={"200": EntityCurrency("EUR", "Intercompany")})


def test_a_currency_is_foreign_where_the_entity_has_another_base_currency() -> None:
    def rate_types(*locations: str) -> list[str | None]:
        batch = batch_of(between(*locations, entity="200"), EUROPE)
        return [line.findtext("EXCH_RATE_TYPE_ID") for line in batch.iter("GLENTRY")]

    assert rate_types("200", "200") == ["Intercompany", "Intercompany"]
    assert rate_types("E100", "E100") == [None, None], "what counts is the location of the line"


def test_an_entry_between_two_base_currencies_is_refused_with_rule_and_line() -> None:
    lines = between("100", "200", entity="100").lines
    entry = wire.journal_entry(*(line._replace(rule="services") for line in lines), entity="100")
    with pytest.raises(UnpostableEntry) as refused:
        batch_of(entry, EUROPE)
    assert "line 2 (charge " in str(refused.value) and "rule 'services')" in str(refused.value)
    assert "the base currency of 200 is EUR, and of the lines before it USD" in str(refused.value)


def test_attachment_and_custom_fields_are_sent() -> None:
    options = PostingOptions("ATT-7", (("RUN_TYPE", "rev rec"),))
    lines = [wire.journal_line(number)._replace(fields=(("SHIPMENT", "88<120"), ("NONE", ""))) for number in (1, 2)]
    batch = batch_of(wire.journal_entry(*lines)._replace(options=options))
    assert batch.findtext("SUPDOCID") == "ATT-7" and batch.findtext("RUN_TYPE") == "rev rec"
    assert [line.findtext("SHIPMENT") for line in batch.iter("GLENTRY")] == ["88<120"] * 2
    assert batch.find(".//NONE") is None


def test_dimensions_that_the_company_does_not_use_can_be_left_out() -> None:
    batch = batch_of(wire.journal_entry(), EntrySettings(omit=frozenset({"customer", "item"})))
    assert not batch.findall(".//CUSTOMERID") and not batch.findall(".//ITEMID") and batch.findall(".//LOCATION")


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (1250, "USD", "12.50"),
        (5, "USD", "0.05"),
        (1250, "JPY", "1250"),
        (1250, "KWD", "1.250"),
        (2**63 - 1, "USD", "92233720368547758.07"),
    ],
)
def test_amounts_have_exactly_the_currency_s_places(amount: int, currency: str, text: str) -> None:
    lines = [wire.journal_line(number, amount=amount, currency=currency) for number in (1, 2)]
    glentry = batch_of(wire.journal_entry(*lines, currency=currency)).find("ENTRIES/GLENTRY")
    assert glentry is not None and glentry.findtext("TRX_AMOUNT") == text
    assert glentry.findtext("EXCH_RATE_TYPE_ID") == (None if currency == "USD" else "Intacct Daily Rate")


@pytest.mark.parametrize(
    ("billed", "currency", "settings", "sent"),
    [
        (date(2024, 11, 5), "EUR", EntrySettings(), "11/05/2024"),
        (date(2025, 3, 9), "EUR", EntrySettings(), "03/01/2025"),
        (date(2024, 11, 5), "USD", EntrySettings(), None),
        (date(2024, 11, 5), "USD", EntrySettings(base_currency="EUR"), "11/05/2024"),
        (date(2024, 11, 5), "EUR", EntrySettings(rate_date="recognized"), None),
        (None, "EUR", EntrySettings(), None),
    ],
    ids=["historical", "billed later", "base", "another base", "by choice", "unknown"],
)
def test_deferred_revenue_is_moved_at_the_rate_of_the_day_it_was_billed(
    billed: date | None, currency: str, settings: EntrySettings, sent: str | None
) -> None:
    lines = [wire.journal_line(number, currency=currency, billed=billed) for number in (1, 2)]
    found = create_glbatch(wire.journal_entry(*lines, currency=currency), settings).findall(".//GLENTRY")
    assert [one.findtext("EXCH_RATE_DATE") for one in found] == [sent, sent]


def test_long_texts_are_cut_and_stay_distinct() -> None:
    documents = {
        batch_of(
            wire.journal_entry(wire.journal_line(1, charge=f"shop/{'9' * 40}/{n}"), wire.journal_line(2))
        ).findtext("ENTRIES/GLENTRY/DOCUMENT")
        for n in range(20)
    }
    assert len(documents) == 20 and {len(document or "") for document in documents} == {30}
    title = batch_of(wire.journal_entry(title="Rev rec 2025-03-31 E100 " + "x" * 200)).findtext("BATCH_TITLE") or ""
    assert len(title) == 80 and title.startswith("Rev rec 2025-03-31 E100 ")


@given(st.text(), st.integers(9, 500))
def test_cut_texts_fit(text: str, length: int) -> None:
    cut = cut_to_length(text, length)
    assert len(cut) <= length and (cut == text or len(text) > length)


@given(memo=st.text(st.characters(), max_size=40))
def test_any_text_makes_a_well_formed_request(memo: str) -> None:
    from revrec.core.journal import JournalEntry, JournalLine

    debit = JournalLine(1, "debit", "4000", 1, "USD", "a/b/c", 1, 1, 1, "b", memo, "", "", {})
    lines = (debit, debit._replace(line_no=2, side="credit"))
    import datetime

    entry = JournalEntry("RR1", "id", datetime.date(2025, 1, 31), "RR", "", "USD", memo, lines)
    with XmlGateway(Credentials("s", "p" * 20, "c", "u", "w" * 20)) as gateway:
        prepared = gateway.prepare(entry)
    back = etree.fromstring(prepared.redacted.encode()).findtext(".//DESCRIPTION") or ""
    legal = "".join(
        ch if ch in "\t\n\r" or "\x20" <= ch <= "\ud7ff" or "\ue000" <= ch <= "\ufffd" or ch > "\uffff" else "\ufffd"
        for ch in memo
    )
    assert back == (legal or "a/b/c")


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "one line": ({"lines": (wire.journal_line(1),)}, "1 line"),
    "no line": ({"lines": ()}, "0 line"),
    "unbalanced": ({"lines": (wire.journal_line(1), wire.journal_line(2, amount=1249))}, "0.01 USD"),
    "unbalanced by currency": (
        {"lines": (wire.journal_line(1), wire.journal_line(2, currency="EUR"))},
        "differ",
    ),
    "zero": ({"lines": (wire.journal_line(1, amount=0), wire.journal_line(2))}, "line 1"),
    "negative": ({"lines": (wire.journal_line(1, amount=-5), wire.journal_line(2))}, "line 1"),
    "a strange side": ({"lines": (wire.journal_line(1, side="left"), wire.journal_line(2))}, "line 1"),
    "no account": ({"lines": (wire.journal_line(1, account=""), wire.journal_line(2))}, "no account"),
    "no journal": ({"journal": ""}, "no journal"),
    "no control id": ({"control_id": ""}, "control id"),
    "control id too long": ({"control_id": "x" * 257}, "control id"),
    "control id with a line break": ({"control_id": "x\n"}, "control id"),
    "no reference": ({"reference": ""}, "reference"),
    "reference too long": ({"reference": "R" * 21}, "reference"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_intacct_must_refuse_is_refused_before(case: str, gateway: XmlGateway, stub: wire.StubGateway) -> None:
    changes, words = REFUSED[case]
    with pytest.raises(UnpostableEntry, match=words):
        gateway.prepare(wire.journal_entry()._replace(**changes))
    assert not stub.requests


def test_preparing_needs_no_network_and_is_the_same_each_time(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    assert gateway.prepare(wire.journal_entry()) == gateway.prepare(wire.journal_entry())
    assert not stub.requests


def test_the_stored_request_is_the_sent_one_without_its_secrets(gateway: XmlGateway, stub: wire.StubGateway) -> None:
    stub.script = [wire.posted]
    prepared = gateway.prepare(wire.journal_entry())
    gateway.send(prepared)
    sent = etree.fromstring(stub.postings[0].encode())
    for path in ("control/password", "operation/authentication/sessionid"):
        secret = sent.find(path)
        assert secret is not None
        secret.text = "***"
    assert etree.tostring(sent) == etree.tostring(etree.fromstring(prepared.redacted.encode()))
    assert prepared.body.decode() in stub.postings[0]
